import { describe, expect, it } from "vitest";
import type { Child, Exit } from "../../../src/actors/supervisor/spec.ts";
import { StewardError } from "../../../src/message/errors.ts";
import { Listeners } from "../../../src/runtime/daemon/listeners.ts";
import { ChildReports } from "../../../src/runtime/daemon/processes/child-reports.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { listLog } from "../../harness/list-log.ts";
import { seededRandom } from "../../harness/random.ts";

const busy = (): never => {
  throw Object.assign(new Error("the port is taken"), { code: "EADDRINUSE" });
};

/** One listener, whose starts do what is written down one after the other, and what is told of it. */
function scene(starts: readonly ("ok" | "busy" | "defect" | "missing")[]) {
  const clock = new SimulatedClock();
  const told: string[] = [];
  let live = 0;
  let n = 0;
  const start = async (): Promise<Child> => {
    const how = starts[n++] ?? starts.at(-1);
    if (how === "busy") busy();
    if (how === "defect") throw new TypeError("x is not a function");
    if (how === "missing") throw new StewardError("nats-server-missing");
    live++;
    let end: (exit: Exit) => void = () => undefined;
    const ended = new Promise<Exit>((resolve) => {
      end = resolve;
    });
    return {
      ended,
      stop: async () => {
        live--;
        end({ reason: "shutdown" });
      },
    };
  };
  const reports = new ChildReports({
    clock,
    log: listLog(),
    alert: (code, text) => void told.push(`${code} ${text}`),
    over: (code, text) => void told.push(`over: ${code} ${text}`),
  });
  const listeners = new Listeners(
    {
      id: "api",
      intensity: 2,
      period: 60_000,
      refuses: (error) => error instanceof StewardError && error.code === "nats-server-missing",
      children: [
        {
          id: "core api",
          restart: "permanent",
          shutdown: 1_000,
          backoff: { min: 100, max: 30_000, factor: 2, jitter: 0, resetAfter: 60_000 },
          start,
        },
      ],
    },
    { clock, random: seededRandom(1), listener: reports },
  );
  return { clock, listeners, told, live: () => live, starts: () => n };
}

describe("a listener of the daemon", () => {
  it("whose port is taken does not keep the daemon from starting; it is tried until the port is free, and told of", async () => {
    const { clock, listeners, told, live } = scene([...Array.from({ length: 20 }, () => "busy" as const), "ok"]);
    await listeners.start();
    expect(listeners.views()).toMatchObject([{ state: "backingOff", lastError: "the port is taken" }]);
    await clock.advance(300_000);
    expect(told).toEqual(["process-waits core api is tried again until it works: the port is taken"]);
    await clock.advance(600_000);
    expect(live()).toBe(1);
    await listeners.stop();
    expect(await listeners.ended).toEqual({ reason: "shutdown" });
    expect([live(), clock.armed]).toEqual([0, 0]);
  });

  it("that never comes up is told of once an hour", async () => {
    const { clock, listeners, told } = scene(["busy"]);
    await listeners.start();
    await clock.advance(4 * 3_600_000);
    expect(told.length).toBeGreaterThanOrEqual(4);
    expect(told.length).toBeLessThanOrEqual(5);
    await listeners.stop();
  });

  it.each(["defect", "missing"] as const)(
    "that nobody but the operator can mend (%s) makes the start fail",
    async (how) => {
      const { clock, listeners, starts } = scene([how]);
      await expect(listeners.start()).rejects.toThrow();
      await clock.advance(60_000);
      expect([starts(), clock.armed]).toEqual([1, 0]);
    },
  );

  it("with a defect that shows later ends as failed, so that what stands above it decides", async () => {
    const { clock, listeners } = scene(["busy", "defect"]);
    await listeners.start();
    await clock.advance(60_000);
    expect(await listeners.ended).toMatchObject({ reason: "failed", error: { message: "x is not a function" } });
    expect(clock.armed).toBe(0);
  });
});
