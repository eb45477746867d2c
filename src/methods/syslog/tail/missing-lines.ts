import { basename } from "node:path";
import type { SourceContext } from "../../define.ts";
import type { Losses } from "../losses.ts";
import type { Position } from "./log-file.ts";
import type { Entry } from "./rotation.ts";

/** The alert's code. */
const CODE = "log-lines-lost";
/** Shortest time between two alerts about a log that is written anew again and again, ms. */
const AGAIN = 10_000;

/** Counts the lines of a log that cannot be handed over, and alerts on this node and at central. */
export class MissingLines {
  readonly #path: string;
  readonly #context: SourceContext;
  readonly #losses: Losses;
  #rewritten = { times: 0, bytes: 0, from: 0 };
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(path: string, context: SourceContext, losses: Losses) {
    this.#path = path;
    this.#context = context;
    this.#losses = losses;
  }

  /** A file that was followed was not found again after a restart. */
  gone({ name, offset, size }: Position, since: number): void {
    const seen =
      size > offset ? `at least ${size - offset} bytes of lines are lost` : "lines that it got since are lost";
    this.#tell(
      Math.max(1, size - offset),
      `${this.#path}: the file that was read up to byte ${offset} (then ${name}) was moved away, deleted or written anew ` +
        `between ${iso(since)} and ${iso(this.#context.clock.now())}, and no copy of it is left: ${seen}`,
    );
  }

  /** An earlier file of the log is there and cannot be read. */
  unreadable({ name, size, mtime }: Entry, why: string): void {
    this.#tell(
      size,
      `${this.#path}: its earlier file ${basename(name)} (${size} bytes, last written ${iso(Number(mtime / 1_000_000n))}) ` +
        `is not sent: ${why}`,
    );
  }

  /** The log was emptied while lines of it were not read yet. */
  rewritten({ offset, size }: Position, since: number): void {
    if (size <= offset) return;
    const { times, bytes, from } = this.#rewritten;
    this.#rewritten = { times: times + 1, bytes: bytes + size - offset, from: times === 0 ? since : from };
    this.flush();
  }

  /** A large file was changed without growth. */
  untold({ size }: Position): void {
    this.#tell(
      size,
      `${this.#path}: it was changed at ${iso(this.#context.clock.now())} and has not grown; ` +
        `if its ${size} bytes were written anew, they are not sent again`,
    );
  }

  /** Alerts of held-back losses, at most every `AGAIN` ms or `always`. */
  flush(always = false): void {
    const { times, bytes, from } = this.#rewritten;
    const now = this.#context.clock.monotonic();
    if (times === 0 || (!always && now - this.#toldAt < AGAIN)) return;
    this.#toldAt = now;
    this.#rewritten = { times: 0, bytes: 0, from: 0 };
    const often = times === 1 ? "" : ` ${times} times`;
    this.#tell(
      bytes,
      `${this.#path}: it was emptied${often} between ${iso(from)} and ${iso(this.#context.clock.now())} before it was read ` +
        `to its end, and no copy of it is left: at least ${bytes} bytes of lines are lost`,
    );
  }

  #tell(bytes: number, text: string): void {
    this.#losses.add("unread", bytes);
    this.#context.alert?.(CODE, text);
  }
}

const iso = (time: number): string => new Date(time).toISOString();
