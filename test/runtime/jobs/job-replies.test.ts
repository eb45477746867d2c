import { describe, expect, it } from "vitest";
import { quiet } from "../../harness/world/time.ts";
import type { World } from "../../harness/world/world.ts";
import { counts, ended, fleet, job, note, order, shipOf } from "./scene.ts";

const MINUTE = 60_000;
const DESTINATIONS = { bus: { publish: "alerts.fleet" }, board: { alert: true } } as const;

type Heard = Record<string, unknown>;

/** Hears what comes to the destination, from now on. */
async function listener(world: World): Promise<Heard[]> {
  const link = world.broker.connect("office");
  await quiet();
  const heard: Heard[] = [];
  link.subscribe("alerts.fleet", ({ payload }) => void heard.push(JSON.parse(Buffer.from(payload).toString("utf8"))));
  return heard;
}

const central = (world: World) => world.daemon("central").operations;
const alertsOf = (world: World) =>
  central(world)
    .alerts()
    .map(({ code, state }) => [code, state]);
const keys = (heard: readonly Heard[]): unknown[] => heard.map(({ key }) => key);

describe("the reply of a job", () => {
  it("is one outcome of the whole job at its end, with its counts and the nodes that failed", async () => {
    const world = await fleet(3, 1, { destinations: DESTINATIONS });
    const heard = await listener(world);
    const id = await order(world, {
      ...{ jobReply: ["bus", "board"], data: { do: "fail", on: [shipOf(2)], ms: 1_000 }, note: "for the season" },
    });
    expect(job(world, id).jobReply).toEqual(["bus", "board"]);
    await world.advance(500);
    expect(heard).toEqual([]);
    await ended(world, id, "doneWithFailures");
    await world.advance(MINUTE);
    expect(heard).toMatchObject([
      {
        ...{ about: "job", id, state: "doneWithFailures", cause: "the last message has ended: 1 failed" },
        ...{ target: "all", note: "for the season", by: "local", size: 3, attempt: 1 },
        text: `job ${id} (for the season) is done with failures: 2 succeeded, 1 failed`,
        counts: { succeeded: 2, failed: 1, held: 0, queued: 0 },
        nodes: { failed: [shipOf(2)], rejected: [], expired: [], unknown: [] },
      },
    ]);
    const texts = central(world)
      .alerts()
      .map(({ text }) => text);
    expect(texts).toContainEqual(`job ${id} (for the season) is done with failures: 2 succeeded, 1 failed`);
    expect(central(world).errands()).toEqual([]);
  });

  it("is neither lost nor doubled when central dies at any moment around the end of the job", async () => {
    for (const ms of [900, 1_000, 1_050, 1_100, 1_150, 1_200, 1_300]) {
      const world = await fleet(2, ms, { destinations: DESTINATIONS });
      const heard = await listener(world);
      const id = await order(world, { jobReply: ["bus"], data: { ms: 1_000 } });
      await world.advance(ms);
      world.crash("central");
      await world.start("central");
      await world.until(() => job(world, id).state === "done", "the job is done");
      await world.advance(MINUTE);
      expect(new Set(keys(heard)).size).toBe(1);
      expect(heard.length).toBeLessThanOrEqual(2);
      expect(central(world).errands()).toEqual([]);
    }
  });

  it("is told once for each attempt and for each time of a schedule, and of one that was aborted or cancelled", async () => {
    const world = await fleet(2, 1, { destinations: DESTINATIONS });
    const heard = await listener(world);
    const id = await order(world, { jobReply: ["bus"], data: { do: "fail", on: [shipOf(1)] } });
    await ended(world, id, "doneWithFailures");
    await world.drive(central(world).retryJob(id, { of: "failed" }));
    note(world, id);
    await world.until(() => job(world, id).attempts.length === 2 && job(world, id).state !== "running", "it has ended");
    await world.advance(MINUTE);
    expect(heard).toMatchObject([{ attempt: 1 }, { attempt: 2, state: "doneWithFailures" }]);
    expect(new Set(keys(heard)).size).toBe(2);

    const again = await order(world, { jobReply: ["bus"], every: "every 5 minutes", until: "in 11m" });
    await world.advance(13 * MINUTE);
    expect(heard.slice(2)).toMatchObject([
      { id: again, state: "done" },
      { id: again, state: "done" },
    ]);

    const stopped = await order(world, { jobReply: ["bus"], waves: "1,100%", data: { ms: 5 * MINUTE } });
    await world.advance(1_000);
    await world.drive(central(world).steerJob(stopped, "cancel"));
    await world.advance(MINUTE);
    expect(heard.slice(4)).toMatchObject([{ id: stopped, state: "cancelled" }]);
  });

  it("to a destination that the configuration does not name is refused, and nothing is held", async () => {
    const world = await fleet(1, 1, { destinations: DESTINATIONS });
    const fault = 'reply of the job: there is no destination "pager" in steward.yaml of this node; it has bus, board';
    await expect(order(world, { jobReply: ["pager"] })).rejects.toMatchObject({
      message: expect.stringContaining(fault),
    });
    expect(() =>
      central(world).planJob({ to: "all", subject: "command.work.os", data: {}, jobReply: ["pager"] }),
    ).toThrow(fault);
    expect(central(world).jobs({})).toEqual([]);
    expect(central(world).messages({})).toEqual([]);
  });
});

describe("a job that begins again and again", () => {
  it("waits, and says why, while its next messages cannot be accepted, and goes on once they can", async () => {
    const world = await fleet(2, 1, { destinations: DESTINATIONS });
    const id = await order(world, { reply: ["bus"], every: "every 5 minutes", until: "in 16m" });
    await world.reload("central", { destinations: {} });
    await world.advance(6 * MINUTE);
    expect(counts(world, id)).toEqual({ succeeded: 2 });
    expect(job(world, id).stuck).toMatch(/^its next time, .*: .*there is no destination "bus"/);
    expect(alertsOf(world)).toEqual([["job-stuck", "raised"]]);
    await world.reload("central", { destinations: DESTINATIONS });
    await world.advance(5 * MINUTE);
    note(world, id);
    expect(world.ledger.runs).toHaveLength(4);
    expect(job(world, id)).not.toHaveProperty("stuck");
    expect(alertsOf(world)).toEqual([["job-stuck", "over"]]);
  });
});
