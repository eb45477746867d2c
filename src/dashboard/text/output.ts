import type { MessageDetail } from "../../runtime/operate/table/messages.ts";
import { PLAIN, type Style, styleAfter } from "./ansi.ts";

type Part = MessageDetail["output"][number];
type StreamName = Part["stream"];

/** One line of what a command printed; `note`: a sentence of the page in the place of output that is missing. */
export interface OutputLine {
  readonly stream: StreamName | "note";
  readonly text: string;
  /** The style in which it begins. */
  readonly style: Style;
}

interface Stream {
  /** Bytes taken so far. */
  next: number;
  /** The place of the line that has no end yet; -1: none. */
  open: number;
  style: Style;
  decoder: TextDecoder;
}

/**
 * The lines of both streams, each byte once and in order, however often and however overlapping the parts arrive: live ones
 * one by one, stored ones as a whole list after every reconnect.
 */
export class OutputLines {
  readonly lines: OutputLine[] = [];
  readonly #streams: Record<StreamName, Stream> = { stdout: fresh(), stderr: fresh() };

  /**
   * Takes the new bytes of the parts. `whole`: the parts are all that is known, so a gap was not kept; else a gap may only
   * not be here yet: answers false, and takes nothing of that stream from the gap on.
   */
  take(parts: readonly Part[], whole: boolean): boolean {
    const stuck = new Set<StreamName>();
    for (const part of parts) {
      const stream = this.#streams[part.stream];
      if (stream === undefined || stuck.has(part.stream)) continue;
      if (part.offset > stream.next) {
        if (!whole) {
          stuck.add(part.stream);
          continue;
        }
        this.#missing(part.stream, part.offset - stream.next);
        stream.next = part.offset;
      }
      const data = bytesOf(part);
      const known = stream.next - part.offset;
      if (known >= data.length) continue;
      stream.next = part.offset + data.length;
      this.#append(part.stream, stream.decoder.decode(data.subarray(known), { stream: true }));
    }
    return stuck.size === 0;
  }

  /** Tells of what is missing at the end, once the program has ended. */
  finish(totals: Readonly<Record<StreamName, { readonly bytes: number }>> | undefined): void {
    for (const name of ["stdout", "stderr"] as const) {
      const stream = this.#streams[name];
      const written = totals?.[name].bytes ?? 0;
      if (written <= stream.next) continue;
      this.#missing(name, written - stream.next);
      stream.next = written;
    }
  }

  #append(name: StreamName, text: string): void {
    const stream = this.#streams[name];
    const pieces = text.split("\n");
    for (const [i, piece] of pieces.entries()) {
      const open = this.lines[stream.open];
      if (open === undefined) {
        if (i === pieces.length - 1 && piece === "") break;
        stream.open = this.lines.push({ stream: name, text: piece, style: stream.style }) - 1;
      } else this.lines[stream.open] = { ...open, text: open.text + piece };
      if (i === pieces.length - 1) break;
      this.#close(stream);
    }
  }

  #close(stream: Stream): void {
    const line = this.lines[stream.open];
    if (line !== undefined) {
      const text = line.text.replace(/\r$/, "");
      if (text !== line.text) this.lines[stream.open] = { ...line, text };
      stream.style = styleAfter(text, line.style);
    }
    stream.open = -1;
  }

  #missing(name: StreamName, count: number): void {
    const stream = this.#streams[name];
    this.#close(stream);
    stream.decoder = new TextDecoder();
    this.lines.push({
      stream: "note",
      text: `… ${count.toLocaleString("en")} bytes of ${name} were not kept …`,
      style: PLAIN,
    });
  }
}

function fresh(): Stream {
  return { next: 0, open: -1, style: PLAIN, decoder: new TextDecoder() };
}

function bytesOf({ text, encoding }: Part): Uint8Array {
  if (encoding !== "base64") return new TextEncoder().encode(text);
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return new TextEncoder().encode(text);
  }
}

/** The last state of a line that a progress bar wrote again and again, and how many earlier ones there were. */
export function lastWritten(line: string): { readonly text: string; readonly earlier: number } {
  if (!line.includes("\r")) return { text: line, earlier: 0 };
  const states = line.split("\r").filter((state) => state !== "");
  return { text: states.at(-1) ?? "", earlier: Math.max(0, states.length - 1) };
}
