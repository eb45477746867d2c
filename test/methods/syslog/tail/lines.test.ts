import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Taking, takeLines } from "../../../../src/methods/syslog/tail/lines.ts";

const MAX_LINE = 32 * 1024;
const TAKING: Taking = { last: false, encoding: "utf-8", limit: MAX_LINE, parts: 0 };

const take = (text: string, last = false) => {
  const { records, consumed } = takeLines(Buffer.from(text), { ...TAKING, last });
  return { lines: records.map((record) => record.text), consumed };
};

describe("lines of a file", () => {
  it("end with LF or CR LF; what has no end waits", () => {
    expect(take("a\r\n\nb\nhalf")).toEqual({ lines: ["a", "", "b"], consumed: 6 });
    expect(take("half", true)).toEqual({ lines: ["half"], consumed: 4 });
    expect(take("", true)).toEqual({ lines: [], consumed: 0 });
  });

  it("keep a CR that ends nothing", () => {
    expect(take("a\rb\r")).toEqual({ lines: [], consumed: 0 });
    expect(take("a\rb\n").lines).toEqual(["a\rb"]);
  });

  it("that are too long come in pieces, and nothing of them is lost", () => {
    const long = "é".repeat(MAX_LINE);
    const bytes = `x${long}\nnext\n`;
    const first = take(bytes);
    const second = take(Buffer.from(bytes).subarray(first.consumed).toString());
    const lines = [...first.lines, ...second.lines];
    expect(lines.slice(0, -1).join("")).toBe(`x${long}`);
    expect(lines.at(-1)).toBe("next");
    expect(Math.max(...lines.map((line) => Buffer.byteLength(line)))).toBeLessThanOrEqual(MAX_LINE);
  });

  it.each([
    ["utf-8", "utf8"],
    ["utf-16le", "utf16le"],
  ] as const)("that are too long come in numbered parts, across what is read at once (%s)", (encoding, as) => {
    const bytes = Buffer.from(`${"é".repeat(40)}\nnext\n`, as);
    const marks: (string | undefined)[] = [];
    let text = "";
    let parts = 0;
    for (let at = 0; at < bytes.length; ) {
      const taken = takeLines(bytes.subarray(at, at + 70), {
        last: at + 70 >= bytes.length,
        encoding,
        limit: 30,
        parts,
      });
      at += taken.consumed;
      parts = taken.parts;
      for (const record of taken.records) {
        marks.push(record.part === undefined ? undefined : `${record.part}${record.more === true ? "+" : ""}`);
        text += `${record.text}${record.more === true ? "" : "\n"}`;
      }
      if (taken.consumed === 0) break;
    }
    expect(text).toBe(`${"é".repeat(40)}\nnext\n`);
    expect(marks.slice(0, 2)).toEqual(["1+", "2+"]);
    expect(marks.slice(-2)).toEqual([`${marks.length - 1}`, undefined]);
  });

  it("that are exactly as long as allowed stay whole", () => {
    const text = "x".repeat(MAX_LINE);
    expect(take(`${text}\r\n`).lines).toEqual([text]);
    expect(take(`${text}\n`).lines).toEqual([text]);
    expect(take(`${text}\r`).lines).toEqual([]);
  });

  it("skip the hole that a truncation leaves before them", () => {
    expect(take("\0\0\0line\n")).toEqual({ lines: ["line"], consumed: 8 });
    expect(take("\0\0\0")).toEqual({ lines: [], consumed: 0 });
    expect(take("\0".repeat(100_000)).consumed).toBe(100_000);
  });

  it("stop at 500, and at 64 KB", () => {
    expect(take("x\n".repeat(600)).lines).toHaveLength(500);
    expect(take(`${"x".repeat(20_000)}\n`.repeat(5)).lines).toHaveLength(3);
  });

  it("are the same however the file grew", () => {
    const piece = fc.oneof(
      fc.string({ maxLength: 20 }),
      fc.constantFrom("\n", "\r\n", "é", "x".repeat(MAX_LINE - 1), "y".repeat(40_000)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.array(fc.nat(200_000), { maxLength: 6 }), (pieces, growth) => {
        const bytes = Buffer.from(pieces.join("").replaceAll("\0", " "));
        const read = (ends: readonly number[]): string[] => {
          const lines: string[] = [];
          let at = 0;
          for (const end of ends) {
            for (;;) {
              const { records, consumed } = takeLines(bytes.subarray(at, end), {
                ...TAKING,
                last: end === Number.POSITIVE_INFINITY,
              });
              if (consumed === 0) break;
              at += consumed;
              lines.push(...records.map((record) => record.text));
            }
          }
          return lines;
        };
        const atOnce = read([Number.POSITIVE_INFINITY]);
        expect(read([...growth.sort((a, b) => a - b), Number.POSITIVE_INFINITY])).toEqual(atOnce);
      }),
    );
  });
});
