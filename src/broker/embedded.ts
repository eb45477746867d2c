import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { BrokerConfig } from "../config/config.ts";
import type { Clock } from "../message/clock.ts";
import { faultText, StewardError } from "../message/errors.ts";
import type { Logger } from "../platform/logger.ts";
import { takeOverOrphan } from "./orphan.ts";
import { findServerBinary } from "./server-binary.ts";

/**
 * A nats-server as a child process of the daemon: starting → running → ended.
 *
 * The server has a process group of its own, so that Ctrl-C in a terminal reaches the daemon alone, which stops the server
 * last. After a daemon that was killed, the next start ends the server that is left, recognised by its pid file and its
 * command line. Pid file and configuration are the only files of the server.
 */
export interface EmbeddedBrokerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** For configuration and pid file; made if missing. */
  readonly directory: string;
  readonly log: Logger;
  readonly clock: Clock;
  /** The login that clients need, which is the daemon's own: user and password, or a token. */
  readonly auth?: BrokerConfig["auth"];
  readonly maxPayload?: number;
}

export interface EmbeddedBroker {
  readonly url: string;
  readonly pid: number;
  /** Resolves once, when the process has ended. */
  readonly ended: Promise<{ readonly reason: "normal" | "shutdown" | "failed"; readonly error?: StewardError }>;
  /** Resolves when the process has ended. */
  stop(): Promise<void>;
  kill(): void;
}

const READY_WITHIN_MS = 10_000;
const STOP_WITHIN_MS = 5_000;

/**
 * Resolves when the server accepts connections.
 * @throws StewardError `nats-server-missing`, `nats-server-failed`
 */
export async function startEmbeddedBroker(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
  const { host, port, directory, log, clock } = options;
  const binary = await findServerBinary();
  const configFile = join(directory, "nats-server.conf");
  const pidFile = join(directory, "nats-server.pid");
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await takeOverOrphan(pidFile, configFile, clock, log);
  await rm(configFile, { force: true });
  await writeFile(configFile, configuration(options, pidFile), { mode: 0o600 });

  const child = spawn(binary.path, ["-c", configFile], { stdio: ["ignore", "ignore", "pipe"], detached: true });
  const endWithDaemon = (): boolean => child.kill("SIGKILL");
  process.once("exit", endWithDaemon);
  const server = watch(child, log);
  let stopping = false;
  const ended = server.exited.then(async (fault) => {
    process.off("exit", endWithDaemon);
    await rm(pidFile, { force: true });
    if (stopping) return { reason: "shutdown" as const };
    return { reason: "failed" as const, error: new StewardError("nats-server-failed", { fault }) };
  });
  const stop = async (): Promise<void> => {
    stopping = true;
    child.kill("SIGINT");
    const timer = clock.setTimeout(() => child.kill("SIGKILL"), STOP_WITHIN_MS);
    await ended;
    clock.clearTimeout(timer);
  };

  const late = clock.setTimeout(() => child.kill("SIGKILL"), READY_WITHIN_MS);
  const address = await Promise.race([server.ready, ended]);
  clock.clearTimeout(late);
  if (typeof address !== "string")
    throw (
      address.error ??
      new StewardError("nats-server-failed", { fault: "it was stopped before it accepted connections" })
    );
  const url = `nats://${address.replace("0.0.0.0", "127.0.0.1").replace("[::]", "127.0.0.1")}`;
  log.info({ url, pid: child.pid, version: binary.version, host, port }, "nats-server accepts connections");
  return { url, pid: child.pid ?? 0, ended, stop, kill: () => void child.kill("SIGKILL") };
}

/** Follows the log of the server: `ready` resolves with `host:port`, `exited` with its last error. */
function watch(
  child: ChildProcess,
  log: EmbeddedBrokerOptions["log"],
): { ready: Promise<string>; exited: Promise<string> } {
  let address = "";
  let complaint = "";
  const exited = new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(faultText(error)));
    // `close` comes after the last line was read.
    child.once("close", (code, signal) =>
      resolve(complaint || (signal === null ? `exit code ${code}` : `ended by ${signal}`)),
    );
  });
  const ready = new Promise<string>((resolve) => {
    if (child.stderr === null) return;
    createInterface({ input: child.stderr }).on("line", (line) => {
      const [, level = "INF", text = line] = /\[([A-Z]{3})\] (.*)$/.exec(line) ?? [];
      const grave = level === "ERR" || level === "FTL";
      if (grave) complaint = text;
      if (grave || level === "WRN") log.warn({ source: "nats-server" }, text);
      else log.debug({ source: "nats-server" }, text);
      address = /^Listening for client connections on (\S+)$/.exec(text)?.[1] ?? address;
      if (text === "Server is ready") resolve(address);
    });
  });
  return { ready, exited };
}

/** JSON strings are strings of this format too. No JetStream, no monitoring port: it only carries. */
function configuration(
  { host, port, auth, maxPayload = 8 * 1024 * 1024 }: EmbeddedBrokerOptions,
  pidFile: string,
): string {
  return [
    "# Written by steward at each start.",
    `host: ${JSON.stringify(host)}`,
    `port: ${port === 0 ? -1 : port}`,
    `pid_file: ${JSON.stringify(pidFile)}`,
    `max_payload: ${maxPayload}`,
    `max_pending: ${Math.max(64 * 1024 * 1024, 8 * maxPayload)}`,
    'write_deadline: "10s"',
    // Nodes ping at the pace of their own links; a ping of the server would cost the most on the dearest link. A connection
    // that was heard within the interval is not pinged, and every node says hello more often than this.
    'ping_interval: "11m"',
    "ping_max: 2",
    "logtime: false",
    ...authorization(auth ?? { kind: "none" }),
    "",
  ].join("\n");
}

function authorization(auth: BrokerConfig["auth"]): string[] {
  switch (auth.kind) {
    case "none":
      return [];
    case "user":
      return [`authorization { user: ${JSON.stringify(auth.user)}, password: ${JSON.stringify(auth.password)} }`];
    case "token":
      return [`authorization { token: ${JSON.stringify(auth.token)} }`];
    default:
      throw new StewardError("nats-server-failed", {
        fault: `an embedded broker takes user and password or a token, not ${auth.kind}`,
      });
  }
}
