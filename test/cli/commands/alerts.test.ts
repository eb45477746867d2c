import { expect, test } from "vitest";
import type { AlertView } from "../../../src/message/care/alert.ts";
import { withTimes } from "../../../src/message/text/time-words.ts";
import { world } from "../world.ts";

const alert = (no: number, more: Partial<AlertView> = {}): AlertView => ({
  no,
  node: "ship1",
  code: "new-epoch",
  text: "ship1 has a new journal",
  firstAt: 1_000,
  lastAt: 2_000,
  count: 1,
  state: "raised",
  ...more,
});

test("alerts lists what is raised, with --all what is over too, and clears by number or all of them", async () => {
  const w = await world();
  w.ops.alertList = [alert(7), alert(8, { code: "broker-denied", count: 12, state: "over", overAt: 3_000 })];
  const listed = await w.run(["alerts"]);
  expect(listed.out).toMatch(
    /^NO +NODE +ALERT +FIRST +LAST +TIMES +STATE +WHAT\n +7 +ship1 +new-epoch .* 1 +raised +ship1 has a new journal\n$/,
  );
  expect((await w.run(["alerts", "--all"])).out).toMatch(/ 8 +ship1 +broker-denied .* 12 +over /);
  expect(JSON.parse((await w.run(["alerts", "--json", "--all"])).out)).toEqual(withTimes(w.ops.alertList));
  expect(await w.run(["alerts", "clear"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("clear needs the numbers"),
  });
  expect(await w.run(["alerts", "clear", "9"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("there is no alert 9"),
  });
  expect(await w.run(["alerts", "clear", "7"])).toMatchObject({ code: 0, out: "1 alert cleared\n" });
  expect((await w.run(["alerts"])).err).toBe("no alerts; 1 are over (steward alerts --all)\n");
  expect(await w.run(["alerts", "clear", "all"])).toMatchObject({ code: 0, out: "1 alert cleared\n" });
  expect((await w.run(["alerts"])).err).toBe("no alerts\n");
});

test("node shows the alerts of that node which are not over", async () => {
  const w = await world();
  w.ops.alertList = [alert(7), alert(8, { node: "ship2" }), alert(9, { state: "over", overAt: 3_000 })];
  const { out } = await w.run(["node", "ship1"]);
  expect(out.split("\n").filter((line) => line.includes("new-epoch"))).toEqual([
    expect.stringMatching(/^ +7 +ship1 +new-epoch .* raised +ship1 has a new journal$/),
  ]);
});

test("doctor points at alerts, fails for a lane that stands still and for a name that two nodes have", async () => {
  const w = await world();
  const since = w.ops.clock.now() - 120_000;
  const lane = { subject: "ship1.command.shellcommand.os", since, reason: "no ACK from ship1 within 5000 ms" };
  const far = { subject: "central.event.shellcommand.os", since, reason: "the broker takes 16384 bytes at once" };
  w.ops.alertList = [alert(7)];
  w.ops.healthNow = { ...w.ops.healthNow, stuck: [lane] };
  w.ops.nodeList.splice(
    0,
    w.ops.nodeList.length,
    ...w.ops.nodeList.map((node) => {
      if (node.name === "ship1") return { ...node, stuck: [lane, far] };
      return node.name === "ship2" ? { ...node, heldBack: "two nodes call themselves ship2" } : node;
    }),
  );
  const { out } = await w.run(["doctor"]);
  expect(out).toMatch(/✗ fail {2}lanes .*\n(.*\n)?.*✗ fail {2}names |✗ fail {2}names .*\n(.*\n)?.*✗ fail {2}lanes /);
  expect(out).toContain(
    `${lane.subject} stands still since 2 min: ${lane.reason}; at ship1, ${far.subject} stands still`,
  );
  expect(out).toContain("cloned node: two nodes call themselves ship2; no message is sent to or taken from");
  expect(out).toMatch(/warn {2}alerts {7}new-epoch at ship1, .* ago\n.*`steward alerts` shows each/);
  expect((await w.run(["nodes"])).out).toContain(
    `! ${lane.subject} stands still since 2 min: ${lane.reason}; so does 1 more lane`,
  );
});

test("doctor names the ten nodes that most is owed to, and the sum, where a thousand wait", async () => {
  const w = await world();
  const [sample] = w.ops.nodeList;
  if (sample === undefined) throw new Error("there is no node");
  const many = Array.from({ length: 1_000 }, (_, n) => ({
    ...sample,
    name: `n${n}`,
    role: "edge" as const,
    waiting: n + 1,
    running: 1,
  }));
  w.ops.nodeList.splice(0, w.ops.nodeList.length, ...many);
  const line = (await w.run(["doctor"])).out.split("\n").find((text) => text.includes("not acknowledged")) ?? "";
  expect(line).toContain(
    "1000 nodes: 500500 messages not acknowledged, 1000 commands without outcome; n999: 1000 and 1; n998: 999 and 1; ",
  );
  expect(line).toContain("n990: 991 and 1; and 990 more nodes (`steward nodes`)");
  expect(line.length).toBeLessThan(800);
});
