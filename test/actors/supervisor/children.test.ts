import { describe, expect, it } from "vitest";
import { LET_GO_AFTER } from "../../../src/actors/supervisor/child-run.ts";
import { Scene, settle, states } from "./scene.ts";

const backoff = { min: 100, max: 1_000, factor: 2, jitter: 0, resetAfter: 5_000 };

describe("quarantine", () => {
  const rule = { onGiveUp: "quarantine", intensity: 1, period: 1_000 } as const;

  it("parks the child, visibly, and leaves the others running with their own counts", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ ...rule, children: ["a", "b", "c"].map((id) => scene.child(id)) });
    await sup.start();
    await scene.crash("b");
    await scene.crash("b", "poison");
    await scene.crash("a");
    expect(states(sup)).toEqual({ a: "running", b: "quarantined", c: "running" });
    expect(sup.child("b")).toEqual({
      id: "b",
      state: "quarantined",
      restarts: 1,
      since: scene.clock.now(),
      lastError: "poison",
      lastErrorAt: expect.any(Number),
    });
    expect(scene.kinds()).toEqual(["childTerminated b", "childTerminated b", "quarantined b", "childTerminated a"]);
    await scene.clock.advance(1_000_000);
    expect(states(sup)).toEqual({ a: "running", b: "quarantined", c: "running" });
    await sup.stop();
    expect(states(sup)).toEqual({ a: "stopped", b: "stopped", c: "stopped" });
  });

  it.each(["revive", "startChild", "restartChild"] as const)("%s brings it back with a clear record", async (verb) => {
    const scene = new Scene();
    const sup = scene.supervisor({ ...rule, children: [scene.child("a")] });
    await sup.start();
    await scene.crash("a");
    await scene.crash("a");
    expect((await sup[verb]("a")).state).toBe("running");
    await scene.crash("a");
    expect(states(sup)).toEqual({ a: "running" });
    await scene.crash("a");
    expect(states(sup)).toEqual({ a: "quarantined" });
    await sup.stop();
  });

  it("revive leaves what is not quarantined as it is", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ ...rule, children: [scene.child("a")] });
    await sup.start();
    expect((await sup.revive("a")).state).toBe("running");
    expect(scene.take()).toEqual(["start a"]);
    await sup.stopChild("a");
    expect((await sup.revive("a")).state).toBe("stopped");
    await sup.stop();
  });

  it("starts the others when one does not start, and retries that one with backoff", async () => {
    const scene = new Scene();
    const a = scene.child("a", { backoff }, { starts: ["fail"] });
    const sup = scene.supervisor({ ...rule, children: [a, scene.child("b")] });
    await sup.start();
    expect(states(sup)).toEqual({ a: "backingOff", b: "running" });
    expect(sup.child("a")?.lastError).toBe("a cannot start");
    await scene.clock.advance(100);
    expect(states(sup)).toEqual({ a: "running", b: "running" });
    await sup.stop();
  });

  it("lets no child wait for one that hangs in its start or in its stop", async () => {
    const scene = new Scene();
    const a = scene.child("a", {}, { starts: ["hang"] });
    const b = scene.child("b", { shutdown: "infinity" }, { onStop: "hang" });
    const sup = scene.supervisor({ ...rule, children: [a, b, scene.child("c")] });
    const started = sup.start();
    await settle();
    const restarted = sup.restartChild("b");
    await scene.crash("c");
    expect(states(sup)).toEqual({ a: "starting", b: "stopping", c: "running" });
    scene.release("a");
    scene.one("b").end();
    await Promise.all([started, restarted]);
    expect(states(sup)).toEqual({ a: "running", b: "running", c: "running" });
    sup.kill();
  });

  it("parks what would be restarted with it, and revives that with it", async () => {
    const scene = new Scene();
    const children = ["a", "b", "c", "d"].map((id) => scene.child(id));
    const sup = scene.supervisor({ ...rule, strategy: "restForOne", children });
    await sup.start();
    await sup.stopChild("c");
    await scene.crash("b");
    await scene.crash("b");
    expect(states(sup)).toEqual({ a: "running", b: "quarantined", c: "stopped", d: "quarantined" });
    scene.take();
    await sup.revive("b");
    await settle();
    expect(scene.take()).toEqual(["start b", "start d"]);
    expect(states(sup)).toEqual({ a: "running", b: "running", c: "stopped", d: "running" });
    await sup.stop();
  });
});

describe("what callers ask for", () => {
  it("stopChild keeps the child listed and stopped until it is started", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ children: [scene.child("a"), scene.child("b")] });
    await sup.start();
    expect(await sup.stopChild("a")).toMatchObject({ state: "stopped", restarts: 0 });
    await scene.clock.advance(100_000);
    expect(states(sup)).toEqual({ a: "stopped", b: "running" });
    expect((await sup.stopChild("a")).state).toBe("stopped");
    expect(await sup.startChild("a")).toMatchObject({ state: "running", restarts: 0 });
    expect((await sup.startChild("a")).state).toBe("running");
    expect(scene.reports).toEqual([]);
    await sup.stop();
  });

  it("stopChild during the backoff cancels it, and a group that waited for it comes up without it", async () => {
    const scene = new Scene();
    const children = [scene.child("a", { backoff }), scene.child("b")];
    const sup = scene.supervisor({ strategy: "oneForAll", children });
    await sup.start();
    await scene.crash("a");
    await sup.stopChild("a");
    await scene.clock.advance(0);
    expect(states(sup)).toEqual({ a: "stopped", b: "running" });
    expect(scene.clock.armed).toBe(0);
    await sup.stop();
  });

  it("startChild ends the backoff", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ children: [scene.child("a", { backoff })] });
    await sup.start();
    await scene.crash("a");
    expect((await sup.startChild("a")).state).toBe("running");
    expect(scene.clock.armed).toBe(0);
    await sup.stop();
  });

  it("restartChild stops and starts, without counting as a restart", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ intensity: 0, children: [scene.child("a"), scene.child("b")] });
    await sup.start();
    scene.take();
    expect(await sup.restartChild("a")).toMatchObject({ state: "running", restarts: 0 });
    expect(scene.take()).toEqual(["stop a", "start a"]);
    await sup.stop();
  });

  it("answers both when a child is stopped and started at once", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ children: [scene.child("a")] });
    await sup.start();
    const [stopped, started] = await Promise.all([sup.stopChild("a"), sup.startChild("a")]);
    expect([stopped.state, started.state]).toEqual(["stopped", "running"]);
    const [restarted, down] = await Promise.allSettled([sup.restartChild("a"), sup.stopChild("a")]);
    expect(restarted).toMatchObject({ status: "rejected", reason: { code: "process-failed" } });
    expect(down).toMatchObject({ status: "fulfilled", value: { state: "stopped" } });
    await sup.stop();
  });

  it("a failed start that was asked for is answered, and under escalate leaves the child stopped", async () => {
    const scene = new Scene();
    const a = scene.child("a", {}, { starts: ["ok", "fail"] });
    const sup = scene.supervisor({ intensity: 0, children: [a] });
    await sup.start();
    await sup.stopChild("a");
    await expect(sup.startChild("a")).rejects.toThrow("a cannot start");
    expect(states(sup)).toEqual({ a: "stopped" });
    expect((await sup.startChild("a")).state).toBe("running");
    await sup.stop();
  });

  it("addChild under escalate forgets a child that does not start; under quarantine it is retried", async () => {
    const scene = new Scene();
    const escalating = scene.supervisor({ children: [scene.child("a")] });
    await escalating.start();
    await expect(escalating.addChild(scene.child("b", {}, { starts: ["fail"] }))).rejects.toThrow("b cannot start");
    expect(states(escalating)).toEqual({ a: "running" });
    await escalating.stop();

    const parking = scene.supervisor({ onGiveUp: "quarantine", children: [] });
    await parking.start();
    const added = await parking.addChild(scene.child("b", {}, { starts: ["fail"] }));
    expect(added).toMatchObject({ state: "backingOff", lastError: "b cannot start" });
    await scene.clock.advance(0);
    expect(states(parking)).toEqual({ b: "running" });
    await parking.stop();
  });

  it("removeChild stops and forgets it in any state, and its id is free again", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ onGiveUp: "quarantine", intensity: 0, children: [] });
    await sup.start();
    await sup.addChild(scene.child("running"));
    await sup.addChild(scene.child("parked"));
    await scene.crash("parked");
    await sup.addChild(scene.child("stopped"));
    await sup.stopChild("stopped");
    for (const id of ["running", "parked", "stopped"]) await sup.removeChild(id);
    expect(sup.children()).toEqual([]);
    expect(scene.alive()).toEqual([]);
    expect((await sup.addChild(scene.child("running"))).state).toBe("running");
    const removed = sup.removeChild("running");
    await expect(sup.startChild("running")).rejects.toThrow("being removed");
    await removed;
    await sup.stop();
  });

  it("refuses what it does not know, what is there already, and all that is new once it stops", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ children: [scene.child("a")] });
    await expect(sup.addChild(scene.child("early"))).rejects.toThrow("it is new");
    await sup.start();
    await expect(sup.stopChild("x")).rejects.toMatchObject({ code: "process-unknown" });
    await expect(sup.addChild(scene.child("a"))).rejects.toThrow("already has a child called a");
    const wrong = { ...scene.child("b"), shutdown: -1 };
    await expect(sup.addChild(wrong)).rejects.toThrow("shutdown");
    const stopped = sup.stop();
    await expect(sup.addChild(scene.child("late"))).rejects.toThrow(/it is (stopping|ended)/);
    await expect(sup.startChild("a")).rejects.toThrow(/it is (stopping|ended)/);
    await stopped;
    expect(scene.alive()).toEqual([]);
  });

  it("rejects an addChild whose supervisor is stopped before the child is up", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ children: [] });
    await sup.start();
    const added = expect(sup.addChild(scene.child("a", {}, { starts: ["hang"] }))).rejects.toThrow("not started");
    await settle();
    const stopped = sup.stop();
    scene.release("a");
    await stopped;
    await added;
    expect(scene.alive()).toEqual([]);
  });
});

describe("10,000 children", () => {
  const ids = Array.from({ length: 10_000 }, (_, i) => `node${i}`);

  it("are added, crash, and are stopped under quarantine", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ onGiveUp: "quarantine", children: [] });
    await sup.start();
    await Promise.all(ids.map((id) => sup.addChild(scene.child(id))));
    expect(scene.alive()).toHaveLength(10_000);
    for (const id of ids.slice(0, 100)) scene.one(id).crash();
    await scene.clock.advance(0);
    expect(scene.alive()).toHaveLength(10_000);
    expect(sup.children().filter((child) => child.restarts === 1)).toHaveLength(100);
    await Promise.all(ids.slice(0, 1_000).map((id) => sup.removeChild(id)));
    scene.take();
    await sup.stop();
    expect(scene.take()).toEqual(
      ids
        .slice(1_000)
        .reverse()
        .map((id) => `stop ${id}`),
    );
    expect(scene.alive()).toEqual([]);
  });

  it("cost each the same, whether there are few or many", async () => {
    // Counted, not timed: how many children a supervisor looks at when one of many crashes.
    const scene = new Scene();
    let looked = 0;
    const watched = ids.slice(0, 2_000).map((id) => {
      const spec = scene.child(id);
      return Object.defineProperty({ ...spec }, "restart", {
        get: () => {
          looked++;
          return "permanent" as const;
        },
      });
    });
    const sup = scene.supervisor({ onGiveUp: "quarantine", children: watched });
    await sup.start();
    looked = 0;
    await scene.crash("node7");
    expect(looked).toBeLessThan(20);
    await sup.stop();
  });

  it("are stopped together, so that the slow ones cost the time of one", async () => {
    const scene = new Scene();
    const stubborn = { onStop: "hang", onKill: "hang" } as const;
    const children = ids.slice(0, 50).map((id) => scene.child(id, { shutdown: 1_000 }, stubborn));
    const sup = scene.supervisor({ onGiveUp: "quarantine", children });
    await sup.start();
    const stopped = sup.stop();
    await scene.clock.advance(1_000 + LET_GO_AFTER);
    await stopped;
    expect(scene.kinds()).toHaveLength(100);
    expect(scene.clock.armed).toBe(0);
  });
});
