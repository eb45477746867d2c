import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../../src/message/message.ts";
import { summarise } from "../../../src/message/text/summary.ts";

describe("the summary of a message's data", () => {
  it.each<[Json, string]>([
    [["uname", "-a"], "uname -a"],
    [["bash", "-c", "uname -a"], "bash -c 'uname -a'"],
    [["echo", ""], "echo ''"],
    [["echo", "it's"], "echo 'it'\\''s'"],
    [["echo", 'say "hi"'], "echo 'say \"hi\"'"],
    [["echo", "a\n\tb"], "echo 'a b'"],
    [{ script: "cd /srv\nls -l | wc -l\n" }, "cd /srv ls -l | wc -l"],
    [{ argv: ["cat", "a b"], input: "c" }, "cat 'a b'"],
    [{ script: 3 }, '{"script":3}'],
    [{ lines: 3 }, '{"lines":3}'],
    [[1, "a"], '[1,"a"]'],
    [[], ""],
    [null, "null"],
    [true, "true"],
    ["text", '"text"'],
    [{}, "{}"],
  ])("of %j is %s", (data, line) => {
    expect(summarise(data)).toBe(line);
  });

  it("is one line of 80 characters at most, cut with a sign that it was", () => {
    expect(summarise({ script: "x".repeat(80) })).toBe("x".repeat(80));
    expect(summarise({ script: "x".repeat(81) })).toBe(`${"x".repeat(79)}…`);
    fc.assert(
      fc.property(fc.oneof(fc.array(fc.string({ unit: "grapheme" })), fc.jsonValue()), (data) => {
        const line = summarise(data as Json);
        expect(line.length).toBeLessThanOrEqual(80);
        expect(line).not.toMatch(/[\r\n\t]/);
      }),
    );
  });
});
