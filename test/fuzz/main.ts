import { Worker } from "node:worker_threads";
import { readArguments, USAGE, type Wanted } from "./arguments.ts";
import { describeFailure, type Failure } from "./run.ts";
import type { Target } from "./target.ts";
import { TARGETS } from "./targets.ts";
import type { Task } from "./worker.ts";

/**
 * `npm run fuzz`: tries the targets one after the other, each in a thread of its own. Progress goes to standard error, one
 * line for each target to standard output, and what was found after it.
 */
const LARGEST_SHOWN = 1024 * 1024;
const MEMORY_MB = 1024;
const LOOK_EVERY = 1_000;
/** Looks between two words of progress where nobody sits at a terminal. */
const SAID_EVERY = 30;
/** Looks at one and the same input before it counts as one that never ends. */
const PATIENCE = 60;

const corpus = process.argv[2] ?? "";

async function tryTarget(target: Target, wanted: Wanted): Promise<{ tried: number; failure: Failure | undefined }> {
  const task: Task = {
    target: target.name,
    inputs: wanted.replay === undefined ? wanted.inputs : 0,
    seed: wanted.seed,
    corpus,
    replay: wanted.replay,
    progress: new SharedArrayBuffer(8),
    present: new SharedArrayBuffer(LARGEST_SHOWN),
  };
  const progress = new Int32Array(task.progress);
  const begun = (): number => Atomics.load(progress, 0);
  const failed = (fault: string): Failure => ({
    target: target.name,
    input: new Uint8Array(task.present).slice(0, Atomics.load(progress, 1)),
    fault,
    seed: wanted.seed,
  });
  const worker = new Worker(new URL("./worker.js", import.meta.url), {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
  });
  let last = -1;
  let same = 0;
  let looks = 0;
  const failure = await new Promise<Failure | undefined>((resolve) => {
    const watch = setInterval(() => {
      const now = begun();
      same = now === last ? same + 1 : 0;
      last = now;
      if (process.stderr.isTTY) process.stderr.write(`\r${target.name}: ${now} of ${task.inputs}   `);
      else if (++looks % SAID_EVERY === 0) process.stderr.write(`${target.name}: ${now} of ${task.inputs}\n`);
      if (same >= PATIENCE) resolve(failed(`it did not end within ${(PATIENCE * LOOK_EVERY) / 1000} s`));
    }, LOOK_EVERY);
    const end = (found: Failure | undefined): void => {
      clearInterval(watch);
      resolve(found);
    };
    worker.once("message", end);
    worker.once("error", (error) => end(failed(error.stack ?? error.message)));
    worker.once("exit", (code) => end(code === 0 ? undefined : failed(`its thread ended with ${code}`)));
  });
  await worker.terminate();
  if (process.stderr.isTTY) process.stderr.write("\r");
  return { tried: begun(), failure };
}

async function main(): Promise<number> {
  let wanted: Wanted;
  try {
    wanted = readArguments(process.argv.slice(3), TARGETS, Math.floor(Math.random() * 2 ** 31));
  } catch (thrown) {
    process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n\n${USAGE}\n`);
    return 2;
  }
  process.stdout.write(`seed ${wanted.seed}\n`);
  let found = 0;
  for (const target of wanted.targets) {
    const began = performance.now();
    const { tried, failure } = await tryTarget(target, wanted);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    const word = failure === undefined ? "ok    " : "FAILED";
    process.stdout.write(
      `${word}  ${target.name.padEnd(16)} ${String(tried).padStart(9)} inputs  ${seconds.padStart(7)} s\n`,
    );
    if (failure === undefined) continue;
    found++;
    process.stdout.write(`${describeFailure(failure)}\n`);
  }
  return found === 0 ? 0 : 1;
}

process.exitCode = await main();
