import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type LogRecord, parseBatch } from "../../../../src/methods/syslog/record.ts";
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

  it("has a line that is too large alone divided, with a mark at each place and the header on each piece", () => {
    const header = { time: "2026-11-22T14:20:55.000Z", host: "web1", app: "app" };
    const lines = linesOf(splitBatch({ lines: [{ ...header, text: "y".repeat(2_500) }] }, 1_000));
    expect(lines).toHaveLength(3);
    for (const line of lines) expect(line).toMatchObject(header);
    expect(lines.map(({ text }) => text.replaceAll(/y+/g, "y"))).toEqual([
      "y [continues]",
      "[continued] y [continues]",
      "[continued] y",
    ]);
    expect(lines.map(({ text }) => text.replaceAll(/[^y]/g, "")).join("")).toHaveLength(2_500);
  });

  it("has a header that leaves no room for its text made a part of the text", () => {
    const time = "2026-11-22T14:20:55.000Z";
    const structured = [`[a@1 k="${"v".repeat(3_000)}"]`];
    const lines = linesOf(splitBatch({ lines: [{ time, app: "a", structured, text: "the end" }] }, 1_000));
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines) expect(Object.keys(line)).toEqual(["time", "text"]);
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
          const joined = linesOf(parts)
            .map((line) => line.text)
            .join("\u{10ffff}")
            .replaceAll(" [continues]\u{10ffff}[continued] ", "");
          expect(joined).toBe(texts.join("\u{10ffff}"));
        },
      ),
      { numRuns: 50 },
    );
  });
});
