import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

const left = new Set<() => void>();

// What a test could not end itself must not outlive its process: set-up outside of a test, a crashed worker.
process.once("exit", () => {
  for (const end of left) end();
});

/**
 * Runs `end` when the present test is over, in reverse order of registration. Outside of a test (`beforeAll`) the caller
 * ends things itself; `endNow`, which must not wait for anything, runs in any case before the process ends.
 */
export function atTestEnd(end: () => Promise<void>, endNow: () => void): void {
  left.add(endNow);
  try {
    onTestFinished(async () => {
      await end();
      left.delete(endNow);
    });
  } catch {
    // Not within a test.
  }
}

/** A new directory of its own, removed when the test is over. */
export async function tempDir(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "steward-"));
  atTestEnd(
    () => rm(directory, { recursive: true, force: true, maxRetries: 3 }),
    () => rmSync(directory, { recursive: true, force: true }),
  );
  return directory;
}
