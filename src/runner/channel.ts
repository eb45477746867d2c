import { closeSync, constants, existsSync, openSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import type { Clock, Timer } from "../message/clock.ts";
import { StewardError } from "../message/errors.ts";
import { Deferred } from "../platform/deferred.ts";
import {
  encodeLine,
  type FromRunner,
  LineReader,
  PROTOCOL_VERSION,
  readFromRunner,
  runnerFile,
  type ToRunner,
} from "./protocol.ts";

/** Bytes that a socket's path may have where it has fewest. */
const PATH_LIMIT = 100;

/** Codes of a failed connection where no runner listens. */
const NOBODY: ReadonlySet<string> = new Set(["ENOENT", "ECONNREFUSED", "ECONNRESET", "EPIPE"]);

/** Milliseconds in which a runner must say hello; a frozen one never does. */
const HELLO_TIMEOUT = 10_000;

/**
 * Connects to the runner of `version` that serves `directory`; `undefined` when there is none.
 * @throws StewardError `runner-lost`
 */
export async function connectRunner(
  directory: string,
  clock: Clock,
  version = PROTOCOL_VERSION,
): Promise<Channel | undefined> {
  const name = runnerFile("sock", version);
  const path = join(directory, name);
  if (Buffer.byteLength(path) <= PATH_LIMIT) return new Channel(connect(path), clock, version).greeted;
  if (!existsSync("/proc/self/fd"))
    throw new StewardError("runner-lost", { fault: `the path is too long for a socket: ${path}` });
  // A path by the directory's descriptor is short enough.
  let fd: number;
  try {
    fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return await new Channel(connect(`/proc/self/fd/${fd}/${name}`), clock, version).greeted;
  } finally {
    closeSync(fd);
  }
}

/** The daemon's end of a connection to a runner: connected → greeted → closed. Only a greeted one is handed out. */
export class Channel {
  readonly version: number;
  runnerPid = 0;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #lines = new LineReader();
  readonly #greeting = new Deferred<Channel | undefined>();
  readonly #timer: Timer;
  /** Messages that came before there was a listener. */
  readonly #early: FromRunner[] = [];
  #onMessage: ((message: FromRunner) => void) | undefined;
  #onClosed: (() => void) | undefined;
  #fault: NodeJS.ErrnoException | undefined;
  #closed = false;

  constructor(socket: Socket, clock: Clock, version: number) {
    this.version = version;
    this.#socket = socket;
    this.#clock = clock;
    this.#timer = clock.setTimeout(() => this.#refuse("it does not answer"), HELLO_TIMEOUT);
    socket.on("data", (chunk) => this.#read(chunk));
    socket.on("error", (error) => {
      this.#fault = error;
    });
    socket.once("close", () => this.#lost());
  }

  /** Resolves at the runner's hello; `undefined`: no runner is there. @throws StewardError `runner-lost` */
  get greeted(): Promise<Channel | undefined> {
    return this.#greeting.promise;
  }

  send(message: ToRunner): void {
    if (!this.#closed) this.#socket.write(encodeLine(message));
  }

  /** At most one of each; earlier messages are handed over at once. */
  listen(onMessage: (message: FromRunner) => void, onClosed: () => void): void {
    this.#onMessage = onMessage;
    this.#onClosed = onClosed;
    for (const early of this.#early.splice(0)) onMessage(early);
    if (this.#closed) onClosed();
  }

  /** Resolves when all that was sent is handed over and the connection is gone. */
  close(): Promise<void> {
    this.#onMessage = () => undefined;
    this.#onClosed = undefined;
    if (this.#closed) return Promise.resolve();
    return new Promise((done) => {
      this.#socket.once("close", () => done());
      this.#socket.end(() => this.#socket.destroy());
    });
  }

  #read(chunk: Buffer): void {
    let messages: FromRunner[];
    try {
      messages = this.#lines.push(chunk).map(readFromRunner);
    } catch {
      this.#refuse("it sent what is no message of its protocol");
      return;
    }
    for (const message of messages) {
      if (message.type === "hello") this.#greet(message);
      else if (this.#onMessage === undefined) this.#early.push(message);
      else this.#onMessage(message);
    }
  }

  #greet({ version, pid }: FromRunner & { readonly type: "hello" }): void {
    this.#clock.clearTimeout(this.#timer);
    if (version !== this.version) {
      this.#refuse(`runner ${pid} speaks version ${version}, not ${this.version}`);
      return;
    }
    this.runnerPid = pid;
    this.#greeting.resolve(this);
  }

  #refuse(fault: string): void {
    this.#greeting.reject(new StewardError("runner-lost", { fault }));
    this.#socket.destroy();
  }

  /**
   * The end of the connection, after an error or not. Before the hello it means that no runner is there, or that this
   * process lacks what a connection needs; later that the runner is lost.
   */
  #lost(): void {
    this.#closed = true;
    this.#clock.clearTimeout(this.#timer);
    const fault = this.#fault;
    if (fault?.code === undefined || NOBODY.has(fault.code)) this.#greeting.resolve(undefined);
    else this.#greeting.reject(new StewardError("runner-lost", { fault: fault.message }, { cause: fault }));
    this.#onClosed?.();
  }
}
