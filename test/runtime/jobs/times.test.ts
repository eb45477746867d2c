import { describe, expect, it } from "vitest";
import type { HeldSchedule } from "../../../src/message/schedule/held-schedule.ts";
import type { HostFacts } from "../../../src/platform/host/host-facts.ts";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld, type NodeOptions, type World } from "../../harness/world/world.ts";
import { ended, job, order } from "./scene.ts";

const MINUTE = 60_000;
/** These scenes pass hours and days. */
const PATIENT = 120_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const host = (timezone: string): HostFacts => ({
  read: async () => ({ facts: { timezone }, uptime: 5_000, disks: [] }),
});

/** Ships at Berlin and Sydney beside central, at a moment of simulated time; hellos are rare, for days pass. */
async function ships(beginsAt: string, settings: Readonly<Record<string, NodeOptions>> = {}): Promise<World> {
  const rare = (name: string): NodeOptions => ({ hello: "10m", ...settings[name] });
  return await settled(
    await createWorld({
      beginsAt: Date.parse(beginsAt),
      nodes: { central: rare("central"), berlin: rare("berlin"), sydney: rare("sydney") },
      hosts: { berlin: host("Europe/Berlin"), sydney: host("Australia/Sydney") },
    }),
  );
}

/** When the command began on a node, to the minute. */
function began(world: World, node: string): string[] {
  return world.ledger.runs.filter((run) => run.node === node).map(({ at }) => minute(at));
}

const minute = (at: number): string => `${new Date(at).toISOString().slice(0, 16)}Z`;

async function until(world: World, time: string): Promise<void> {
  await world.advance(Date.parse(time) - world.time.now());
}

/** All are switched off until then, which costs nothing. */
async function leap(world: World, time: string): Promise<void> {
  const nodes = ["central", "berlin", "sydney"];
  for (const node of nodes) await world.stop(node);
  await until(world, time);
  for (const node of nodes) await world.start(node);
  await world.advance(2 * MINUTE);
}

const AT_NIGHT = { every: "every day at 02:30", subject: "command.work.os", data: {}, missed: "once" };

describe("where clocks are moved", { timeout: PATIENT }, () => {
  it.each([
    ["forward at Berlin", "2027-03-27T22:00Z", "2027-03-28T04:00Z", "berlin", "Europe/Berlin", "2027-03-28T01:00Z"],
    ["back at Berlin", "2027-10-30T22:00Z", "2027-10-31T04:00Z", "berlin", "Europe/Berlin", "2027-10-31T00:30Z"],
    ["back at Sydney", "2027-04-03T14:00Z", "2027-04-03T20:00Z", "sydney", "Australia/Sydney", "2027-04-03T15:30Z"],
    ["forward at Sydney", "2027-10-02T14:00Z", "2027-10-02T20:00Z", "sydney", "Australia/Sydney", "2027-10-02T16:00Z"],
  ])("%s, a job and a schedule of the node itself begin once that night", async (_, from, to, node, tz, at) => {
    const world = await ships(from, { [node]: { schedule: { nightly: AT_NIGHT } } });
    const other = node === "berlin" ? "sydney" : "berlin";
    const id = await order(world, { to: other, every: "every day at 02:30", tz });
    await until(world, to);
    expect(began(world, node)).toEqual([at]);
    expect(began(world, other)).toEqual([at]);
    expect(job(world, id)).toMatchObject({ state: "scheduled", counts: { held: 1 } });
  });

  it.each([
    ["berlin", "sydney", "2027-03-28T00:30Z", "2027-03-28T01:00Z", "2027-03-28T15:00:00.000Z"],
    ["sydney", "berlin", "2027-10-02T15:30Z", "2027-10-02T16:00Z", "2027-10-03T00:00:00.000Z"],
  ])(
    "a window by the clocks of each node opens at %s also in the night that lacks its first hour",
    async (node, other, from, at, later) => {
      const world = await ships(from);
      const id = await order(world, { window: "02:00-04:00", tz: "node" });
      await until(world, at);
      await world.advance(MINUTE);
      expect([began(world, node), began(world, other)]).toEqual([[at], []]);
      expect(job(world, id)).toMatchObject({
        counts: { held: 1, succeeded: 1 },
        holds: [{ reason: "window", text: `opens at ${later}`, nodes: 1 }],
      });
    },
  );
});

describe("a clock of central that jumps", { timeout: PATIENT }, () => {
  const NOON = { to: "berlin", every: "every day at 12:00", tz: "UTC" };

  it("back an hour while a job runs, makes no time of it run again", async () => {
    const world = await ships("2027-06-01T11:50Z");
    const id = await order(world, { ...NOON, data: { ms: 2 * MINUTE } });
    await until(world, "2027-06-01T12:01Z");
    world.setClock("central", -HOUR);
    await until(world, "2027-06-01T14:00Z");
    expect(began(world, "berlin")).toEqual(["2027-06-01T12:00Z"]);
    await leap(world, "2027-06-02T12:50Z");
    await until(world, "2027-06-02T13:30Z");
    expect(began(world, "berlin")).toEqual(["2027-06-01T12:00Z", "2027-06-02T13:00Z"]);
    expect(job(world, id).attempts).toHaveLength(3);
  });

  it("forward a day and back, runs the time that had come by it once, and goes on by the right times", async () => {
    const world = await ships("2027-06-01T09:00Z");
    const id = await order(world, NOON);
    world.setClock("central", DAY + 4 * HOUR);
    await world.advance(2 * MINUTE);
    expect(began(world, "berlin")).toEqual(["2027-06-01T09:00Z"]);
    world.setClock("central", 0);
    // Within an hour the clock is not believed, then it is.
    await world.advance(30 * MINUTE);
    expect(job(world, id).beginAt).toBe(Date.parse("2027-06-03T12:00Z"));
    await until(world, "2027-06-01T12:30Z");
    expect(began(world, "berlin").slice(1)).toEqual(["2027-06-01T12:00Z"]);
    await leap(world, "2027-06-02T11:50Z");
    await until(world, "2027-06-02T12:30Z");
    expect(began(world, "berlin").slice(2)).toEqual(["2027-06-02T12:00Z"]);
  });

  it("over a restart too, ahead by years and back, does not make a job wait for years", async () => {
    const world = await ships("2027-06-01T09:00Z");
    await order(world, NOON);
    world.setClock("central", 3650 * DAY);
    await world.advance(2 * MINUTE);
    expect(began(world, "berlin")).toHaveLength(1);
    world.crash("central");
    world.setClock("central", 0);
    await world.start("central");
    await until(world, "2027-06-01T12:30Z");
    expect(began(world, "berlin").slice(1)).toEqual(["2027-06-01T12:00Z"]);
  });
});

describe("a window that passes while a node is away", { timeout: PATIENT }, () => {
  it("is waited for again, by a job, until the node is there in its hours, and its message begins once", async () => {
    const world = await ships("2027-06-01T23:30Z");
    world.cut("berlin");
    await world.advance(2 * MINUTE);
    const id = await order(world, { window: "00:00-01:00", tz: "UTC", to: "berlin,sydney" });
    await until(world, "2027-06-02T01:30Z");
    expect([began(world, "berlin"), began(world, "sydney")]).toEqual([[], ["2027-06-02T00:00Z"]]);
    expect(job(world, id).holds).toEqual([{ reason: "window", text: "berlin is away", nodes: 1 }]);
    world.heal("berlin");
    await world.advance(2 * MINUTE);
    await leap(world, "2027-06-02T23:55Z");
    expect(began(world, "berlin")).toEqual([]);
    await ended(world, id, "done", HOUR);
    expect(began(world, "berlin")).toEqual(["2027-06-03T00:00Z"]);
    await expectSound(world);
  });

  it.each([
    ["skip", ["2027-06-03T02:00Z"], 1],
    ["once", ["2027-06-03T02:00Z"], 1],
    ["all", ["2027-06-03T02:00Z", "2027-06-03T02:00Z"], 0],
  ] as const)(
    "is made up for by a schedule of the node in the next one as `missed: %s` says",
    async (missed, times, left) => {
      const nightly = { ...AT_NIGHT, every: "every day at 02:00", window: "02:00-02:30", zone: "UTC", missed };
      const world = await ships("2027-06-02T01:00Z", { berlin: { schedule: { nightly } } });
      await world.stop("berlin");
      await until(world, "2027-06-02T03:00Z");
      await world.start("berlin");
      await until(world, "2027-06-03T03:00Z");
      expect(began(world, "berlin")).toEqual(times);
      const held = world.store("berlin").get("checkpoints", "schedule nightly") as HeldSchedule;
      expect(held.left).toBe(left);
      await expectSound(world);
    },
  );
});

describe("over a year", { timeout: PATIENT }, () => {
  it("each week has one run, by a job and by a schedule of the node, by the clocks of the north and of the south", async () => {
    const weekly = { ...AT_NIGHT, every: "sundays at 02:30" };
    const settings = { berlin: { schedule: { weekly } }, sydney: { schedule: { weekly } } };
    const world = await ships("2026-12-31T00:00Z", settings);
    const jobs = [
      await order(world, { to: "berlin", every: "sundays at 02:30", tz: "Australia/Sydney", data: { n: 1 } }),
      await order(world, { to: "sydney", every: "sundays at 02:30", tz: "Europe/Berlin", data: { n: 2 } }),
    ];
    // The night is Saturday's afternoon in UTC at Sydney, and Sunday's morning at Berlin. All are switched off in between.
    for (let sunday = Date.parse("2027-01-03T00:00Z"); sunday < Date.parse("2028-01-01T00:00Z"); sunday += 7 * DAY)
      for (const from of [sunday - (8 * 60 + 35) * MINUTE, sunday + 25 * MINUTE]) {
        await leap(world, minute(from));
        await world.advance(70 * MINUTE);
      }
    const expected = (wall: (sunday: number) => number): string[] =>
      Array.from({ length: 52 }, (_, week) => minute(wall(Date.parse("2027-01-03T00:00Z") + week * 7 * DAY)));
    const between = (at: number, from: string, to: string): boolean => at >= Date.parse(from) && at < Date.parse(to);
    // The nights in which clocks are moved stand apart: 02:30 does not exist, or is the first of two.
    const atBerlin = expected((sunday) => {
      if (sunday === Date.parse("2027-03-28T00:00Z")) return sunday + HOUR;
      return sunday + (between(sunday, "2027-03-28T00:00Z", "2027-11-01T00:00Z") ? 0.5 : 1.5) * HOUR;
    });
    const atSydney = expected((sunday) => {
      if (sunday === Date.parse("2027-10-03T00:00Z")) return sunday - 8 * HOUR;
      return sunday - (between(sunday, "2027-04-05T00:00Z", "2027-10-03T00:00Z") ? 7.5 : 8.5) * HOUR;
    });
    const both = [...atBerlin, ...atSydney].sort();
    expect(began(world, "berlin")).toEqual(both);
    expect(began(world, "sydney")).toEqual(both);
    expect(jobs.map((id) => job(world, id).state)).toEqual(["scheduled", "scheduled"]);
  }, 300_000);
});
