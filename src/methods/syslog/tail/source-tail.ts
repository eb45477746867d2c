import { type FSWatcher, watch } from "node:fs";
import { basename, dirname, isAbsolute } from "node:path";
import type { Timer } from "../../../message/clock.ts";
import { faultText } from "../../../message/errors.ts";
import type { Json } from "../../../message/message.ts";
import type { RunningSource, Source, SourceContext } from "../../define.ts";
import { Losses } from "../losses.ts";
import { type Look, Tail } from "./tail.ts";

/**
 * Follows a file and hands over its lines. Notices of changes in the directory wake it, and a poll, because not
 * every file system gives notices, and not through every link.
 *
 * following ⇄ absent (polled as often) ⇄ unreadable (warned once, polled with backoff); any → stopped
 *
 * A log that cannot be read, or stays absent, blocks the source, with one alert. A log may be absent for a moment while it is
 * rotated.
 */
const POLL = 500;
const MAX_BACKOFF = 30_000;
/** Longest absence of a log without an alert, ms. */
const ABSENT = 10_000;
const STOP_GRACE = 5_000;

const REMEDIES: Readonly<Record<string, string>> = {
  EACCES: "the daemon may not read it: add its user to the file's group (on Debian: `adm`), or grant it with setfacl",
  EPERM: "the daemon may not read it: add its user to the file's group (on Debian: `adm`), or grant it with setfacl",
  EISDIR: "it is a directory: name one file under `tail:`",
  ENOTREG: "it is not a regular file: name a file that a program writes its log to",
  ENOTDIR: "a part of its path is not a directory: correct the path under `tail:`",
  ELOOP: "its symbolic links lead in a circle",
  EMFILE: "the daemon has too many files open: raise its limit (LimitNOFILE=)",
};

export const tailSource: Source = {
  check: (setting) => void checkPath(setting),

  async start(setting, context) {
    const source = new TailSource(checkPath(setting), context);
    await source.begin();
    return source;
  },
};

function checkPath(setting: Json): string {
  if (typeof setting !== "string" || setting === "" || setting.includes("\0")) {
    throw new Error(
      `tail: ${JSON.stringify(setting)} is not the path of a file; write it like /var/log/nginx/access.log`,
    );
  }
  if (!isAbsolute(setting))
    throw new Error(`tail: ${setting} must be an absolute path, like /var/log/nginx/access.log`);
  if (/[*?]/.test(setting)) {
    throw new Error(`tail: ${setting} is a pattern, and one file is followed: write an entry of its own for each file`);
  }
  if (setting.endsWith("/")) throw new Error(`tail: ${setting} is a directory; name one file`);
  return setting;
}

class TailSource implements RunningSource {
  readonly #path: string;
  readonly #context: SourceContext;
  readonly #losses: Losses;
  readonly #tail: Tail;
  #state = "";
  /** Beginning of the log's absence, monotonic ms; `undefined` once the alert is out. */
  #absentSince: number | undefined;
  #backoff = POLL;
  #timer: Timer | undefined;
  #watcher: FSWatcher | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #ended = false;

  constructor(path: string, context: SourceContext) {
    this.#path = path;
    this.#context = context;
    this.#losses = new Losses(context);
    this.#tail = new Tail(path, context, this.#losses);
  }

  /** Resolves once the starting position is decided; reading then goes on by itself. */
  async begin(): Promise<void> {
    try {
      this.#tell(await this.#tail.look());
    } catch (error) {
      await this.#tail.close();
      throw error;
    }
    this.#wake();
  }

  async stop(): Promise<void> {
    this.#ended = true;
    this.#tail.halt();
    this.#rest();
    this.#watcher?.close();
    const { clock } = this.#context;
    // An event that waits for room may wait for ever; its lines are read again from the checkpoint.
    let timer: Timer;
    const late = new Promise<void>((resolve) => {
      timer = clock.setTimeout(resolve, STOP_GRACE);
    });
    const closed = (this.#running ?? Promise.resolve()).then(() => this.#tail.close());
    await Promise.race([closed, late]);
    clock.clearTimeout(timer);
    this.#losses.close();
  }

  #wake(): void {
    if (this.#ended) return;
    if (this.#running !== undefined) {
      this.#again = true;
      return;
    }
    this.#rest();
    this.#running = this.#passes().finally(() => {
      this.#running = undefined;
    });
  }

  #rest(): void {
    this.#context.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #passes(): Promise<void> {
    try {
      do {
        this.#again = false;
        this.#tell(await this.#tail.pass());
      } while (this.#again && !this.#ended);
    } catch (error) {
      if (this.#ended) return;
      this.#ended = true;
      this.#watcher?.close();
      await this.#tail.close();
      this.#context.fail(error instanceof Error ? error : new Error(faultText(error)));
      return;
    }
    if (this.#ended) return;
    this.#listen();
    this.#timer = this.#context.clock.setTimeout(() => this.#wake(), this.#backoff);
  }

  /** Logs and alerts when the state has changed. */
  #tell(look: Look): void {
    const state = look.kind === "fault" ? look.code : look.kind;
    this.#backoff = look.kind === "fault" && state === this.#state ? Math.min(MAX_BACKOFF, this.#backoff * 2) : POLL;
    const { log, clock } = this.#context;
    if (look.kind === "absent") this.#tellAbsent(clock.monotonic());
    if (state === this.#state) return;
    const before = this.#state;
    this.#state = state;
    const fields = { path: this.#path };
    if (look.kind !== "absent") this.#absentSince = undefined;
    if (look.kind === "following") this.#context.blocked?.(undefined);
    if (look.kind === "fault") {
      const fault = `cannot follow ${this.#path}: ${REMEDIES[look.code] ?? look.code}`;
      log.warn({ ...fields, code: look.code }, `${fault}; tried again until it works`);
      this.#context.blocked?.(fault);
      this.#context.alert?.("log-unreadable", `${fault}; tried again until it works`);
    } else if (look.kind === "absent") log.info(fields, `${this.#path} does not exist; waiting for it`);
    else if (before !== "") log.info(fields, `${this.#path} is followed now`);
  }

  #tellAbsent(now: number): void {
    const fault = `${this.#path} does not exist`;
    if (this.#state !== "absent") {
      this.#absentSince = now;
      // A followed log may vanish for its rotation; a log that was never there may be misspelt.
      if (this.#state !== "following") this.#context.blocked?.(fault);
    }
    if (this.#absentSince === undefined || now - this.#absentSince < ABSENT) return;
    this.#absentSince = undefined;
    this.#context.blocked?.(fault);
    const remedy =
      "if its name is wrong, correct it under `tail:`; else it is followed from its beginning when it comes";
    this.#context.alert?.("log-absent", `${fault}: ${remedy}`);
  }

  #listen(): void {
    if (this.#watcher !== undefined) return;
    const name = basename(this.#path);
    try {
      const watcher = watch(dirname(this.#path), { persistent: false }, (_change, changed) => {
        if (changed === null || changed === name) this.#wake();
      });
      const drop = (): void => {
        watcher.close();
        if (this.#watcher === watcher) this.#watcher = undefined;
      };
      watcher.on("error", drop);
      this.#watcher = watcher;
      // One more pass covers changes from before the watching began.
      setImmediate(() => this.#wake());
    } catch {
      // Without a directory, or without a watch left, the poll alone finds changes.
      this.#watcher = undefined;
    }
  }
}
