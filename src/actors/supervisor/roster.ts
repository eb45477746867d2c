import type { Clock, Random } from "../../message/clock.ts";
import { StewardError } from "../../message/errors.ts";
import { ChildRun, type Down } from "./child-run.ts";
import { type ChildEvent, companions, LIFECYCLE, need, nextStep } from "./decision.ts";
import { Entry } from "./entry.ts";
import type { ChildSpec, SupervisorListener, SupervisorReport, SupervisorSpec } from "./spec.ts";

export interface SupervisorContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly listener: SupervisorListener;
}

/** Queues a step; one step at a time is done, in the order in which they came. */
type Handle = (step: () => void) => void;

/**
 * The children of one supervisor, in start order: moves them through their states, starts and stops them as their goals
 * demand, and tells the listener.
 *
 * Under `oneForOne` with `quarantine` the children are independent: each is started and stopped at its own pace, and what
 * one needs costs the same with ten siblings or ten thousand. Everywhere else they come up and go down one by one.
 */
export class Roster {
  readonly #entries = new Map<string, Entry>();
  readonly #spec: SupervisorSpec;
  readonly #context: SupervisorContext;
  readonly #handle: Handle;
  readonly #down: (entry: Entry, how: Down) => void;
  readonly #independent: boolean;
  /** Children that have a run. */
  #alive = 0;
  /** Children that are starting or stopping. */
  #moving = 0;
  /** Exceptions of the listener. */
  listenerFaults = 0;

  /** `down` is called when a child's run is over; it must let the child land or come back. */
  constructor(
    spec: SupervisorSpec,
    context: SupervisorContext,
    handle: Handle,
    down: (entry: Entry, how: Down) => void,
  ) {
    this.#spec = spec;
    this.#context = context;
    this.#handle = handle;
    this.#down = down;
    this.#independent = spec.strategy === "oneForOne" && spec.onGiveUp === "quarantine";
    for (const child of spec.children) this.add(child);
  }

  get alive(): number {
    return this.#alive;
  }

  get moving(): number {
    return this.#moving;
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id);
  }

  all(): Entry[] {
    return [...this.#entries.values()];
  }

  add(spec: ChildSpec): Entry {
    const entry = new Entry(spec, this.#context.clock.now());
    this.#entries.set(spec.id, entry);
    return entry;
  }

  companions(entry: Entry): readonly Entry[] {
    const { strategy } = this.#spec;
    return strategy === "oneForOne" ? [] : companions(strategy, this.all(), entry);
  }

  /** Starts and stops what may be started and stopped now. `touched`: the children whose needs may have changed. */
  advance(touched: readonly Entry[]): void {
    if (this.#independent) {
      for (const entry of touched) {
        const kind = need(entry);
        if (kind !== undefined) this.#step(kind, entry);
      }
      return;
    }
    const rows = this.all();
    for (let next = nextStep(this.#spec.strategy, rows); next !== undefined; ) {
      this.#step(next.kind, next.row);
      next = nextStep(this.#spec.strategy, rows);
    }
  }

  /** Moves a child that has no run (any more) to the state that it was aimed at. */
  land(entry: Entry, cause: string): void {
    this.stopWaiting(entry);
    if (entry.goal === "cycle") entry.goal = "up";
    if (entry.goal === "down") entry.waitsSince = undefined;
    if (entry.state === "stopped") entry.answer();
    else this.move(entry, entry.landing, cause);
    const forgotten = entry.removing || (entry.spec.restart === "temporary" && entry.state === "stopped");
    if (forgotten && entry.goal === "down") this.#entries.delete(entry.spec.id);
  }

  stopWaiting(entry: Entry): void {
    this.#context.clock.clearTimeout(entry.timer);
    entry.timer = undefined;
  }

  move(entry: Entry, event: ChildEvent, cause: string): void {
    const { state: from } = entry;
    const { id } = entry.spec;
    const to = LIFECYCLE[from][event];
    if (to === undefined)
      throw new StewardError("internal", { fault: `${event} cannot happen to ${id}: it is ${from}` });
    if (from === "starting" || from === "stopping") this.#moving--;
    if (to === "starting" || to === "stopping") this.#moving++;
    entry.state = to;
    entry.since = this.#context.clock.now();
    this.#tell((listener) => listener.transition({ actor: id, role: "child", event, from, to, cause }));
    entry.answer();
  }

  failed(entry: Entry, error: unknown): void {
    entry.lastError = error;
    entry.lastErrorAt = this.#context.clock.now();
  }

  report(kind: SupervisorReport["kind"], entry: Entry, cause: string, error: unknown): void {
    this.#tell((listener) => listener.report({ kind, supervisor: this.#spec.id, child: entry.spec.id, cause, error }));
  }

  #step(kind: "start" | "stop", entry: Entry): void {
    if (kind === "stop") {
      this.move(entry, "stop", entry.why);
      entry.run?.stop();
      return;
    }
    if (entry.state === "backingOff") entry.restarts++;
    this.move(entry, "start", entry.why);
    this.#alive++;
    entry.run = new ChildRun(entry.spec, this.#context.clock, {
      started: () => this.#handle(() => this.#started(entry)),
      down: (how) =>
        this.#handle(() => {
          entry.run = undefined;
          this.#alive--;
          this.#down(entry, how);
        }),
      trouble: (cause, error) =>
        this.#handle(() => {
          this.failed(entry, error ?? new Error(cause));
          this.report("shutdownError", entry, cause, error);
        }),
    });
    void entry.run.start();
  }

  #started(entry: Entry): void {
    // A child that was asked to stop in the same turn never was up.
    if (entry.state !== "starting") return;
    entry.upSince = this.#context.clock.monotonic();
    entry.asked = "no";
    entry.waitsSince = undefined;
    this.move(entry, "started", entry.why);
    this.advance([entry]);
  }

  #tell(say: (listener: SupervisorListener) => void): void {
    try {
      say(this.#context.listener);
    } catch {
      this.listenerFaults++;
    }
  }
}
