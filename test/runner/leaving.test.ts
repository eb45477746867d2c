import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Clock } from "../../src/message/clock.ts";
import { systemClock } from "../../src/platform/system-clock.ts";
import { openSpawner } from "../../src/runner/spawner.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { buildRunner, isAlive, runnerPid } from "../harness/fleet/runner.ts";
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

  it("when nothing has run for a minute, though its daemon is there; the next command starts another", async () => {
    const directory = join(await tempDir(), "runs");
    const minute = new Minute();
    const spawner = openSpawner({ directory, clock: minute.clock, log: quiet, runnerPath: runner.path });
    const spec = (id: string, script: string) =>
      ({ id, argv: ["sh", "-c", script], timeout: 3000, grace: 300, head: 1024, tail: 1024 }) as const;
    await (await spawner.start(spec("first", "true"), () => undefined)).end;
    const pid = runnerPid(directory) ?? 0;
    // The minute begins anew with each command, and is none while one runs.
    const gate = join(directory, "gate");
    const second = await spawner.start(spec("second", `while [ ! -e ${gate} ]; do sleep 0.02; done`), () => undefined);
    expect(minute.armed).toBe(0);
    writeFileSync(gate, "");
    await second.end;
    expect(runnerPid(directory)).toBe(pid);
    minute.pass();
    await eventuallySeen("it leaves", () => !isAlive(pid), SOON);
    expect(runnerPid(directory)).toBeUndefined();
    // What it recorded is there all the same.
    expect(await (await spawner.adopt("first", () => undefined))?.end).toMatchObject({ kind: "exited", code: 0 });
    await spawner.forget("first");

    const third = await spawner.start(spec("third", "exit 3"), () => undefined);
    expect(await third.end).toMatchObject({ kind: "exited", code: 3 });
    expect(runnerPid(directory)).not.toBe(pid);
    const next = runnerPid(directory) ?? 0;
    await spawner.close();
    await eventuallySeen("it leaves", () => !isAlive(next), SOON);
    expect(minute.armed).toBe(0);
  });
});

/** The real clock, but for timers of a minute, which fire when they are told to. */
class Minute {
  readonly #timers = new Set<() => void>();
  readonly clock: Clock = {
    ...systemClock,
    setTimeout: (fn, ms) => {
      if (ms !== 60_000) return systemClock.setTimeout(fn, ms);
      this.#timers.add(fn);
      return fn;
    },
    clearTimeout: (timer) => {
      if (!this.#timers.delete(timer as () => void)) systemClock.clearTimeout(timer);
    },
  };

  get armed(): number {
    return this.#timers.size;
  }

  pass(): void {
    for (const fire of [...this.#timers]) {
      this.#timers.delete(fire);
      fire();
    }
  }
}
