import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { RunBounds, RunSpec } from "../../../src/methods/spawner.ts";
import type { CommandGroups } from "../../../src/platform/command-groups.ts";
import { programStart } from "../../../src/runner/process/program-start.ts";
import { tempDir } from "../../harness/temp.ts";

const isRoot = process.getuid?.() === 0;
const asked = { env: { PATH: "/usr/bin:/bin" }, cwd: "/", umask: undefined };
const TOGETHER = { memory: 64 * 1024 * 1024, processes: 20, cpu: 50 };

function spec(script: string, bounds: RunBounds): RunSpec {
  return { id: `start${process.pid}`, argv: ["/bin/sh", "-c", script], timeout: 1, grace: 1, head: 1, tail: 1, bounds };
}

/** In place of the file system of the kernel: a folder, in which the files of a group are made when they are written. */
async function standIn(): Promise<CommandGroups> {
  return { folder: await tempDir(), user: "/usr/bin/setpriv" };
}

describe("a program whose processes are bounded together", () => {
  it.runIf(isRoot)("enters its group with its limits set, and takes on its user there", async () => {
    const groups = await standIn();
    const bounds = { uid: 65534, gid: 65534, limits: { files: 64 }, together: TOGETHER };
    const asks = spec("id -u; id -g; id -G; ulimit -n", bounds);
    const start = programStart(groups.folder, asks, asked, () => groups);
    const { stdout, stderr } = spawnSync(start.file, start.args, { ...start.options, encoding: "utf8" });
    start.close();
    expect([stdout, stderr]).toEqual(["65534\n65534\n65534\n64\n", ""]);
    const group = join(groups.folder, `steward-${asks.id}`);
    const written = Object.fromEntries(
      readdirSync(group).map((name) => [name, readFileSync(join(group, name), "utf8")]),
    );
    expect(written).toEqual({
      ...{ "memory.max": "67108864", "memory.swap.max": "0", "memory.oom.group": "1" },
      ...{ "pids.max": "20", "cpu.max": "50000 100000", "cgroup.procs": "0\n" },
    });
  });

  it("does not start where no group can be made", async () => {
    const start = (groups: CommandGroups | string) => () =>
      programStart("/nowhere", spec("true", { together: TOGETHER }), asked, () => groups);
    expect(start("systemd is not here")).toThrow("no control group can be made: systemd is not here");
    expect(start({ folder: join(await tempDir(), "gone") })).toThrow("no control group can be made: ENOENT");
  });

  it("does not start in a group that it cannot enter", async () => {
    const groups = await standIn();
    const start = programStart("/nowhere", spec("echo began", { together: { cpu: 50 } }), asked, () => groups);
    mkdirSync(join(groups.folder, `steward-start${process.pid}`, "cgroup.procs"));
    const { stdout, stderr, status } = spawnSync(start.file, start.args, { ...start.options, encoding: "utf8" });
    expect({ stdout, status }).toEqual({ stdout: "", status: 126 });
    expect(stderr).toContain("could not be entered: it was not started");
  });

  it("that is missing makes no group", async () => {
    const groups = await standIn();
    const missing = { ...spec("", { together: TOGETHER }), argv: ["no-such-program"] as const };
    expect(() => programStart("/nowhere", missing, asked, () => groups)).toThrow("ENOENT");
    expect(readdirSync(groups.folder)).toEqual([]);
  });
});
