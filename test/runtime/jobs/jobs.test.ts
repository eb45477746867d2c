import { describe, expect, it } from "vitest";
import type { JobOrderOf } from "../../../src/runtime/operate/table/jobs.ts";
import { expectSound } from "../../harness/world/sound.ts";
import { counts, ended, fleet, job, lists, note, order, ran, shipOf } from "./scene.ts";

const steer = (
  world: Awaited<ReturnType<typeof fleet>>,
  id: string,
  verb: "pause" | "resume" | "promote" | "abort" | "cancel" | "approve" | "start",
) => world.drive(world.daemon("central").operations.steerJob(id, verb));

const MINUTE = 60_000;

describe("a job", () => {
  it("without a plan goes to all its nodes at once, and is done when its last message has ended", async () => {
    const world = await fleet(4);
    const id = await order(world, { data: { ms: 500 }, note: "for the season" });
    expect(job(world, id)).toMatchObject({
      state: "running",
      nodes: 4,
      waves: [4],
      note: "for the season",
      by: "local",
    });
    await ended(world, id, "done");
    expect(counts(world, id)).toEqual({ succeeded: 4 });
    expect(ran(world).sort()).toEqual([1, 2, 3, 4].map(shipOf));
    await expectSound(world);
  });

  it("in waves goes on only when the wave before is over and its pause has passed", async () => {
    const world = await fleet(6);
    const id = await order(world, { waves: "1,50%,100%", soak: 5_000, data: { ms: 1_000 } });
    expect(counts(world, id)).toMatchObject({ held: 5 });
    const detail = job(world, id);
    expect(detail.waves).toEqual([1, 3, 6]);
    expect(detail.holds).toEqual([
      { reason: "wave", text: "wave 2 of 3", nodes: 2 },
      { reason: "wave", text: "wave 3 of 3", nodes: 3 },
    ]);
    await world.until(() => (job(world, id).counts.succeeded ?? 0) === 1, "the first wave has ended");
    await world.advance(4_000);
    expect(ran(world)).toEqual([shipOf(1)]);
    await world.until(() => job(world, id).wave === 1, "the second wave has begun");
    await world.until(() => ran(world).length === 3, "the second wave runs");
    await ended(world, id, "done");
    const began = world.ledger.runs.map((run) => run.began);
    expect((began[1] ?? 0) - (began[0] ?? 0)).toBeGreaterThanOrEqual(6_000);
    expect((began[3] ?? 0) - (began[1] ?? 0)).toBeGreaterThanOrEqual(6_000);
    await expectSound(world);
  });

  it("is paused when more fail than may, and goes on when an operator resumes it", async () => {
    const world = await fleet(5);
    const id = await order(world, { waves: "2,100%", data: { do: "fail", on: [shipOf(1)] } });
    await ended(world, id, "paused");
    expect(job(world, id).cause).toBe("1 failed, at most 0 may be");
    await world.advance(60_000);
    expect(counts(world, id)).toEqual({ failed: 1, succeeded: 1, held: 3 });
    expect(job(world, id).holds).toEqual([
      { reason: "wave", text: "the job is paused: 1 failed, at most 0 may be", nodes: 3 },
    ]);
    await steer(world, id, "resume");
    await ended(world, id, "doneWithFailures");
    expect(lists(world, id)).toEqual({ failed: [shipOf(1)], succeeded: [2, 3, 4, 5].map(shipOf) });
    await expectSound(world);
  });

  it("that is aborted by its bound releases nothing more; what was out ends by itself", async () => {
    const world = await fleet(6);
    const more = { do: "fail", on: [shipOf(1), shipOf(2)] } as const;
    const id = await order(world, { waves: "3,100%", max: ["failed=1:abort"], data: { ...more, ms: 100 } });
    await ended(world, id, "aborted");
    await world.advance(120_000);
    expect(counts(world, id)).toEqual({ failed: 2, succeeded: 1, cancelled: 3 });
    expect(ran(world).length).toBe(3);
    expect(world.daemon("central").operations.messages({ state: "held" })).toEqual([]);
    await expectSound(world);
  });

  it("releases nothing in the place of the one whose end passes its bound", async () => {
    const world = await fleet(4);
    const id = await order(world, { max: ["failed=0"], atOnce: 1, data: { do: "fail", on: [shipOf(1)], ms: 100 } });
    await ended(world, id, "paused");
    await world.advance(60_000);
    expect(counts(world, id)).toEqual({ failed: 1, held: 3 });
    expect(ran(world)).toEqual([shipOf(1)]);
    await steer(world, id, "resume");
    await ended(world, id, "doneWithFailures");
    await expectSound(world);
  });

  it("is promoted by hand past a wave that is not over", async () => {
    const world = await fleet(3);
    world.cut(shipOf(1));
    await world.advance(120_000);
    const id = await order(world, { waves: "1,100%" });
    await world.advance(60_000);
    expect(counts(world, id)).toEqual({ queued: 1, held: 2 });
    expect((await steer(world, id, "promote")).wave).toBe(1);
    await world.until(() => ran(world).length === 2, "the others ran");
    world.heal(shipOf(1));
    await ended(world, id, "done");
    await expect(steer(world, id, "pause")).rejects.toMatchObject({ code: "job-state" });
    await expectSound(world);
  });

  it("is cancelled with one of three answers for each node", async () => {
    const world = await fleet(4);
    world.cut(shipOf(2));
    await world.advance(120_000);
    const id = await order(world, { waves: "3,100%", data: { ms: 60_000 } });
    await world.until(() => ran(world).length === 2, "two run");
    const { answers, state } = await steer(world, id, "cancel");
    expect(state).toBe("cancelled");
    expect(answers.map(({ node, kind }) => [node, kind])).toEqual([
      [shipOf(1), "requested"],
      [shipOf(2), "done"],
      [shipOf(3), "requested"],
      [shipOf(4), "done"],
    ]);
    world.heal(shipOf(2));
    await world.until(() => counts(world, id).cancelled === 4, "all are cancelled");
  });

  it("that was aborted is cancelled further: what has not ended is asked back, and it stays aborted", async () => {
    const world = await fleet(4);
    world.cut(shipOf(3));
    await world.advance(120_000);
    const id = await order(world, { waves: "3,100%", data: { ms: 600_000 } });
    await world.until(() => counts(world, id).running === 2, "two run");
    await steer(world, id, "abort");
    expect(counts(world, id)).toEqual({ running: 2, queued: 1, cancelled: 1 });
    const [first] = world.daemon("central").operations.jobNodes(id);
    await world.drive(world.daemon("central").operations.cancel(first?.id ?? ""));
    await world.until(() => counts(world, id).running === 1, "one has ended");
    const { answers, state, cause } = await steer(world, id, "cancel");
    expect([state, cause]).toEqual(["aborted", expect.stringContaining("abort by")]);
    expect(answers.map(({ node, kind }) => [node, kind])).toEqual([
      [shipOf(2), "requested"],
      [shipOf(3), "done"],
    ]);
    world.heal(shipOf(3));
    await world.until(() => counts(world, id).cancelled === 4, "all are cancelled");
    expect(job(world, id)).toMatchObject({ state: "aborted" });
    expect(ran(world)).not.toContain(shipOf(3));
    await expect(steer(world, id, "cancel")).rejects.toMatchObject({
      code: "job-state",
      details: { state: "aborted, and all of its messages have ended" },
    });
    await expectSound(world);
  });

  it("skips nodes that are away, or counts them as expired, as it says", async () => {
    const world = await fleet(3);
    world.cut(shipOf(2));
    await world.advance(120_000);
    const skips = await order(world, { ifAway: "skip" });
    await ended(world, skips, "done");
    expect(lists(world, skips)).toEqual({ succeeded: [shipOf(1), shipOf(3)], cancelled: [shipOf(2)] });
    const fails = await order(world, { ifAway: "fail" });
    await ended(world, fails, "doneWithFailures");
    expect(lists(world, fails)).toEqual({ succeeded: [shipOf(1), shipOf(3)], expired: [shipOf(2)] });
  });

  it("has so many at once, and so many in a minute", async () => {
    const world = await fleet(6);
    const id = await order(world, { atOnce: 2, data: { ms: 10_000 } });
    await world.advance(5_000);
    expect(ran(world).length).toBe(2);
    expect(job(world, id).holds).toEqual([{ reason: "rate", text: "2 at once", nodes: 4 }]);
    await ended(world, id, "done");
    const before = world.ledger.runs.length;
    const slow = await order(world, { rate: 6 });
    await world.advance(25_000);
    expect(world.ledger.runs.length - before).toBe(3);
    expect(job(world, slow).holds).toEqual([{ reason: "rate", text: "6 in a minute", nodes: 3 }]);
    await ended(world, slow, "done");
    const began = world.ledger.runs.slice(before).map((run) => run.began);
    for (const [i, at] of began.slice(1).entries()) expect(at - (began[i] ?? 0)).toBeGreaterThan(9_000);
    await expectSound(world);
  });

  it("begins in its hours alone, and on a node that was away when it is back in them", async () => {
    const world = await fleet(3);
    world.cut(shipOf(3));
    await world.advance(120_000);
    const clock = (minutes: number): string =>
      new Date(world.time.now() + minutes * MINUTE).toISOString().slice(11, 16);
    const id = await order(world, { window: `${clock(20)}-${clock(40)}`, tz: "UTC" });
    await world.advance(15 * MINUTE);
    expect(ran(world)).toEqual([]);
    expect(job(world, id).holds[0]).toMatchObject({ reason: "window", nodes: 3 });
    await world.advance(10 * MINUTE);
    expect(ran(world).sort()).toEqual([shipOf(1), shipOf(2)]);
    expect(job(world, id).holds).toEqual([{ reason: "window", text: `${shipOf(3)} is away`, nodes: 1 }]);
    world.heal(shipOf(3));
    await ended(world, id, "done", 5 * MINUTE);
    await expectSound(world);
  });

  it("waits for the next window where a message was released and did not begin in this one", async () => {
    const world = await fleet(3);
    const clock = (minutes: number): string =>
      new Date(world.time.now() + minutes * MINUTE).toISOString().slice(11, 16);
    // The second one is busy with something else until its window is over.
    await world.send(`${shipOf(2)}.command.work.os`, { ms: 15 * MINUTE }, { timeout: 60 * MINUTE });
    await world.advance(5_000);
    const window = `${clock(3)}-${clock(10)};${clock(30)}-${clock(40)};${clock(60)}-${clock(70)}`;
    const id = await order(world, { window, tz: "UTC", until: "in 100m", max: ["expired=0:abort"] });
    // The first one goes away before it has its message, and is thought to be there.
    await world.advance(3 * MINUTE - (world.time.now() % MINUTE) - 3_000);
    world.cut(shipOf(1));
    await world.until(() => counts(world, id).held !== 3, "the window is open", 5 * MINUTE);
    expect(counts(world, id).held).toBeUndefined();
    await world.advance(15 * MINUTE);
    expect(counts(world, id)).toEqual({ held: 2, succeeded: 1 });
    expect(job(world, id).holds).toEqual([{ reason: "window", text: expect.any(String), nodes: 2 }]);
    expect(lists(world, id).held).toEqual([shipOf(1), shipOf(2)]);
    world.crash("central");
    await world.start("central");
    await world.advance(14 * MINUTE);
    expect(lists(world, id)).toEqual({ succeeded: [shipOf(2), shipOf(3)], held: [shipOf(1)] });
    world.heal(shipOf(1));
    await ended(world, id, "done", 60 * MINUTE);
    note(world, id);
    expect(ran(world).sort()).toEqual([shipOf(1), shipOf(2), shipOf(2), shipOf(3)]);
    expect(job(world, id).attempts.length).toBe(1);
    await world.drained();
  });

  it("ends as expired where no window comes before its end", async () => {
    const world = await fleet(2);
    const clock = (minutes: number): string =>
      new Date(world.time.now() + minutes * MINUTE).toISOString().slice(11, 16);
    await world.send(`${shipOf(2)}.command.work.os`, { ms: 30 * MINUTE }, { timeout: 60 * MINUTE });
    await world.advance(5_000);
    const id = await order(world, { window: `${clock(1)}-${clock(5)}`, tz: "UTC", until: "in 2h" });
    await ended(world, id, "doneWithFailures", 60 * MINUTE);
    expect(lists(world, id)).toEqual({ succeeded: [shipOf(1)], expired: [shipOf(2)] });
  });

  it("begins at its time, and expires when its end comes before its turn", async () => {
    const world = await fleet(2);
    const id = await order(world, { at: "in 1m" });
    await world.advance(50_000);
    expect(job(world, id)).toMatchObject({ state: "scheduled", counts: { held: 2 } });
    expect(ran(world)).toEqual([]);
    await ended(world, id, "done");
    const never = await order(world, { approval: true, until: "in 1m" });
    expect(job(world, never).state).toBe("awaitingApproval");
    await ended(world, never, "expired");
    expect(counts(world, never)).toEqual({ expired: 2 });
    const approved = await order(world, { approval: true, until: "in 1h" });
    await steer(world, approved, "approve");
    await ended(world, approved, "done");
    await expectSound(world);
  });

  it("that was ended before its time, and is tried again, still waits for that time", async () => {
    const world = await fleet(2);
    const id = await order(world, { at: "in 20m" });
    await steer(world, id, "abort");
    await ended(world, id, "aborted");
    const again = await world.drive(world.daemon("central").operations.retryJob(id, { of: "notStarted" }));
    expect(again.state).toBe("scheduled");
    await world.advance(10 * 60_000);
    expect(ran(world)).toEqual([]);
    expect(counts(world, id)).toEqual({ held: 2 });
    await world.advance(11 * 60_000);
    await ended(world, id, "done");
    expect(ran(world)).toHaveLength(2);
  });

  it("is tried again on those that failed, as another attempt of the same job", async () => {
    const world = await fleet(4);
    const id = await order(world, { data: { do: "fail", on: [shipOf(2)] }, deliverBy: 60_000 });
    await ended(world, id, "doneWithFailures");
    const { operations } = world.daemon("central");
    await expect(world.drive(operations.retryJob(id, { of: "notStarted" }))).rejects.toMatchObject({
      code: "job-none-left",
    });
    expect((await world.drive(operations.retryJob(id, { of: "failed" }))).state).toBe("running");
    await ended(world, id, "doneWithFailures");
    expect(job(world, id).attempts.map(({ of, nodes }) => [of, nodes])).toEqual([
      ["all", 4],
      ["failed by local", 1],
    ]);
    expect(ran(world).filter((node) => node === shipOf(2)).length).toBe(2);
    expect(counts(world, id)).toEqual({ succeeded: 3, failed: 1 });
    const nodesOf = (to: string) => operations.resolve({ to }).nodes;
    expect(nodesOf(`job:${id}:failed`)).toEqual([shipOf(2)]);
    expect(nodesOf(`job:${id.slice(0, 20)} and not ship03`)).toEqual([shipOf(1), shipOf(2), shipOf(4)]);
    expect(() => nodesOf(`job:${id}:expired`)).toThrow("the job has no such node");
    expect(() => nodesOf(`job:${id}:broken`)).toThrow("broken is no count of a job");
    expect(() => nodesOf("job:ZZZZ:failed")).toThrow("there is no job ZZZZ");
  });

  it("begins again at each time of its schedule until it is cancelled", async () => {
    const world = await fleet(2);
    const id = await order(world, { every: "every 2m" });
    for (let round = 1; round <= 2; round++) {
      await world.until(() => ran(world).length === 2 * round, `round ${round}`, 200_000);
      await ended(world, id, "scheduled");
    }
    expect(job(world, id).attempts.length).toBe(3);
    await steer(world, id, "cancel");
    await world.advance(300_000);
    expect(ran(world).length).toBe(4);
  });

  it("goes on where it was when central is killed in the middle of each wave: no wave twice, nothing skipped", async () => {
    const world = await fleet(8);
    const id = await order(world, { waves: "1,3,5,100%", soak: 2_000, data: { ms: 1_000 } });
    for (let wave = 0; wave < 4; wave++) {
      await world.until(
        () => job(world, id).wave === wave && ran(world).length > ([0, 1, 3, 5][wave] ?? 0),
        `wave ${wave}`,
      );
      world.crash("central");
      await world.advance(3_000);
      await world.start("central");
      await world.advance(3_000);
    }
    await ended(world, id, "done");
    expect(counts(world, id)).toEqual({ succeeded: 8 });
    expect(ran(world)).toEqual(expect.arrayContaining([1, 2, 3, 4, 5, 6, 7, 8].map(shipOf)));
    expect(ran(world).length).toBe(8);
    await expectSound(world);
  });
});

describe("a job that cannot be", () => {
  it("is refused with its fault, and nothing is sent", async () => {
    const world = await fleet(1);
    const { operations } = world.daemon("central");
    const faults: readonly [Partial<JobOrderOf>, string, string][] = [
      [{ to: "class=" }, "target-invalid", "expected a value after class="],
      [{ to: "offline" }, "target-empty", "offline means no node"],
      [{ to: "ship01,shpi01" }, "node-unknown", "no node is called shpi01 (did you mean ship01?)"],
      [{ waves: "1,10%,50%" }, "job-invalid", "waves: the last wave does not reach all nodes"],
      [{ window: "02:00-04:00", tz: "UTC", until: "in 1h" }, "job-invalid", "window: it does not open before"],
      [{ subject: "event.note.os" }, "job-invalid", "event.note.os is no command"],
      [{ subject: "command.work" }, "subject-invalid", "node.command.work is not a subject"],
    ];
    for (const [more, code, message] of faults)
      await expect(order(world, more)).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    expect(() => operations.planJob({ to: "shpi01", subject: "command.work.os", data: {} })).toThrow(/shpi01/);
    expect(operations.jobs()).toEqual([]);
    expect(operations.messages({ state: "held" })).toEqual([]);
  });
});
