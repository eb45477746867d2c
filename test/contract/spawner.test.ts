import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll } from "vitest";
import { systemClock } from "../../src/platform/system-clock.ts";
import { openSpawner } from "../../src/runner/spawner.ts";
import { SimulatedClock } from "../harness/clock.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { buildRunner, isAlive, runnerPid } from "../harness/fleet/runner.ts";
import { MemoryHost } from "../twins/memory-spawner.ts";
import { describeSpawner, type SpawnerHost } from "./spawner.ts";

let runner: Awaited<ReturnType<typeof buildRunner>>;
beforeAll(async () => {
  runner = await buildRunner();
});
afterAll(() => runner.remove());

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

describeSpawner("the spawner with real processes", async (): Promise<SpawnerHost> => {
  const directory = await mkdtemp(join(tmpdir(), "steward-runs-"));
  return {
    open: () => openSpawner({ directory, clock: systemClock, log: quiet, runnerPath: runner.path }),
    programs: {
      prints: (text) => ["printf", "%s", text],
      exits: (code) => ["sh", "-c", `exit ${code}`],
      goesOn: (text) => ["sh", "-c", `printf %s ${text}; sleep 100`],
      missing: ["no-such-program"],
    },
    killRunner: async () => {
      const pid = runnerPid(directory);
      if (pid === undefined) throw new Error("no runner");
      process.kill(pid, "SIGKILL");
    },
    pass: async () => undefined,
    remove: async () => {
      const pid = runnerPid(directory);
      if (pid !== undefined) await eventuallySeen("the runner leaves", () => !isAlive(pid));
      await rm(directory, { recursive: true });
    },
  };
});

describeSpawner("the spawner in memory", async (): Promise<SpawnerHost> => {
  const clock = new SimulatedClock();
  const host = new MemoryHost(clock);
  return {
    open: () => host.open(),
    programs: {
      prints: (text) => ["print", text],
      exits: (code) => ["exit", String(code)],
      goesOn: (text) => ["stay", text],
      missing: ["no-such-program"],
    },
    killRunner: async () => host.kill(),
    pass: (ms) => clock.advance(ms),
    remove: async () => {
      if (host.alive > 0 || clock.armed > 0) throw new Error(`left behind: ${host.alive} runs, ${clock.armed} timers`);
    },
  };
});
