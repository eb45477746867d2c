import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bareText, classOf, PLAIN, piecesOf, styleAfter } from "../../src/dashboard/text/ansi.ts";
import { legible, shareOf, stretchesKept, stretchesOf } from "../../src/dashboard/text/bands.ts";
import { commandLine, shellWord, splitWords } from "../../src/dashboard/text/command-line.ts";
import { meaningOf, WORDS } from "../../src/dashboard/text/glossary.ts";
import { lastWritten, OutputLines } from "../../src/dashboard/text/output.ts";
import { ago, readSpan } from "../../src/dashboard/text/times.ts";
import { bytes, span } from "../../src/message/text/figures.ts";

const shown = (line: string): string[] =>
  piecesOf(line).pieces.map(({ text, style, control }) => `${control === true ? "control" : classOf(style)}|${text}`);

describe("output with colours", () => {
  it("becomes pieces of text with a class each, and colours end where they end", () => {
    expect(shown("a \u001b[1;31mred\u001b[0m b")).toEqual(["|a ", "fg-1 bold|red", "| b"]);
    expect(shown("\u001b[38;5;196mx\u001b[39my")).toEqual(["fg-9|x", "|y"]);
    expect(shown("\u001b[38;2;0;0;255mx")).toEqual(["fg-12|x"]);
    expect(shown("\u001b[7mx")).toEqual(["fg-back bg-front|x"]);
  });

  it("shows every other sequence and control character as a picture, and obeys none", () => {
    expect(shown("\u001b]0;title\u0007x")).toEqual(["control|␛", "|]0;title", "control|␇", "|x"]);
    expect(shown("\u001b[2J")).toEqual(["control|␛", "|[2J"]);
    expect(shown("a\u202eb")).toEqual(["|a", "control|\\u202e", "|b"]);
    expect(bareText("\u001b[31m<b>\u001b[0m")).toBe("<b>");
  });

  it("goes on in the next line with the colours that were left on", () => {
    const after = styleAfter("\u001b[32mon", PLAIN);
    expect(piecesOf("still", after).pieces).toEqual([{ text: "still", style: { fg: 2 } }]);
    expect(styleAfter("plain", after)).toBe(after);
  });
});

describe("the lines of a command", () => {
  const part = (stream: "stdout" | "stderr", offset: number, text: string) => ({ stream, offset, text });
  const texts = (lines: OutputLines): string[] => lines.lines.map(({ stream, text }) => `${stream}:${text}`);

  it("have each byte once, however overlapping the parts arrive", () => {
    const lines = new OutputLines();
    expect(lines.take([part("stdout", 0, "one\ntw")], false)).toBe(true);
    expect(lines.take([part("stdout", 4, "two\n"), part("stdout", 0, "one\n")], false)).toBe(true);
    expect(texts(lines)).toEqual(["stdout:one", "stdout:two"]);
  });

  it("keep both streams apart, also in the middle of a line and of a character", () => {
    const lines = new OutputLines();
    const bytesOfE = (from: number, to: number) => Buffer.from("é\n").subarray(from, to).toString("base64");
    lines.take([{ stream: "stdout", offset: 0, text: bytesOfE(0, 1), encoding: "base64" }], false);
    lines.take([part("stderr", 0, "warn")], false);
    lines.take([{ stream: "stdout", offset: 1, text: bytesOfE(1, 3), encoding: "base64" }], false);
    expect(texts(lines)).toEqual(["stderr:warn", "stdout:é"]);
  });

  it("take nothing past a gap until all that is known was read, and then say what is missing", () => {
    const lines = new OutputLines();
    expect(lines.take([part("stdout", 5, "late\n")], false)).toBe(false);
    expect(texts(lines)).toEqual([]);
    lines.take([part("stdout", 5, "late\n")], true);
    lines.finish({ stdout: { bytes: 12 }, stderr: { bytes: 0 } });
    expect(texts(lines)).toEqual([
      "note:… 5 bytes of stdout were not kept …",
      "stdout:late",
      "note:… 2 bytes of stdout were not kept …",
    ]);
  });

  it("show the last state of a line that a progress bar wrote again", () => {
    expect(lastWritten("10 %\r50 %\r100 %")).toEqual({ text: "100 %", earlier: 2 });
    expect(lastWritten("plain")).toEqual({ text: "plain", earlier: 0 });
  });
});

describe("a band", () => {
  const change = (at: number, from: string, to: string) => ({ at, from, to, cause: `${to} at ${at}` });

  it("has no hole: before the first change is what it left, and equal neighbours are one", () => {
    const changes = [
      change(30, "online", "offline"),
      change(10, "neverSeen", "online"),
      change(20, "online", "online"),
    ];
    expect(stretchesOf(changes, "offline", 30, 0, 100).map(({ state, from, until }) => [state, from, until])).toEqual([
      ["neverSeen", 0, 10],
      ["online", 10, 30],
      ["offline", 30, 100],
    ]);
  });

  it("says that it does not know what was before the present state, where no change is known", () => {
    const stretches = stretchesOf([], "online", 60, 0, 100);
    expect(stretches.map(({ state, from }) => [state, from])).toEqual([
      ["", 0],
      ["online", 60],
    ]);
    expect(shareOf(stretches, "online")).toBe(1);
  });

  it("of the kept history knows nothing before its first state, nor of the time in which the daemon did not run", () => {
    const kept = [
      [10, "online", "a frame"],
      [40, "offline", "bye"],
    ] as const;
    const unknown = [
      [20, 30],
      [35, 50],
    ] as const;
    expect(stretchesKept(kept, unknown, 0, 60).map(({ state, from, until }) => [state, from, until])).toEqual([
      ["", 0, 10],
      ["online", 10, 20],
      ["", 20, 30],
      ["online", 30, 35],
      ["", 35, 50],
      ["offline", 50, 60],
    ]);
  });

  it("shows the worst of many short states as one, with how many there were", () => {
    const changes = [1, 2, 3, 4].map((i) => change(50 + i, i % 2 ? "online" : "offline", i % 2 ? "offline" : "online"));
    const stretches = stretchesOf(changes, "online", 54, 0, 1000);
    const weight = (state: string): number => (state === "offline" ? 1 : 0);
    expect(legible(stretches, 10, weight).map(({ state, merged }) => [state, merged])).toEqual([
      ["online", 0],
      ["offline", 2],
      ["online", 0],
    ]);
  });
});

describe("a command line", () => {
  it("is taken by a shell as it was meant", () => {
    expect(commandLine("run", "ship1", false, "--", "echo", "it's $HOME")).toBe(
      `steward run ship1 -- echo 'it'\\''s $HOME'`,
    );
    expect(shellWord("a\u001b[31m'")).toBe("$'a\\x1b[31m\\''");
  });

  it("is split into words as a shell does, and a quote that is open is a fault", () => {
    expect(splitWords(`sh -c 'a  b' "c \\" d" e\\ f ""`).words).toEqual(["sh", "-c", "a  b", 'c " d', "e f", ""]);
    expect(splitWords("echo 'x").fault).toMatch(/not closed/);
  });
});

describe("the words that the page explains", () => {
  it("have the sentences of docs/words.md, and are found as they are written", () => {
    const lines = readFileSync(new URL("../../docs/words.md", import.meta.url), "utf8").split("\n");
    const told = lines.map((line) => line.replaceAll("`", "").replaceAll("\\|", "|"));
    for (const { word, meaning } of WORDS)
      expect(
        told.some((line) => line.startsWith(`| ${word}`) && line.includes(`| ${meaning} |`)),
        word,
      ).toBe(true);
    expect(WORDS.map(({ word }) => word)).toEqual(
      expect.arrayContaining(["link", "lane", "domain", "wave", "promote", "noAck", "noCredit", "errand", "region"]),
    );
    expect(meaningOf("Dead letters")).toBe(meaningOf("dead letter"));
    expect(meaningOf("backing off")).toMatch(/last attempt failed/);
    expect(meaningOf("Node")).toBeUndefined();
  });
});

describe("times and sizes", () => {
  it("are told in one unit", () => {
    expect([span(1_000), span(7_190_000), span(12)]).toEqual(["1 s", "2 h", "12 ms"]);
    expect([ago(0, 500), ago(0, 65_000), ago(10_000, 0), ago(null, 0)]).toEqual([
      "now",
      "1 min ago",
      "in 10 s",
      "never",
    ]);
    expect([bytes(6), bytes(4096)]).toEqual(["6 B", "4.0 KB"]);
  });

  it("are read as people write them", () => {
    expect([readSpan("2h"), readSpan("never"), readSpan("1.5 min"), readSpan("soon")]).toEqual([
      7_200_000,
      null,
      90_000,
      undefined,
    ]);
  });
});
