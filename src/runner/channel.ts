import { closeSync, constants, existsSync, openSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import type { Clock } from "../message/clock.ts";
import { StewardError } from "../message/errors.ts";
import {
  encodeLine,
  type FromRunner,
  LineReader,
  PROTOCOL_VERSION,
  readFromRunner,
  runnerFile,
  type ToRunner,
} from "./protocol.ts";

/** The daemon's end of a connection to a runner that has said hello. */
export interface Channel {
  readonly runnerPid: number;
  readonly version: number;
  send(message: ToRunner): void;
  /** At most one of each; what came before is handed over at once. */
  listen(onMessage: (message: FromRunner) => void, onClosed: () => void): void;
  /** Resolves when all that was sent is handed over and the connection is gone. */
  close(): Promise<void>;
}

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
  if (Buffer.byteLength(path) <= PATH_LIMIT) return greet(connect(path), clock, version);
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
    return await greet(connect(`/proc/self/fd/${fd}/${name}`), clock, version);
  } finally {
    closeSync(fd);
  }
}

function greet(socket: Socket, clock: Clock, expected: number): Promise<Channel | undefined> {
  const lines = new LineReader();
  const early: FromRunner[] = [];
  let onMessage: ((message: FromRunner) => void) | undefined;
  let onClosed: (() => void) | undefined;
  let closed = false;

  const channel = (runnerPid: number): Channel => ({
    runnerPid,
    version: expected,
    send: (message) => {
      if (!closed) socket.write(encodeLine(message));
    },
    listen: (message, lost) => {
      onMessage = message;
      onClosed = lost;
      for (const before of early.splice(0)) message(before);
      if (closed) lost();
    },
    close: () => {
      onMessage = () => undefined;
      onClosed = undefined;
      if (closed) return Promise.resolve();
      return new Promise((done) => {
        socket.once("close", () => done());
        socket.end(() => socket.destroy());
      });
    },
  });

  return new Promise((resolve, reject) => {
    const refuse = (fault: string): void => {
      reject(new StewardError("runner-lost", { fault }));
      socket.destroy();
    };
    const timer = clock.setTimeout(() => refuse("it does not answer"), HELLO_TIMEOUT);
    // Errors are followed by `close`: before hello it means that nobody is there, or that this process lacks what a connection
    // needs; later that the runner is lost.
    let fault: NodeJS.ErrnoException | undefined;
    socket.on("error", (error) => {
      fault = error;
    });
    socket.once("close", () => {
      closed = true;
      clock.clearTimeout(timer);
      if (fault?.code === undefined || NOBODY.has(fault.code)) resolve(undefined);
      else reject(new StewardError("runner-lost", { fault: fault.message }, { cause: fault }));
      onClosed?.();
    });
    const take = (message: FromRunner): void => {
      if (message.type !== "hello") {
        if (onMessage === undefined) early.push(message);
        else onMessage(message);
        return;
      }
      clock.clearTimeout(timer);
      const { version, pid } = message;
      if (version === expected) resolve(channel(pid));
      else refuse(`runner ${pid} speaks version ${version}, not ${expected}`);
    };
    socket.on("data", (chunk) => {
      let messages: FromRunner[];
      try {
        messages = lines.push(chunk).map(readFromRunner);
      } catch {
        refuse("it sent what is no message of its protocol");
        return;
      }
      for (const message of messages) take(message);
    });
  });
}
