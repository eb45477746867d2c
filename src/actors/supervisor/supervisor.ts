import { StewardError } from "../../message/errors.ts";
import { isOfSurroundings } from "../../message/surroundings.ts";
import { backoffDelay } from "../backoff.ts";
import { causeOf, type Down, errorOf } from "./child-run.ts";
import { comesBack, countRestart } from "./decision.ts";
import type { Entry, Waiter } from "./entry.ts";
import { Roster, type SupervisorContext } from "./roster.ts";
import {
  type Child,
  type ChildSpec,
  type ChildView,
  checkChildSpec,
  checkSupervisorSpec,
  type Exit,
  type SupervisorSpec,
  type SupervisorView,
} from "./spec.ts";

type NewWaiter = (kind: Waiter["for"]) => Waiter;

/**
 * Starts children, restarts those that end as their spec says, and gives up when that is too often.
 *
 *   new ──start()──► starting ──► running ──► stopping ──► ended        a failed start, stop() and giving up stop all
 *
 * - One step is done at a time: events of children, timers and callers are queued and handled to their end.
 * - Children come up in order and go down in reverse. Only under `oneForOne` with `quarantine` are they independent: each
 *   at its own pace, so that one that hangs delays nobody.
 * - A child has at most one run; it is down when that run is over. The states of a child: `LIFECYCLE`.
 * - A group comes back after the last backoff in it. A child that a caller has stopped, or that has finished, stays stopped.
 * - Too many restarts: under `quarantine`, counted per child, the child is parked with its companions; under `escalate`,
 *   counted for all, the supervisor gives up. A fault of the surroundings is waited out and does not count.
 * - `ended` never rejects. A supervisor is itself a `Child`, so that failures escalate over levels.
 */
export class Supervisor implements Child {
  readonly id: string;
  readonly ended: Promise<Exit>;
  readonly #spec: SupervisorSpec;
  readonly #context: SupervisorContext;
  readonly #roster: Roster;
  readonly #steps: (() => void)[] = [];
  #handling = false;
  /** Monotonic times of the restarts within the period, under `escalate`. */
  #restartTimes: readonly number[] = [];
  #phase: "new" | "starting" | "running" | "stopping" | "ended" = "new";
  #exit: Exit = { reason: "shutdown" };
  #starter: { readonly resolve: () => void; readonly reject: (error: unknown) => void } | undefined;
  #end: (exit: Exit) => void = () => undefined;

  /** @throws StewardError `internal` when the spec is wrong. */
  constructor(spec: SupervisorSpec, context: SupervisorContext) {
    checkSupervisorSpec(spec);
    this.id = spec.id;
    this.#spec = spec;
    this.#context = context;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#roster = new Roster(
      spec,
      context,
      (step) => this.#handle(step),
      (entry, how) => this.#down(entry, how),
    );
  }

  /**
   * Resolves when every child has been started; under `quarantine`, tried. Rejects with the error of the child that did
   * not start, once those before it are stopped again.
   */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#handle(() => {
        if (this.#phase !== "new") {
          reject(this.#fault(`it is ${this.#phase}`));
          return;
        }
        this.#phase = "starting";
        this.#starter = { resolve, reject };
        this.#roster.advance(this.#roster.all());
      });
    });
  }

  /** Stops all children in reverse, each within its `shutdown`; resolves when all are down. Never rejects. */
  async stop(): Promise<void> {
    this.#handle(() => this.#shutDown({ reason: "shutdown" }, `${this.id} stops`));
    await this.ended;
  }

  /** Kills all children at once and waits for none. */
  kill(): void {
    this.#handle(() => {
      this.#shutDown({ reason: "failed", error: this.#fault("it was killed") }, `${this.id} is killed`);
      for (const entry of this.#roster.all()) entry.run?.kill();
    });
  }

  /** In start order. */
  children(): ChildView[] {
    return this.#roster.all().map((entry) => entry.view());
  }

  /** This supervisor and all those below it, the upper ones first. */
  tree(parent: string | null = null): SupervisorView[] {
    const { strategy, onGiveUp, intensity, period } = this.#spec;
    const entries = this.#roster.all();
    const children = entries.map((entry) => ({ ...entry.view(), restart: entry.spec.restart }));
    return [
      { id: this.id, parent, strategy, onGiveUp, intensity, period, children },
      ...entries.flatMap(({ run }) => run?.tree(this.id) ?? []),
    ];
  }

  child(id: string): ChildView | undefined {
    return this.#roster.get(id)?.view();
  }

  /** Exceptions of the listener. */
  get listenerFaults(): number {
    return this.#roster.listenerFaults;
  }

  /**
   * Adds a child after all others and starts it. Resolves after its first start; under `quarantine` also when that failed
   * and is retried. Otherwise a failed start rejects with its error, and the child is forgotten.
   */
  addChild(spec: ChildSpec): Promise<ChildView> {
    return this.#request((waiter) => {
      checkChildSpec(spec);
      if (this.#roster.get(spec.id) !== undefined) throw this.#fault(`it already has a child called ${spec.id}`);
      this.#refuseUnlessUp();
      const entry = this.#roster.add(spec);
      entry.asked = "added";
      entry.why = "added";
      entry.waiters.push(waiter("up"));
      this.#roster.advance([entry]);
    });
  }

  /** Stops it if need be, and forgets it. */
  async removeChild(id: string): Promise<void> {
    await this.#request((waiter) => {
      const entry = this.#find(id);
      entry.removing = true;
      this.#putDown(entry, "removed", waiter);
    });
  }

  /** Stops it; it stays listed (unless it is temporary), and stays stopped until it is started by a call. */
  stopChild(id: string): Promise<ChildView> {
    return this.#request((waiter) => this.#putDown(this.#find(id), "stop was asked for", waiter));
  }

  /**
   * Starts it if it is not up: at once if it is backing off, with a clear record if it is quarantined. A failed start
   * rejects and leaves it stopped; under `quarantine`, and of a child that was being retried, it is retried.
   */
  startChild(id: string): Promise<ChildView> {
    return this.#request((waiter) => this.#putUp(this.#find(id), "start was asked for", waiter));
  }

  /** Stops the child if it is up, and starts it; not counted as a restart. A failed start is retried, and counted. */
  restartChild(id: string): Promise<ChildView> {
    return this.#request((waiter) => {
      const entry = this.#find(id);
      const why = "restart was asked for";
      if (entry.run === undefined) {
        this.#putUp(entry, why, waiter);
        return;
      }
      this.#refuseUnlessUp(entry);
      entry.attempt = 0;
      entry.forgive();
      entry.waiters.push(waiter("up"));
      entry.aim("cycle", "leave", why);
      this.#roster.advance([entry]);
    });
  }

  /** Takes it out of quarantine, with a clear record, and with it the siblings that were parked along. */
  revive(id: string): Promise<ChildView> {
    return this.#request((waiter) => {
      const entry = this.#find(id);
      if (entry.state === "quarantined") this.#putUp(entry, "revived", waiter);
      else waiter("up").resolve(entry.view());
    });
  }

  #request(ask: (waiter: NewWaiter) => void): Promise<ChildView> {
    return new Promise((resolve, reject) => {
      this.#handle(() => {
        try {
          ask((kind) => ({ for: kind, resolve, reject }));
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #putUp(entry: Entry, why: string, waiter: NewWaiter): void {
    this.#refuseUnlessUp(entry);
    if (entry.state === "running" && entry.goal === "up") {
      waiter("up").resolve(entry.view());
      return;
    }
    entry.waiters.push(waiter("up"));
    if (entry.run !== undefined) {
      // On its way down: whoever asked for that gets it, then it comes up again.
      if (entry.goal !== "up") entry.aim("cycle", "leave", why);
      return;
    }
    if (entry.state === "stopped") entry.asked = "started";
    const parked = entry.state === "quarantined" ? this.#roster.companions(entry) : [];
    const revived = [entry, ...parked.filter((one) => one.state === "quarantined")];
    for (const one of revived) {
      one.forgive();
      if (one.state !== "backingOff") one.attempt = 0;
      if (one.state === "quarantined") one.restartTimes = [];
      one.aim("up", "leave", why);
    }
    this.#roster.stopWaiting(entry);
    this.#roster.advance(revived);
  }

  #putDown(entry: Entry, why: string, waiter: NewWaiter): void {
    entry.waiters.push(waiter("down"));
    entry.aim("down", "leave", why);
    if (entry.run === undefined) this.#roster.land(entry, why);
    // Even if it was down: a group may have waited for it.
    this.#roster.advance([entry]);
  }

  #down(entry: Entry, how: Down): void {
    const error = errorOf(how);
    const cause = causeOf(how);
    this.#reportDown(entry, how, cause, error);
    if (entry.state === "stopping" || entry.goal !== "up") this.#roster.land(entry, entry.why);
    else if (how.kind === "startFailed") this.#startFailed(entry, error, cause);
    else if (how.kind === "ended" && comesBack(entry.spec.restart, how.exit)) this.#restart(entry, error, cause);
    else this.#leave(entry, cause);
    this.#roster.advance([entry]);
  }

  #reportDown(entry: Entry, how: Down, cause: string, error: unknown): void {
    const { state } = entry;
    if (how.kind === "startFailed") {
      // A child that was asked to stop while it started may fail to come up.
      if (state === "stopping") return;
      this.#roster.failed(entry, error);
      this.#roster.report("startError", entry, cause, error);
    } else if (how.kind === "ended" && state === "stopping") {
      if (error !== undefined && !how.forced) this.#roster.report("shutdownError", entry, `stopping, ${cause}`, error);
    } else if (how.kind === "ended") {
      if (error !== undefined) this.#roster.failed(entry, error);
      if (error !== undefined || entry.spec.restart === "permanent")
        this.#roster.report("childTerminated", entry, cause, error);
    }
  }

  #startFailed(entry: Entry, error: unknown, cause: string): void {
    const { asked } = entry;
    const escalates = this.#spec.onGiveUp === "escalate";
    entry.asked = "no";
    if (escalates && this.#phase === "starting" && asked === "no" && entry.restarts === 0) {
      this.#leave(entry, cause);
      this.#shutDown({ reason: "failed", error }, `${entry.spec.id} did not start`);
    } else if (entry.spec.restart === "temporary" || (escalates && asked !== "no")) {
      entry.removing ||= asked === "added";
      for (const waiter of entry.waiters.splice(0)) waiter.reject(error);
      this.#leave(entry, cause);
    } else {
      this.#restart(entry, error, cause);
    }
  }

  #leave(entry: Entry, cause: string): void {
    entry.aim("down", "leave", cause);
    this.#roster.land(entry, cause);
  }

  #shutDown(exit: Exit, why: string): void {
    if (this.#phase === "stopping" || this.#phase === "ended") return;
    this.#phase = "stopping";
    this.#exit = exit;
    const entries = this.#roster.all().reverse();
    for (const entry of entries) {
      entry.aim("down", "leave", why);
      if (entry.run === undefined) this.#roster.land(entry, why);
    }
    this.#roster.advance(entries);
  }

  /** A restart, unless there were too many. The caller lets the roster advance afterwards. */
  #restart(entry: Entry, error: unknown, cause: string): void {
    const now = this.#context.clock.monotonic();
    const escalates = this.#spec.onGiveUp === "escalate";
    if (!escalates && isOfSurroundings(error)) {
      entry.waitsSince ??= this.#context.clock.now();
      this.#backOff(entry, now, cause);
      return;
    }
    entry.waitsSince = undefined;
    const { times, tooMany } = countRestart(escalates ? this.#restartTimes : entry.restartTimes, now, this.#spec);
    if (escalates) this.#restartTimes = times;
    else entry.restartTimes = times;
    if (!tooMany) {
      this.#backOff(entry, now, cause);
      return;
    }
    const { intensity, period } = this.#spec;
    const last = `more than ${intensity} restarts within ${period} ms, the last of ${entry.spec.id}: ${cause}`;
    entry.aim("down", escalates ? "leave" : "park", last);
    this.#roster.land(entry, last);
    this.#roster.report(escalates ? "gaveUp" : "quarantined", entry, last, error);
    if (!escalates) {
      this.#takeAlong(entry, "park", `quarantined with ${entry.spec.id}`);
      return;
    }
    const fault = new StewardError("process-failed", { subject: this.id, fault: last }, { cause: error });
    this.#shutDown({ reason: "failed", error: fault }, `${this.id} gave up`);
  }

  #backOff(entry: Entry, now: number, cause: string): void {
    const { clock, random } = this.#context;
    const { backoff } = entry.spec;
    let delay = 0;
    if (backoff !== undefined) {
      if (entry.state === "running" && now - entry.upSince >= backoff.resetAfter) entry.attempt = 0;
      delay = backoffDelay(backoff, entry.attempt++, random);
    }
    // A timer without a delay too: a child that crashes in a circle must not keep the event loop from the others.
    const timer = clock.setTimeout(() => {
      this.#handle(() => {
        if (entry.timer !== timer) return;
        entry.timer = undefined;
        this.#roster.advance([entry]);
      });
    }, delay);
    entry.timer = timer;
    entry.aim("up", "leave", `restart: ${cause}`);
    this.#roster.move(entry, "retry", `${cause}; again in ${delay} ms`);
    this.#takeAlong(entry, "retry", `restart with ${entry.spec.id}`);
  }

  /** Siblings that are up go down with the child; siblings that wait to come up are parked with it. */
  #takeAlong(entry: Entry, landing: "retry" | "park", why: string): void {
    for (const one of this.#roster.companions(entry)) {
      if (one.goal === "down") continue;
      if (one.run !== undefined) {
        if (one.spec.restart === "temporary") one.aim("down", "leave", why);
        else one.aim(landing === "park" ? "down" : "cycle", landing, why);
      } else if (landing === "park") {
        one.aim("down", "park", why);
        if (one.state === "stopped" || one.state === "backingOff") {
          this.#roster.stopWaiting(one);
          this.#roster.move(one, "park", why);
        }
      }
    }
  }

  /** Does the step, or queues it while another one is being done. */
  #handle(step: () => void): void {
    this.#steps.push(step);
    if (this.#handling) return;
    this.#handling = true;
    try {
      for (let next = this.#steps.shift(); next !== undefined; next = this.#steps.shift()) {
        next();
        this.#arrive();
      }
    } finally {
      this.#handling = false;
    }
  }

  /** `running` once every child is up or was tried, `ended` once none is left. */
  #arrive(): void {
    if (this.#phase === "starting" && this.#roster.moving === 0 && this.#allTried()) {
      this.#phase = "running";
      this.#starter?.resolve();
    } else if (this.#phase === "stopping" && this.#roster.alive === 0) {
      this.#phase = "ended";
      this.#starter?.reject(
        this.#exit.reason === "failed" ? this.#exit.error : this.#fault("stopped while it started"),
      );
      this.#end(this.#exit);
    }
  }

  #allTried(): boolean {
    if (this.#spec.onGiveUp === "quarantine") return true;
    return this.#roster.all().every((entry) => entry.state !== "stopped" || entry.goal === "down");
  }

  #find(id: string): Entry {
    const entry = this.#roster.get(id);
    if (entry === undefined) throw new StewardError("process-unknown", { node: this.id, subject: id });
    return entry;
  }

  #refuseUnlessUp(entry?: Entry): void {
    if (this.#phase !== "starting" && this.#phase !== "running") throw this.#fault(`it is ${this.#phase}`);
    if (entry?.removing === true) throw this.#fault(`${entry.spec.id} is being removed`);
  }

  #fault(fault: string): StewardError {
    return new StewardError("internal", { fault: `supervisor ${this.id}: ${fault}` });
  }
}
