import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StewardError } from "../../../src/message/errors.ts";
import { formatDuration, formatSize, parseDuration, readDuration, readSize } from "../../../src/message/text/units.ts";

describe("durations", () => {
  it.each([
    ["0s", 0],
    ["500ms", 500],
    ["10s", 10_000],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["7d", 604_800_000],
    ["1.5h", 5_400_000],
    ["1h30m", 5_400_000],
    ["1d2h3m4s5ms", 93_784_005],
    ["1.1s", 1100],
  ])("reads %s as %i ms", (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    "",
    "10",
    "s",
    "-5s",
    "5 s",
    "10S",
    "1m1h",
    "1s1s",
    "1e3s",
    "0x1s",
    ".5s",
    "1.s",
    "5w",
    "∞",
    "0.1ms",
    `${"9".repeat(30)}d`,
  ])("refuses %j", (text) => {
    expect(readDuration(text)).toBeUndefined();
    expect(() => parseDuration(text)).toThrowError(expect.objectContaining({ code: "duration-invalid" }));
  });

  it.each([
    [0, "0s"],
    [1, "1ms"],
    [60_000, "1m"],
    [90_000, "1m30s"],
    [86_400_000, "1d"],
    [150_000, "2m30s"],
  ])("writes %i ms as %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it("read back what they were written as", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e15 }), (ms) => {
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });
});

describe("sizes", () => {
  it.each([
    ["0B", 0],
    ["512B", 512],
    ["64KB", 65_536],
    ["64K", 65_536],
    ["64KiB", 65_536],
    ["64kb", 65_536],
    ["1.5MB", 1_572_864],
    ["1GB", 1024 ** 3],
    ["2T", 2 * 1024 ** 4],
  ])("reads %s as %i bytes", (text, bytes) => {
    expect(readSize(text)).toBe(bytes);
  });

  it.each(["", "10", "B", "KB", "-1B", "1 KB", "1iB", "1PB", "1e3B", "0.1B", "64KBs", `${"9".repeat(30)}B`])(
    "refuses %j",
    (text) => {
      expect(readSize(text)).toBeUndefined();
      expect(readSize(text)).toBeUndefined();
    },
  );

  it("are written in the largest unit that divides them", () => {
    expect(formatSize(0)).toBe("0B");
    expect(formatSize(65_536)).toBe("64KB");
    expect(formatSize(65_537)).toBe("65537B");
    expect(formatSize(1024 ** 3)).toBe("1GB");
  });

  it("read back what they were written as", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.integer({ min: 0, max: 2 ** 50 }),
          fc.integer({ min: 0, max: 9999 }).map((n) => n * 1024 ** 3),
        ),
        (bytes) => {
          expect(readSize(formatSize(bytes))).toBe(bytes);
        },
      ),
    );
  });
});

it("arbitrary text is a duration or refused with a StewardError that quotes it in one line, and a size or nothing", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
      try {
        expect(parseDuration(text)).toBeGreaterThanOrEqual(0);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(StewardError);
        expect(String((thrown as Error).message)).not.toContain("\n");
      }
      expect(readSize(text) ?? 0).toBeGreaterThanOrEqual(0);
    }),
  );
});
