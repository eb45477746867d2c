import fc from "fast-check";
import { NO_ROOM, type Room, type Target } from "./target.ts";

/** An input that shows a defect, as small as it could be made. */
export interface Failure {
  readonly target: string;
  readonly input: Uint8Array;
  readonly fault: string;
  readonly seed: number;
}

/** Tries a target with so many inputs of a seed; the room is the caller's. `begin` hears of each input before it is tried. */
export async function attack(
  target: Target,
  room: Room,
  { inputs, seed, begin }: { inputs: number; seed: number; begin?: (input: Uint8Array) => void },
): Promise<Failure | undefined> {
  const property = fc.asyncProperty(target.input, async (input) => {
    begin?.(input);
    await target.check(input, room);
  });
  const result = await fc.check(property, { numRuns: inputs, seed, endOnFailure: false });
  if (!result.failed) return undefined;
  const { errorInstance } = result;
  return {
    target: target.name,
    input: result.counterexample?.[0] ?? new Uint8Array(),
    fault: errorInstance instanceof Error ? (errorInstance.stack ?? errorInstance.message) : String(errorInstance),
    seed,
  };
}

/** Tries one input. */
export async function replay(target: Target, input: Uint8Array, room: Room): Promise<Failure | undefined> {
  try {
    await target.check(input, room);
    return undefined;
  } catch (thrown) {
    const fault = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    return { target: target.name, input, fault, seed: 0 };
  }
}

export async function withRoom<T>(target: Target, work: (room: Room) => Promise<T>): Promise<T> {
  const room = (await target.open?.()) ?? NO_ROOM;
  try {
    return await work(room);
  } finally {
    await room.close();
  }
}

/** What to type to see it again, and how to keep it. */
export function describeFailure({ target, input, fault, seed }: Failure): string {
  const base64 = Buffer.from(input).toString("base64");
  return [
    `${target}: ${fault}`,
    `input (${input.length} bytes): ${JSON.stringify(Buffer.from(input).toString("latin1").slice(0, 500))}`,
    `again: npm run fuzz -- --target ${target} --replay ${base64 === "" ? "=" : base64}`,
    `keep:  printf %s '${base64}' | base64 -d > test/fuzz/corpus/${target}/say-what-it-is.bin`,
    `seed:  ${seed}`,
  ].join("\n");
}
