import { StringDecoder } from "node:string_decoder";
import type { OutputPart, StreamTotal } from "../../message/report.ts";
import type { Sink } from "../io.ts";
import { Defused } from "./defused.ts";
import type { Paint } from "./paint.ts";
import { visibleButColours } from "./text.ts";
import { bytes } from "./time.ts";

/**
 * The output of one command on its way to the user, each byte once and in order, however often and however overlapping
 * its parts arrive. Alone it goes through as it is, but for control sequences on a terminal; beside others it goes line by
 * line, after the node's name.
 */
export interface OutputPrinter {
  /**
   * Prints what is new in the parts. `whole`: the parts are all that is known, so a gap is a piece that was not kept;
   * else a gap is a piece not yet seen: answers false and prints nothing of that stream from the gap on.
   */
  take(parts: readonly OutputPart[], whole: boolean): boolean;
  /** The program has ended, and all that is kept was taken: says how much of it is not there. */
  finish(totals: Totals | undefined): void;
  /** Ends a line that is still open. */
  end(): void;
  /** Bytes that the program wrote and that were not printed, for nobody has kept them. */
  readonly missing: number;
}

type StreamName = OutputPart["stream"];
type Totals = Readonly<Record<StreamName, StreamTotal>>;

export interface OutputSinks {
  readonly stdout: Sink;
  readonly stderr: Sink;
}

export function partBytes(part: OutputPart): Buffer {
  return Buffer.from(part.text, part.encoding === "base64" ? "base64" : "utf8");
}

/** How far each stream was printed. What is new goes to `print`, what is not there to `gap`. */
class Progress {
  missing = 0;
  readonly #next: Record<StreamName, number> = { stdout: 0, stderr: 0 };
  readonly #print: (name: StreamName, chunk: Buffer) => void;
  readonly #gap: (text: string, name: StreamName) => void;

  constructor(print: (name: StreamName, chunk: Buffer) => void, gap: (text: string, name: StreamName) => void) {
    this.#print = print;
    this.#gap = gap;
  }

  take(parts: readonly OutputPart[], whole: boolean): boolean {
    let complete = true;
    const stuck = new Set<StreamName>();
    for (const part of parts) {
      const { stream } = part;
      if (this.#next[stream] === undefined || stuck.has(stream)) continue;
      const data = partBytes(part);
      if (part.offset > this.#next[stream]) {
        if (!whole) {
          complete = false;
          stuck.add(stream);
          continue;
        }
        this.#skip(stream, part.offset);
      }
      const known = Math.max(0, this.#next[stream] - part.offset);
      if (known >= data.length) continue;
      this.#next[stream] = part.offset + data.length;
      this.#print(stream, data.subarray(known));
    }
    return complete;
  }

  finish(totals: Totals | undefined): void {
    if (totals === undefined) return;
    for (const name of ["stdout", "stderr"] as const) {
      if (totals[name].bytes > this.#next[name]) this.#skip(name, totals[name].bytes);
    }
  }

  #skip(name: StreamName, to: number): void {
    const missing = to - this.#next[name];
    this.#next[name] = to;
    this.missing += missing;
    this.#gap(`… ${bytes(missing)} of ${name} were not kept …`, name);
  }
}

/** The output of one command alone. A file gets its exact bytes; so does a terminal, where `raw` asks for that. */
export class RawOutput implements OutputPrinter {
  readonly #progress: Progress;
  readonly #sinks: OutputSinks;
  readonly #defused: Partial<Record<StreamName, Defused>> = {};
  readonly #open = { stdout: false, stderr: false };

  constructor(sinks: OutputSinks, note: (line: string) => void, raw = false) {
    this.#sinks = sinks;
    for (const name of ["stdout", "stderr"] as const) {
      if (sinks[name].isTTY === true && !raw) this.#defused[name] = new Defused();
    }
    this.#progress = new Progress(
      (name, chunk) => {
        const { [name]: defused } = this.#defused;
        const written = defused === undefined ? chunk : defused.write(chunk);
        if (written.length > 0) sinks[name].write(written);
        this.#open[name] = chunk.at(-1) !== 10;
      },
      (text) => {
        this.end();
        note(text);
      },
    );
  }

  get missing(): number {
    return this.#progress.missing;
  }

  take(parts: readonly OutputPart[], whole: boolean): boolean {
    return this.#progress.take(parts, whole);
  }

  finish(totals: Totals | undefined): void {
    this.#progress.finish(totals);
  }

  end(): void {
    for (const name of ["stdout", "stderr"] as const) {
      const { [name]: sink } = this.#sinks;
      const rest = this.#defused[name]?.end() ?? "";
      if (rest !== "") sink.write(rest);
      // A prompt or a final line shall not stick to output that has no newline at its end; a file gets its exact bytes.
      if (this.#open[name] && sink.isTTY === true) sink.write("\n");
      this.#open[name] = false;
    }
  }
}

/** The output of one command among several: whole lines, each after the name of its node. */
export class PrefixedOutput implements OutputPrinter {
  readonly #progress: Progress;
  readonly #lines: Readonly<Record<StreamName, LineBuffer>>;

  constructor(sinks: OutputSinks, prefix: string, paints: { readonly out: Paint; readonly err: Paint }) {
    const head = { stdout: paints.out("cyan", `${prefix} │`), stderr: paints.err("yellow", `${prefix} !`) };
    const printer = (name: StreamName) =>
      new LineBuffer((line) => sinks[name].write(`${head[name]} ${visibleButColours(line)}\n`));
    this.#lines = { stdout: printer("stdout"), stderr: printer("stderr") };
    this.#progress = new Progress(
      (name, chunk) => this.#lines[name].write(chunk),
      (text) => {
        this.end();
        sinks.stderr.write(`${paints.err("dim", `${prefix} ! ${text}`)}\n`);
      },
    );
  }

  get missing(): number {
    return this.#progress.missing;
  }

  take(parts: readonly OutputPart[], whole: boolean): boolean {
    return this.#progress.take(parts, whole);
  }

  finish(totals: Totals | undefined): void {
    this.#progress.finish(totals);
  }

  end(): void {
    this.#lines.stdout.end();
    this.#lines.stderr.end();
  }
}

/** Cuts bytes into lines of text, whatever the sizes in which they come. */
class LineBuffer {
  readonly #print: (line: string) => void;
  /** Keeps the bytes of a character that is cut between two parts. */
  #decoder = new StringDecoder("utf8");
  #rest = "";

  constructor(print: (line: string) => void) {
    this.#print = print;
  }

  write(chunk: Buffer): void {
    const pieces = (this.#rest + this.#decoder.write(chunk)).split("\n");
    this.#rest = pieces.pop() ?? "";
    for (const piece of pieces) this.#print(piece.replace(/\r$/, ""));
  }

  end(): void {
    this.#rest += this.#decoder.end();
    this.#decoder = new StringDecoder("utf8");
    if (this.#rest !== "") this.#print(this.#rest);
    this.#rest = "";
  }
}
