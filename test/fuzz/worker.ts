import { parentPort, workerData } from "node:worker_threads";
import { readCorpus } from "./corpus.ts";
import { attack, type Failure, replay, withRoom } from "./run.ts";
import type { Room, Target } from "./target.ts";
import { TARGETS } from "./targets.ts";

/**
 * Tries one target, in a thread that its watcher can end. Before each input its bytes are laid into shared memory, so that
 * one that never ends, or takes the thread's memory with it, is known afterwards.
 */
export interface Task {
  readonly target: string;
  readonly inputs: number;
  readonly seed: number;
  readonly corpus: string;
  /** Tried first; alone when `inputs` is 0. */
  readonly replay: Uint8Array | undefined;
  /** [inputs begun, bytes of the present one]. */
  readonly progress: SharedArrayBuffer;
  readonly present: SharedArrayBuffer;
}

/** Inputs of one run of the property; each has a seed of its own. */
const AT_ONCE = 1_000;

async function work(target: Target, task: Task, room: Room): Promise<Failure | undefined> {
  const progress = new Int32Array(task.progress);
  const present = new Uint8Array(task.present);
  const begin = (input: Uint8Array): void => {
    present.set(input.subarray(0, present.length));
    Atomics.store(progress, 1, Math.min(input.length, present.length));
    Atomics.add(progress, 0, 1);
  };
  const kept =
    task.replay === undefined
      ? readCorpus(task.corpus).flatMap((each) => (each.target === target.name ? [each.input] : []))
      : [task.replay];
  for (const input of kept) {
    begin(input);
    const failure = await replay(target, input, room);
    if (failure !== undefined) return failure;
  }
  for (let done = 0; done < task.inputs; done += AT_ONCE) {
    const inputs = Math.min(AT_ONCE, task.inputs - done);
    const failure = await attack(target, room, { inputs, seed: (task.seed + done / AT_ONCE) % 2 ** 31, begin });
    if (failure !== undefined) return failure;
  }
  return undefined;
}

// It belongs to the whole process, and a thread may not set it.
Object.defineProperty(process, "umask", { value: () => 0o022 });

const task = workerData as Task;
const target = TARGETS.find(({ name }) => name === task.target);
if (target === undefined) throw new Error(`no target is called ${task.target}`);
const failure = await withRoom(target, (room) => work(target, task, room));
parentPort?.postMessage(failure);
