import type { ChildSpec } from "../../actors/supervisor/spec.ts";
import type { Supervisor } from "../../actors/supervisor/supervisor.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Clock, Timer } from "../../message/clock.ts";
import type { StuckLane } from "../../message/standstill.ts";
import { receiverOf } from "../../message/subject.ts";
import type { Ack } from "../../message/wire/frame.ts";
import type { FrameRefusal } from "../../message/wire/frame-refusal.ts";
import type { LaneView } from "./lane-view.ts";
import type { DeliverOptions } from "./options.ts";
import { Publisher } from "./publisher.ts";
import { Window } from "./window.ts";

/**
 * The publishers of this node, one for each subject that it sends on. One is made, under supervision, when its subject
 * is first used or when the journal still holds something for it.
 */
export class Publishers {
  readonly #running = new Map<string, Publisher>();
  /** The publishers that run, by the node that they send to. */
  readonly #sendingTo = new Map<string, Set<Publisher>>();
  readonly #windows = new Map<string, Window>();
  readonly #resuming = new Set<Timer>();
  /** Lanes of which the receiver is to be asked once their publisher runs. */
  readonly #asking = new Set<string>();
  readonly #journal: Journal;
  readonly #make: (subject: string, window: Window) => DeliverOptions;
  readonly #windowBytes: (node: string) => number;
  readonly #spec: Omit<ChildSpec, "id" | "start">;
  /** Why nothing may be sent to a node now; `undefined`: it may. */
  readonly #halted: (node: string) => string | undefined;
  #supervisor: Supervisor | undefined;

  constructor(options: {
    journal: Journal;
    /** Bytes that may be on the way to a node at once. */
    windowBytes: (node: string) => number;
    spec: Omit<ChildSpec, "id" | "start">;
    make: (subject: string, window: Window) => DeliverOptions;
    halted: (node: string) => string | undefined;
  }) {
    this.#journal = options.journal;
    this.#windowBytes = options.windowBytes;
    this.#spec = options.spec;
    this.#make = options.make;
    this.#halted = options.halted;
  }

  /** From now on publishers run under this supervisor; those that have work begin. */
  superviseBy(supervisor: Supervisor): void {
    this.#supervisor = supervisor;
    for (const { subject, acked, next } of this.#journal.outbox.lanes.values())
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

  pause(node: string | undefined, cause: string): void {
    const publishers = node === undefined ? this.#running.values() : (this.#sendingTo.get(node) ?? []);
    for (const publisher of publishers) publisher.pause(cause);
  }

  resumeAfter(ms: number, clock: Clock, node: string, cause: string): void {
    const timer = clock.setTimeout(() => {
      this.#resuming.delete(timer);
      this.#resume(node, cause);
    }, ms);
    this.#resuming.add(timer);
  }

  /** No publisher is resumed any more. */
  end(clock: Clock): void {
    for (const timer of this.#resuming) clock.clearTimeout(timer);
    this.#resuming.clear();
  }

  #resume(node: string, cause: string): void {
    if (this.#halted(node) !== undefined) return;
    for (const publisher of this.#sendingTo.get(node) ?? []) {
      publisher.heardAgain();
      publisher.resume(cause);
    }
  }

  /** This node's daemon or journal is another one than before. */
  again(node: string): void {
    for (const publisher of this.#sendingTo.get(node) ?? []) publisher.again();
  }

  /** The nodes that something is or was sent to. */
  receivers(): Set<string> {
    return new Set(this.#sendingTo.keys());
  }

  answered(subject: string, ack: Ack): void {
    this.#running.get(subject)?.answered(ack);
  }

  refused(subject: string, first: number, refusal: FrameRefusal): void {
    this.#running.get(subject)?.refused(first, refusal);
  }

  unheard(subject: string, first: number): void {
    this.#running.get(subject)?.unheard(first);
  }

  get(subject: string): Publisher | undefined {
    return this.#running.get(subject);
  }

  /** Every lane that this node ever sent on. */
  *lanes(): Iterable<LaneView> {
    for (const { subject, next, acked } of this.#journal.outbox.lanes.values()) {
      const publisher = this.#running.get(subject);
      if (publisher !== undefined) yield publisher.view();
      else if (acked < next - 1)
        yield {
          subject,
          waiting: next - 1 - acked,
          inFlight: 0,
          oldest: null,
          nextDeadline: null,
          reason: "its publisher does not run",
        };
    }
  }

  /** Lanes that stand still though their nodes are there, the longest first; at most so many. */
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
      .addChild({ ...this.#spec, id: `publisher ${subject}`, start: async () => this.#start(subject) })
      // The daemon is stopping: the lane begins again with the next daemon.
      .catch(() => undefined);
  }

  #start(subject: string): Publisher {
    const lane = this.#journal.outbox.lanes.get(subject);
    if (lane === undefined) throw new Error(`there is no lane ${subject}`);
    const node = receiverOf(subject);
    let window = this.#windows.get(node);
    if (window === undefined) {
      window = new Window(() => this.#windowBytes(node));
      this.#windows.set(node, window);
    }
    const publisher = new Publisher(this.#make(subject, window), lane);
    this.#running.set(subject, publisher);
    const beside = this.#sendingTo.get(node) ?? new Set();
    this.#sendingTo.set(node, beside.add(publisher));
    void publisher.ended.then(() => {
      if (this.#running.get(subject) === publisher) this.#running.delete(subject);
      beside.delete(publisher);
      if (beside.size === 0 && this.#sendingTo.get(node) === beside) this.#sendingTo.delete(node);
    });
    const halted = this.#halted(node);
    if (halted !== undefined) publisher.pause(halted);
    else if (lane.acked < lane.next - 1) publisher.wake(Number.POSITIVE_INFINITY);
    this.#askBy(publisher, subject);
    return publisher;
  }
}
