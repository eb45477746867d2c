import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OutputPart } from "../../../src/message/report.ts";
import { PART_BYTES, partBytes } from "../../../src/runner/output-parts.ts";
import { newCursor, Output } from "../../../src/runner/process/output.ts";

function place(parts: readonly OutputPart[], stream: OutputPart["stream"], into: Buffer): number {
  let covered = 0;
  for (const part of parts) {
    if (part.stream !== stream) continue;
    const bytes = partBytes(part);
    bytes.copy(into, part.offset);
    covered += bytes.length;
  }
  return covered;
}

describe("Output", () => {
  it("keeps all of a short output, in whatever pieces it comes and is read", () => {
    const piece = fc.record({
      stream: fc.constantFrom("stdout" as const, "stderr" as const),
      bytes: fc.uint8Array({ maxLength: 20 }),
      read: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.nat({ max: 300 }), (pieces, head) => {
        const output = new Output(head, 600);
        const cursor = newCursor();
        const parts: OutputPart[] = [];
        const written = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
        for (const { stream, bytes, read } of pieces) {
          output.write(stream, Buffer.from(bytes));
          written[stream] = Buffer.concat([written[stream], bytes]);
          if (read) parts.push(...output.read(cursor));
        }
        parts.push(...output.rest(cursor));
        for (const stream of ["stdout", "stderr"] as const) {
          const rebuilt = Buffer.alloc(written[stream].length);
          expect(place(parts, stream, rebuilt)).toBe(written[stream].length);
          expect(rebuilt.equals(written[stream])).toBe(true);
          const bytes = written[stream].length;
          expect(output.totals()[stream]).toEqual({ bytes, kept: bytes });
        }
      }),
    );
  });

  it("keeps the beginning and the end of a long output, at the right offsets, and counts what it keeps", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 90 }), { minLength: 1, maxLength: 40 }),
        fc.nat({ max: 50 }),
        fc.nat({ max: 50 }),
        (chunks, head, tail) => {
          const output = new Output(head, tail);
          const all = Buffer.concat(chunks);
          const live: OutputPart[] = [];
          const cursor = newCursor();
          for (const chunk of chunks) {
            output.write("stdout", Buffer.from(chunk));
            live.push(...output.read(cursor));
          }
          const parts = [...live, ...output.rest(cursor)];
          let covered = 0;
          for (const part of parts) {
            const bytes = partBytes(part);
            expect(bytes.equals(all.subarray(part.offset, part.offset + bytes.length))).toBe(true);
            covered += bytes.length;
          }
          const totals = output.totals().stdout;
          expect(totals).toEqual({ bytes: all.length, kept: covered });
          // A character cut at the gap may cost up to three bytes on either side.
          expect(covered).toBeGreaterThanOrEqual(Math.min(all.length, head + tail) - 6);
          expect(covered).toBeLessThanOrEqual(head + tail);
        },
      ),
    );
  });

  it("never cuts a character in two, so that text stays text", () => {
    const output = new Output(1000, 1000);
    const cursor = newCursor();
    const bytes = Buffer.from("a€ü😀".repeat(20));
    const parts: OutputPart[] = [];
    for (const byte of bytes) {
      output.write("stdout", Buffer.from([byte]));
      parts.push(...output.read(cursor));
    }
    expect(parts.every((part) => part.encoding === undefined)).toBe(true);
    expect(parts.map((part) => part.text).join("")).toBe("a€ü😀".repeat(20));
  });

  it("gives up characters that the gap cuts, so that both sides stay text", () => {
    const output = new Output(7, 7);
    output.write("stdout", Buffer.from("€€€€€€€€"));
    const parts = output.rest(newCursor());
    expect(parts).toEqual([
      { stream: "stdout", offset: 0, text: "€€" },
      { stream: "stdout", offset: 18, text: "€€" },
    ]);
    expect(output.totals().stdout).toEqual({ bytes: 24, kept: 12 });
  });

  it("writes base64 only for the piece that is not text", () => {
    const output = new Output(3 * PART_BYTES, 0);
    output.write("stdout", Buffer.concat([Buffer.alloc(PART_BYTES, "x"), Buffer.from([0xff]), Buffer.from("end")]));
    const parts = output.rest(newCursor());
    expect(parts.map((part) => part.encoding)).toEqual([undefined, "base64"]);
    expect(parts[1]).toMatchObject({
      offset: PART_BYTES,
      text: Buffer.from([0xff, 0x65, 0x6e, 0x64]).toString("base64"),
    });
  });

  it("keeps the order in which the streams took turns", () => {
    const output = new Output(100, 100);
    const cursor = newCursor();
    output.write("stdout", Buffer.from("one "));
    output.write("stderr", Buffer.from("two "));
    output.write("stdout", Buffer.from("three "));
    expect(output.read(cursor).map((part) => part.text)).toEqual(["one ", "two ", "three "]);
    output.write("stdout", Buffer.from("four"));
    expect(output.read(cursor)).toEqual([{ stream: "stdout", offset: 10, text: "four" }]);
    expect(output.rest(cursor)).toEqual([]);
  });

  it("reads from the beginning for every new reader", () => {
    const output = new Output(100, 100);
    output.write("stdout", Buffer.from("abc"));
    output.read(newCursor());
    expect(output.read(newCursor())).toEqual([{ stream: "stdout", offset: 0, text: "abc" }]);
  });
});
