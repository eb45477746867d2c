import PQueue from "p-queue";
import type { Actor } from "xstate";
import { type Inspector, startRoot } from "../../actors/root.ts";
import { subscriberMachine } from "../../actors/subscriber.ts";
import type { Child, Exit } from "../../actors/supervisor/spec.ts";
import type { Config } from "../../config/config.ts";
import type { InRecord } from "../../journal/records.ts";
import { LONGEST_TIMER, type Timer } from "../../message/clock.ts";
import { faultText, normalise, StewardError } from "../../message/errors.ts";
import { isFinalState } from "../../message/lifecycle.ts";
import type { Outcome } from "../../message/report.ts";
import { summariseMessage } from "../../message/text/summary.ts";
import type { CommandEnd, CommandHandler, MethodFacts, NotBegun } from "../../methods/define.ts";
import type { Spawner } from "../../methods/spawner.ts";
import type { Failures } from "../../observe/alerting/failures.ts";
import type { Announcer } from "../../observe/announce.ts";
import type { Counters } from "../../observe/metrics/counters.ts";
import type { ChurnMap } from "../../platform/churn-map.ts";
import { Deferred } from "../../platform/deferred.ts";
import { sleep } from "../../platform/sleep.ts";
import { Confinement } from "../../security/confinement.ts";
import type { RouteProcess } from "../receive/route.ts";
import type { Vouching } from "../resync/vouch-ask.ts";
import { Cancellation } from "./cancellation.ts";
import { type CommandSurroundings, RunningCommand } from "./command-context.ts";
import { ConfinedSpawner } from "./confined-spawner.ts";
import type { Deadlines } from "./deadlines.ts";
import { EventBatches, type EventBatchOptions, POISONED } from "./event-batches.ts";
import { HangWatch } from "./hang-watch.ts";
import type { Ended, Respond } from "./respond.ts";
import { Untold } from "./untold.ts";
import { begins, interrupted, LeftOver } from "./unvouched.ts";

/**
 * The subscriber of one subject: runs taken messages in order, `concurrency` at a time.
 *
 * Invariants: a command begins once, and only when `running` is durable; its slot is free when its method has ended, not
 * when its outcome is on disk. A throw of a method is a defect: this process ends as failed, and its supervisor starts
 * another one, which goes on with the open messages of the journal.
 */
export interface ExecuteOptions extends EventBatchOptions {
  readonly config: () => Config;
  readonly respond: Respond;
  readonly spawner: Spawner;
  readonly deadlines: Deadlines;
  readonly vouching: Vouching;
  readonly inspector: Inspector;
  /** Commands under way in this daemon, whichever process began them. */
  readonly running: ChurnMap<string, Cancellation>;
  readonly announce: Pick<Announcer, "taken">;
  readonly failures: Pick<Failures, "report" | "over">;
  readonly counters: Pick<Counters, "refuse">;
}

type CommandFacts = NonNullable<MethodFacts["command"]>;

const TOO_LATE = "its deadline passed while it waited on the node";
/** How long a queue without work still counts as working, ms. */
const LINGER = 1000;
/** Pauses before a command that could not begin is tried again, ms. */
const TRY_AGAIN = { first: 1000, longest: 15_000 };
/** Time after which a command that is still in `prepare` is shown as waiting, ms. */
const PREPARED_WITHIN = 10_000;
const UNPREPARED = "the process that starts commands does not answer";
/** How long a method may go on after its timeout before it counts as hanging, ms. */
const HANGING = 15_000;

export class Subscriber implements Child, RouteProcess {
  readonly ended: Promise<Exit>;
  readonly #options: ExecuteOptions;
  readonly #actor: Actor<typeof subscriberMachine>;
  readonly #queue: PQueue;
  readonly #events: EventBatches;
  readonly #leftOver: LeftOver;
  /** Commands that wait for something outside of their method, and for what. */
  readonly #waiting = new Map<string, string>();
  readonly #untold: Untold;
  readonly #hangWatch: HangWatch;
  readonly #surroundings: CommandSurroundings;
  #end: (exit: Exit) => void = () => undefined;
  #stopped = false;
  readonly #stopping = new AbortController();
  #reserved = 0;
  /** True after `work`, false after `drained` was sent to the actor. */
  #busy = false;
  #settleTimer: Timer | undefined;

  constructor(options: ExecuteOptions) {
    const { route, clock, inspector, vouching } = options;
    this.#options = options;
    this.#leftOver = new LeftOver({ vouching, clock, waits: (record, reason) => this.#waits(record, reason) });
    this.#events = new EventBatches(options, this.#stopping.signal);
    this.#hangWatch = new HangWatch(clock);
    this.#untold = new Untold(clock);
    const { node, config, log, respond, watcher } = options;
    const blocked = (fault: string | undefined): void => watcher.block("subscriber", route.subject, fault);
    const { run } = route.config;
    const confinement = new Confinement({ node, run, secrets: () => config().secrets, env: process.env });
    if (route.config.kind === "command") blocked(confinement.fault);
    const spawner = new ConfinedSpawner(options.spawner, { node, confinement, blocked });
    this.#surroundings = {
      node,
      domain: route.config.domain,
      config,
      stopping: this.#stopping.signal,
      clock,
      spawner,
      log,
      waits: (record, reason) => this.#waits(record, reason),
      progress: (record, startedAt, parts) => {
        this.#untold.cancel(record.message.id);
        respond.progress(record, startedAt, parts);
      },
    };
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    // Events of one subject are handled in order, whatever the concurrency of commands.
    this.#queue = new PQueue({ concurrency: route.config.kind === "event" ? 1 : route.config.concurrency });
    this.#queue.on("idle", () => {
      if (!this.#stopped) this.#settleTimer ??= clock.setTimeout(() => this.#settleDown(), LINGER);
    });
    this.#actor = startRoot(subscriberMachine, { actor: route.subject, role: "subscriber", clock, inspector });
    route.process = this;
    const left = options.journal.inbox
      .pending(route.subject)
      .filter(({ message: { id } }) => !options.running.has(id) && !route.inHand.has(id));
    // The first of them begins at once, so that they are put in order before.
    this.#enqueue([...left.filter(isUrgent), ...left.filter((record) => !isUrgent(record))], undefined);
  }

  get state(): "idle" | "working" {
    const { value } = this.#actor.getSnapshot();
    return value === "working" && this.#drained ? "idle" : value;
  }

  get #drained(): boolean {
    return this.#queue.size === 0 && this.#queue.pending === 0;
  }

  get active(): number {
    return this.#queue.pending;
  }

  waitsFor(id?: string): string | undefined {
    if (id !== undefined) return this.#waiting.get(id);
    const [first] = this.#waiting;
    return first && `${first[0]} waits there: ${first[1]}`;
  }

  reserve(): boolean {
    const {
      config: { kind, concurrency },
      inHand,
    } = this.#options.route;
    // A command that is not idempotent is recorded as running only when it is about to begin.
    if (this.#options.route.method.command?.idempotent !== true) return false;
    // Messages in hand without a place come first.
    if (this.#stopped || kind === "event" || this.#queue.isPaused || inHand.size > this.#reserved) return false;
    if (this.#leftOver.any || this.#queue.size > 0 || this.#queue.pending + this.#reserved >= concurrency) return false;
    this.#reserved++;
    return true;
  }

  feed(records: readonly InRecord[], takenAt: number): void {
    // The place of a record may have been kept by the process before this one.
    for (const record of records) if (record.state === "running" && this.#reserved > 0) this.#reserved--;
    this.#enqueue(records, takenAt);
  }

  /** Stops taking messages. Commands that a recorder keeps alive go over to the next daemon; all others may end first. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#release();
    if (this.#options.route.method.command?.adopt === undefined) await this.#queue.onIdle();
    // The next daemon records the ends of commands that were handed over.
    this.#hangWatch.stop();
    this.#end({ reason: "shutdown" });
  }

  #release(): void {
    this.#stopped = true;
    this.#stopping.abort();
    this.#untold.stop();
    this.#leftOver.stop();
    this.#options.clock.clearTimeout(this.#settleTimer);
    this.#queue.clear();
    this.#actor.stop();
    if (this.#options.route.process === this) this.#options.route.process = undefined;
  }

  #fail(error: unknown): void {
    if (this.#stopped) return;
    this.#release();
    this.#end({ reason: "failed", error: normalise(error) });
  }

  /** `takenAt`: monotonic time; `undefined`: an earlier process of this subject took the records. */
  #enqueue(records: readonly InRecord[], takenAt: number | undefined): void {
    if (this.#stopped || records.length === 0) return;
    if (!this.#busy) {
      this.#busy = true;
      this.#actor.send({ type: "work" });
    }
    const { command, event } = this.#options.route.method;
    if (this.#options.route.config.kind === "event") {
      if (event === undefined) return;
      this.#events.add(records);
      this.#add(() => this.#handle());
    } else if (command?.answer !== undefined && takenAt !== undefined)
      this.#add(async () => this.#answer(command, records, takenAt));
    else if (command !== undefined) {
      for (const record of records) {
        const startBy = takenAt === undefined ? undefined : this.#options.deadlines.measured(record, takenAt);
        const go = (): void => this.#add(() => this.#command(command, record, startBy), record);
        // An idempotent command may begin before its origin has vouched for it.
        if (command.idempotent === true || !this.#leftOver.keeps(record, go)) go();
      }
    }
  }

  /** Urgent commands go before those that have not begun. */
  #add(task: () => Promise<void>, record?: InRecord): void {
    const priority = record !== undefined && isUrgent(record) ? 1 : 0;
    void this.#queue.add(() => (this.#stopped ? Promise.resolve() : task()), { priority });
  }

  /** The actor hears of the end of work only after a while without new messages. */
  #settleDown(): void {
    this.#settleTimer = undefined;
    if (this.#stopped || !this.#drained) return;
    this.#busy = false;
    this.#actor.send({ type: "drained" });
  }

  /** Answers commands of this life in order, in one step: their outcomes are one transaction. */
  #answer(handler: CommandFacts, taken: readonly InRecord[], takenAt: number): void {
    const { respond } = this.#options;
    try {
      const { ended, failure } = this.#answered(taken, takenAt);
      respond.outcomes(ended);
      if (failure !== undefined) this.#failed(handler, failure.record, failure.error);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The outcomes of commands, as far as none of them makes the method throw. */
  #answered(
    taken: readonly InRecord[],
    takenAt: number,
  ): { ended: Ended[]; failure?: { record: InRecord; error: unknown } } {
    const { journal, running, clock, deadlines } = this.#options;
    const ended: Ended[] = [];
    const at = clock.now();
    for (const { message } of taken) {
      const record = journal.inbox.find(message.id);
      if (record === undefined || running.has(message.id)) continue;
      const summary = summariseMessage(record.message);
      const decided = this.#decided(record, deadlines.measured(record, takenAt));
      const doors = decided ?? this.#admittedAgain(record) ?? interrupted(record, at);
      if ("state" in doors) {
        ended.push({ record, outcome: doors, summary });
        continue;
      }
      const { startedAt = at } = record;
      try {
        const end = doors.answer?.(new RunningCommand(this.#surroundings, record, startedAt, new Cancellation()));
        ended.push({ record, outcome: { at: clock.now(), startedAt, ...insistFinal(end) }, summary });
      } catch (error) {
        return { ended, failure: { record, error } };
      }
    }
    return { ended };
  }

  /** `startBy`: monotonic time by which the command must have begun; `undefined`: an earlier process took it. */
  async #command(handler: CommandFacts, taken: InRecord, startBy: number | undefined, attempt = 0): Promise<void> {
    const { journal, running, respond, deadlines } = this.#options;
    const { id } = taken.message;
    // The command keeps its place in the order until a trusted clock was heard.
    const asked = (): boolean => journal.inbox.find(id) !== undefined;
    if (startBy === undefined && begins(taken)) await deadlines.decided(taken, this.#stopping.signal, asked);
    if (this.#stopped) return;
    // Cancelled or restarted meanwhile: the journal knows better than the queue.
    const record = journal.inbox.find(id);
    if (record === undefined || running.has(id)) return;
    const decided = this.#decided(record, startBy);
    const [outdated, doors] = decided !== undefined && "state" in decided ? [decided, undefined] : [undefined, decided];
    // A command is not ended as one that never began before its origin has vouched for it.
    const again = (): Promise<void> => this.#command(handler, record, startBy);
    if (outdated !== undefined && this.#leftOver.keepsAgain(record, () => this.#add(again, record))) return;
    const cancellation = new Cancellation();
    running.set(id, cancellation);
    let notBegun: NotBegun | undefined;
    try {
      const end: Outcome | NotBegun | undefined =
        outdated ?? (await this.#run(handler, doors, record, startBy, cancellation));
      if (end?.state === "notBegun") {
        notBegun = end;
        if (journal.inbox.find(id)?.state === "running") journal.inbox.notStarted(id);
        if (end.reason !== undefined) {
          this.#waits(record, end.reason);
          await this.#pause(attempt, startBy, cancellation);
        }
      } else if (end !== undefined) {
        this.#waits(record, undefined);
        respond.outcome(record, end, summariseMessage(record.message));
      }
    } catch (error) {
      this.#failed(handler, record, error);
    } finally {
      running.delete(id);
    }
    if (notBegun === undefined || this.#stopped) return;
    // The command keeps its place in the order, unless its origin has to vouch for it first.
    const next = journal.inbox.find(id) ?? taken;
    const once = (): Promise<void> => this.#command(handler, next, startBy, attempt + 1);
    if (startBy !== undefined || !this.#leftOver.keepsAgain(next, () => this.#add(once, next))) await once();
  }

  /** Resolves when the method can begin (`undefined`), when the command has to be decided anew (`notBegun`), or with its refusal. */
  async #prepare(
    doors: CommandHandler,
    context: RunningCommand,
    record: InRecord,
    startBy: number | undefined,
    cancellation: Cancellation,
  ): Promise<CommandEnd | NotBegun | undefined> {
    if (doors.prepare === undefined) return undefined;
    const { clock } = this.#options;
    const left = startBy === undefined ? Number.POSITIVE_INFINITY : Math.max(0, startBy - clock.monotonic());
    const timers: Timer[] = [];
    const over = new Deferred<NotBegun>();
    const end = (): void => over.resolve({ state: "notBegun" });
    if (left <= LONGEST_TIMER) timers.push(clock.setTimeout(end, left));
    timers.push(clock.setTimeout(() => this.#waits(record, UNPREPARED), PREPARED_WITHIN));
    const { signal } = cancellation;
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
    try {
      const hindered = await Promise.race([doors.prepare(context), over.promise]);
      const decided = this.#decided(this.#options.journal.inbox.find(context.id) ?? record, startBy);
      return hindered ?? (decided !== undefined && "state" in decided ? { state: "notBegun" } : undefined);
    } finally {
      for (const timer of timers) clock.clearTimeout(timer);
      signal.removeEventListener("abort", end);
    }
  }

  /** Waits before a start is tried again: longer each time, until the deadline or a cancel at the latest. */
  #pause(attempt: number, startBy: number | undefined, cancellation: Cancellation): Promise<void> {
    const { clock } = this.#options;
    const left = startBy === undefined ? Number.POSITIVE_INFINITY : Math.max(0, startBy - clock.monotonic());
    const signal = AbortSignal.any([this.#stopping.signal, cancellation.signal]);
    return sleep(clock, Math.min(left, TRY_AGAIN.longest, TRY_AGAIN.first * 2 ** attempt), signal);
  }

  /** The outcome of a command that must not start any more, even if its record says `running` already. */
  #outdated(record: InRecord, startBy: number | undefined): Outcome | undefined {
    if (startBy === undefined ? !begins(record) : record.doubtful === true) return undefined;
    const at = this.#options.clock.now();
    if (record.cancelRequestedBy !== undefined)
      return { state: "cancelled", at, reason: `${record.cancelRequestedBy} cancelled it before it started` };
    if (this.#options.deadlines.passed(record, startBy) !== true) return undefined;
    const hindered = this.#waiting.get(record.message.id);
    const reason = hindered === undefined ? TOO_LATE : `${TOO_LATE}: ${hindered}`;
    return { state: "expired", at, reason };
  }

  /**
   * The doors of the method for a command that may begin now, or the outcome of one that may not: it may have waited while its
   * permission was withdrawn. `undefined`: the command has begun, or may have.
   */
  #decided(record: InRecord, startBy: number | undefined): CommandHandler | Outcome | undefined {
    if (startBy === undefined ? !begins(record) : record.doubtful === true) return undefined;
    const outdated = this.#outdated(record, startBy);
    if (outdated !== undefined) return outdated;
    const { route, counters, clock } = this.#options;
    const { message } = record;
    try {
      return route.admit(route.senderOf(message), message.data).command;
    } catch (error) {
      const { subject, origin, id } = message;
      const fault = faultText(error);
      counters.refuse(error instanceof StewardError ? error.code : "data-invalid", { subject, origin, id, fault });
      return { state: "rejected", at: clock.now(), reason: `it was taken, and may not begin any more: ${fault}` };
    }
  }

  /** The doors for an idempotent command that begins once more; `undefined`: its permission was withdrawn meanwhile. */
  #admittedAgain({ message }: InRecord): CommandHandler | undefined {
    const { route } = this.#options;
    try {
      return route.admit(route.senderOf(message), message.data).command;
    } catch {
      return undefined;
    }
  }

  /** Runs a command; `undefined`: the next process of this subject takes it over. */
  async #run(
    handler: CommandFacts,
    doors: CommandHandler | undefined,
    record: InRecord,
    startBy: number | undefined,
    cancellation: Cancellation,
  ): Promise<Outcome | NotBegun | undefined> {
    const { journal, clock, respond, deadlines } = this.#options;
    let startedAt = record.startedAt ?? clock.now();
    if (record.cancelRequestedBy !== undefined) cancellation.request();
    let context = new RunningCommand(this.#surroundings, record, startedAt, cancellation);
    let end: Promise<CommandEnd | NotBegun> | undefined;
    const mayHaveRun = record.doubtful === true;
    if (mayHaveRun || (startBy === undefined && record.state === "running")) {
      end =
        handler.adopt?.(context) ??
        (handler.idempotent === true ? this.#admittedAgain(record)?.run(context) : undefined);
      if (end === undefined) return interrupted(record, clock.now());
    } else {
      if (doors === undefined) return { state: "notBegun" };
      if (record.state !== "running") {
        const hindered = await this.#prepare(doors, context, record, startBy, cancellation);
        if (this.#stopped && handler.adopt !== undefined) return undefined;
        if (hindered !== undefined) return hindered.state === "notBegun" ? hindered : { at: clock.now(), ...hindered };
        startedAt = clock.now();
        const by = startBy ?? deadlines.estimated(record);
        context = new RunningCommand(this.#surroundings, record, startedAt, cancellation, by);
        journal.inbox.start(context.id, startedAt);
        await journal.flushed();
        if (this.#stopped && handler.adopt !== undefined) {
          // The method was not called and will not be here: the next process may begin the command.
          journal.inbox.notStarted(context.id);
          return undefined;
        }
        // The deadline may have passed during the write to the disk.
        if (deadlines.passed(record, startBy) === true) return { state: "expired", at: clock.now(), reason: TOO_LATE };
        this.#waits(record, undefined);
        this.#options.announce.taken([{ message: record.message, state: "running" }]);
      }
      end = doors.run(context);
    }
    // Most commands end at once: `running` is reported only of those that last.
    this.#untold.later(context.id, () => {
      try {
        respond.begun(record, startedAt);
      } catch (error) {
        // A throw means that the core has closed its journal; this process is about to end with it.
        this.#fail(error);
      }
    });
    const within = context.timeout + (handler.grace ?? 0) + HANGING;
    const { id } = context;
    const ended = await this.#hangWatch
      .over(Promise.resolve(end).catch(refused), within, () => this.#waiting.has(id))
      .finally(() => this.#untold.cancel(id));
    // The proof that nothing began may have been put back together with the journal.
    if (ended?.state === "notBegun")
      return mayHaveRun && handler.idempotent !== true ? interrupted(record, clock.now()) : ended;
    return { at: clock.now(), startedAt, ...insistFinal(ended) };
  }

  /** Notes that a command waits for something outside of its method; the alert is raised once for each reason. */
  #waits(record: InRecord, reason: string | undefined): void {
    const { id } = record.message;
    const before = this.#waiting.get(id);
    if (before === reason) return;
    if (reason === undefined) this.#waiting.delete(id);
    else this.#waiting.set(id, reason);
    const { failures } = this.#options;
    const { subject } = record.message;
    const tell = (how: "report" | "over", why: string): void =>
      failures[how](
        "command-waits",
        `${id} on ${subject} ${how === "over" ? "waits no more" : "waits"}: ${why}`,
        `command-waits ${subject} ${why}`,
      );
    if (before !== undefined && ![...this.#waiting.values()].includes(before)) tell("over", before);
    if (reason !== undefined) tell("report", reason);
  }

  async #handle(): Promise<void> {
    try {
      if (await this.#events.handle()) this.#add(() => this.#handle());
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Records the failure of a command, then fails. The journal may be closed already: a method can outlive the core. */
  #failed(handler: CommandFacts, record: InRecord, error: unknown): void {
    const { journal, respond, clock } = this.#options;
    const { id } = record.message;
    try {
      const { attempts } = journal.inbox.failedOnce(id) ?? record;
      const reason = normalise(error).message;
      if (handler.idempotent !== true)
        respond.outcome(record, { state: "failed", at: clock.now(), reason }, summariseMessage(record.message));
      else if (attempts >= POISONED) respond.dead(record, reason);
      this.#fail(error);
    } catch (unrecorded) {
      this.#fail(unrecorded);
    }
  }
}

function isUrgent({ message }: InRecord): boolean {
  return message.urgent === true;
}

/** A user's method may return any state: the origin would refuse an unknown one, and the command would stay open there. */
function insistFinal(end: CommandEnd | undefined): CommandEnd {
  const state: unknown = end?.state;
  if (end === undefined || !isFinalState(end.state))
    throw new Error(`the method ended in no final state: ${String(state)}`);
  return end;
}

/** A method was refused the program that it wanted to start. */
function refused(error: unknown): CommandEnd {
  if (!(error instanceof StewardError) || error.code !== "command-refused") throw error;
  return { state: "rejected", reason: error.message };
}
