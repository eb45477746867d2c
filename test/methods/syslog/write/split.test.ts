import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type LogRecord, parseBatch } from "../../../../src/methods/syslog/record.ts";
import { renderLine } from "../../../../src/methods/syslog/write/render.ts";
import { splitBatch } from "../../../../src/methods/syslog/write/split.ts";

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
const linesOf = (parts: ReturnType<typeof splitBatch>): LogRecord[] => parts.flatMap((part) => parseBatch(part).lines);

describe("a batch of lines that is too large for one message", () => {
  it("goes in several, in order, none of them larger than is allowed", () => {
    const lines = Array.from({ length: 300 }, (_, n) => ({ text: `${n} ${"x".repeat(700)}` }));
    const parts = splitBatch({ lines }, 16_000);
    expect(parts.length).toBeGreaterThan(10);
    for (const part of parts) expect(bytesOf(part)).toBeLessThanOrEqual(16_000);
    expect(linesOf(parts)).toEqual(lines);
  });

  it("has a line that is too large alone divided, into numbered parts with the header on each", () => {
    const header = { time: "2026-11-22T14:20:55.000Z", host: "web1", app: "app" };
    const lines = linesOf(splitBatch({ lines: [{ ...header, text: "y".repeat(2_500) }] }, 1_000));
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line).toMatchObject(header);
    expect(lines.map(({ part, more }) => [part, more])).toEqual([
      ["1", true],
      ["2", true],
      ["3", undefined],
    ]);
    expect(lines.map(({ text }) => text).join("")).toBe("y".repeat(2_500));
  });

  it("has a part that is still too large divided into parts of its own, and says so as it is stored", () => {
    const text = "z".repeat(1_500);
    const lines = linesOf(
      splitBatch(
        {
          lines: [
            { text, part: "2", more: true },
            { text: "end", part: "3" },
          ],
        },
        1_000,
      ),
    );
    expect(lines.map((line) => renderLine(line).replace(/z+/, ""))).toEqual([
      " [part 2.1, more follows]",
      " [part 2.2, more follows]",
      "end [part 3, the last]",
    ]);
  });

  it("has a header that leaves no room for its text made a part of the text", () => {
    const time = "2026-11-22T14:20:55.000Z";
    const structured = [`[a@1 k="${"v".repeat(3_000)}"]`];
    const lines = linesOf(splitBatch({ lines: [{ time, app: "a", structured, text: "the end" }] }, 1_000));
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines) expect(Object.keys(line)).toEqual(expect.arrayContaining(["time", "part", "text"]));
    expect(lines.at(-1)?.text).toContain("the end");
  });

  it("keeps every character, whatever the text is", () => {
    const text = fc.string({ unit: "binary", maxLength: 1_500 });
    fc.assert(
      fc.property(
        fc.array(text, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 300, max: 4_000 }),
        (texts, most) => {
          const lines = texts.map((one) => ({ text: one }));
          const parts = splitBatch({ lines }, most);
          for (const part of parts) expect(bytesOf(part)).toBeLessThanOrEqual(most);
          const joined = linesOf(parts).map((line) => line.text + (line.more === true ? "" : "\u{10ffff}"));
          expect(joined.join("")).toBe(texts.map((one) => `${one}\u{10ffff}`).join(""));
        },
      ),
      { numRuns: 50 },
    );
  });
});
