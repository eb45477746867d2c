import { expect, test } from "vitest";
import type { ScheduleViewOf } from "../../../../src/runtime/operate/table/schedules.ts";
import { sampleNode } from "../../../harness/fake-operations.ts";
import { type World, world } from "../../world.ts";

async function fleet(): Promise<World> {
  const w = await world();
  w.ops.nodeList.splice(0);
  const now = w.ops.clock.now();
  w.ops.nodeList.push(sampleNode("central", now, { role: "self" }), sampleNode("ship1", now, { link: "offline" }));
  return w;
}

const orders = (w: World): unknown[] => w.ops.callsOf("submit").flatMap(({ args }) => args[0]);

test("schedule sends what it is told as one order to each node, and steers by name", async () => {
  const w = await fleet();
  const at = ["--every", "every day at 02:00", "--missed", "once", "--tz", "Europe/Oslo", "--timeout", "5m"];
  await w.run(["schedule", "ship1", "logs", ...at, "--note", "nightly", "--", "pack", "-a"]);
  await w.run(["schedule", "ship1", "logs", "--pause"]);
  const plan = { every: "every day at 02:00", zone: "Europe/Oslo", note: "nightly", missed: "once" };
  const command = { subject: "command.shellcommand.operatingsystem", data: ["pack", "-a"], timeout: 300_000 };
  expect(orders(w)).toMatchObject([
    { to: "ship1", subject: "command.schedule.steward", data: { name: "logs", set: { ...plan, ...command } } },
    { to: "ship1", subject: "command.schedule.steward", data: { name: "logs", verb: "pause" } },
  ]);
});

test("schedule wants times with a command, or one verb, and says so", async () => {
  const w = await fleet();
  for (const words of [[], ["--remove", "--pause"], ["--remove", "--every", "hourly"]]) {
    const { code, err } = await w.run(["schedule", "ship1", "logs", ...words]);
    expect([code, err]).toEqual([2, expect.stringContaining("one of --remove, --pause and --resume")]);
  }
  const wrong = await w.run(["schedule", "ship1", "logs", "--every", "hourly", "--missed", "twice", "--", "pack"]);
  expect(wrong.err).toContain('--missed takes skip, once, all, not "twice"');
  expect(orders(w)).toEqual([]);
});

test("schedules lists state, next time and last run; of one schedule the runs", async () => {
  const w = await fleet();
  const now = w.ops.clock.now();
  const run = {
    id: "01M8",
    dueAt: now - 60_000,
    endedAt: now - 58_000,
    state: "failed",
    code: 3,
    output: "no room\n",
  } as const;
  const view: ScheduleViewOf = {
    ...{ node: "ship1", name: "logs", from: "anna@central", when: "hourly", zone: "UTC", missed: "once" },
    ...{ subject: "command.shellcommand.operatingsystem", summary: "pack -a", state: "waiting", since: now },
    ...{ cause: "failed: exit 3", nextAt: now + 3_600_000, left: 2, runs: [run], asOf: now },
  };
  expect((await w.run(["schedules"])).err).toBe("no node holds a schedule\n");
  w.ops.scheduleList.push(view);
  const { out } = await w.run(["schedules", "ship1"]);
  expect(out).toContain("NODE   SCHEDULE  STATE    NEXT    LAST RUN");
  expect(out).toMatch(
    /ship1 {2}logs {6}waiting {2}in 1 h {2}✗ failed \(exit 3\) 58 s ago {2}hourly UTC {2}once, 2 left out/,
  );
  const one = await w.run(["schedules", "ship1", "logs"]);
  expect(one.out).toMatch(/01M8 +1 min ago +✗ failed +58 s ago +3 +no room/);
  const none = await w.run(["schedules", "ship1", "disks"]);
  expect([none.code, none.err]).toEqual([2, expect.stringContaining("ship1 holds no schedule disks; it holds logs")]);
  expect((await w.run(["node", "ship1"])).out).toContain("anna@central");
});
