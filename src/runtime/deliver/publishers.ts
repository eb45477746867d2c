import type { Supervisor } from "../../actors/supervisor/supervisor.ts";
import type { Config } from "../../config/config.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Clock, Timer } from "../../message/clock.ts";
import type { StuckLane } from "../../message/standstill.ts";
import { receiverOf } from "../../message/subject.ts";
import type { Ack } from "../../message/wire/frame.ts";
import type { FrameRefusal } from "../../message/wire/frame-refusal.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { HoldWatcher, Maintenance } from "../fleet/maintenance.ts";
import { Pace } from "./flow/pace.ts";
import { Window } from "./flow/window.ts";
import { LinkTo } from "./link-to.ts";
import type { DeliverParts } from "./options.ts";
import { type LaneView, Publisher } from "./publisher.ts";

export interface PublishersOptions {
  readonly config: () => Config;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly fleet: Pick<Fleet, "halted" | "linkName">;
  readonly maintenance: Pick<Maintenance, "halts">;
}

/** The way to one node. */
interface Way {
  readonly link: LinkTo;
  readonly pace: Pace;
  readonly window: Window;
}

/** Lanes that wait for no other one: what stops and controls, and the answers to it. */
const URGENT = /\.(command|event)\.(cancel|process)\./;
/** How long a publisher may take to stop, ms. */
const SHUTDOWN = 5000;

/**
 * The publishers of this node, one for each subject that it sends on. A publisher is started, under supervision, when its
 * subject is first used or when the journal holds messages for it.
 */
export class Publishers implements HoldWatcher {
  readonly #running = new Map<string, Publisher>();
  /** The publishers that run, by the node that they send to. */
  readonly #sendingTo = new Map<string, Set<Publisher>>();
  /** The ways to nodes, each shared by all lanes to its node. */
  readonly #ways = new Map<string, Way>();
  readonly #resuming = new Set<Timer>();
  /** Lanes whose publisher asks the receiver for an ACK as soon as it runs. */
  readonly #asking = new Set<string>();
  readonly #options: PublishersOptions;
  #parts: DeliverParts | undefined;
  #supervisor: Supervisor | undefined;

  constructor(options: PublishersOptions) {
    this.#options = options;
  }

  /** Sets the parts of all publishers, later than the constructor: some of the parts send messages through this class. */
  equip(parts: DeliverParts): void {
    this.#parts = parts;
  }

  /** Sets the supervisor of all publishers, and starts those of lanes with waiting messages. */
  superviseBy(supervisor: Supervisor): void {
    this.#supervisor = supervisor;
    for (const { subject, acked, next } of this.#options.journal.outbox.lanes.values())
      if (acked < next - 1) this.#ensure(subject);
  }

  wake(subject: string, deadline: number): void {
    const publisher = this.#running.get(subject);
    if (publisher !== undefined) publisher.wake(deadline);
    else this.#ensure(subject);
  }

  /** Asks the receiver of a lane how much of it its present journal has. */
  ask(subject: string): void {
    this.#asking.add(subject);
    const publisher = this.#running.get(subject);
    if (publisher === undefined) this.#ensure(subject);
    else this.#askBy(publisher, subject);
  }

  #askBy(publisher: Publisher, subject: string): void {
    if (this.#asking.delete(subject)) publisher.ask();
  }

  /** The lanes to a node wait, or those to all others: the lanes of this node to itself need nobody. */
  pause(node: string | undefined, cause: string): void {
    const self = this.#options.config().node;
    for (const [receiver, publishers] of this.#sendingTo)
      if (node === undefined ? receiver !== self : receiver === node)
        for (const publisher of publishers) publisher.pause(cause);
  }

  resumeAfter(ms: number, node: string, cause: string): void {
    const timer = this.#options.clock.setTimeout(() => {
      this.#resuming.delete(timer);
      this.#resume(node, cause);
    }, ms);
    this.#resuming.add(timer);
  }

  /** Ends the timers that would resume publishers. */
  end(): void {
    for (const timer of this.#resuming) this.#options.clock.clearTimeout(timer);
    this.#resuming.clear();
  }

  #resume(node: string, cause: string): void {
    if (this.#options.fleet.halted(node) !== undefined) return;
    for (const publisher of this.#sendingTo.get(node) ?? []) {
      const held = this.#options.maintenance.halts(publisher.subject);
      if (held !== undefined) {
        publisher.pause(held);
        continue;
      }
      publisher.heardAgain();
      publisher.resume(cause);
    }
  }

  /** The lanes to a node wait, but for those of steward itself. Frames on the way may still arrive. */
  held(node: string, why: string): void {
    for (const publisher of this.#sendingTo.get(node) ?? [])
      if (this.#options.maintenance.halts(publisher.subject) !== undefined) publisher.pause(why);
  }

  released(node: string, why: string): void {
    this.#resume(node, why);
  }

  /** Sends the unacknowledged messages to a node again: its daemon or its journal is another one than before. */
  again(node: string): void {
    for (const publisher of this.#sendingTo.get(node) ?? []) publisher.again();
  }

  /** The receivers of all running publishers. */
  receivers(): Set<string> {
    return new Set(this.#sendingTo.keys());
  }

  answered(subject: string, ack: Ack): void {
    this.#running.get(subject)?.answered(ack);
  }

  refused(subject: string, first: number, refusal: FrameRefusal): void {
    this.#running.get(subject)?.refused(first, refusal);
  }

  sealAgain(subject: string, first: number): void {
    this.#running.get(subject)?.sealAgain(first);
  }

  unheard(subject: string, first: number): void {
    this.#running.get(subject)?.unheard(first);
  }

  get(subject: string): Publisher | undefined {
    return this.#running.get(subject);
  }

  /** Views of all lanes, or of those to one node. */
  *lanes(node?: string): Iterable<LaneView> {
    const { outbox } = this.#options.journal;
    for (const { subject, next, acked } of node === undefined ? outbox.lanes.values() : outbox.lanesTo(node)) {
      const publisher = this.#running.get(subject);
      if (publisher !== undefined) yield publisher.view();
      else if (acked < next - 1)
        yield {
          subject,
          waiting: next - 1 - acked,
          bytes: outbox.waiting(subject).bytes,
          inFlight: 0,
          oldestCreatedAt: null,
          nextDeliverBy: null,
          reason: "its publisher does not run",
        };
    }
  }

  /** Bytes a second that the line to a node carried of late; `undefined`: it was never full. */
  rate(node: string): number | undefined {
    return this.#ways.get(node)?.pace.rate;
  }

  /** Lanes that are stuck, the longest first; at most so many. */
  stuck(most: number): StuckLane[] {
    const found: StuckLane[] = [];
    for (const [subject, publisher] of this.#running) {
      const { stuck } = publisher;
      if (stuck !== undefined) found.push({ subject, ...stuck });
    }
    return found.sort((a, b) => a.since - b.since).slice(0, most);
  }

  #ensure(subject: string): void {
    const supervisor = this.#supervisor;
    if (supervisor === undefined || supervisor.child(`publisher ${subject}`) !== undefined) return;
    supervisor
      .addChild({
        id: `publisher ${subject}`,
        restart: "permanent",
        shutdown: SHUTDOWN,
        backoff: this.#options.config().supervision.backoff,
        start: async () => this.#start(subject),
      })
      // The daemon is stopping: the lane begins again with the next daemon.
      .catch(() => undefined);
  }

  #wayTo(node: string): Way {
    let way = this.#ways.get(node);
    if (way === undefined) {
      const link = new LinkTo(node, this.#options.config, this.#options.fleet);
      const pace = new Pace();
      way = { link, pace, window: new Window(() => pace.bytes(link.profile.windowBytes)) };
      this.#ways.set(node, way);
    }
    return way;
  }

  #start(subject: string): Publisher {
    const lane = this.#options.journal.outbox.lanes.get(subject);
    if (lane === undefined) throw new Error(`there is no lane ${subject}`);
    const node = receiverOf(subject);
    const parts = this.#parts;
    if (parts === undefined) throw new Error("the publishers are not equipped");
    const urgent = URGENT.test(subject);
    const publisher = new Publisher(parts, { ...this.#wayTo(node), subject, urgent }, lane);
    this.#running.set(subject, publisher);
    const beside = this.#sendingTo.get(node) ?? new Set();
    this.#sendingTo.set(node, beside.add(publisher));
    void publisher.ended.then(() => {
      if (this.#running.get(subject) === publisher) this.#running.delete(subject);
      beside.delete(publisher);
      if (beside.size === 0 && this.#sendingTo.get(node) === beside) this.#sendingTo.delete(node);
    });
    const halted = this.#options.fleet.halted(node) ?? this.#options.maintenance.halts(subject);
    if (halted !== undefined) publisher.startPaused(halted);
    else if (lane.acked < lane.next - 1) publisher.wake(Number.POSITIVE_INFINITY);
    this.#askBy(publisher, subject);
    return publisher;
  }
}
