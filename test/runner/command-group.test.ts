import { spawn } from "node:child_process";
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../src/platform/system-clock.ts";
import { CommandGroup, removeEmptyGroups } from "../../src/runner/command-group.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { isAlive } from "../harness/fleet/runner.ts";
import { tempDir } from "../harness/temp.ts";

/** Where this machine has the hierarchy of version 2, and lets this user make groups in it. */
const HIERARCHY = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].find(
  (path) => existsSync(join(path, "cgroup.procs")) && mayWrite(path),
);
const HERE = HIERARCHY === undefined ? " (skipped: this machine has no control groups of version 2 to write to)" : "";

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return existsSync(join(path, "cgroup.controllers"));
  } catch {
    return false;
  }
}

/** Files of the kernel as they are after a command has run. */
async function counted(files: Record<string, string>, limits: Parameters<typeof CommandGroup.make>[2]) {
  const folder = await tempDir();
  const group = CommandGroup.make({ folder }, "a", limits);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, "steward-a", name), text);
  return group;
}

describe("the control group of a command", () => {
  const killed = "low 0\nhigh 0\nmax 53\noom 1\noom_kill 3\noom_group_kill 1\n";

  it("says which of its limits were reached", async () => {
    const limits = { memory: 1e9, processes: 9 };
    const both = await counted({ "memory.events": killed, "pids.events": "max 4\n" }, limits);
    expect(both.reached).toEqual({ memory: 1e9, processes: 9 });
    expect((await counted({ "memory.events": "max 53\noom 0\noom_kill 0\n" }, limits)).reached).toBeUndefined();
  });

  it("blames no limit for memory that the whole machine had run out of", async () => {
    const elsewhere = { "memory.events": "low 0\nmax 0\noom 0\noom_kill 1\n" };
    expect((await counted(elsewhere, { memory: 1e9 })).reached).toBeUndefined();
  });

  it.skipIf(HIERARCHY === undefined)(`holds every process of it, and ends with all of them${HERE}`, async () => {
    const folder = mkdtempSync(join(HIERARCHY ?? "", "steward-test-"));
    onTestFinished(async () => {
      CommandGroup.of({ folder }, "a")?.end(systemClock);
      await eventuallySeen("the group is gone", () => gone(folder));
    });
    const group = CommandGroup.make({ folder }, "a", {});
    // A process that leaves session and process group stays in the control group.
    const [file = "", ...args] = group.entered(["/bin/sh", "-c", "setsid sleep 600 & echo $!; cat /proc/self/cgroup"]);
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => {
      said += String(chunk);
    });
    const over = new Promise((resolve) => child.once("exit", resolve));
    await over;
    await eventuallySeen("its words", () => said.includes("/steward-a"));
    const pid = Number(said.split("\n")[0]);
    expect([group.isPopulated, isAlive(pid)]).toEqual([true, true]);
    // A runner that starts meanwhile removes what is empty and old, and only that.
    mkdirSync(join(folder, "steward-old"));
    removeEmptyGroups({ folder }, systemClock.now());
    expect(existsSync(join(folder, "steward-old"))).toBe(true);
    removeEmptyGroups({ folder }, systemClock.now() + 120_000);
    expect([existsSync(join(folder, "steward-old")), existsSync(join(folder, "steward-a"))]).toEqual([false, true]);
    CommandGroup.of({ folder }, "a")?.end(systemClock);
    await eventuallySeen("the process and the group are gone", () => !existsSync(join(folder, "steward-a")));
    expect(isAlive(pid)).toBe(false);
    expect(CommandGroup.of({ folder }, "a")).toBeUndefined();
  });

  it.skipIf(HIERARCHY === undefined)(`is not made where the kernel has no such limit${HERE}`, () => {
    const folder = mkdtempSync(join(HIERARCHY ?? "", "steward-test-"));
    onTestFinished(() => rmdirSync(folder));
    // The group above hands no controller on.
    expect(() => CommandGroup.make({ folder }, "a", { memory: 1e9 })).toThrow();
    expect(existsSync(join(folder, "steward-a"))).toBe(false);
  });
});

function gone(folder: string): boolean {
  try {
    rmdirSync(folder);
    return true;
  } catch {
    return !existsSync(folder);
  }
}
