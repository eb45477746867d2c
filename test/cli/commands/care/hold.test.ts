import { expect, test } from "vitest";
import { world } from "../../world.ts";

test("hold says until when nodes are held and why; the list, nodes and node show it, and unhold ends it", async () => {
  const w = await world();
  const { code, out } = await w.run(["hold", "ship1,ship2", "--until", "in 3h", "--note", "dry dock"]);
  expect(code).toBe(0);
  expect(out).toContain("NODE   HELD  ENDS    WAITING  DEADLINE  BY       NOTE");
  expect(out).toContain("ship2  0 ms  in 3 h        1  -         central  dry dock");
  expect(w.ops.callsOf("hold")[0]?.args[0]).toEqual({
    to: "ship1,ship2",
    most: 2,
    endsAt: w.ops.clock.now() + 3 * 3_600_000,
    note: "dry dock",
  });
  expect((await w.run(["hold"])).out).toBe(out);
  expect((await w.run(["nodes"])).out).toContain("! held for maintenance, ends in 3 h: dry dock");
  expect((await w.run(["node", "ship1"])).out).toMatch(/^maintenance +held for maintenance, ends in 3 h: dry dock$/m);
  expect((await w.run(["unhold", "ship1,ship3"])).out).toBe("1 node released: ship1\n");
  expect((await w.run(["unhold", "ship3"])).err).toBe("no node of ship3 was held\n");
});

test.each(["never", "forever", "null"])("hold and mute understand %s for a time without end", async (word) => {
  const w = await world();
  expect((await w.run(["hold", "ship1", "--until", word, "--note", "dry dock"])).code).toBe(0);
  expect(w.ops.callsOf("hold")[0]?.args[0]).toEqual({ to: "ship1", most: 1, note: "dry dock" });
  expect((await w.run(["mute", "ship1", word, "dry dock"])).code).toBe(0);
  expect(w.ops.callsOf("mute")[0]?.args[0]).toEqual({ to: "ship1", most: 1, note: "dry dock" });
});

test("hold refuses a time that it does not understand, or that is over, and holds nothing", async () => {
  const w = await world();
  for (const [until, fault] of [
    ["soon", '--until "soon": at character 1: "soon" is not understood; write for example'],
    ["2001-01-01 10:00", "is over: it is"],
    ["100000000d", "is too far ahead: the last year is 9999"],
    ["tomorrow 26:00", 'at character 10: "26:00" is no time of the day'],
  ] as const) {
    const { code, err } = await w.run(["hold", "ship1", "--until", until]);
    expect([code, err]).toEqual([2, expect.stringContaining(fault)]);
  }
  expect(w.ops.callsOf("hold")).toEqual([]);
});
