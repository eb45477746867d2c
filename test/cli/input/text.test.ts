import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { world } from "../world.ts";

const LATIN1 = Buffer.from("rm caf\xe9", "latin1");
const raw = (...words: readonly (string | Buffer)[]): Buffer =>
  Buffer.concat(["node", "main.js", ...words].flatMap((word) => [Buffer.from(word as string), Buffer.alloc(1)]));

describe("text that is not UTF-8 is refused with its place, and nothing is sent", () => {
  test("as a script on standard input", async () => {
    const w = await world();
    const { code, err } = await w.run(["run", "ship1", "--script"], { stdin: LATIN1 });
    expect(code).toBe(2);
    expect(err).toContain("standard input cannot be sent: it is not UTF-8 text: the byte 0xe9 in line 1, column 7");
    expect(w.ops.callsOf("submit")).toEqual([]);
  });

  test.each([
    ["as a message file", (bytes: Buffer) => bytes, "send", "m.yaml"],
    ["as messages on standard input", (bytes: Buffer) => bytes, "send", "-"],
  ])("%s", async (_, of, ...argv) => {
    const w = await world();
    const bytes = of(
      Buffer.concat([
        Buffer.from("{to: ship1, command: shellcommand, domain: d,\n data: ["),
        LATIN1,
        Buffer.from("]}"),
      ]),
    );
    await writeFile(join(w.directory, "m.yaml"), bytes);
    const { code, err } = await w.run(argv, { stdin: bytes });
    expect(code).toBe(2);
    expect(err).toContain("the byte 0xe9 in line 2, column 15");
    expect(w.ops.callsOf("submit")).toEqual([]);
  });

  test("as an argument", async () => {
    const w = await world();
    const argv = ["run", "ship1", "--no-wait", "--", "printf", "caf\uFFFD"];
    const bytes = raw("run", "ship1", "--no-wait", "--", "printf", Buffer.from("caf\xe9", "latin1"));
    const refused = await w.run(argv, { rawArguments: bytes });
    expect(refused.code).toBe(2);
    expect(refused.err).toContain("argument 6 cannot be sent: it is not UTF-8 text: the byte 0xe9 in line 1, column 4");
    // A system that does not tell what was typed.
    expect((await w.run(argv)).err).toContain("argument 6 cannot be sent: it holds U+FFFD");
    expect(w.ops.callsOf("submit")).toEqual([]);
    // Somebody typed U+FFFD itself.
    expect((await w.run(argv, { rawArguments: raw(...argv) })).code).toBe(0);
  });

  test.each([
    ["JSON", '{"to":"ship1","command":"shellcommand","domain":"d","data":["rm","a\\ud800"]}'],
    ["YAML", 'to: ship1\ncommand: shellcommand\ndomain: d\ndata: [rm, "a\\ud800"]\n'],
  ])("as half of a surrogate pair in %s", async (_, stdin) => {
    const w = await world();
    const { code, err } = await w.run(["send", "-"], { stdin });
    expect(code).toBe(2);
    expect(err).toContain("half of a character");
    expect(w.ops.callsOf("submit")).toEqual([]);
  });
});
