import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { RunBounds, RunSpec } from "../../../src/methods/spawner.ts";
import { scopePrograms } from "../../../src/platform/scope-programs.ts";
import { programStart } from "../../../src/runner/process/program-start.ts";
import { tempDir } from "../../harness/temp.ts";

const isRoot = process.getuid?.() === 0;
const asked = { env: { PATH: "/usr/bin:/bin" }, cwd: "/", umask: undefined };
const TOGETHER = { memory: 64 * 1024 * 1024, processes: 20, cpu: 50 };

function spec(script: string, bounds: RunBounds): RunSpec {
  return { id: `start${process.pid}`, argv: ["/bin/sh", "-c", script], timeout: 1, grace: 1, head: 1, tail: 1, bounds };
}

describe("a program whose processes are bounded together", () => {
  it.runIf(isRoot)("is started by systemd in a group of its own, and takes on its user there", async () => {
    const directory = await tempDir();
    const [run, told] = [join(directory, "systemd-run"), join(directory, "told")];
    // In place of systemd: notes what it was asked for and becomes the command, as `systemd-run --scope` does.
    const stand = `#!/bin/sh\nwhile [ "$1" != -- ]; do echo "$1" >> ${told}; shift; done; shift; exec "$@"\n`;
    writeFileSync(run, stand, { mode: 0o755 });
    const bounds = { uid: 65534, gid: 65534, limits: { files: 64 }, together: TOGETHER };
    const start = programStart(directory, spec("id -u; id -g; id -G; ulimit -n", bounds), asked, () => ({
      run,
      user: "/usr/bin/setpriv",
    }));
    const { stdout, stderr } = spawnSync(start.file, start.args, { ...start.options, encoding: "utf8" });
    start.close();
    expect([stdout, stderr]).toEqual(["65534\n65534\n65534\n64\n", ""]);
    const words = readFileSync(told, "utf8").split("\n");
    expect(words).toEqual(
      expect.arrayContaining(["--scope", "MemoryMax=67108864", "MemorySwapMax=0", "TasksMax=20", "CPUQuota=50%"]),
    );
  });

  it("does not start where no group can be made", async () => {
    const start = () =>
      programStart("/nowhere", spec("true", { together: TOGETHER }), asked, () => "systemd is not here");
    expect(start).toThrow("no control group can be made: systemd is not here");
  });

  const here = scopePrograms();
  it.skipIf(typeof here === "string")(
    `is ended by the kernel beyond its memory${typeof here === "string" ? ` (${here})` : ""}`,
    async () => {
      const directory = await tempDir();
      const hungry = spec("for i in 1 2 3 4; do head -c 40m /dev/zero | tail -c 40m > /dev/null & done; wait", {
        together: TOGETHER,
      });
      const start = programStart(
        directory,
        { ...hungry, argv: ["/bin/sh", "-c", `${hungry.argv[2]}; cat /proc/self/cgroup`] },
        asked,
      );
      const { stdout } = spawnSync(start.file, start.args, { ...start.options, encoding: "utf8" });
      start.close();
      expect(stdout).toContain(`steward-${hungry.id}.scope`);
    },
  );
});
