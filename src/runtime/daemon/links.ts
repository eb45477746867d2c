import type { LinkWatcher } from "../../broker/link.ts";
import type { LinkStatus, Transport } from "../../broker/transport.ts";
import type { Config } from "../../config/config.ts";
import type { Outbox } from "../../journal/outbox.ts";
import type { Clock, Random } from "../../message/clock.ts";
import { StewardError } from "../../message/errors.ts";
import type { State } from "../../message/lifecycle.ts";
import type { Ack, SendingTime } from "../../message/wire/frame.ts";
import type { BriefHello, Hello } from "../../methods/hello.ts";
import type { Failures } from "../../observe/alerting/failures.ts";
import type { Announcer } from "../../observe/announce.ts";
import type { Counters } from "../../observe/metrics/counters.ts";
import type { Logger } from "../../platform/logger.ts";
import type { AnswerWatcher } from "../deliver/acks.ts";
import type { Publishers } from "../deliver/publishers.ts";
import type { Deadlines } from "../execute/deadlines.ts";
import { Clones, type NameKeeper } from "../fleet/clones.ts";
import type { Evidence } from "../fleet/evidence.ts";
import { Flapping } from "../fleet/flapping.ts";
import type { Fleet, NodeWatcher } from "../fleet/fleet.ts";
import type { NodeChange } from "../fleet/known-node.ts";
import type { Presence } from "../fleet/presence.ts";
import { WholeHellos } from "../fleet/whole-hellos.ts";
import type { Jobs } from "../jobs/jobs.ts";
import type { Repair } from "../resync/compare-ask.ts";
import type { JournalIdentities } from "../resync/journal-identities.ts";
import type { JournalLosses } from "../resync/journal-losses.ts";
import type { Vouching } from "../resync/vouch-ask.ts";

export interface LinksOptions {
  readonly config: () => Config;
  readonly transport: Pick<Transport, "status">;
  readonly fleet: Pick<
    Fleet,
    "size" | "link" | "heldBack" | "hold" | "ownLink" | "alive" | "isPast" | "accept" | "isAnew" | "hello" | "bye"
  >;
  readonly publishers: Pick<Publishers, "pause" | "resumeAfter" | "again" | "receivers">;
  readonly presence: Pick<Presence, "begin" | "tell" | "end">;
  readonly deadlines: Pick<Deadlines, "heard">;
  readonly repair: Pick<Repair, "begin" | "forget" | "look">;
  readonly vouching: Pick<Vouching, "linked" | "back" | "end">;
  readonly identities: Pick<JournalIdentities, "end">;
  readonly jobs: Pick<Jobs, "linkChanged">;
  readonly losses: Pick<JournalLosses, "heard">;
  readonly journal: { readonly outbox: Pick<Outbox, "openCount" | "openOn" | "stateOf"> };
  readonly announce: Pick<Announcer, "watched" | "tell">;
  readonly failures: Pick<Failures, "report" | "over">;
  readonly counters: Pick<Counters, "received">;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/**
 * The broker and the nodes come and go: this class alone decides what follows from each sign of that.
 *
 *   broker   there: hellos begin, lanes go on, open questions are asked    gone: all lanes wait
 *   node     heard: its lanes go on, records of our commands are compared    silent, or bye: its lanes wait
 *   name     two nodes have it: its lanes wait until one of them is gone
 */
export class Links implements LinkWatcher, NodeWatcher, Evidence, AnswerWatcher, NameKeeper {
  readonly #options: LinksOptions;
  readonly #flapping: Flapping;
  readonly #clones: Clones;
  readonly #hellos = new WholeHellos();
  /** The last proved sign of life; a hello is handled in the same turn. */
  #last = { node: "", age: 0 };

  constructor(options: LinksOptions) {
    const { clock, failures } = options;
    this.#options = options;
    this.#flapping = new Flapping({ clock, failures });
    this.#clones = new Clones({ clock, names: this });
  }

  end(): void {
    this.#flapping.end();
    this.#options.identities.end();
    this.#options.vouching.end();
  }

  linkChanged(status: LinkStatus): void {
    const { fleet, presence, publishers, repair, vouching } = this.#options;
    const isUp = status.state === "connected";
    vouching.linked(isUp);
    this.#flapping.ownLink(isUp, "fault" in status ? status.fault : undefined);
    if (isUp) {
      repair.begin();
      fleet.ownLink(true);
      presence.begin();
      for (const node of publishers.receivers()) this.#resume(node, "the broker is back");
    } else {
      presence.end();
      // Before the first attempt has ended the link is unknown: a restart alone makes no node late.
      if (status.state !== "connecting" || status.fault !== undefined) fleet.ownLink(false);
      publishers.pause(undefined, "no broker");
    }
  }

  permissionsChanged(): void {
    if (this.#options.transport.status().state === "connected") this.#options.presence.tell();
  }

  alive(node: string, bytes: number, time: SendingTime, cause: string, epoch?: string): number {
    const { deadlines, counters, losses, fleet } = this.#options;
    const underWay = deadlines.heard(node, time);
    counters.received(node, bytes);
    if (epoch !== undefined && fleet.heldBack(node) === undefined) losses.heard(node, epoch);
    const age = ageOf(time, underWay);
    this.#last = { node, age };
    fleet.alive(node, cause, epoch, age);
    fleet.accept(node);
    return underWay;
  }

  isOutdated(node: string, time: SendingTime, underWay: number): boolean {
    return this.#options.fleet.isPast(node, ageOf(time, underWay));
  }

  /** The ACK of a hello says of central what a hello says of other nodes. */
  acknowledged({ node, receiverEpoch: epoch, receiverLife: life, sentAt, uptime, upTo }: Ack, bytes: number): void {
    const { node: self, central, hello: every } = this.#options.config();
    if (node === central && node !== self && upTo === 0) this.#clones.hello(node, { epoch, now: sentAt, every });
    this.alive(node, bytes, { sentAt, life, uptime }, "an ACK", epoch);
  }

  refused(node: string): void {
    this.#options.fleet.alive(node, "a refusal");
  }

  /** A brief hello without a whole one before it counts as a sign of life alone: its node says a whole one next. */
  hello(origin: string, said: Hello | BriefHello, saidAt: number): void {
    const hello = this.#hellos.completed(origin, said, saidAt);
    if (hello === undefined) return;
    const { fleet, repair, publishers, losses, config } = this.#options;
    this.#clones.hello(origin, hello);
    losses.heard(origin, hello.epoch);
    if (origin === config().node) return;
    // Two nodes with one name speak in turn, which is no return of a node: neither is believed.
    if (fleet.heldBack(origin) !== undefined) return;
    const anew = fleet.isAnew(origin, hello);
    if (anew) repair.forget(origin);
    fleet.hello(origin, hello, this.#last.node === origin ? this.#last.age : 0);
    if (anew) publishers.again(origin);
    repair.look(origin);
  }

  bye(origin: string, reason: string): void {
    this.#options.fleet.bye(origin, `bye: ${reason}`);
  }

  hold(name: string, why: string): void {
    const { fleet, publishers, failures, config } = this.#options;
    const { code, message } = new StewardError("node-cloned", { why });
    fleet.hold(name, why);
    if (name !== config().node) publishers.pause(name, why);
    failures.report(code, message, `${code} ${name}`);
  }

  release(name: string, text: string): void {
    const { fleet, failures, log } = this.#options;
    fleet.hold(name, undefined);
    log.warn({ node: name }, text);
    failures.over("node-cloned", text, `node-cloned ${name}`);
    this.#resume(name, text);
  }

  nodeChanged(change: NodeChange): void {
    const { name, region, from, to, cause } = change;
    const { repair, vouching, publishers, transport } = this.#options;
    this.#flapping.changed(change, transport.status().state !== "connected");
    if (region === "session" && to === "resyncing") repair.look(name);
    if (region !== "link") return;
    this.#options.jobs.linkChanged();
    if (to === "offline") {
      publishers.pause(name, `${name} is offline`);
      this.#tellOpenCommands(name, "unknown", cause);
    }
    if (from === "offline") this.#tellOpenCommands(name, undefined, cause);
    if (to !== "online") return;
    vouching.back(name);
    this.#resume(name, `${name} is back`);
  }

  /** Tells the log and the watchers that the state of a node's open commands is unknown, or known again. */
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

  /** The lanes of nodes go on at random times, so that a fleet that comes back together gets no burst. */
  #resume(node: string, cause: string): void {
    const { random, fleet, publishers } = this.#options;
    publishers.resumeAfter(random.next() * Math.min(2000, fleet.size * 2), node, cause);
  }
}

/** Without `uptime` a delay cannot be told from a wall clock that went back. */
function ageOf({ uptime }: SendingTime, underWay: number): number {
  return uptime === undefined ? 0 : underWay;
}
