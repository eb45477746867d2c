import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { findServerBinary } from "../../../src/broker/server-binary.ts";
import { atTestEnd } from "../temp.ts";

/** A real nats-server on a free port of 127.0.0.1, gone when the test is over. */
export interface TestBroker {
  readonly url: string;
  readonly port: number;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** Graceful; resolves when it is gone. */
  stop(): Promise<void>;
  /** Starts it again on the same port, empty; kills it first if it runs. */
  restart(): Promise<void>;
  /** SIGSTOP: it keeps its sockets and says nothing. */
  freeze(): void;
  resume(): void;
  /** SIGHUP: it reads its configuration anew, and keeps its connections. */
  reload(): void;
}

export interface TestBrokerOptions {
  /** Default: one that nats-server chooses. */
  readonly port?: number;
  /** More arguments, for example `["-c", file]`. */
  readonly args?: readonly string[];
  /** Where it listens; default 127.0.0.1. */
  readonly address?: string;
  /** Words before it: what starts it elsewhere. */
  readonly within?: readonly string[];
}

export async function startBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const { path } = await findServerBinary();
  const { address = "127.0.0.1" } = options;
  let running = await start(path, options.port ?? -1, { ...options, address });
  const { port } = running;
  const end = async (signal: "SIGINT" | "SIGKILL"): Promise<void> => {
    // One that is frozen dies as it is: what its sockets hold is lost.
    if (signal !== "SIGKILL") running.child.kill("SIGCONT");
    running.child.kill(signal);
    await running.ended;
  };
  atTestEnd(
    () => end("SIGKILL"),
    () => running.child.kill("SIGKILL"),
  );
  return {
    url: `nats://${address}:${port}`,
    port,
    kill: () => end("SIGKILL"),
    stop: () => end("SIGINT"),
    restart: async () => {
      await end("SIGKILL");
      running = await start(path, port, { ...options, address });
    },
    freeze: () => void running.child.kill("SIGSTOP"),
    resume: () => void running.child.kill("SIGCONT"),
    reload: () => void running.child.kill("SIGHUP"),
  };
}

interface Running {
  readonly child: ChildProcess;
  readonly port: number;
  readonly ended: Promise<void>;
}

function start(
  path: string,
  port: number,
  { address = "", args = [], within = [] }: TestBrokerOptions,
): Promise<Running> {
  const [program = "", ...words] = [...within, path, "-a", address, "-p", String(port), ...args];
  const child = spawn(program, words, { stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const lines: string[] = [];
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => reject(new Error(`nats-server ended:\n${lines.join("\n")}`)));
    let heard = 0;
    createInterface({ input: child.stderr }).on("line", (line) => {
      if (lines.length < 100) lines.push(line);
      heard = Number(/Listening for client connections on \S+:(\d+)$/.exec(line)?.[1] ?? heard);
      if (line.endsWith("Server is ready")) resolve({ child, port: heard, ended });
    });
  });
}
