import { existsSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import type { Config } from "../config/config.ts";
import type { ApartOptions } from "../journal/check/apart.ts";
import type { OfflineCheck } from "../journal/offline.ts";
import { StewardError } from "../message/errors.ts";
import { withTimes } from "../message/text/time-words.ts";
import type { ServiceNotice } from "../platform/service-notice.ts";
import type { ReloadAnswer } from "../runtime/operate/operations.ts";
import type { Daemon } from "./daemon.ts";
import type { CliIo } from "./io.ts";
import { type Paint, paintFor } from "./render/paint.ts";
import { jsonText, visible } from "./render/text.ts";
import { type Times, timesAt } from "./render/time.ts";

const SYSTEM_CONFIG = "/etc/steward/steward.yaml";

/** The options that every command takes. */
export interface GlobalOptions {
  readonly config?: string;
  readonly socket?: string;
  readonly json?: boolean;
  readonly color?: boolean;
}

/** How a command reaches the rest of steward; a test may put something else in the place of any of them. */
export interface Reach {
  loadConfig(file: string, env: CliIo["env"]): Promise<Config>;
  /** The socket that a configuration names. Whatever else is wrong with the file, or missing around it, matters not. */
  socketOf(file: string, env: CliIo["env"]): Promise<string>;
  /** `until`: when the command must end, by monotonic time. */
  connect(socket: string, io: CliIo, until?: number): Promise<Daemon>;
  /** `pretty`: its log is for people, not for programs. */
  startDaemon(config: Config, pretty: boolean): Promise<RunningDaemon>;
  /** Tells the program that started this one as a service, such as systemd; `undefined`: none did. */
  serviceNotice(io: CliIo): Promise<ServiceNotice | undefined>;
  /** The state machines as Mermaid charts. */
  charts(): Promise<readonly { readonly name: string; readonly mermaid: string }[]>;
  /** Looks through the journal of a daemon that does not run; `undefined`: there is none. */
  checkJournal(path: string, options: ApartOptions): Promise<OfflineCheck | undefined>;
}

export interface RunningDaemon {
  /** In good order; resolves when it has stopped. */
  stop(): Promise<void>;
  reload(): Promise<ReloadAnswer>;
  /** Resolves when it has stopped; rejects when it had to give up. */
  readonly ended: Promise<unknown>;
}

/**
 * What a command has at hand: where to print, the configuration, the daemon. What the user asked for goes to standard
 * output, steward's own words go to standard error, so that `steward run ship1 -- cat file > copy` copies the file only.
 */
export class Cli {
  readonly io: CliIo;
  readonly json: boolean;
  /** Colours of standard output and of standard error. */
  readonly out: Paint;
  readonly err: Paint;
  /** --config, STEWARD_CONFIG, ./steward.yaml, or where that is not, the machine's own in /etc. */
  readonly configFile: string;
  /** The configuration file that is to be written: never the machine's own. */
  readonly newConfigFile: string;
  readonly #socket: string | undefined;
  readonly reach: Reach;
  #config: Promise<Config> | undefined;
  #daemon: Promise<Daemon> | undefined;
  #until: number | undefined;

  constructor(io: CliIo, options: GlobalOptions, reach: Reach) {
    this.io = io;
    this.json = options.json === true;
    this.out = paintFor(io.stdout, io.env, options.color !== false);
    this.err = paintFor(io.stderr, io.env, options.color !== false);
    const chosen = options.config ?? named(io.env.STEWARD_CONFIG);
    this.newConfigFile = this.path(chosen ?? "steward.yaml");
    const system = io.systemConfig ?? SYSTEM_CONFIG;
    const fallsBack = chosen === undefined && !existsSync(this.newConfigFile) && existsSync(system);
    this.configFile = fallsBack ? system : this.newConfigFile;
    const socket = options.socket ?? named(io.env.STEWARD_SOCKET);
    this.#socket = socket === undefined ? undefined : this.path(socket);
    this.reach = reach;
  }

  /** The width that tables may take; `undefined` when standard output is not a terminal. */
  get columns(): number | undefined {
    return this.io.stdout.isTTY === true ? this.io.stdout.columns : undefined;
  }

  /** A path as the user wrote it, from where the user is. */
  path(text: string): string {
    return isAbsolute(text) ? text : resolve(this.io.cwd, text);
  }

  print(...lines: readonly string[]): void {
    for (const line of lines) this.io.stdout.write(`${line}\n`);
  }

  /** A list or a thing, whole and indented. */
  printJson(value: unknown): void {
    this.io.stdout.write(`${jsonText(withTimes(value), 2)}\n`);
  }

  /** One line of a stream of things. */
  printJsonLine(value: unknown): void {
    this.io.stdout.write(`${jsonText(withTimes(value))}\n`);
  }

  /** steward's own words, beside what was asked for. Silent with --json. */
  note(line: string): void {
    if (!this.json) this.io.stderr.write(`${line}\n`);
  }

  times(absolute: boolean | undefined): Times {
    return timesAt(this.io.clock.now(), absolute === true);
  }

  config(): Promise<Config> {
    this.#config ??= this.reach.loadConfig(this.configFile, this.io.env);
    return this.#config;
  }

  /** --socket, STEWARD_SOCKET, else the one that the configuration names. */
  async socket(): Promise<string> {
    return this.#socket ?? (await this.reach.socketOf(this.configFile, this.io.env));
  }

  /** The whole command is to end within so many ms, reaching the daemon included; `null`, absent: it takes its time. */
  endWithin(ms: number | null | undefined): void {
    if (typeof ms === "number") this.#until = this.io.clock.monotonic() + ms;
  }

  /** Milliseconds until then; `undefined`: without limit. */
  get timeLeft(): number | undefined {
    return this.#until === undefined ? undefined : Math.max(0, this.#until - this.io.clock.monotonic());
  }

  daemon(): Promise<Daemon> {
    this.#daemon ??= this.socket().then((socket) => this.reach.connect(socket, this.io, this.#until));
    return this.#daemon;
  }

  async noDaemon(): Promise<StewardError> {
    return new StewardError("no-daemon", { socket: visible(await this.socket()) });
  }
}

function named(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
