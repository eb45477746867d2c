import { existsSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import type { Config } from "../config/config.ts";
import type { ApartOptions } from "../journal/check/apart.ts";
import type { OfflineCheck } from "../journal/offline.ts";
import { StewardError } from "../message/errors.ts";
import { withTimes } from "../message/text/time-words.ts";
import type { ServiceNotice } from "../platform/service-notice.ts";
import type { ReloadAnswer } from "../runtime/operate/table/daemon.ts";
import type { Signer } from "../security/keys/signed.ts";
import type { Daemon } from "./daemon.ts";
import { keyFileOf, knownDaemonsBeside } from "./input/operator-key.ts";
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
  /** The operator who signs: a name or the file of a key. */
  readonly as?: string;
}

/** The ways from a command to the rest of steward; tests replace them. */
export interface Reach {
  loadConfig(file: string, env: CliIo["env"]): Promise<Config>;
  /** The socket that a configuration names, whatever else is wrong with the file. */
  socketOf(file: string, env: CliIo["env"]): Promise<string>;
  /** `until`: when the command must end, by monotonic time. `operator`: who signs each request. */
  connect(socket: string, io: CliIo, until?: number, operator?: SigningOperator): Promise<Daemon>;
  /** The key in an operator's file. @throws StewardError `operator-key-unsafe`, `operator-key-unreadable` */
  operatorKey(file: string): Promise<Signer>;
  /** `pretty`: the log is for people, not for programs. */
  startDaemon(config: Config, pretty: boolean): Promise<RunningDaemon>;
  /** Notices to the program that started this one as a service, such as systemd; `undefined`: there is none. */
  serviceNotice(io: CliIo): Promise<ServiceNotice | undefined>;
  /** The state machines as Mermaid charts. */
  charts(): Promise<readonly { readonly name: string; readonly mermaid: string }[]>;
  /** Checks the journal of a daemon that does not run; `undefined`: there is none. */
  checkJournal(path: string, options: ApartOptions): Promise<OfflineCheck | undefined>;
}

export interface SigningOperator {
  readonly signer: Signer;
  /** The file of the daemons for which he signed before. */
  readonly known: string;
}

export interface RunningDaemon {
  /** Resolves when the daemon has stopped in good order. */
  stop(): Promise<void>;
  reload(): Promise<ReloadAnswer>;
  /** Resolves when the daemon has stopped; rejects when it had to give up. */
  readonly ended: Promise<unknown>;
}

/**
 * The tools of a command: its output, the configuration, the daemon. Results go to standard output and steward's own words
 * to standard error, so that `steward run ship1 -- cat file > copy` copies the file only.
 */
export class Cli {
  readonly io: CliIo;
  readonly json: boolean;
  /** Colours of standard output and of standard error. */
  readonly out: Paint;
  readonly err: Paint;
  /** --config, STEWARD_CONFIG, ./steward.yaml, or where there is none, the file of the machine in /etc. */
  readonly configFile: string;
  /** The configuration file that `init` writes: never the one in /etc by default. */
  readonly newConfigFile: string;
  readonly #socket: string | undefined;
  readonly #as: string | undefined;
  readonly reach: Reach;
  #config: Promise<Config> | undefined;
  #daemon: Promise<Daemon> | undefined;
  #signer: Promise<Signer | undefined> | undefined;
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
    this.#as = named(options.as) ?? named(io.env.STEWARD_OPERATOR_KEY);
    this.reach = reach;
  }

  /** Columns of the terminal; `undefined` when standard output is none. */
  get columns(): number | undefined {
    return this.io.stdout.isTTY === true ? this.io.stdout.columns : undefined;
  }

  /** The absolute path for a path that the user wrote. */
  path(text: string): string {
    return isAbsolute(text) ? text : resolve(this.io.cwd, text);
  }

  print(...lines: readonly string[]): void {
    for (const line of lines) this.io.stdout.write(`${line}\n`);
  }

  printJson(value: unknown): void {
    this.io.stdout.write(`${jsonText(withTimes(value), 2)}\n`);
  }

  printJsonLine(value: unknown): void {
    this.io.stdout.write(`${jsonText(withTimes(value))}\n`);
  }

  /** A line of steward's own, on standard error; none with --json. */
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

  /** --socket, STEWARD_SOCKET, else the socket that the configuration names. */
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
    this.#daemon ??= Promise.all([this.socket(), this.signer()]).then(([socket, signer]) => {
      const operator = signer === undefined ? undefined : { signer, known: knownDaemonsBeside(this.#keyFile ?? "") };
      return this.reach.connect(socket, this.io, this.#until, operator);
    });
    return this.#daemon;
  }

  /** The operator who signs, as --as or STEWARD_OPERATOR_KEY names it; `undefined`: nobody signs. */
  async signer(): Promise<Signer | undefined> {
    const file = this.#keyFile;
    this.#signer ??= file === undefined ? Promise.resolve(undefined) : this.reach.operatorKey(file);
    return this.#signer;
  }

  get #keyFile(): string | undefined {
    return this.#as === undefined ? undefined : keyFileOf(this.#as, this.io);
  }

  async noDaemon(): Promise<StewardError> {
    return new StewardError("no-daemon", { socket: visible(await this.socket()) });
  }
}

function named(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}
