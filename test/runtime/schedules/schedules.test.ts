import { describe, expect, it } from "vitest";
import type { Json } from "../../../src/message/message.ts";
import type { HeldSchedule, NodeSchedules, ScheduleView } from "../../../src/message/schedule/held-schedule.ts";
import { expectSound, settled } from "../../harness/world/sound.ts";
import { createWorld, type NodeOptions, type World } from "../../harness/world/world.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const SCHEDULE = "ship1.command.schedule.steward";

const HOURLY = { every: "hourly at :00", subject: "command.work.os", data: {} };

async function fleet(settings: NodeOptions = {}, central: NodeOptions = {}): Promise<World> {
  // Rare hellos: hours pass in these tests.
  const rare = { hello: "10m" };
  return await settled(
    await createWorld({ nodes: { ship1: { ...rare, ...settings }, central: { ...rare, ...central } } }),
  );
}

function held(world: World, name = "hourly"): HeldSchedule {
  return world.store("ship1").get("checkpoints", `schedule ${name}`) as HeldSchedule;
}

/** What central has heard of the schedules of ship1. */
function told(world: World, name = "hourly"): ScheduleView | undefined {
  const row = world.store("central").get("checkpoints", "schedules ship1") as NodeSchedules | undefined;
  return row?.schedules.find((view) => view.name === name);
}

/** The times at which the command of a schedule began, in minutes since the first full hour. */
function began(world: World, node = "ship1"): number[] {
  return world.ledger.runs.filter((run) => run.node === node).map(({ at }) => at);
}

/** The codes of what ship1 has told central of its failures. */
function failures(world: World): string[] {
  return world.ledger.failures.map(({ code }) => code);
}

/** Lets time pass until the clock shows so many ms after a full hour. */
async function toHour(world: World, after = 0): Promise<void> {
  await world.advance(HOUR - (world.time.now() % HOUR) + after);
}

async function order(world: World, data: Json, by = "central") {
  return await world.ended(await world.send(SCHEDULE, data, {}, by), by);
}

const set = (more: object = {}) => ({ name: "hourly", set: { missed: "skip", ...HOURLY, ...more } }) as unknown as Json;

describe("a schedule of a node's own file", () => {
  it("runs at its times, as a command of the node to itself, and central hears of each run", async () => {
    const world = await fleet({ schedule: { hourly: HOURLY } });
    expect(told(world)).toMatchObject({ from: "file", state: "waiting", runs: [] });
    await toHour(world, MINUTE);
    expect(began(world)).toHaveLength(1);
    expect((began(world)[0] ?? 1) % HOUR).toBeLessThan(1_000);
    const [run] = held(world).runs;
    expect(run).toMatchObject({ state: "succeeded", due: world.time.now() - (world.time.now() % HOUR) });
    expect(world.message(run?.id ?? "", "ship1")).toMatchObject({ state: "succeeded", origin: "ship1" });
    await world.drained();
    expect(told(world)).toMatchObject({ state: "waiting", runs: [{ id: run?.id, state: "succeeded" }] });
    await expectSound(world);
  });

  it("runs without any link, and what came of it is told when there is one", async () => {
    const world = await fleet({ schedule: { hourly: HOURLY } });
    world.cut("ship1");
    await toHour(world, MINUTE);
    await toHour(world, MINUTE);
    expect(began(world)).toHaveLength(2);
    expect(held(world).runs.map(({ state }) => state)).toEqual(["succeeded", "succeeded"]);
    expect(told(world)?.runs).toEqual([]);
    world.heal("ship1");
    await world.advance(MINUTE);
    await world.drained();
    expect(told(world)?.runs.map(({ id }) => id)).toEqual(held(world).runs.map(({ id }) => id));
    await expectSound(world);
  });

  it("runs a time once, wherever in it the node dies", async () => {
    for (const [at, nth] of [
      ["flush", 1],
      ["flush", 2],
      ["begin", 1],
      ["end", 1],
      ["flush", 4],
    ] as const) {
      const world = await fleet({ schedule: { hourly: { ...HOURLY, missed: "all" } } });
      await world.advance(HOUR - (world.time.now() % HOUR) - 500);
      world.crashAt("ship1", { at: at as "begin", nth });
      await world.advance(30_000);
      if (!world.isUp("ship1")) await world.start("ship1");
      await world.advance(2 * MINUTE);
      expect(began(world), `${at} ${nth}`).toHaveLength(1);
      expect(held(world).runs.map(({ state }) => state)[0], `${at} ${nth}`).toMatch(/succeeded|interrupted/);
      await expectSound(world);
    }
  });

  it.each([false, true])(
    "does not make up for times that may have run, after its journal was put back (in place: %s)",
    async (inPlace) => {
      const world = await fleet({ schedule: { hourly: { ...HOURLY, missed: "all" } } });
      const disk = world.backup("ship1");
      await toHour(world, MINUTE);
      await toHour(world, MINUTE);
      await world.drained();
      expect(began(world)).toHaveLength(2);
      await world.stop("ship1");
      world.restore("ship1", disk, { inPlace });
      await world.start("ship1");
      await world.advance(30 * MINUTE);
      expect(began(world)).toHaveLength(2);
      expect(failures(world)).toContain("schedule-doubtful");
      await toHour(world, MINUTE);
      expect(began(world)).toHaveLength(3);
      await expectSound(world);
    },
  );

  it("runs no time again when the clock goes back, and none of the wrong ones when it jumps ahead", async () => {
    const world = await fleet({ schedule: { hourly: { ...HOURLY, missed: "once" } } });
    await toHour(world, MINUTE);
    expect(began(world)).toHaveLength(1);
    world.setClock("ship1", -2 * HOUR);
    await world.advance(30 * MINUTE);
    expect(began(world)).toHaveLength(1);
    expect(failures(world)).toContain("schedule-clock");
    // The clock is mended: the times in between were not run by it.
    world.setClock("ship1", 0);
    await toHour(world, MINUTE);
    expect(began(world)).toHaveLength(2);
    world.setClock("ship1", 5 * HOUR);
    await world.advance(MINUTE);
    expect(began(world)).toHaveLength(3);
    expect(held(world).left).toBe(4);
    await expectSound(world);
  });

  it("goes by a reload of the file, and speaks for itself where the subscription names others alone", async () => {
    const world = await fleet({ schedule: { hourly: HOURLY } });
    await world.reload("ship1", { schedule: { other: { ...HOURLY, note: "packs logs" } } });
    await world.drained();
    expect(told(world)).toBeUndefined();
    expect(told(world, "other")).toMatchObject({ note: "packs logs" });
    await toHour(world, MINUTE);
    expect(began(world)).toHaveLength(1);
    await world.reload("ship1", {
      policy: [{ subject: "command.work.*", deny: ["work ..."] }],
      schedule: { other: HOURLY },
    });
    await toHour(world, MINUTE);
    await world.drained();
    expect(began(world)).toHaveLength(1);
    expect(told(world, "other")?.runs.at(-1)).toMatchObject({ state: "rejected" });
    expect(failures(world)).toContain("schedule-failed");
    await expectSound(world);
  });

  it.each([
    ["skip", 0, 3],
    ["once", 1, 2],
    ["all", 3, 0],
  ] as const)(
    "with missed: %s makes up for %i of three times that passed while it was down",
    async (missed, made, left) => {
      const world = await fleet({ schedule: { hourly: { ...HOURLY, missed } } });
      await world.stop("ship1");
      await toHour(world);
      await world.advance(2 * HOUR + 10 * MINUTE);
      await world.start("ship1");
      await world.advance(2 * MINUTE);
      expect(began(world)).toHaveLength(made);
      expect(held(world)).toMatchObject({ state: "waiting", left });
      await toHour(world, MINUTE);
      expect(began(world)).toHaveLength(made + 1);
      await expectSound(world);
    },
  );
});

describe("a schedule that was sent", () => {
  it("is held by the node, and is changed and removed by further orders", async () => {
    const world = await fleet();
    expect(await order(world, set())).toMatchObject({ state: "succeeded" });
    expect(told(world)).toMatchObject({ from: "central", every: "hourly at :00" });
    await toHour(world, MINUTE);
    expect(began(world)).toHaveLength(1);
    await order(world, set({ every: "every day at 12:00" }));
    await toHour(world, MINUTE);
    expect(began(world)).toHaveLength(1);
    expect(told(world)).toMatchObject({ every: "every day at 12:00", runs: [{ state: "succeeded" }] });
    expect(await order(world, { name: "hourly", verb: "remove" })).toMatchObject({ state: "succeeded" });
    await world.drained();
    expect(told(world)).toBeUndefined();
    expect(await order(world, { name: "hourly", verb: "remove" })).toMatchObject({
      state: "failed",
      reason: "ship1 holds no schedule hourly",
    });
    await expectSound(world);
  });

  it("outlives a restart of its node, is paused and resumed, and makes up for no time of the pause", async () => {
    const world = await fleet();
    await order(world, set({ missed: "all" }));
    await world.stop("ship1");
    await world.start("ship1");
    await order(world, { name: "hourly", verb: "pause" });
    await toHour(world, MINUTE);
    expect(began(world)).toHaveLength(0);
    expect(told(world)).toMatchObject({ state: "paused", cause: "paused by central", next: null });
    await order(world, { name: "hourly", verb: "resume" });
    await world.advance(MINUTE);
    expect(began(world)).toHaveLength(0);
    await toHour(world, MINUTE);
    expect(began(world)).toHaveLength(1);
    await expectSound(world);
  });

  it("is refused where its sender may not run the command, when it is set and at each run", async () => {
    const world = await fleet({
      policy: [{ subject: "command.work.*", from: ["central"], deny: ["work fail"] }],
      control: { from: ["central", "ship2"] },
    });
    expect(await order(world, set({ data: { do: "fail" } }))).toMatchObject({
      state: "failed",
      reason: expect.stringContaining("matches the pattern work fail of deny"),
    });
    expect(told(world)).toBeUndefined();
    await order(world, set());
    await world.reload("ship1", { policy: [{ subject: "command.work.*", from: ["ship2"] }] });
    await toHour(world, MINUTE);
    await world.drained();
    expect(began(world)).toHaveLength(0);
    expect(told(world)?.runs).toMatchObject([
      { state: "rejected", reason: expect.stringContaining("from is [ship2]") },
    ]);
    await expectSound(world);
  });

  it.each([
    [{ at: "2030-01-01 02:00", every: "hourly" }, "it has `at` and `every`; write one"],
    [{ every: "sometimes" }, "every: "],
    [{ every: "every day at 02:00", window: "04:00-05:00" }, "window: it is open at none of the next times"],
    [{ every: "hourly", zone: "Mars/Olympus" }, "zone: it is not the name of a time zone"],
    [{ every: "hourly", subject: "event.note.news" }, "subject: only commands are scheduled"],
    [{ every: "hourly", subject: "command.cancel.steward" }, "subject: the commands of steward itself"],
    [{ every: "hourly", missed: "twice" }, "missed: expected one of skip, once, all"],
    [{ every: "hourly", often: true }, "often: there is no such field"],
  ])("with a fault is refused by the station already: %j", async (more, fault) => {
    const world = await fleet();
    await expect(order(world, set(more))).rejects.toThrow(fault);
  });

  it("is bounded in number, and changes nothing of what stands in the node's file", async () => {
    const world = await fleet({ schedule: { hourly: HOURLY } });
    expect(await order(world, set())).toMatchObject({
      state: "failed",
      reason: "hourly stands under `schedule:` in the steward.yaml of ship1: change it there",
    });
    for (let i = 1; i < 50; i++) await world.send(SCHEDULE, { ...(set() as object), name: `s${i}` } as Json);
    await world.drained();
    expect(await order(world, { ...(set() as object), name: "more" } as Json)).toMatchObject({
      state: "failed",
      reason: "ship1 holds 50 schedules, which is the most",
    });
  });
});
