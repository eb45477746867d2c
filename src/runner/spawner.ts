import type { Clock, Timer } from "../message/clock.ts";
import { StewardError } from "../message/errors.ts";
import type { OutputListener, Run, RunEnd, RunSpec, Spawner } from "../methods/spawner.ts";
import { Deferred } from "../platform/deferred.ts";
import { hostUptime } from "../platform/host/host-time.ts";
import { builtProgram } from "../platform/installation.ts";
import type { Logger } from "../platform/logger.ts";
import type { Channel } from "./channel.ts";
import { endOrphan } from "./orphans.ts";
import { beyond, type Carried, carry } from "./output-parts.ts";
import type { FromRunner } from "./protocol.ts";
import { bootId, isRunId, type RunRecord, readRecord, recordedIds, removeRecord } from "./run-records.ts";
import { Runners } from "./runners.ts";

/**
 * The daemon's side of the runners. A run that it follows:
 *
 *   asked → running → ended
 *      ↘       ↘
 *       looked up in its record: ended, or lost
 *
 * A run is looked up when no runner knows it, or the one that had it is gone: perhaps only its connection is, so that
 * runner is asked first. A start is asked for once: where nothing is recorded of it, the program may have begun all the
 * same, and may have removed its record itself.
 *
 * The runner is let go when nothing was asked of it for a while; then it leaves, and another is started when it is
 * needed.
 */
export interface SpawnerOptions {
  /** The directory of the runs; made when it is not there. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Names of environment variables that neither the runner nor a command may see; absent: those of steward alone. */
  readonly withheld?: () => readonly string[];
  /** The compiled runner; absent: `STEWARD_RUNNER`, else that of this installation. */
  readonly runnerPath?: string;
}

export function openSpawner(options: SpawnerOptions): Spawner {
  const runnerPath = options.runnerPath ?? process.env.STEWARD_RUNNER ?? builtProgram("runner/process/main.js");
  return new RunnerSpawner({ withheld: () => [], ...options, runnerPath });
}

/** How often a run is asked for again because the connection to its runner broke. */
const FOLLOW_ATTEMPTS = 3;
/** Milliseconds until a runner that does not answer is asked again for what it has. */
const ASK_AGAIN = 2000;
/** Milliseconds without a run after which the runner is let go. */
const IDLE = 60_000;
/** The host restarted, or this is another one: every run is over. */
const HOST_RESTARTED = "the host restarted before its end was recorded";

interface Followed {
  readonly id: string;
  readonly run: Run;
  readonly end: Deferred<RunEnd>;
  /** `undefined`: nothing is known of it. */
  answer: Deferred<Run | undefined>;
  pid: number;
  /** The program to be started, until it is. */
  spec: RunSpec | undefined;
  /** Uptime of the host after which it must not start, ms; absent: whenever its turn comes. */
  startBy: number | undefined;
  /** How often the connection to the runner that had it broke. */
  breaks: number;
  listener: OutputListener;
  /** The runner that has it, or was asked for it last; those to ask after it, once they are known. */
  holder: Channel | undefined;
  elsewhere: readonly Channel[] | undefined;
  /** Takes over when its output begins again from the beginning. */
  nextListener: OutputListener;
  carried: Carried;
}

class RunnerSpawner implements Spawner {
  readonly #options: Required<SpawnerOptions>;
  readonly #runners: Runners;
  readonly #runs = new Map<string, Followed>();
  readonly #preparations = new Map<string, Deferred<void>>();
  readonly #removals = new Map<string, Deferred<void>>();
  readonly #retries = new Set<Timer>();
  #idle: Timer | undefined;
  #closed = false;

  constructor(options: Required<SpawnerOptions>) {
    this.#options = options;
    this.#runners = new Runners({
      ...options,
      hear: (message, channel) => this.#hear(message, channel),
      lost: (channel) => this.#runnerLost(channel),
    });
  }

  async prepare(id: string): Promise<void> {
    this.#check(id);
    const known = this.#preparations.get(id);
    if (known !== undefined) return known.promise;
    const preparation = new Deferred<void>();
    this.#preparations.set(id, preparation);
    try {
      const channel = await this.#runners.reach(true);
      if (channel === undefined) throw new StewardError("runner-lost", { fault: "this daemon is stopping" });
      // A command that ended meanwhile was forgotten before it was asked for: a proof made now would stay behind.
      if (this.#preparations.get(id) === preparation) channel.send({ type: "prepare", id });
    } catch (error) {
      preparation.reject(error);
    }
    try {
      await preparation.promise;
    } finally {
      if (this.#preparations.get(id) === preparation) this.#preparations.delete(id);
      this.#wentIdle();
    }
  }

  async isOnlyPrepared(id: string): Promise<boolean> {
    this.#check(id);
    return !this.#runs.has(id) && (await readRecord(this.#options.directory, id)).kind === "prepared";
  }

  async start(spec: RunSpec, onOutput: OutputListener): Promise<Run> {
    this.#check(spec.id);
    const known = await this.#runs.get(spec.id)?.answer.promise;
    if (known !== undefined) return known;
    const followed = this.#runs.get(spec.id) ?? this.#follow(spec.id, onOutput);
    if (followed.spec === undefined) {
      followed.spec = spec;
      const uptime = spec.startWithin === undefined ? undefined : hostUptime();
      followed.startBy = uptime && uptime + (spec.startWithin ?? 0);
      void this.#ask(followed);
    }
    const run = await followed.answer.promise;
    return run ?? this.start(spec, onOutput);
  }

  async adopt(id: string, onOutput: OutputListener): Promise<Run | undefined> {
    this.#check(id);
    const followed = this.#runs.get(id) ?? this.#follow(id, onOutput);
    followed.nextListener = onOutput;
    if (followed.answer.settled) followed.answer = new Deferred();
    void this.#ask(followed);
    return followed.answer.promise;
  }

  async forget(id: string): Promise<void> {
    this.#check(id);
    if (this.#runs.has(id)) throw new StewardError("internal", { fault: `run ${id} goes on and cannot be forgotten` });
    this.#preparations.get(id)?.reject(new StewardError("runner-lost", { fault: "its command has ended meanwhile" }));
    this.#preparations.delete(id);
    await (this.#removals.get(id)?.promise ?? this.#remove(id));
  }

  async recorded(): Promise<readonly string[]> {
    return recordedIds(this.#options.directory);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#retries) this.#options.clock.clearTimeout(timer);
    this.#retries.clear();
    this.#options.clock.clearTimeout(this.#idle);
    this.#runs.clear();
    await this.#runners.close();
  }

  /** By the runner where there is one: on a slow disk, removing a file takes its time. */
  async #remove(id: string): Promise<void> {
    const channel = this.#runners.current;
    if (channel === undefined) return removeRecord(this.#options.directory, id);
    const removal = new Deferred<void>();
    this.#removals.set(id, removal);
    channel.send({ type: "forget", id });
    return removal.promise;
  }

  #check(id: string): void {
    if (this.#closed) throw new StewardError("runner-lost", { fault: "this daemon is stopping" });
    if (!isRunId(id)) throw new StewardError("internal", { fault: `${JSON.stringify(id)} is not an id of a run` });
  }

  #follow(id: string, onOutput: OutputListener): Followed {
    const end = new Deferred<RunEnd>();
    const followed: Followed = {
      id,
      run: {
        get pid() {
          return followed.pid;
        },
        cancel: () => followed.holder?.send({ type: "cancel", id }),
        look: () => this.#look(followed),
        end: end.promise,
      },
      end,
      answer: new Deferred(),
      pid: 0,
      spec: undefined,
      startBy: undefined,
      breaks: 0,
      holder: undefined,
      elsewhere: undefined,
      listener: onOutput,
      nextListener: onOutput,
      carried: { stdout: 0, stderr: 0 },
    };
    this.#runs.set(id, followed);
    this.#wentIdle();
    return followed;
  }

  /** Asks the runner to start it, or whoever has it for its output from the beginning. */
  async #ask(followed: Followed): Promise<void> {
    const { id, spec, startBy } = followed;
    try {
      const current = await this.#runners.reach(spec !== undefined);
      if (this.#closed) return;
      if (spec === undefined || current === undefined) {
        await this.#seek(followed, current === undefined ? [] : [current]);
        return;
      }
      followed.holder = current;
      followed.elsewhere = undefined;
      current.send({ type: "start", spec: sendable(spec), ...(startBy === undefined ? {} : { startBy }) });
    } catch (error) {
      if (spec === undefined) {
        this.#askAgain(followed, error);
        return;
      }
      this.#runs.delete(id);
      followed.answer.reject(error);
    }
  }

  /** Asks these runners and those of other versions, one after the other; when none has it, its record tells. */
  async #seek(followed: Followed, first: readonly Channel[]): Promise<void> {
    let others: readonly Channel[];
    try {
      others = await this.#runners.others();
    } catch (error) {
      this.#askAgain(followed, error);
      return;
    }
    if (this.#closed || this.#runs.get(followed.id) !== followed) return;
    followed.elsewhere = [...first, ...others];
    this.#askNext(followed);
  }

  #askNext(followed: Followed): void {
    const [next, ...rest] = followed.elsewhere ?? [];
    followed.holder = next;
    followed.elsewhere = rest;
    if (next === undefined) void this.#lookUp(followed);
    else next.send({ type: "adopt", id: followed.id });
  }

  /** A runner that is there and does not answer may have the run: to say that it is over would be a guess. */
  #askAgain(followed: Followed, error: unknown): void {
    const { clock, log } = this.#options;
    if (this.#closed || this.#runs.get(followed.id) !== followed) return;
    log.warn({ run: followed.id, err: error }, "a runner does not answer; what it has is asked for again");
    const timer = clock.setTimeout(() => {
      this.#retries.delete(timer);
      void this.#ask(followed);
    }, ASK_AGAIN);
    this.#retries.add(timer);
  }

  /** A runner of another version leaves once nobody waits for what it has. */
  #releaseIdle(channel: Channel): void {
    const needed = [...this.#runs.values()].some(
      ({ holder, elsewhere }) => holder === channel || elsewhere?.includes(channel) === true,
    );
    if (!needed) this.#runners.release(channel);
  }

  #hear(message: FromRunner, channel: Channel): void {
    if (message.type === "hello") return;
    if (message.type === "prepared") {
      const { id, fault } = message;
      if (fault === undefined) this.#preparations.get(id)?.resolve();
      else this.#preparations.get(id)?.reject(new StewardError("runner-lost", { fault }));
      return;
    }
    if (message.type === "forgotten") {
      const removal = this.#removals.get(message.id);
      this.#removals.delete(message.id);
      if (message.fault === undefined) removal?.resolve();
      else removal?.reject(new StewardError("internal", { fault: message.fault }));
      return;
    }
    const followed = this.#runs.get(message.id);
    if (followed === undefined) return;
    switch (message.type) {
      case "started":
        followed.spec = undefined;
        followed.holder = channel;
        followed.elsewhere = [];
        followed.pid = message.pid;
        followed.listener = followed.nextListener;
        followed.carried = { stdout: 0, stderr: 0 };
        followed.answer.resolve(followed.run);
        return;
      case "output":
        carry(followed.carried, message.parts);
        followed.listener(message.parts);
        return;
      case "end":
        this.#ended(followed, message.end);
        this.#releaseIdle(channel);
        return;
      case "notHere":
        if (followed.holder !== channel) return;
        // A start that is refused has its mark already: another runner may have it.
        if (followed.elsewhere === undefined) void this.#seek(followed, []);
        else this.#askNext(followed);
        this.#releaseIdle(channel);
    }
  }

  #runnerLost(channel: Channel): void {
    const all = [...this.#runs.values()];
    const runs = all.filter(({ holder }) => holder === channel);
    this.#options.log.warn(
      { pid: channel.runnerPid, runs: runs.map((run) => run.id) },
      "the connection to the runner is gone",
    );
    for (const followed of all) followed.elsewhere = followed.elsewhere?.filter((other) => other !== channel);
    for (const followed of runs) {
      // The runner may be there all the same, and is asked for the run.
      if (followed.spec === undefined && ++followed.breaks <= FOLLOW_ATTEMPTS) void this.#ask(followed);
      else this.#askNext(followed);
    }
    for (const preparation of this.#preparations.values())
      preparation.reject(new StewardError("runner-lost", { fault: "it ended before it had answered" }));
    for (const [id, removal] of this.#removals) {
      this.#removals.delete(id);
      removeRecord(this.#options.directory, id).then(
        () => removal.resolve(),
        (error: unknown) => removal.reject(error),
      );
    }
  }

  /** Settles a run that no runner has, by what is written of it. */
  async #lookUp(followed: Followed): Promise<void> {
    const { id } = followed;
    const { directory, clock, log } = this.#options;
    try {
      const record = await readRecord(directory, id);
      if (this.#closed || this.#runs.get(id) !== followed) return;
      if (record.kind === "none" || record.kind === "prepared") {
        this.#nothingRecorded(followed, record.kind === "prepared");
        return;
      }
      if (record.kind === "ended") {
        this.#endedBy(followed, record);
        return;
      }
      followed.pid = record.started?.pid ?? 0;
      followed.answer.resolve(followed.run);
      const found = await endOrphan(id, record.started, record.grace, clock);
      if (found) log.warn({ run: id, pid: followed.pid }, "ended a program whose runner had died");
      this.#lost(followed, whyLost(record));
    } catch (error) {
      if (followed.spec !== undefined) followed.answer.reject(error);
      this.#lost(followed, `its record cannot be read: ${String(error)}`);
    }
  }

  /** The end of a run of which the runner that had it does not speak. */
  async #look(followed: Followed): Promise<boolean> {
    try {
      const record = await readRecord(this.#options.directory, followed.id);
      if (this.#closed || this.#runs.get(followed.id) !== followed) return true;
      if (record.kind !== "ended") return false;
      this.#endedBy(followed, record);
      return true;
    } catch (error) {
      this.#options.log.warn({ run: followed.id, err: error }, "the record of a run cannot be read");
      return false;
    }
  }

  #endedBy(followed: Followed, { end, started }: RunRecord & { kind: "ended" }): void {
    followed.pid = started?.pid ?? 0;
    followed.answer.resolve(followed.run);
    // A listener that was to take over has had nothing yet.
    const carried = followed.listener === followed.nextListener ? followed.carried : { stdout: 0, stderr: 0 };
    this.#ended(followed, end.kind === "exited" ? { ...end, rest: beyond(carried, end.rest) } : end);
  }

  /** `proved`: it was prepared, and never began. */
  #nothingRecorded(followed: Followed, proved: boolean): void {
    const message = "nothing is recorded of it: whether it ran cannot be proved";
    if (proved && followed.spec !== undefined) {
      this.#runs.delete(followed.id);
      this.#wentIdle();
      followed.answer.reject(new StewardError("runner-lost", { fault: "it ended before the program began" }));
      return;
    }
    if (followed.spec !== undefined || followed.pid > 0) {
      this.#lost(followed, message);
      return;
    }
    this.#runs.delete(followed.id);
    this.#wentIdle();
    followed.answer.resolve(undefined);
    followed.end.resolve({ kind: "lost", message });
  }

  #lost(followed: Followed, message: string): void {
    followed.answer.resolve(followed.run);
    this.#ended(followed, { kind: "lost", message });
  }

  #ended(followed: Followed, end: RunEnd): void {
    this.#runs.delete(followed.id);
    followed.end.resolve(end);
    this.#wentIdle();
  }

  /** The runner costs memory: where nothing runs for a while it is let go, and leaves. Called whenever a run comes or goes. */
  #wentIdle(): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#idle);
    this.#idle = undefined;
    if (this.#closed || this.#runs.size > 0) return;
    this.#idle = clock.setTimeout(() => {
      const isIdle = (): boolean =>
        !this.#closed && this.#runs.size + this.#removals.size + this.#preparations.size === 0;
      void this.#runners.letGo(isIdle).then((gone) => (gone || !isIdle() ? undefined : this.#wentIdle()));
    }, IDLE);
  }
}

function whyLost({ started }: RunRecord & { kind: "begun" }): string {
  return started !== undefined && started.boot !== bootId()
    ? HOST_RESTARTED
    : "the process that ran it died, and nobody saw its end";
}

/** JSON has no infinity. */
function sendable(spec: RunSpec): RunSpec {
  return { ...spec, timeout: Math.min(spec.timeout, Number.MAX_SAFE_INTEGER) };
}
