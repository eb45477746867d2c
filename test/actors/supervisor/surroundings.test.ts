import { describe, expect, it } from "vitest";
import { Scene, states } from "./scene.ts";

const backoff = { min: 100, max: 30_000, factor: 2, jitter: 0, resetAfter: 60_000 };

describe("a child that its surroundings refuse", () => {
  it("is tried again for ever under quarantine, with growing pauses, and says since when", async () => {
    const scene = new Scene();
    const child = scene.child("a", { backoff }, { starts: Array.from({ length: 50 }, () => "refused") });
    const sup = scene.supervisor({ onGiveUp: "quarantine", intensity: 3, children: [child] });
    await sup.start();
    const [since] = sup.children().map(({ waitsSince }) => waitsSince);
    expect(since).toBeDefined();
    await scene.clock.advance(1_000);
    const early = scene.take().length;
    await scene.clock.advance(600_000);
    expect(early).toBeGreaterThan(3);
    // Twice as long each time, up to the longest pause.
    expect(scene.take().length).toBeLessThan(30);
    expect(sup.children()).toMatchObject([
      { state: "backingOff", waitsSince: since, lastError: "a is refused its port" },
    ]);
    await scene.clock.advance(1_800_000);
    expect(states(sup)).toEqual({ a: "running" });
    expect(sup.children()[0]?.waitsSince).toBeUndefined();
    expect(scene.kinds()).not.toContain("quarantined a");
    await sup.stop();
    expect(scene.clock.armed).toBe(0);
  });

  it("is quarantined as ever when a defect comes in between too often", async () => {
    const scene = new Scene();
    const starts = Array.from({ length: 12 }, (_, n) => (n % 2 === 0 ? ("refused" as const) : ("fail" as const)));
    const a = scene.child("a", { backoff: { ...backoff, max: 100 } }, { starts });
    const sup = scene.supervisor({ onGiveUp: "quarantine", intensity: 3, children: [a] });
    await sup.start();
    await scene.clock.advance(60_000);
    expect(states(sup)).toEqual({ a: "quarantined" });
    expect(sup.children()[0]?.waitsSince).toBeUndefined();
    await sup.stop();
  });

  it("stops at once when it is asked to, and waits for nothing any more", async () => {
    const scene = new Scene();
    const child = scene.child("a", { backoff }, { starts: Array.from({ length: 50 }, () => "refused") });
    const sup = scene.supervisor({ onGiveUp: "quarantine", children: [child] });
    await sup.start();
    expect(await sup.stopChild("a")).toMatchObject({ state: "stopped" });
    expect(sup.children()[0]?.waitsSince).toBeUndefined();
    await sup.stop();
    expect(scene.clock.armed).toBe(0);
  });
});
