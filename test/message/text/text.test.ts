import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readJson } from "../../../src/message/text/json-reader.ts";
import { surrogateFaultIn, textOf } from "../../../src/message/text/text.ts";

describe("bytes become text", () => {
  it("unchanged when they are UTF-8, byte order mark included", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(textOf(Buffer.from(`\uFEFF${text}`))).toEqual({ text: `\uFEFF${text}` });
      }),
    );
  });

  it.each([
    ["rm caf\xe9", "the byte 0xe9 in line 1, column 7 "],
    ["a\nb\n\xff", "the byte 0xff in line 3, column 1 "],
    ["\xe2\x82", "the byte 0xe2 in line 1, column 1 "],
    ["\xed\xa0\x80", "the byte 0xed in line 1, column 1 "],
    ["\xc3\xa9\xc3\xa9\x80", "the byte 0x80 in line 1, column 3 "],
  ])("not at all otherwise, and the place is named: %j", (latin1, place) => {
    expect(textOf(Buffer.from(latin1, "latin1"))).toEqual({ fault: expect.stringContaining(place) });
  });

  it("and what is refused is just what a strict decoder refuses", () => {
    const strict = (bytes: Uint8Array): boolean => {
      try {
        new TextDecoder("utf-8", { fatal: true }).decode(bytes);
        return true;
      } catch {
        return false;
      }
    };
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        expect("text" in textOf(bytes)).toBe(strict(bytes));
      }),
    );
  });
});

describe("half of a surrogate pair", () => {
  it.each([
    ["x\ud800", "data: "],
    [["rm", "\udc00y"], "data[1]: "],
    [{ argv: ["rm", { deep: "\ud800" }] }, "data.argv[1].deep: "],
    [{ "\ud800": 1 }, "data, a key: "],
  ])("is found wherever it stands in %j", (value, where) => {
    expect(surrogateFaultIn(value, "data")).toContain(where);
  });

  it("is not seen in whole pairs", () => {
    expect(surrogateFaultIn(["😀", { "🚢": "é" }, 1, null], "data")).toBeUndefined();
  });

  it("is a fault of JSON text with its place", () => {
    expect(readJson('["ok", "\\ud83d"]').faults).toEqual([{ at: 7, text: expect.stringContaining("\\ud83d") }]);
    expect(readJson('["\\ud83d\\ude00"]').faults).toEqual([]);
  });
});
