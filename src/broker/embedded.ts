import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Clock } from "../message/clock.ts";
import { faultText, StewardError } from "../message/errors.ts";
import { writeDurably } from "../platform/durable-file.ts";
import type { Logger } from "../platform/logger.ts";
import { takeOverOrphan } from "./orphan.ts";
import { findServerBinary } from "./server-binary.ts";
import { type Access, type ServerTls, serverConfiguration } from "./server-config.ts";

/**
 * A nats-server as a child process of the daemon: starting → running → ended.
 *
 * The server has a process group of its own, so that Ctrl-C in a terminal reaches the daemon alone, which stops the server
 * last. After a daemon that was killed, the next start ends the server that is left, recognised by its pid file and its
 * command line. Pid file and configuration are the only files of the server. The logins are read
 * anew while it runs: the connections of clients that may stay go on, those of clients that may no longer log in end.
 */
export interface EmbeddedBrokerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** For configuration and pid file; made if missing. */
  readonly directory: string;
  readonly log: Logger;
  readonly clock: Clock;
  /** The clients that it lets in, as they are at the time of the call. */
  readonly access: () => Access;
  readonly tls?: ServerTls;
  readonly maxPayload?: number;
}

export interface EmbeddedBroker {
  readonly url: string;
  readonly pid: number;
  /** Resolves once, when the process has ended. */
  readonly ended: Promise<{ readonly reason: "normal" | "shutdown" | "failed"; readonly error?: StewardError }>;
  /** Asks for `access` again and hands it to the server; resolves when the server goes by it, or has ended. */
  readAccess(): Promise<void>;
  /** Resolves when the process has ended. */
  stop(): Promise<void>;
  kill(): void;
}

const READY_WITHIN_MS = 10_000;
const STOP_WITHIN_MS = 5_000;
const RELOAD_WITHIN_MS = 5_000;
const USUAL_PAYLOAD = 8 * 1024 * 1024;

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
  const present = (): string => {
    const { access, tls, maxPayload = USUAL_PAYLOAD } = options;
    const settings = { host, port, pidFile, maxPayload, access: access() };
    return `# Written by steward.\n${serverConfiguration({ ...settings, ...(tls === undefined ? {} : { tls }) })}`;
  };
  let written = present();
  writeDurably(configFile, written);

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
  const reload = async (): Promise<void> => {
    const next = present();
    if (next === written || stopping) return;
    writeDurably(configFile, next);
    const answered = server.reloaded();
    child.kill("SIGHUP");
    const late = new Promise<string>((resolve) => {
      const timer = clock.setTimeout(() => resolve(`no answer within ${RELOAD_WITHIN_MS / 1000} s`), RELOAD_WITHIN_MS);
      void Promise.race([answered, ended]).then(() => clock.clearTimeout(timer));
    });
    const fault = await Promise.race([answered, late, ended.then(() => undefined)]);
    // The old logins stand: a server that cannot be told is started anew rather than left with a node that was revoked.
    if (fault !== undefined) {
      log.error({ fault }, "nats-server did not take the new logins, it is started again");
      child.kill("SIGKILL");
      return;
    }
    written = next;
    log.info({ pid: child.pid }, "nats-server goes by the present logins");
  };
  let reloading = Promise.resolve();
  const readAccess = (): Promise<void> => {
    reloading = reloading.then(reload);
    return reloading;
  };
  return { url, pid: child.pid ?? 0, ended, readAccess, stop, kill: () => void child.kill("SIGKILL") };
}

interface Watched {
  /** Resolves with `host:port`. */
  readonly ready: Promise<string>;
  /** Resolves with the last error of the server. */
  readonly exited: Promise<string>;
  /** Resolves once it has read its configuration anew; with the fault, if it refused it. */
  reloaded(): Promise<string | undefined>;
}

/** Follows the log of the server. */
function watch(child: ChildProcess, log: EmbeddedBrokerOptions["log"]): Watched {
  let address = "";
  let complaint = "";
  let onReload = (_fault: string | undefined): void => undefined;
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
      if (text === "Reloaded server configuration") onReload(undefined);
      if (text.startsWith("Failed to reload server configuration")) onReload(text);
    });
  });
  const reloaded = (): Promise<string | undefined> =>
    new Promise((resolve) => {
      onReload = resolve;
    });
  return { ready, exited, reloaded };
}
