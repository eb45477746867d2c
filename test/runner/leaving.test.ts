import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../src/platform/system-clock.ts";
import { openSpawner } from "../../src/runner/spawner.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { buildRunner, isAlive, runnerPid } from "../harness/runner.ts";
import { tempDir } from "../harness/temp.ts";

/** Less than a runner waits for a first connection, ms. */
const SOON = 7_000;
const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

let runner: Awaited<ReturnType<typeof buildRunner>>;
beforeAll(async () => {
  runner = await buildRunner();
});
afterAll(() => runner.remove());

describe("a runner leaves soon", () => {
  it("when its daemon stops while the very first command is being started", async () => {
    const directory = join(await tempDir(), "runs");
    const spawner = openSpawner({ directory, clock: systemClock, log: quiet, runnerPath: runner.path });
    const spec = { id: "first", argv: ["true"] as const, timeout: 60_000, grace: 300, head: 1024, tail: 1024 };
    spawner.start(spec, () => undefined).catch(() => undefined);
    let pid = 0;
    await eventuallySeen("it serves", () => {
      pid = runnerPid(directory) ?? 0;
      return pid > 0;
    });
    await spawner.close();
    await eventuallySeen("it leaves", () => !isAlive(pid), SOON);
    expect(runnerPid(directory)).toBeUndefined();
  });

  it("when the daemon that started it is gone before it was ready", async () => {
    const directory = join(await tempDir(), "runs");
    mkdirSync(directory, { recursive: true });
    const child = spawn(process.execPath, [runner.path], {
      cwd: directory,
      stdio: ["ignore", "ignore", "pipe", "pipe"],
    });
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.stdio[3]?.destroy();
    try {
      let left = false;
      void gone.then(() => {
        left = true;
      });
      await eventuallySeen("it leaves", () => left, SOON);
    } finally {
      child.kill("SIGKILL");
      await gone;
    }
    expect(runnerPid(directory)).toBeUndefined();
  });
});
