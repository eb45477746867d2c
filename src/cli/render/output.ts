import { StringDecoder } from "node:string_decoder";
import type { OutputPart, StreamTotal } from "../../message/report.ts";
import { bytes } from "../../message/text/figures.ts";
import type { Sink } from "../io.ts";
import { Defused } from "./defused.ts";
import type { Paint } from "./paint.ts";
import { visibleButColours } from "./text.ts";

type StreamName = OutputPart["stream"];
/** The part of a message that its printed output is made of. */
interface Kept {
  readonly output: readonly OutputPart[];
  readonly outcome?: { readonly totals?: Totals };
}

type Totals = Readonly<Record<StreamName, StreamTotal>>;

const STREAMS = ["stdout", "stderr"] as const;

export interface OutputSinks {
  readonly stdout: Sink;
  readonly stderr: Sink;
}

function partBytes(part: OutputPart): Buffer {
  return Buffer.from(part.text, part.encoding === "base64" ? "base64" : "utf8");
}

/**
 * The output of one command on its way to the user, each byte once and in order, however often and however overlapping
 * its parts arrive.
 */
export abstract class OutputPrinter {
  #missing = 0;
  readonly #next: Record<StreamName, number> = { stdout: 0, stderr: 0 };

  protected abstract print(name: StreamName, chunk: Buffer): void;
  /** Prints a note in the place of output that is missing. */
  protected abstract note(text: string, name: StreamName): void;
  /** Ends a line that is still open. */
  abstract end(): void;

  /** Bytes that the program wrote and that were not printed, because the node did not keep them. */
  get missing(): number {
    return this.#missing;
  }

  /**
   * Prints the new bytes of the parts. `whole`: the parts are all that is known, so a gap is a piece that was not kept;
   * else a gap is a piece not yet seen: answers false and prints nothing of that stream from the gap on.
   */
  take(parts: readonly OutputPart[], whole: boolean): boolean {
    const stuck = new Set<StreamName>();
    for (const part of parts) {
      const { stream } = part;
      if (this.#next[stream] === undefined || stuck.has(stream)) continue;
      if (part.offset > this.#next[stream]) {
        if (!whole) {
          stuck.add(stream);
          continue;
        }
        this.#skip(stream, part.offset);
      }
      const data = partBytes(part);
      const known = Math.max(0, this.#next[stream] - part.offset);
      if (known >= data.length) continue;
      this.#next[stream] = part.offset + data.length;
      this.print(stream, data.subarray(known));
    }
    return stuck.size === 0;
  }

  /** Counts the bytes that are missing at the end, once the program has ended and every part that is kept was taken. */
  finish(totals: Totals | undefined): void {
    for (const name of STREAMS) {
      const written = totals?.[name].bytes ?? 0;
      if (written > this.#next[name]) this.#skip(name, written);
    }
  }

  #skip(name: StreamName, to: number): void {
    const missing = to - this.#next[name];
    this.#next[name] = to;
    this.#missing += missing;
    this.end();
    this.note(`… ${bytes(missing)} of ${name} were not kept …`, name);
  }
}

/** The output of a command alone, byte for byte; control sequences are defused on a terminal, unless `raw` asks for them. */
export class RawOutput extends OutputPrinter {
  readonly #sinks: OutputSinks;
  readonly #note: (line: string) => void;
  readonly #defused: Partial<Record<StreamName, Defused>> = {};
  readonly #open = { stdout: false, stderr: false };

  constructor(sinks: OutputSinks, note: (line: string) => void, raw = false) {
    super();
    this.#sinks = sinks;
    this.#note = note;
    for (const name of STREAMS) if (sinks[name].isTTY === true && !raw) this.#defused[name] = new Defused();
  }

  end(): void {
    for (const name of STREAMS) {
      const { [name]: sink } = this.#sinks;
      const rest = this.#defused[name]?.end() ?? "";
      if (rest !== "") sink.write(rest);
      // A prompt must not stick to output that has no newline at its end; a file gets its exact bytes.
      if (this.#open[name] && sink.isTTY === true) sink.write("\n");
      this.#open[name] = false;
    }
  }

  protected print(name: StreamName, chunk: Buffer): void {
    const written = this.#defused[name]?.write(chunk) ?? chunk;
    if (written.length > 0) this.#sinks[name].write(written);
    this.#open[name] = chunk.at(-1) !== 10;
  }

  protected note(text: string): void {
    this.#note(text);
  }
}

/** The output of one command as bytes, a stream at a time, with a line for each piece that is missing. */
export class GatheredOutput extends OutputPrinter {
  readonly notes: string[] = [];
  readonly #chunks: Record<StreamName, Buffer[]> = { stdout: [], stderr: [] };
  readonly #marks: boolean;

  /** @param marks true: a missing piece is a line among the bytes too */
  constructor(marks: boolean) {
    super();
    this.#marks = marks;
  }

  static of({ output, outcome }: Kept, marks = false): GatheredOutput {
    const gathered = new GatheredOutput(marks);
    gathered.take(output, true);
    if (outcome !== undefined) gathered.finish(outcome.totals);
    return gathered;
  }

  bytes(name: StreamName): Buffer {
    return Buffer.concat(this.#chunks[name]);
  }

  end(): void {
    // A line that is open stays as the program left it.
  }

  protected print(name: StreamName, chunk: Buffer): void {
    this.#chunks[name].push(chunk);
  }

  protected note(text: string, name: StreamName): void {
    this.notes.push(text);
    if (!this.#marks) return;
    const chunks = this.#chunks[name];
    const isOpen = chunks.length > 0 && chunks.at(-1)?.at(-1) !== 10;
    chunks.push(Buffer.from(`${isOpen ? "\n" : ""}${text}\n`));
  }
}

/** The output of one command among several: whole lines, each after the name of its node. */
export class PrefixedOutput extends OutputPrinter {
  readonly #note: (text: string) => void;
  readonly #lines: Readonly<Record<StreamName, LineBuffer>>;

  constructor(sinks: OutputSinks, prefix: string, paints: { readonly out: Paint; readonly err: Paint }) {
    super();
    const head = { stdout: paints.out("cyan", `${prefix} │`), stderr: paints.err("yellow", `${prefix} !`) };
    const printer = (name: StreamName) =>
      new LineBuffer((line) => sinks[name].write(`${head[name]} ${visibleButColours(line)}\n`));
    this.#lines = { stdout: printer("stdout"), stderr: printer("stderr") };
    this.#note = (text) => sinks.stderr.write(`${paints.err("dim", `${prefix} ! ${text}`)}\n`);
  }

  end(): void {
    for (const name of STREAMS) this.#lines[name].end();
  }

  protected print(name: StreamName, chunk: Buffer): void {
    this.#lines[name].write(chunk);
  }

  protected note(text: string): void {
    this.#note(text);
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
