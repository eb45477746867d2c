import { StringDecoder } from "node:string_decoder";
import type { OutputPart } from "../../message/report.ts";
import type { Sink } from "../io.ts";
import type { Paint } from "./paint.ts";
import { visibleButColours } from "./text.ts";
import { bytes } from "./time.ts";

/**
 * The output of one command on its way to the user, each byte once and in order, however often and however overlapping
 * its parts arrive. Alone it goes through as it is; beside others it goes line by line, after the node's name.
 */
export interface OutputPrinter {
  /**
   * Prints what is new in the parts. `whole`: the parts are all that is known, so a gap is a piece that was not kept;
   * else a gap is a piece not yet seen: answers false and prints nothing of that stream from the gap on.
   */
  take(parts: readonly OutputPart[], whole: boolean): boolean;
  /** Ends a line that is still open. */
  end(): void;
}

type StreamName = OutputPart["stream"];

interface Stream {
  readonly sink: Sink;
  next: number;
  open: boolean;
}

export interface OutputSinks {
  readonly stdout: Sink;
  readonly stderr: Sink;
}

export function partBytes(part: OutputPart): Buffer {
  return Buffer.from(part.text, part.encoding === "base64" ? "base64" : "utf8");
}

/** Walks through the parts, handing on each new byte once. */
function takeParts(
  streams: Readonly<Record<StreamName, Stream>>,
  parts: readonly OutputPart[],
  whole: boolean,
  write: (name: StreamName, chunk: Buffer) => void,
  gap: (name: StreamName, missing: number) => void,
): boolean {
  let complete = true;
  const stuck = new Set<StreamName>();
  for (const part of parts) {
    const stream = streams[part.stream];
    if (stream === undefined || stuck.has(part.stream)) continue;
    const data = partBytes(part);
    if (part.offset > stream.next) {
      if (!whole) {
        complete = false;
        stuck.add(part.stream);
        continue;
      }
      gap(part.stream, part.offset - stream.next);
    }
    const known = Math.max(0, stream.next - part.offset);
    if (known >= data.length) continue;
    stream.next = part.offset + data.length;
    write(part.stream, data.subarray(known));
  }
  return complete;
}

const notKept = (missing: number, name: StreamName): string => `… ${bytes(missing)} of ${name} were not kept …`;

export function rawOutput(sinks: OutputSinks, note: (line: string) => void): OutputPrinter {
  const streams = { stdout: stream(sinks.stdout), stderr: stream(sinks.stderr) };
  const endLine = (): void => {
    for (const s of [streams.stdout, streams.stderr]) {
      // A prompt or a final line shall not stick to output that has no newline at its end; a file gets its exact bytes.
      if (s.open && s.sink.isTTY === true) s.sink.write("\n");
      s.open = false;
    }
  };
  return {
    take: (parts, whole) =>
      takeParts(
        streams,
        parts,
        whole,
        (name, chunk) => {
          streams[name].sink.write(chunk);
          streams[name].open = chunk.at(-1) !== 10;
        },
        (name, missing) => {
          endLine();
          note(notKept(missing, name));
        },
      ),
    end: endLine,
  };
}

export function prefixedOutput(sinks: OutputSinks, prefix: string, paints: { out: Paint; err: Paint }): OutputPrinter {
  const streams = { stdout: stream(sinks.stdout), stderr: stream(sinks.stderr) };
  const lines = {
    stdout: lineBuffer((line) =>
      sinks.stdout.write(`${paints.out("cyan", `${prefix} │`)} ${visibleButColours(line)}\n`),
    ),
    stderr: lineBuffer((line) =>
      sinks.stderr.write(`${paints.err("yellow", `${prefix} !`)} ${visibleButColours(line)}\n`),
    ),
  };
  const end = (): void => {
    lines.stdout.end();
    lines.stderr.end();
  };
  return {
    take: (parts, whole) =>
      takeParts(
        streams,
        parts,
        whole,
        (name, chunk) => lines[name].write(chunk),
        (name, missing) => {
          end();
          sinks.stderr.write(`${paints.err("dim", `${prefix} ! ${notKept(missing, name)}`)}\n`);
        },
      ),
    end,
  };
}

function stream(sink: Sink): Stream {
  return { sink, next: 0, open: false };
}

function lineBuffer(print: (line: string) => void): { write(chunk: Buffer): void; end(): void } {
  // Keeps the bytes of a character that is cut between two parts.
  let decoder = new StringDecoder("utf8");
  let rest = "";
  return {
    write: (chunk) => {
      const pieces = (rest + decoder.write(chunk)).split("\n");
      rest = pieces.pop() ?? "";
      for (const piece of pieces) print(piece.replace(/\r$/, ""));
    },
    end: () => {
      rest += decoder.end();
      decoder = new StringDecoder("utf8");
      if (rest !== "") print(rest);
      rest = "";
    },
  };
}
