import { describe, expect, test } from "vitest";
import { openLog } from "../../src/observe/log.ts";
import { SimulatedClock } from "../harness/clock.ts";

function lines(pretty = false) {
  const all: string[] = [];
  const clock = new SimulatedClock();
  const log = openLog({
    level: "info",
    pretty,
    node: "ship1",
    clock,
    destination: { write: (line) => all.push(line) },
  });
  return { all, log, clock };
}

describe("the log", () => {
  test("is one JSON object a line, with level, time, node and the fields of its relatives", () => {
    const { all, log, clock } = lines();
    log.child({ role: "node", actor: "ship2" }).child({ lane: "x" }).warn({ waiting: 3 }, "a\nb");
    expect(all.map((line) => JSON.parse(line))).toEqual([
      {
        level: "warn",
        time: clock.now(),
        node: "ship1",
        role: "node",
        actor: "ship2",
        lane: "x",
        waiting: 3,
        msg: "a\nb",
      },
    ]);
    expect(all[0]?.indexOf("\n")).toBe((all[0]?.length ?? 0) - 1);
  });

  test("names this node once on every line, and another one as its peer", () => {
    const { all, log } = lines();
    log.info({ node: "ship2", n: 1 }, "offline");
    log.child({ node: "ship3" }).info({ node: "ship1" }, "here");
    expect(all.map((line) => line.match(/"node":/g)?.length)).toEqual([1, 1]);
    expect(all.map((line) => JSON.parse(line))).toMatchObject([
      { node: "ship1", peer: "ship2", n: 1 },
      { node: "ship1", peer: "ship3" },
    ]);
  });

  test("for people it has colour only where that is wanted", () => {
    for (const colour of [true, false]) {
      const all: string[] = [];
      const destination = { write: (line: string) => all.push(line) };
      openLog({ level: "info", pretty: true, colour, node: "n", clock: new SimulatedClock(), destination }).info(
        {},
        "x",
      );
      expect(all.join("").includes("\u001b["), String(colour)).toBe(colour);
    }
  });

  test("a change of level reaches the relatives that exist already", () => {
    const { all, log } = lines();
    const child = log.child({ a: 1 });
    child.debug({}, "not shown");
    expect(child.enabled("debug")).toBe(false);
    log.setLevel("debug");
    child.debug({}, "shown");
    expect(child.enabled("debug")).toBe(true);
    child.setLevel("silent");
    log.error({}, "not shown");
    expect(all.map((line) => JSON.parse(line).msg)).toEqual(["shown"]);
  });

  test("an error is written with its type, message, stack and cause", () => {
    const { all, log } = lines();
    log.error({ err: new TypeError("outer", { cause: new Error("inner") }) }, "failed");
    const { err } = JSON.parse(all[0] ?? "");
    expect(err).toMatchObject({ type: "TypeError", message: expect.stringContaining("outer") });
    expect(err.stack).toContain("inner");
  });

  test("for people it is one line, and text from afar cannot steer the terminal", () => {
    const { all, log } = lines(true);
    log.info({ actor: "ship2", name: "\u001b]0;evil\u0007" }, "online \u001b[2Jgone");
    expect(all).toHaveLength(1);
    expect(all[0]).toContain("ship2");
    expect(all[0]?.trimEnd()).not.toContain("\n");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
    expect(all[0]).not.toMatch(/[\u0000-\u0009\u000b-\u001f]/);
  });
});
