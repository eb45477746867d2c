import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseSyslog } from "../../../../src/methods/syslog/network/parse.ts";
import { type LogRecord, MAX_BATCH_BYTES, parseBatch, weightOf } from "../../../../src/methods/syslog/record.ts";
import { cutAt, decode, escapeControls } from "../../../../src/methods/syslog/text.ts";
import { renderLine } from "../../../../src/methods/syslog/write/render.ts";

const time = "2026-11-22T14:20:55.123Z";

describe("a stored line", () => {
  it.each<[string, LogRecord, string]>([
    ["of syslog", { time, host: "web1", app: "nginx", pid: "7", text: "GET /" }, `${time} web1 nginx[7]: GET /`],
    ["without a pid", { time, host: "web1", app: "nginx", text: "GET /" }, `${time} web1 nginx: GET /`],
    ["without a host", { time, app: "su", text: "x" }, `${time} - su: x`],
    ["without a tag", { time, host: "h", text: "last message repeated" }, `${time} h last message repeated`],
    [
      "with what RFC 5424 adds",
      { time, host: "h", app: "a", msgid: "ID1", structured: ['[timeQuality tzKnown="1"]', '[x@1 k="v"]'], text: "t" },
      `${time} h a: ID1 [x@1 k="v"] t`,
    ],
    [
      "with control characters",
      { time, host: "h", app: "a", text: "one\ntwo\0\u001b[31m\ttab" },
      `${time} h a: one#012two#000#033[31m\ttab`,
    ],
    ["of a file, as it is", { text: "\u001b[31mred\u001b[0m \r x" }, "\u001b[31mred\u001b[0m \r x"],
    ["of a file with a forged newline", { text: "a\nb" }, "a#012b"],
  ])("is readable: %s", (_what, record, line) => {
    expect(renderLine(record)).toBe(line);
  });

  it("is one line, whatever was received", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const line = renderLine({ time, ...parseSyslog(decode(Buffer.from(bytes)).text, 0) });
        // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be there
        expect(line).not.toMatch(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe("bytes that are not UTF-8", () => {
  it("survive as U+FFFD and are counted", () => {
    expect(decode(Buffer.from([0x63, 0x61, 0x66, 0xe9, 0x20, 0xff]))).toEqual({
      text: "caf\ufffd \ufffd",
      replaced: 2,
    });
  });

  it("are not confused with a U+FFFD that was sent", () => {
    expect(decode(Buffer.from("a\ufffdb"))).toEqual({ text: "a\ufffdb", replaced: 0 });
    expect(decode(Buffer.concat([Buffer.from("\ufffd"), Buffer.from([0xe9])]))).toEqual({
      text: "\ufffd\ufffd",
      replaced: 1,
    });
  });
});

describe("a cut", () => {
  it("keeps at most the limit, at least three bytes less, and tears no character", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 60 }), fc.integer({ min: 4, max: 80 }), (text, limit) => {
        const bytes = Buffer.from(text);
        const at = cutAt(bytes, limit);
        expect(at).toBeLessThanOrEqual(limit);
        expect(at).toBeGreaterThanOrEqual(Math.min(bytes.length, limit - 3));
        expect(decode(bytes.subarray(0, at)).replaced).toBe(0);
      }),
    );
  });

  it("ends even where no character begins", () => {
    expect(cutAt(Buffer.alloc(100, 0x80), 50)).toBe(50);
  });
});

describe("the weight of a line", () => {
  it("covers what JSON makes of control characters", () => {
    const text = "\0".repeat(1_000);
    expect(weightOf({ text })).toBeGreaterThanOrEqual(6_000);
    expect(weightOf({ text: "é".repeat(1_000) })).toBe(2_000);
    expect(MAX_BATCH_BYTES).toBe(65_536);
  });
});

describe("the data of an event", () => {
  it("is taken as both sources make it", () => {
    const lines = [{ text: "x" }, { time, host: "h", app: "a", pid: "1", structured: ["[a]"], text: "" }];
    expect(parseBatch({ lines })).toEqual({ lines });
  });

  it.each([
    [null, "the data must be"],
    ["text", "the data must be"],
    [{ lines: "x" }, "the data must be"],
    [{ lines: [1] }, "lines[0]: it must be an object"],
    [{ lines: [{ text: "x" }, {}] }, "lines[1]: `text`"],
    [{ lines: [{ text: "x", time: "../../etc" }] }, "`time` must look like"],
    [{ lines: [{ text: "x", host: 7 }] }, "`host` must be a string"],
    [{ lines: [{ text: "x", structured: [1] }] }, "`structured` must be"],
  ])("is refused with its fault: %j", (data, fault) => {
    expect(() => parseBatch(data)).toThrow(fault);
  });

  it("is refused when it has more lines than any source sends", () => {
    expect(() => parseBatch({ lines: Array.from({ length: 10_001 }, () => ({ text: "" })) })).toThrow("10001 lines");
  });
});

it("escapes as syslog daemons do", () => {
  expect(escapeControls("\n\r\u007f\u009b")).toBe("#012#015#177#233");
});
