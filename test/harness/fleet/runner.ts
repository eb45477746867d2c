import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { runnerFile } from "../../../src/runner/protocol.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** Compiles the runner as it is in src into a directory of its own: Node 20 runs no TypeScript. */
export async function buildRunner(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), "steward-runner-"));
  const out = join(directory, "out");
  const config = join(directory, "tsconfig.json");
  await writeFile(
    config,
    JSON.stringify({
      extends: join(root, "tsconfig.json"),
      compilerOptions: {
        noEmit: false,
        rootDir: join(root, "src"),
        outDir: out,
        typeRoots: [join(root, "node_modules/@types")],
      },
      include: [],
      files: [join(root, "src/runner/process/main.ts")],
    }),
  );
  await writeFile(join(directory, "package.json"), '{"type":"module"}');
  await promisify(execFile)(join(root, "node_modules/.bin/tsc"), ["-p", config]);
  return {
    path: join(out, "runner/process/main.js"),
    remove: () => rm(directory, { recursive: true, force: true }),
  };
}

/** The process id of the runner that serves `directory`, as long as it does. */
export function runnerPid(directory: string): number | undefined {
  try {
    // For a moment the file is there and empty.
    return Number(readFileSync(join(directory, runnerFile("pid")), "utf8")) || undefined;
  } catch (error) {
    // A runner that leaves takes its file along, also between a look and a read.
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Whether a process is there and is no zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** Living processes whose environment says that they belong to a run with this id. */
export function processesOfRun(id: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`STEWARD_RUN=${id}`) && isAlive(pid);
      } catch {
        return false;
      }
    });
}

/** Kills what is left of a run; a process that ends by itself between the look and the signal is as good. */
export function killRun(id: string): void {
  for (const pid of processesOfRun(id)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}
