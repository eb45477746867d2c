import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../../src/message/message.ts";
import { summarise, summariseMessage } from "../../../src/message/text/summary.ts";

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

describe("the summary of a message between daemons", () => {
  const list = { body: { node: "ship1", version: 7, peers: [] }, signature: "s" };

  it.each<[string, Json, string]>([
    ["command.trust", { list }, "trust list 7: whom to trust from now on"],
    ["command.trust", { rekey: true }, "make new keys"],
    ["command.trust", { peers: ["ship2", "ship3"] }, "send the keys of ship2, ship3"],
    ["command.cancel", { id: "01HZZZ" }, "cancel 01HZZZ"],
    ["command.compare", { epoch: "e", open: [["a", "b", 1]] }, "what became of 1 command?"],
    ["command.process", { verb: "ps", subject: "" }, "list the processes"],
    ["command.process", { verb: "restart", subject: "event.a.b" }, "restart the process event.a.b"],
    ["command.may", { origin: "hq", subject: "command.a.b" }, "may hq send command.a.b?"],
    ["command.ping", null, "are you there?"],
    ["event.errorlog", { at: 1, code: "refused", text: "two\nlines" }, "refused: two lines"],
    ["command.future", { a: 1 }, '{"a":1}'],
    ["command.trust", [1], "[1]"],
  ])("%s %j is in words: %s", (what, data, line) => {
    expect(summariseMessage({ subject: `ship1.${what}.steward`, data })).toBe(line);
    expect(summariseMessage({ subject: `ship1.${what}.nginx`, data })).toBe(summarise(data));
  });

  it("is a line of 80 characters at most, whatever the data", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("command.trust", "command.cancel", "command.may", "event.errorlog"),
        fc.jsonValue(),
        (what, data) => {
          expect(summariseMessage({ subject: `a.${what}.steward`, data: data as Json }).length).toBeLessThanOrEqual(80);
        },
      ),
    );
  });
});
