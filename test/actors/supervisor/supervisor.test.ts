import { describe, expect, it } from "vitest";
import type { ChildSpec, Exit } from "../../../src/actors/supervisor/spec.ts";
import { Scene, settle, states } from "./scene.ts";

describe("starting", () => {
  it("starts children in order, each after the one before is up", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({
      children: [scene.child("a", {}, { starts: ["hang"] }), scene.child("b"), scene.child("c")],
    });
    const started = sup.start();
    await settle();
    expect(scene.take()).toEqual(["start a"]);
    expect(states(sup)).toEqual({ a: "starting", b: "stopped", c: "stopped" });
    scene.release("a");
    await started;
    expect(scene.take()).toEqual(["start b", "start c"]);
    expect(states(sup)).toEqual({ a: "running", b: "running", c: "running" });
    await sup.stop();
  });

  it("unwinds in reverse when a child does not start, and rejects with that child's error", async () => {
    const scene = new Scene();
    const c = scene.child("c", {}, { starts: ["fail"] });
    const sup = scene.supervisor({ children: [scene.child("a"), scene.child("b"), c, scene.child("d")] });
    await expect(sup.start()).rejects.toThrow("c cannot start");
    expect(scene.take()).toEqual(["start a", "start b", "start c", "stop b", "stop a"]);
    expect(scene.alive()).toEqual([]);
    expect(scene.kinds()).toEqual(["startError c"]);
    expect(await sup.ended).toMatchObject({ reason: "failed", error: { message: "c cannot start" } });
  });

  it("treats a start that throws at once like one that rejects", async () => {
    const scene = new Scene();
    const throws = (): never => {
      throw new Error("thrown");
    };
    const sup = scene.supervisor({ children: [scene.child("a", { start: throws })] });
    await expect(sup.start()).rejects.toThrow("thrown");
  });

  it("takes a start beyond its limit as failed, and stops the child that comes late", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ children: [scene.child("a", { startTimeout: 200 }, { starts: ["hang"] })] });
    const started = sup.start();
    const refused = expect(started).rejects.toThrow("it did not start within 200 ms");
    await scene.clock.advance(200);
    await refused;
    scene.release("a");
    await settle();
    expect(scene.take()).toEqual(["start a", "abort a", "stop a"]);
    expect(scene.alive()).toEqual([]);
    expect(scene.clock.armed).toBe(0);
  });

  it("starts only once", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ children: [] });
    await sup.start();
    await expect(sup.start()).rejects.toThrow("it is running");
    await sup.stop();
  });

  it.each<[string, Partial<ChildSpec>, string]>([
    ["a negative shutdown", { shutdown: -1 }, "shutdown must be"],
    ["a shutdown that no timer can wait", { shutdown: 2 ** 31 }, "shutdown must be"],
    ["a shutdown that is no number", { shutdown: Number.NaN }, "shutdown must be"],
    ["an empty id", { id: "" }, "empty id"],
    ["min above max", { backoff: { min: 2, max: 1, factor: 1, jitter: 0, resetAfter: 0 } }, "min <= max"],
    ["a factor below 1", { backoff: { min: 1, max: 1, factor: 0.5, jitter: 0, resetAfter: 0 } }, "factor"],
    ["jitter above 1", { backoff: { min: 1, max: 1, factor: 1, jitter: 1.1, resetAfter: 0 } }, "jitter"],
  ])("refuses a spec with %s", (_title, wrong, message) => {
    const scene = new Scene();
    const { id, ...rest } = { id: "a", ...wrong };
    expect(() => scene.supervisor({ children: [{ ...scene.child(id, rest), id }] })).toThrow(message);
  });

  it("refuses two children of one id, and an intensity that is no count", () => {
    const scene = new Scene();
    const [a, again] = [scene.child("a"), scene.child("a")];
    expect(() => scene.supervisor({ children: [a, again] })).toThrow("two children are called a");
    expect(() => scene.supervisor({ children: [], intensity: -1 })).toThrow("intensity");
    expect(() => scene.supervisor({ children: [], period: 0 })).toThrow("period");
  });
});

describe("stopping", () => {
  it("stops in reverse, one by one, and ends as shutdown", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ children: [scene.child("a"), scene.child("b"), scene.child("c")] });
    await sup.start();
    scene.take();
    await sup.stop();
    expect(scene.take()).toEqual(["stop c", "stop b", "stop a"]);
    expect(await sup.ended).toEqual({ reason: "shutdown" });
    expect(scene.reports).toEqual([]);
    await sup.stop();
  });

  it("kills a child that does not stop in time, reports it, and goes on with the next", async () => {
    const scene = new Scene();
    const b = scene.child("b", { shutdown: 300 }, { onStop: "hang" });
    const sup = scene.supervisor({ children: [scene.child("a"), b] });
    await sup.start();
    scene.take();
    const stopped = sup.stop();
    await scene.clock.advance(299);
    expect(scene.take()).toEqual(["stop b"]);
    await scene.clock.advance(1);
    await stopped;
    expect(scene.take()).toEqual(["kill b", "stop a"]);
    expect(scene.reports.map((report) => report.cause)).toEqual(["it did not stop within 300 ms"]);
    expect(scene.clock.armed).toBe(0);
  });

  it("waits for ever with infinity", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ children: [scene.child("a", { shutdown: "infinity" }, { onStop: "hang" })] });
    await sup.start();
    const stopped = sup.stop();
    await scene.clock.advance(1_000_000_000);
    expect(scene.take()).toEqual(["start a", "stop a"]);
    scene.one("a").end();
    await stopped;
  });

  it("kills a brutal child without asking, which is no fault", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ children: [scene.child("a", { shutdown: "brutal" })] });
    await sup.start();
    await sup.stop();
    expect(scene.take()).toEqual(["start a", "kill a"]);
    expect(scene.reports).toEqual([]);
  });

  it("asks a brutal child that cannot be killed", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ children: [scene.child("a", { shutdown: "brutal" }, { onKill: "none" })] });
    await sup.start();
    await sup.stop();
    expect(scene.take()).toEqual(["start a", "stop a"]);
  });

  it.each(["hang", "throw"] as const)("lets go of a child that does not even die (kill: %s)", async (onKill) => {
    const scene = new Scene();
    const sup = scene.supervisor({ children: [scene.child("a", {}, { onStop: "hang", onKill })] });
    await sup.start();
    const late = scene.one("a");
    const stopped = sup.stop();
    await scene.clock.advance(6_000);
    await stopped;
    expect(scene.reports.at(-1)?.cause).toBe(
      "it did not end within 5000 ms after it was killed: let go, it may still be alive",
    );
    expect(states(sup)).toEqual({ a: "stopped" });
    late.crash();
    await settle();
    expect(states(sup)).toEqual({ a: "stopped" });
    expect(scene.clock.armed).toBe(0);
  });

  it("lets go at once of a child that neither stops nor can be killed", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ children: [scene.child("a", {}, { onStop: "hang", onKill: "none" })] });
    await sup.start();
    const stopped = sup.stop();
    await scene.clock.advance(1_000);
    await stopped;
    expect(scene.kinds()).toEqual(["shutdownError a", "shutdownError a"]);
  });

  it.each(["throw", "reject"] as const)("kills a child whose stop is faulty (%s)", async (onStop) => {
    const scene = new Scene();
    const sup = scene.supervisor({ children: [scene.child("a", {}, { onStop })] });
    await sup.start();
    await sup.stop();
    expect(scene.take()).toEqual(["start a", "stop a", "kill a"]);
    expect(scene.kinds()).toEqual(["shutdownError a"]);
  });

  it("reports a child that fails while it is stopped, and does not restart it", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ children: [scene.child("a", {}, { onStop: "fail" })] });
    await sup.start();
    await sup.stop();
    expect(scene.kinds()).toEqual(["shutdownError a"]);
    expect(scene.take()).toEqual(["start a", "stop a"]);
  });

  it("stops a child that ends by itself while its turn to be stopped has not come", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ children: [scene.child("a"), scene.child("b", {}, { onStop: "hang" })] });
    await sup.start();
    const stopped = sup.stop();
    await scene.crash("a");
    scene.one("b").end();
    await stopped;
    expect(scene.kinds()).toEqual(["childTerminated a"]);
    expect(scene.take()).toEqual(["start a", "start b", "stop b"]);
  });

  it("does not hang on a start that hangs: it is told, waited for as long as a stop may take, and let go", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ children: [scene.child("a"), scene.child("b", {}, { starts: ["hang"] })] });
    const refused = expect(sup.start()).rejects.toThrow("stopped while it started");
    await settle();
    const stopped = sup.stop();
    await scene.clock.advance(1_000);
    await stopped;
    await refused;
    expect(scene.take()).toEqual(["start a", "start b", "abort b", "stop a"]);
    scene.release("b");
    await settle();
    expect(scene.take()).toEqual(["stop b"]);
    expect(scene.alive()).toEqual([]);
    expect(scene.clock.armed).toBe(0);
  });

  it("stops a child that comes up after it was asked to stop", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ children: [scene.child("a", {}, { starts: ["hang"] })] });
    const refused = expect(sup.start()).rejects.toThrow();
    await settle();
    const stopped = sup.stop();
    scene.release("a");
    await stopped;
    await refused;
    expect(scene.take()).toEqual(["start a", "abort a", "stop a"]);
    expect(scene.reports).toEqual([]);
  });

  it("cancels the timer of a child that backs off", async () => {
    const scene = new Scene();
    const backoff = { min: 1_000, max: 1_000, factor: 1, jitter: 0, resetAfter: 0 };
    const sup = scene.supervisor({ children: [scene.child("a", { backoff })] });
    await sup.start();
    await scene.crash("a");
    expect(states(sup)).toEqual({ a: "backingOff" });
    await sup.stop();
    expect(scene.clock.armed).toBe(0);
    await scene.clock.advance(10_000);
    expect(scene.take()).toEqual(["start a"]);
  });

  it("ends at once when it never started", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ children: [scene.child("a")] });
    await sup.stop();
    expect(await sup.ended).toEqual({ reason: "shutdown" });
    await expect(sup.start()).rejects.toThrow("it is ended");
  });

  it("kills all at once and waits for none", async () => {
    const scene = new Scene();
    const stubborn = { onStop: "hang", onKill: "hang" } as const;
    const sup = scene.supervisor({
      children: [
        scene.child("a", {}, stubborn),
        scene.child("b", {}, { ...stubborn, onKill: "none" }),
        scene.child("c"),
      ],
    });
    await sup.start();
    scene.take();
    sup.kill();
    expect((await sup.ended).reason).toBe("failed");
    expect(scene.take()).toEqual(["stop c", "kill a", "kill c"]);
    expect(scene.reports.map((report) => report.cause)).toEqual(["it cannot be killed: let go, it may still be alive"]);
    expect(scene.clock.armed).toBe(0);
  });
});

describe("restarting", () => {
  const exits: Exit[] = [{ reason: "normal" }, { reason: "shutdown" }, { reason: "failed", error: new Error("boom") }];
  const table: [ChildSpec["restart"], Exit, string, string[]][] = exits.flatMap((exit) => {
    const failed = exit.reason === "failed";
    return [
      ["permanent", exit, "running", ["childTerminated a"]],
      ["transient", exit, failed ? "running" : "stopped", failed ? ["childTerminated a"] : []],
      ["temporary", exit, "forgotten", failed ? ["childTerminated a"] : []],
    ];
  });

  it.each(table)("a %s child that ended with %o is %s", async (restart, exit, state, reports) => {
    const scene = new Scene();
    const sup = scene.supervisor({ children: [scene.child("a", { restart }), scene.child("b")] });
    await sup.start();
    scene.one("a").end(exit);
    await scene.clock.advance(0);
    expect(sup.child("a")?.state ?? "forgotten").toBe(state);
    expect(sup.child("a")?.restarts ?? 0).toBe(state === "running" ? 1 : 0);
    expect(scene.kinds()).toEqual(reports);
    await sup.stop();
  });

  it("oneForOne leaves the others alone", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ children: [scene.child("a"), scene.child("b"), scene.child("c")] });
    await sup.start();
    scene.take();
    await scene.crash("b");
    expect(scene.take()).toEqual(["start b"]);
    await sup.stop();
  });

  it("oneForAll stops the others in reverse and starts all in order", async () => {
    const scene = new Scene();
    const children = [scene.child("a"), scene.child("b"), scene.child("c")];
    const sup = scene.supervisor({ strategy: "oneForAll", children });
    await sup.start();
    scene.take();
    await scene.crash("b");
    expect(scene.take()).toEqual(["stop c", "stop a", "start a", "start b", "start c"]);
    expect(sup.children().map((child) => child.restarts)).toEqual([1, 1, 1]);
    await sup.stop();
  });

  it("restForOne leaves earlier ones alone and restarts it and the later ones", async () => {
    const scene = new Scene();
    const children = [scene.child("a"), scene.child("b"), scene.child("c"), scene.child("d")];
    const sup = scene.supervisor({ strategy: "restForOne", children });
    await sup.start();
    scene.take();
    await scene.crash("b");
    expect(scene.take()).toEqual(["stop d", "stop c", "start b", "start c", "start d"]);
    await sup.stop();
  });

  it.each(["oneForAll", "restForOne"] as const)(
    "%s forgets a temporary bystander, and leaves down what was finished or stopped by a caller",
    async (strategy) => {
      const scene = new Scene();
      const children = [
        scene.child("a"),
        scene.child("temporary", { restart: "temporary" }),
        scene.child("finished", { restart: "transient" }),
        scene.child("stopped"),
        scene.child("last"),
      ];
      const sup = scene.supervisor({ strategy, children });
      await sup.start();
      await scene.end("finished", "normal");
      await sup.stopChild("stopped");
      scene.take();
      await scene.crash("a");
      expect(scene.take()).toEqual(["stop last", "stop temporary", "start a", "start last"]);
      expect(states(sup)).toEqual({ a: "running", finished: "stopped", stopped: "stopped", last: "running" });
      await sup.stop();
    },
  );

  it("handles another child that fails during a group restart, each crash with one report", async () => {
    const scene = new Scene();
    const children = [scene.child("a"), scene.child("b", {}, { starts: ["ok", "hang"] }), scene.child("c")];
    const sup = scene.supervisor({ strategy: "oneForAll", children });
    await sup.start();
    scene.take();
    await scene.crash("c");
    expect(scene.take()).toEqual(["stop b", "stop a", "start a", "start b"]);
    await scene.crash("a");
    expect(scene.take()).toEqual(["abort b"]);
    scene.release("b");
    await scene.clock.advance(0);
    expect(scene.take()).toEqual(["stop b", "start a", "start b", "start c"]);
    expect(scene.kinds()).toEqual(["childTerminated c", "childTerminated a"]);
    expect(scene.alive()).toEqual(["a", "b", "c"]);
    await sup.stop();
  });

  it("does not count a bystander that crashes while it waits to be stopped for a group restart", async () => {
    const scene = new Scene();
    const children = [scene.child("a"), scene.child("b"), scene.child("c", {}, { onStop: "hang" })];
    const sup = scene.supervisor({ strategy: "oneForAll", intensity: 1, children });
    await sup.start();
    await scene.crash("a");
    await scene.crash("b");
    scene.one("c").end({ reason: "shutdown" });
    await scene.clock.advance(0);
    expect(scene.alive()).toEqual(["a", "b", "c"]);
    expect(scene.kinds()).toEqual(["childTerminated a", "childTerminated b"]);
    sup.kill();
  });

  it("ends a restart that is under way when it is stopped", async () => {
    const scene = new Scene();
    const b = scene.child("b", {}, { starts: ["ok", "hang"] });
    const sup = scene.supervisor({ strategy: "oneForAll", children: [scene.child("a"), b] });
    await sup.start();
    await scene.crash("a");
    const stopped = sup.stop();
    scene.release("b");
    await stopped;
    expect(scene.alive()).toEqual([]);
    expect(scene.clock.armed).toBe(0);
  });

  it("takes a child that ends twice, and one whose `ended` rejects, as one crash", async () => {
    const scene = new Scene();
    let fail: (error: Error) => void = () => undefined;
    const starts: number[] = [];
    const rejecting = async () => {
      starts.push(starts.length);
      const ended = new Promise<Exit>((_resolve, reject) => {
        fail = reject;
      });
      return { ended, stop: async () => fail(new Error("stopped")) };
    };
    const sup = scene.supervisor({ children: [scene.child("a"), scene.child("r", { start: rejecting })] });
    await sup.start();
    const first = scene.one("a");
    first.crash("once");
    first.crash("twice");
    fail(new Error("rejected"));
    await scene.clock.advance(0);
    first.crash("late");
    await scene.clock.advance(0);
    expect(scene.reports.map((report) => report.cause)).toEqual(["it failed: once", "it failed: rejected"]);
    expect(sup.children().map((child) => [child.restarts, child.lastError])).toEqual([
      [1, "once"],
      [1, "rejected"],
    ]);
    await sup.stop();
  });

  it("goes on when its listener throws, or calls it back", async () => {
    const scene = new Scene();
    const listener = scene.context.listener;
    const calls: Promise<unknown>[] = [];
    listener.report = () => {
      calls.push(sup.addChild(scene.child("added")));
      throw new Error("listener");
    };
    listener.transition = () => {
      throw new Error("listener");
    };
    const sup = scene.supervisor({ children: [scene.child("a")] });
    await sup.start();
    await scene.crash("a");
    await Promise.all(calls);
    expect(states(sup)).toEqual({ a: "running", added: "running" });
    expect(sup.listenerFaults).toBeGreaterThan(3);
    await sup.stop();
    expect(scene.alive()).toEqual([]);
  });

  it("says of every change of state which child, from where to where, and why", async () => {
    const scene = new Scene();
    const sup = scene.supervisor({ children: [scene.child("a")] });
    await sup.start();
    await scene.crash("a");
    await sup.stop();
    const told = scene.transitions.map(({ event, from, to, cause }) => `${event}: ${from} → ${to} (${cause})`);
    expect(told).toEqual([
      "start: stopped → starting (first start)",
      "started: starting → running (first start)",
      "retry: running → backingOff (it failed: boom; again in 0 ms)",
      "start: backingOff → starting (restart: it failed: boom)",
      "started: starting → running (restart: it failed: boom)",
      "stop: running → stopping (sup stops)",
      "leave: stopping → stopped (sup stops)",
    ]);
    expect(new Set(scene.transitions.map(({ actor, role }) => `${role} ${actor}`))).toEqual(new Set(["child a"]));
    expect(scene.reports).toEqual([
      {
        kind: "childTerminated",
        supervisor: "sup",
        child: "a",
        cause: "it failed: boom",
        error: new Error("boom"),
      },
    ]);
  });
});
