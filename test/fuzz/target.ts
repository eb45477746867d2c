import type fc from "fast-check";

/**
 * One decoder or intake under attack. An input is bytes, whatever it is for: so that one corpus, one way to replay and one
 * way to write a failure down serve all targets.
 */
export interface Target {
  readonly name: string;
  /** What the bytes are, and who reads them. */
  readonly about: string;
  /** Inputs in the suite; `npm run fuzz` takes as many as it is told. */
  readonly runs: number;
  /** Valid inputs, valid ones that were damaged, and raw bytes. */
  readonly input: fc.Arbitrary<Uint8Array>;
  /** What the target needs while it runs. */
  open?(): Promise<Room>;
  /** Throws when the input shows a defect. */
  check(input: Uint8Array, room: Room): void | Promise<void>;
}

export interface Room {
  /** A directory of its own, or "" for a target that writes nothing. */
  readonly directory: string;
  close(): Promise<void>;
}

export const NO_ROOM: Room = { directory: "", close: async () => undefined };

/** Says what should have held; the one way in which a check fails on purpose. */
export function insist(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

/** Both as JSON: what a round trip must keep. */
export function insistSame(found: unknown, wanted: unknown, what: string): void {
  const [a = "undefined", b = "undefined"] = [JSON.stringify(found), JSON.stringify(wanted)];
  insist(a === b, `${what}: ${a.slice(0, 300)} is not ${b.slice(0, 300)}`);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Nothing in it steers a terminal or begins another line; `but`: characters that may be there. */
export function isPlain(text: string, but = ""): boolean {
  return !CONTROL.test([...but].reduce((rest, character) => rest.replaceAll(character, ""), text));
}

/** A text that people see: one line, of a length that can be read. */
export function insistLine(text: string, what: string, longest = 2000): void {
  insist(text.length > 0, `${what} is empty`);
  insist(text.length <= longest, `${what} has ${text.length} characters: ${text.slice(0, 80)}`);
  insist(isPlain(text), `${what} holds a control character: ${JSON.stringify(text.slice(0, 300))}`);
}

/** How deep lists and maps nest, without recursion. */
export function depthOf(value: unknown): number {
  let deepest = 0;
  const open: [unknown, number][] = [[value, 0]];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [inner, depth] = next;
    if (typeof inner !== "object" || inner === null) continue;
    deepest = Math.max(deepest, depth + 1);
    for (const each of Object.values(inner)) open.push([each, depth + 1]);
  }
  return deepest;
}

/** No number in it is one that JSON cannot write: it would not survive the journal. */
export function insistFinite(value: unknown): void {
  const open: unknown[] = [value];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (typeof next === "number") insist(Number.isFinite(next), `the number ${next} was taken`);
    if (typeof next === "object" && next !== null) for (const each of Object.values(next)) open.push(each ?? null);
  }
}
