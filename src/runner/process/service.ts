import { linkSync, rmSync, statSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import type { RunSpec } from "../../methods/spawner.ts";
import { hostUptime } from "../../platform/host/host-time.ts";
import { runnerFile } from "../protocol.ts";
import { isRunId, markRun, prepareRun, removeRecordNow } from "../run-records.ts";
import type { RunListener } from "./audience.ts";
import { Connection } from "./connection.ts";
import { Pipes } from "./pipes.ts";
import { Recording, type RecordingWorld } from "./recording.ts";

/**
 * The runner's socket and its runs.
 *
 *   listening → serving → gone
 *
 * The runner leaves by itself when no daemon is connected and nothing runs. The socket's name is taken by a hard link,
 * which fails when it is there already: so there is one runner a directory, and a stale name is for the daemon to
 * remove. Programs are started one at a time, each in a turn of the event loop of its own, so that timers are never
 * starved.
 */
const SOCKET_NAME = runnerFile("sock");
/** How long the first daemon may take to connect. */
const FIRST_CONNECTION = 10_000;

export interface ServiceOptions extends RecordingWorld {
  readonly pid: number;
  /** Called once, when there is nothing left to do. */
  readonly gone: () => void;
}

interface Waiting {
  readonly recording: Recording;
  readonly env: Record<string, string>;
  readonly cwd: string;
  readonly umask: number | undefined;
  /** Uptime of the host after which it must not start, ms. */
  readonly startBy: number;
}

export class RunnerService {
  readonly #options: ServiceOptions;
  readonly #server: Server;
  readonly #pipes: Pipes;
  readonly #connections = new Set<Connection>();
  readonly #runs = new Map<string, Recording>();
  readonly #waiting: Waiting[] = [];
  #starting = false;
  #socketInode: number | undefined;

  constructor(options: ServiceOptions) {
    this.#options = options;
    this.#pipes = new Pipes(join(options.directory, runnerFile("pipes")));
    this.#server = createServer((socket) => this.#connected(socket));
  }

  /** False when another runner serves this directory, or a stale socket is in the way. */
  async listen(): Promise<boolean> {
    const own = `${SOCKET_NAME}.${this.#options.pid}`;
    // Relative to the working directory, which is the runs' directory: a socket's path may have about 100 bytes.
    rmSync(own, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(own, resolve);
    });
    try {
      linkSync(own, SOCKET_NAME);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      this.#server.close();
      return false;
    } finally {
      rmSync(own, { force: true });
    }
    this.#socketInode = statSync(SOCKET_NAME).ino;
    this.#pipes.prepare();
    this.#options.clock.setTimeout(() => this.leaveWhenIdle(), FIRST_CONNECTION);
    return true;
  }

  #connected(socket: Socket): void {
    const options = this.#options;
    const connection = new Connection(socket, {
      pid: options.pid,
      start: (spec, listener, startBy) => this.#start(spec, listener, connection, startBy),
      find: (id) => this.#runs.get(id),
      prepare: (id) => {
        if (!isRunId(id)) throw new Error(`not an id: ${JSON.stringify(id)}`);
        prepareRun(options.directory, id);
      },
      forget: (id) => {
        if (!isRunId(id) || this.#runs.has(id)) throw new Error(`${id} cannot be forgotten`);
        removeRecordNow(options.directory, id);
      },
      log: options.log,
      closed: () => {
        this.#connections.delete(connection);
        this.leaveWhenIdle();
      },
    });
    this.#connections.add(connection);
  }

  /** False when the id was started before and is not alive. */
  #start(
    spec: RunSpec,
    listener: RunListener,
    { env, cwd, umask }: Connection,
    startBy = Number.POSITIVE_INFINITY,
  ): boolean {
    if (!isRunId(spec.id)) throw new Error(`not an id: ${JSON.stringify(spec.id)}`);
    const alive = this.#runs.get(spec.id);
    if (alive !== undefined) {
      alive.listen(listener);
      return true;
    }
    try {
      if (!markRun(this.#options.directory, spec)) return false;
    } catch (error) {
      // A full disk, mostly: without its mark a program is not started.
      listener.started(0);
      listener.end({
        kind: "notStarted",
        code: codeOf(error),
        message: `its start could not be recorded: ${String(error)}`,
      });
      return true;
    }
    const recording = new Recording(spec, this.#options, () => {
      this.#runs.delete(spec.id);
      this.leaveWhenIdle();
    });
    this.#runs.set(spec.id, recording);
    recording.listen(listener);
    this.#waiting.push({ recording, env, cwd, umask, startBy });
    void this.#startWaiting();
    return true;
  }

  async #startWaiting(): Promise<void> {
    if (this.#starting) return;
    this.#starting = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      await new Promise((resolve) => setImmediate(resolve));
      // The request may have waited in the socket of a runner that was stopped, or with its host asleep.
      if (next.startBy !== Number.POSITIVE_INFINITY && (hostUptime() ?? 0) > next.startBy) {
        const message = "its deadline passed before the process that starts programs had read of it";
        next.recording.failed({ kind: "notStarted", code: "ETIME", message });
        continue;
      }
      try {
        next.recording.start(await this.#pipes.take(next.recording.spec.bounds), next);
      } catch (error) {
        next.recording.failed({
          kind: "notStarted",
          code: codeOf(error),
          message: `no pipe for its output: ${String(error)}`,
        });
      }
    }
    this.#starting = false;
  }

  /** Leaves, unless a daemon is connected or something runs. */
  leaveWhenIdle(): void {
    if (this.#connections.size + this.#runs.size > 0 || this.#socketInode === undefined) return;
    // The name first: whoever connects from now on finds none, and starts a runner of its own.
    if (statSync(SOCKET_NAME, { throwIfNoEntry: false })?.ino === this.#socketInode)
      rmSync(SOCKET_NAME, { force: true });
    this.#socketInode = undefined;
    this.#pipes.remove();
    this.#server.close();
    this.#options.gone();
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "UNKNOWN";
}
