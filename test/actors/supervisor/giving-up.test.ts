import { describe, expect, it } from "vitest";
import type { Child, SupervisorSpec } from "../../../src/actors/supervisor/spec.ts";
import type { Supervisor } from "../../../src/actors/supervisor/supervisor.ts";
import { supervisorChild } from "./child.ts";
import { Scene, settle, states } from "./scene.ts";

const backoff = { min: 100, max: 1_000, factor: 2, jitter: 0, resetAfter: 5_000 };

describe("giving up", () => {
  it("tolerates exactly its intensity; one more, and it stops all in reverse and ends as failed", async () => {
    const scene = new Scene();
    const children = [scene.child("a"), scene.child("b"), scene.child("c")];
    const sup = scene.supervisor({ intensity: 2, period: 1_000, children });
    await sup.start();
    await scene.crash("b");
    await scene.crash("c");
    expect(scene.alive()).toEqual(["a", "b", "c"]);
    scene.take();
    await scene.crash("b", "last straw");
    expect(scene.take()).toEqual(["stop c", "stop a"]);
    const exit = await sup.ended;
    expect(exit).toMatchObject({
      reason: "failed",
      error: { code: "process-failed", cause: { message: "last straw" } },
    });
    expect(scene.kinds()).toEqual(["childTerminated b", "childTerminated c", "childTerminated b", "gaveUp b"]);
    await scene.clock.advance(100_000);
    expect(scene.alive()).toEqual([]);
    expect(scene.clock.armed).toBe(0);
  });

  it.each([
    [1_000, true],
    [1_001, false],
  ])("with intensity 1 in 1000 ms and a second crash after %i ms gives up: %s", async (after, gaveUp) => {
    const scene = new Scene();
    const sup = scene.supervisor({ intensity: 1, period: 1_000, children: [scene.child("a")] });
    await sup.start();
    await scene.crash("a");
    await scene.clock.advance(after);
    await scene.crash("a");
    expect(scene.kinds().includes("gaveUp a")).toBe(gaveUp);
    await sup.stop();
  });

  it("gives up at the first crash with intensity 0", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ intensity: 0, children: [scene.child("a")] });
    await sup.start();
    await scene.crash("a");
    expect((await sup.ended).reason).toBe("failed");
  });

  it("counts restarts that fail to start", async () => {
    const scene = new Scene();
    const a = scene.child("a", {}, { starts: ["ok", "fail", "fail", "fail", "fail"] });
    const sup = scene.supervisor({ intensity: 2, children: [a] });
    await sup.start();
    await scene.crash("a");
    expect((await sup.ended).reason).toBe("failed");
    expect(scene.take()).toEqual(["start a", "start a", "start a"]);
    expect(scene.kinds()).toEqual(["childTerminated a", "startError a", "startError a", "gaveUp a"]);
  });

  it("counts a group restart once", async () => {
    const scene = new Scene();
    const children = ["a", "b", "c", "d"].map((id) => scene.child(id));
    const sup = scene.supervisor({ strategy: "oneForAll", intensity: 2, children });
    await sup.start();
    await scene.crash("a");
    await scene.crash("d");
    expect(scene.alive()).toEqual(["a", "b", "c", "d"]);
    await scene.crash("b");
    expect((await sup.ended).reason).toBe("failed");
  });

  it("retries a group restart from the child that failed to start", async () => {
    const scene = new Scene();
    const b = scene.child("b", {}, { starts: ["ok", "fail"] });
    const sup = scene.supervisor({ strategy: "restForOne", children: [scene.child("a"), b, scene.child("c")] });
    await sup.start();
    scene.take();
    await scene.crash("a");
    expect(scene.take()).toEqual(["stop c", "stop b", "start a", "start b", "start b", "start c"]);
    await sup.stop();
  });

  it("is not moved by a wall clock that jumps", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ intensity: 1, period: 1_000, children: [scene.child("a", { backoff })] });
    await sup.start();
    await scene.crash("a");
    scene.clock.jump(86_400_000);
    await scene.clock.advance(100);
    expect(states(sup)).toEqual({ a: "running" });
    scene.clock.jump(-2 * 86_400_000);
    await scene.crash("a");
    expect((await sup.ended).reason).toBe("failed");
  });

  it("escalates over three levels, with the product of their restarts", async () => {
    const scene = new Scene();
    const rule = { strategy: "oneForOne", intensity: 2, period: 1_000_000, onGiveUp: "escalate" } as const;
    let starts = 0;
    const crashing = async (): Promise<Child> => {
      starts++;
      return { ended: Promise.resolve({ reason: "failed", error: new Error("boom") }), stop: async () => undefined };
    };
    const low: SupervisorSpec = { ...rule, id: "low", children: [scene.child("worker", { start: crashing })] };
    const lowChild = supervisorChild(low, scene.context, { restart: "permanent" });
    const middle: SupervisorSpec = { ...rule, id: "middle", children: [scene.child("witness"), lowChild] };
    const top = scene.supervisor({
      ...rule,
      id: "top",
      children: [supervisorChild(middle, scene.context, { restart: "permanent" })],
    });
    await top.start();
    await scene.clock.advance(10_000);
    expect((await top.ended).reason).toBe("failed");
    expect(starts).toBe(27);
    const gaveUp = scene.reports.filter((report) => report.kind === "gaveUp");
    expect(gaveUp.map((report) => report.supervisor).filter((id) => id === "low")).toHaveLength(9);
    expect(gaveUp.at(-1)).toMatchObject({ supervisor: "top", child: "middle" });
    expect(scene.alive()).toEqual([]);
    expect(scene.clock.armed).toBe(0);
  });
});

describe("a supervisor as a child", () => {
  const nest = (scene: Scene, children: SupervisorSpec["children"], onStart?: (sup: Supervisor) => void) =>
    supervisorChild(
      { id: "inner", strategy: "oneForOne", intensity: 0, period: 1_000, onGiveUp: "escalate", children },
      scene.context,
      { restart: "permanent", ...(onStart === undefined ? {} : { onStart }) },
    );

  it("is made anew when it gave up", async () => {
    const scene = new Scene();
    const made: Supervisor[] = [];
    const inner = nest(scene, [scene.child("x"), scene.child("y")], (sup) => made.push(sup));
    const sup = scene.supervisor({ children: [inner] });
    await sup.start();
    scene.take();
    await scene.crash("x");
    expect(scene.take()).toEqual(["stop y", "start x", "start y"]);
    expect(made).toHaveLength(2);
    expect(sup.child("inner")).toMatchObject({ state: "running", restarts: 1 });
    expect(sup.child("inner")?.lastError).toContain(
      "more than 0 restarts within 1000 ms, the last of x: it failed: boom",
    );
    await sup.stop();
    expect(scene.alive()).toEqual([]);
  });

  it("passes the error of a child that did not start up through the levels", async () => {
    const scene = new Scene();
    const inner = nest(scene, [scene.child("x"), scene.child("y", {}, { starts: ["fail"] })]);
    const sup = scene.supervisor({ children: [scene.child("a"), inner] });
    await expect(sup.start()).rejects.toThrow("y cannot start");
    expect(scene.take()).toEqual(["start a", "start x", "start y", "stop x", "stop a"]);
  });

  it("is stopped in the middle of its start", async () => {
    const scene = new Scene();
    const inner = nest(scene, [scene.child("x"), scene.child("y", {}, { starts: ["hang"] })]);
    const sup = scene.supervisor({ children: [inner] });
    const refused = expect(sup.start()).rejects.toThrow("stopped while it started");
    await settle();
    const stopped = sup.stop();
    await scene.clock.advance(1_000);
    await stopped;
    await refused;
    expect(scene.take()).toEqual(["start x", "start y", "abort y", "stop x"]);
    scene.release("y");
    await settle();
    expect(scene.alive()).toEqual([]);
  });

  it("kills its children when it is killed", async () => {
    const scene = new Scene();
    const x = scene.child("x", { shutdown: "infinity" }, { onStop: "hang" });
    const inner = { ...nest(scene, [x]), shutdown: 500 };
    const sup = scene.supervisor({ children: [inner] });
    await sup.start();
    const stopped = sup.stop();
    await scene.clock.advance(500);
    await stopped;
    expect(scene.take()).toEqual(["start x", "stop x", "kill x"]);
    expect(scene.alive()).toEqual([]);
    expect(scene.clock.armed).toBe(0);
  });
});

describe("backing off", () => {
  it("waits longer after each failure, up to the cap", async () => {
    const scene = new Scene();
    const a = scene.child("a", { backoff }, { starts: ["ok", "fail", "fail", "fail", "fail", "fail"] });
    const sup = scene.supervisor({ intensity: 100, children: [a] });
    await sup.start();
    const startedAt: number[] = [];
    await scene.crash("a");
    const began = scene.clock.monotonic();
    for (let i = 0; i < 40; i++) {
      scene.take();
      await scene.clock.advance(100);
      if (scene.take().length > 0) startedAt.push(scene.clock.monotonic() - began);
    }
    expect(startedAt).toEqual([100, 300, 700, 1_500, 2_500, 3_500]);
    await sup.stop();
  });

  it.each([
    [4_999, "backingOff"],
    [5_000, "running"],
  ])("after %i quiet ms the next restart 100 ms later finds it %s", async (quiet, state) => {
    const scene = new Scene();
    const sup = scene.supervisor({ intensity: 100, children: [scene.child("a", { backoff })] });
    await sup.start();
    await scene.crash("a");
    await scene.clock.advance(100);
    await scene.clock.advance(quiet);
    await scene.crash("a");
    await scene.clock.advance(100);
    expect(states(sup)).toEqual({ a: state });
    await sup.stop();
  });

  it("holds a group back until the last backoff in it is over", async () => {
    const scene = new Scene();
    const slow = { ...backoff, min: 800 };
    const children = [scene.child("a", { backoff }), scene.child("b"), scene.child("c", { backoff: slow })];
    const sup = scene.supervisor({ strategy: "oneForAll", children });
    await sup.start();
    scene.take();
    scene.one("c").crash();
    scene.one("a").crash();
    await scene.clock.advance(799);
    expect(scene.take()).toEqual(["stop b"]);
    expect(states(sup)).toEqual({ a: "backingOff", b: "backingOff", c: "backingOff" });
    await scene.clock.advance(1);
    expect(scene.take()).toEqual(["start a", "start b", "start c"]);
    await sup.stop();
  });

  it("restarts without delay when there is no backoff, but gives others a turn", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ children: [scene.child("a")] });
    await sup.start();
    scene.one("a").crash();
    await settle();
    expect(states(sup)).toEqual({ a: "backingOff" });
    await scene.clock.advance(0);
    expect(states(sup)).toEqual({ a: "running" });
    await sup.stop();
  });
});
