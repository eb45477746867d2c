import { fileURLToPath } from "node:url";
import type { Clock } from "../../message/clock.ts";
import { StewardError } from "../../message/errors.ts";
import type { MethodLog } from "../../methods/define.ts";
import type { OutputListener, Run, RunEnd, RunSpec, Spawner } from "../../methods/spawner.ts";
import { type Channel, connectRunner } from "./channel.ts";
import { type Deferred, deferred } from "./deferred.ts";
import { reachRunner } from "./launch.ts";
import { endOrphan } from "./orphans.ts";
import { beyond, type Carried, carry } from "./parts.ts";
import { type FromRunner, PROTOCOL_VERSION } from "./protocol.ts";
import { isRunId, readRecord, recordedIds, removeRecord } from "./records.ts";

/**
 * The daemon's side of the runner. A run that it follows:
 *
 *   asked → running → ended
 *      ↘       ↘
 *       looked up in its record: ended, lost (its mark is there, its end is not), or never begun
 *
 * It is looked up when the runner does not know it, or is gone. Only what never began is asked for again.
 */
export interface SpawnerOptions {
  /** The directory of the runs; made when it is not there. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: MethodLog;
  /** The compiled runner; absent: `STEWARD_RUNNER`, else the file beside this one. */
  readonly runnerPath?: string;
}

export function openSpawner(options: SpawnerOptions): Spawner {
  const runnerPath =
    options.runnerPath ?? process.env.STEWARD_RUNNER ?? fileURLToPath(new URL("./main.js", import.meta.url));
  return new RunnerSpawner({ ...options, runnerPath });
}

/** How often a start is sent to a new runner after the old one died without having begun it. */
const START_ATTEMPTS = 3;

interface Followed {
  readonly id: string;
  readonly run: Run;
  readonly end: Deferred<RunEnd>;
  /** `undefined`: nothing is known of it. */
  answer: Deferred<Run | undefined>;
  pid: number;
  /** What is to be started, until it is. */
  spec: RunSpec | undefined;
  attempts: number;
  listener: OutputListener;
  /** Takes over when its output begins again from the beginning. */
  nextListener: OutputListener;
  carried: Carried;
}

class RunnerSpawner implements Spawner {
  readonly #options: Required<SpawnerOptions>;
  readonly #runs = new Map<string, Followed>();
  readonly #removals = new Map<string, Deferred<void>>();
  #channel: Channel | undefined;
  #connecting: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: Required<SpawnerOptions>) {
    this.#options = options;
  }

  async start(spec: RunSpec, onOutput: OutputListener): Promise<Run> {
    this.#check(spec.id);
    const known = await this.#runs.get(spec.id)?.answer.promise;
    if (known !== undefined) return known;
    const followed = this.#runs.get(spec.id) ?? this.#follow(spec.id, onOutput);
    if (followed.spec === undefined) {
      followed.spec = spec;
      void this.#ask(followed);
    }
    const run = await followed.answer.promise;
    return run ?? this.start(spec, onOutput);
  }

  async adopt(id: string, onOutput: OutputListener): Promise<Run | undefined> {
    this.#check(id);
    const followed = this.#runs.get(id) ?? this.#follow(id, onOutput);
    followed.nextListener = onOutput;
    if (followed.answer.settled) followed.answer = deferred();
    void this.#ask(followed);
    return followed.answer.promise;
  }

  async forget(id: string): Promise<void> {
    this.#check(id);
    if (this.#runs.has(id)) throw new StewardError("internal", { fault: `run ${id} goes on and cannot be forgotten` });
    await (this.#removals.get(id)?.promise ?? this.#remove(id));
  }

  async recorded(): Promise<readonly string[]> {
    return recordedIds(this.#options.directory);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#connecting;
    this.#runs.clear();
    const channel = this.#channel;
    this.#channel = undefined;
    await channel?.close();
  }

  /** By the runner where there is one: on a slow disk, removing a file takes its time. */
  async #remove(id: string): Promise<void> {
    const channel = this.#channel;
    if (channel === undefined) return removeRecord(this.#options.directory, id);
    const removal = deferred<void>();
    this.#removals.set(id, removal);
    channel.send({ type: "forget", id });
    return removal.promise;
  }

  #check(id: string): void {
    if (this.#closed) throw new StewardError("runner-lost", { fault: "this daemon is stopping" });
    if (!isRunId(id)) throw new StewardError("internal", { fault: `${JSON.stringify(id)} is not an id of a run` });
  }

  #follow(id: string, onOutput: OutputListener): Followed {
    const end = deferred<RunEnd>();
    const followed: Followed = {
      id,
      run: {
        get pid() {
          return followed.pid;
        },
        cancel: () => this.#channel?.send({ type: "cancel", id }),
        end: end.promise,
      },
      end,
      answer: deferred(),
      pid: 0,
      spec: undefined,
      attempts: 0,
      listener: onOutput,
      nextListener: onOutput,
      carried: { stdout: 0, stderr: 0 },
    };
    this.#runs.set(id, followed);
    return followed;
  }

  /** Asks the runner to start it, or for its output from the beginning. */
  async #ask(followed: Followed): Promise<void> {
    const { id, spec } = followed;
    try {
      const channel = await this.#reach(spec !== undefined);
      if (this.#closed) return;
      if (channel === undefined) await this.#lookUp(followed);
      else if (spec !== undefined) channel.send({ type: "start", spec: sendable(spec) });
      else channel.send({ type: "adopt", id });
    } catch (error) {
      this.#runs.delete(id);
      followed.answer.reject(error);
    }
  }

  /** One at a time, so that there is one connection. Without `mayLaunch`, `undefined` when no runner is there. */
  #reach(mayLaunch: boolean): Promise<Channel | undefined> {
    const attempt = this.#connecting.then(async () => {
      if (this.#channel !== undefined || this.#closed) return this.#channel;
      const { directory, clock } = this.#options;
      const channel = mayLaunch ? await reachRunner(this.#options) : await connectRunner(directory, clock);
      if (channel === undefined) return undefined;
      this.#channel = channel;
      channel.send({ type: "hello", version: PROTOCOL_VERSION, env: environment(), cwd: process.cwd() });
      channel.listen(
        (message) => this.#hear(message),
        () => this.#runnerLost(channel),
      );
      return channel;
    });
    this.#connecting = attempt.catch(() => undefined);
    return attempt;
  }

  #hear(message: FromRunner): void {
    if (message.type === "hello") return;
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
        return;
      case "notHere":
        void this.#lookUp(followed);
    }
  }

  #runnerLost(channel: Channel): void {
    this.#channel = undefined;
    const runs = [...this.#runs.values()];
    this.#options.log.warn({ pid: channel.runnerPid, runs: runs.map((run) => run.id) }, "the runner is gone");
    for (const followed of runs) void this.#lookUp(followed);
    for (const [id, removal] of this.#removals) {
      this.#removals.delete(id);
      removeRecord(this.#options.directory, id).then(removal.resolve, removal.reject);
    }
  }

  /** Settles a run that no runner has, by what is written of it. */
  async #lookUp(followed: Followed): Promise<void> {
    const { id } = followed;
    const { directory, clock, log } = this.#options;
    try {
      const record = await readRecord(directory, id);
      if (this.#closed || this.#runs.get(id) !== followed) return;
      if (record.kind === "none") {
        this.#neverBegan(followed);
        return;
      }
      followed.pid = record.started?.pid ?? 0;
      followed.answer.resolve(followed.run);
      if (record.kind === "ended") {
        const { end } = record;
        // A listener that was to take over has had nothing yet.
        const carried = followed.listener === followed.nextListener ? followed.carried : { stdout: 0, stderr: 0 };
        this.#ended(followed, end.kind === "exited" ? { ...end, rest: beyond(carried, end.rest) } : end);
        return;
      }
      const found = await endOrphan(id, record.started, record.grace, clock);
      if (found) log.warn({ run: id, pid: followed.pid }, "ended a program whose runner had died");
      this.#ended(followed, { kind: "lost", message: "the process that ran it died, and nobody saw its end" });
    } catch (error) {
      this.#runs.delete(id);
      followed.answer.reject(error);
      followed.end.resolve({ kind: "lost", message: `its record cannot be read: ${String(error)}` });
    }
  }

  #neverBegan(followed: Followed): void {
    if (followed.spec === undefined) {
      this.#runs.delete(followed.id);
      followed.answer.resolve(undefined);
      followed.end.resolve({ kind: "lost", message: "nothing is recorded of it" });
      return;
    }
    followed.attempts++;
    if (followed.attempts < START_ATTEMPTS) {
      void this.#ask(followed);
      return;
    }
    this.#runs.delete(followed.id);
    followed.answer.reject(new StewardError("runner-lost", { fault: "it died before the program began" }));
  }

  #ended(followed: Followed, end: RunEnd): void {
    this.#runs.delete(followed.id);
    followed.end.resolve(end);
  }
}

function environment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

/** JSON has no infinity. */
function sendable(spec: RunSpec): RunSpec {
  return { ...spec, timeout: Math.min(spec.timeout, Number.MAX_SAFE_INTEGER) };
}
