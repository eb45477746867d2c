import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { built } from "../harness/built.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { startFleet } from "../harness/fleet/fleet.ts";

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

test("a daemon outlives the directory in which it was started and the readers of its output, and ends in good order", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} }, away: ["ship1"] });
  const { config, data, socket } = fleet.node("ship1");
  const started = join(fleet.directory, "started");
  await mkdir(started);
  const daemon = spawn(process.execPath, [(await built()).main, "up", "--config", config], {
    cwd: started,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, STEWARD_BROKER_PASSWORD: "secret" },
  });
  try {
    const ended = new Promise<number | null>((resolve) => daemon.once("exit", resolve));
    await fleet.link("ship1", "online");
    await rm(started, { recursive: true });
    daemon.stdout.destroy();
    daemon.stderr.destroy();
    // Its answer to this has no reader.
    daemon.kill("SIGHUP");

    const run = await fleet.steward("run", "ship1", "--", "sh", "-c", "pwd; env; ls /proc/self/fd | wc -l");
    expect(run.code).toBe(0);
    expect(run.stdout.split("\n")[0]).toBe(data);
    expect(run.stdout).not.toContain("secret");
    expect(run.stdout.trim().split("\n").at(-1)).toBe("4");
    expect(await readFile(`/proc/${fleet.node("ship1").runnerPid()}/environ`, "utf8")).not.toContain("secret");

    daemon.kill("SIGTERM");
    expect(await ended).toBe(0);
    expect(existsSync(socket)).toBe(false);
    await eventuallySeen("it has said bye", async () => (await fleet.central.api.node("ship1")).cause.includes("bye"));
  } finally {
    daemon.kill("SIGKILL");
  }
});
