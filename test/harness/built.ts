import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { inject } from "vitest";
import type { TestProject } from "vitest/node";
import { eventuallySeen } from "./eventually.ts";

/**
 * The program as it is in src, compiled for tests that start real processes. Once for each run of the tests, by whoever
 * asks first, into a directory of its own: a `dist` that somebody rebuilds meanwhile would change under a running daemon.
 */
export interface Built {
  /** The compiled command line. */
  readonly main: string;
}

declare module "vitest" {
  interface ProvidedContext {
    readonly buildDirectory: string;
  }
}

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const BUILD_WITHIN = 120_000;

/** vitest's globalSetup: makes the directory, and removes it when the tests are over. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), "steward-build-"));
  project.provide("buildDirectory", directory);
  return () => rm(directory, { recursive: true, force: true, maxRetries: 3 });
}

let asked: Promise<Built> | undefined;

export function built(): Promise<Built> {
  asked ??= build(inject("buildDirectory"));
  return asked;
}

async function build(directory: string): Promise<Built> {
  const main = join(directory, "dist/cli/main.js");
  const failed = join(directory, "failed");
  try {
    await mkdir(join(directory, "started"));
  } catch {
    // Another worker builds it.
    await eventuallySeen("the build of another worker", () => existsSync(main) || existsSync(failed), BUILD_WITHIN);
    if (existsSync(failed)) throw new Error(`the build failed:\n${await readFile(failed, "utf8")}`);
    return { main };
  }
  try {
    const out = join(directory, "unfinished");
    await symlink(join(ROOT, "node_modules"), join(directory, "node_modules"));
    await cp(join(ROOT, "package.json"), join(directory, "package.json"));
    await promisify(execFile)(process.execPath, [join(ROOT, "scripts/build.mjs"), "--out", out]);
    await rename(out, join(directory, "dist"));
    return { main };
  } catch (error) {
    await writeFile(failed, String(error));
    throw new Error("the build failed", { cause: error });
  }
}
