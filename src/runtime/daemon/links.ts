import type { LinkStatus, Transport } from "../../broker/transport.ts";
import type { Config } from "../../config/config.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Clock, Random } from "../../message/clock.ts";
import { StewardError } from "../../message/errors.ts";
import type { State } from "../../message/lifecycle.ts";
import { asLane } from "../../message/standstill.ts";
import { receiverOf } from "../../message/subject.ts";
import type { Ack } from "../../message/wire/frame.ts";
import type { FrameRefusal } from "../../message/wire/frame-refusal.ts";
import { type BriefHello, type Hello, LONGEST_REASON, MOST_STUCK } from "../../methods/hello.ts";
import type { Failures } from "../../observe/alerts.ts";
import type { Announcer } from "../../observe/announce.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Publishers } from "../deliver/publishers.ts";
import { Clones } from "../fleet/clones.ts";
import { Flapping } from "../fleet/flapping.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { NodeChange } from "../fleet/known-node.ts";
import type { Presence } from "../fleet/presence.ts";
import { WholeHellos } from "../fleet/whole-hellos.ts";
import type { WaitingProcess } from "../operate/operations.ts";
import type { Repair } from "../resync/compare-ask.ts";
import type { JournalLosses } from "../resync/journal-losses.ts";
import type { Vouching } from "../resync/vouch-ask.ts";

/** What a hello says of lanes and processes that stand still: the worst few. */
export function stuckOf(
  publishers: Pick<Publishers, "stuck">,
  waiting: readonly WaitingProcess[],
): Pick<Hello, "stuck"> {
  const stuck = [...publishers.stuck(MOST_STUCK), ...waiting.map(asLane)]
    .sort((a, b) => a.since - b.since)
    .slice(0, MOST_STUCK)
    .map(({ subject, since, reason }) => ({ subject, since, reason: reason.slice(0, LONGEST_REASON) }));
  return stuck.length === 0 ? {} : { stuck };
}

/** Holds what is to be sent, and lets it go, as the broker and the nodes come and go. */
export interface TrafficOptions {
  readonly config: () => Config;
  readonly transport: Transport;
  readonly fleet: Fleet;
  readonly publishers: Publishers;
  readonly presence: Presence;
  readonly repair: Repair;
  readonly vouching: Vouching;
  readonly journal: Journal;
  readonly announce: Announcer;
  readonly failures: Failures;
  readonly losses: JournalLosses;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export class Traffic {
  readonly #options: TrafficOptions;
  readonly #flapping: Flapping;
  readonly #clones: Clones;
  readonly #hellos = new WholeHellos();

  constructor(options: TrafficOptions) {
    const { clock, fleet, publishers, failures, log } = options;
    this.#options = options;
    this.#flapping = new Flapping({ clock, report: (code, text, same) => failures.report(code, text, same) });
    this.#clones = new Clones({
      clock,
      held: (name, why) => {
        const { code, message } = new StewardError("node-cloned", { why });
        fleet.hold(name, why);
        if (name !== options.config().node) publishers.pause(name, why);
        failures.report(code, message, `${code} ${name}`);
      },
      released: (name, text) => {
        fleet.hold(name, undefined);
        log.warn({ node: name }, text);
        failures.over("node-cloned", text, `node-cloned ${name}`);
        this.#resume(name, text);
      },
    });
  }

  end(): void {
    this.#flapping.end();
    this.#options.vouching.end();
  }

  linkChanged(status: LinkStatus): void {
    const { fleet, presence, publishers, repair, vouching } = this.#options;
    vouching.linked(status.state === "connected");
    this.#flapping.ownLink(status.state === "connected", "fault" in status ? status.fault : undefined);
    if (status.state === "connected") {
      repair.begin();
      fleet.ownLink(true);
      presence.begin();
      for (const node of publishers.receivers()) this.#resume(node, "the broker is back");
    } else {
      presence.end();
      // Before the first attempt has ended nothing is known: a restart alone makes nobody late.
      if (status.state !== "connecting" || status.fault !== undefined) fleet.ownLink(false);
      publishers.pause(undefined, "no broker");
    }
  }

  /** A node that refuses a frame is there, and says why its lane does not move. */
  refused(subject: string, first: number, refusal: FrameRefusal): void {
    const { fleet, publishers } = this.#options;
    const { node } = refusal;
    if (node !== receiverOf(subject) || !fleet.has(node)) return;
    fleet.alive(node, "a refusal");
    publishers.refused(subject, first, refusal);
  }

  /** A brief hello that nobody can complete is a sign of life, and no more: its node says the whole one next. */
  hello(origin: string, said: Hello | BriefHello, saidAt: number): void {
    const hello = this.#hellos.completed(origin, said, saidAt);
    if (hello === undefined) return;
    const { fleet, repair, publishers, losses, config } = this.#options;
    this.#clones.hello(origin, hello);
    losses.heard(origin, hello.epoch);
    if (origin === config().node) return;
    // Of two nodes with one name neither is believed: it is not a node that came back each time.
    if (fleet.heldBack(origin) !== undefined) return;
    const anew = fleet.isAnew(origin, hello);
    if (anew) repair.forget(origin);
    fleet.hello(origin, hello);
    if (anew) publishers.again(origin);
    repair.look(origin);
  }

  /** An ACK of a hello tells of central what a hello tells of others. */
  acknowledged({ node, receiverEpoch: epoch, sentAt: now, upTo }: Ack): void {
    const { node: self, central, hello: every } = this.#options.config();
    if (node === central && node !== self && upTo === 0) this.#clones.hello(node, { epoch, now, every });
  }

  nodeChanged(change: NodeChange): void {
    const { name, region, from, to, cause } = change;
    const { repair, vouching, publishers, transport } = this.#options;
    this.#flapping.changed(change, transport.status().state !== "connected");
    if (region === "session" && to === "resyncing") repair.look(name);
    if (region !== "link") return;
    if (to === "offline") {
      publishers.pause(name, `${name} is offline`);
      this.#tellOpenCommands(name, "unknown", cause);
    }
    if (from === "offline") this.#tellOpenCommands(name, undefined, cause);
    if (to === "online") vouching.back(name);
    if (to === "online") this.#resume(name, `${name} is back`);
  }

  /** Tells the log and those who watch what the loss or return of a node means for the commands that it has. */
  #tellOpenCommands(node: string, state: State | undefined, cause: string): void {
    const { journal, announce, config, log } = this.#options;
    const { outbox } = journal;
    const commands = outbox.openCount(node);
    if (commands > 0) {
      const text =
        state === "unknown" ? "what became of its commands is unknown" : "its commands are no longer unknown";
      log.warn({ node, commands, cause }, `${node}: ${text}`);
    }
    if (!announce.watched) return;
    for (const { lane, record } of outbox.openOn(node))
      announce.tell(record, state ?? outbox.stateOf(lane, record), config().node, cause);
  }

  /** Spread over nodes, so that a fleet that comes back together is not answered in one burst. */
  #resume(node: string, cause: string): void {
    const { clock, random, fleet, publishers } = this.#options;
    publishers.resumeAfter(random.next() * Math.min(2000, fleet.size * 2), clock, node, cause);
  }
}
