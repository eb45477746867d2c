import type { Json } from "../message.ts";

/** Bounds of a packet from another node, enforced before its body is expanded, parsed or believed. */
export interface FrameLimits {
  /** Bytes of the body once expanded. */
  readonly bodyBytes: number;
  /** Messages in one frame. */
  readonly items: number;
  /** Nesting of a message's data. */
  readonly depth: number;
  /** Lists, objects and keys of a message's data. */
  readonly parts: number;
}

export const FRAME_LIMITS: FrameLimits = { bodyBytes: 8 * 1024 * 1024, items: 4096, depth: 64, parts: 250_000 };

/** The longest that a message may wait for its node, and the longest that a command may run, ms: one bound for every entrance. */
export const LONGEST_WAIT = 36_500 * 86_400_000;
export const LONGEST_TIMEOUT = LONGEST_WAIT;

/** Upper estimate of a message's size within a frame, bytes. */
export function itemBytes(data: Json): number {
  return 120 + Buffer.byteLength(JSON.stringify(data));
}

/**
 * The reason why a value is refused as a message's data: its nesting, a number that JSON cannot write, or more parts than a
 * receiver parses.
 */
export function dataFault(value: unknown, limits: FrameLimits = FRAME_LIMITS): string | undefined {
  switch (faultIn(value, limits.depth, { parts: limits.parts })) {
    case "deep":
      return `data is nested deeper than ${limits.depth}`;
    case "infinite":
      return "data holds a number that is not finite";
    case "many":
      return `data has more than ${limits.parts} lists, objects and keys`;
    default:
      return undefined;
  }
}

function faultIn(value: unknown, depth: number, left: { parts: number }): "deep" | "infinite" | "many" | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? undefined : "infinite";
  if (typeof value !== "object" || value === null) return undefined;
  if (depth === 0) return "deep";
  if (--left.parts < 0) return "many";
  if (Array.isArray(value)) {
    for (const inner of value) {
      const fault = faultIn(inner, depth - 1, left);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }
  for (const key in value) {
    if (--left.parts < 0) return "many";
    const fault = faultIn((value as Record<string, unknown>)[key], depth - 1, left);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** True for JSON text with more lists, objects and keys than `parts`; brackets and colons inside strings do not count. */
export function hasMoreParts(text: string, parts: number): boolean {
  let left = parts;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x22) {
      i++;
      while (i < text.length && text.charCodeAt(i) !== 0x22) i += text.charCodeAt(i) === 0x5c ? 2 : 1;
    } else if ((c === 0x5b || c === 0x7b || c === 0x3a) && --left < 0) return true;
  }
  return false;
}

/** True for a JSON value that nests deeper than `depth` levels. */
export function deeperThan(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (depth === 0) return true;
  if (Array.isArray(value)) {
    for (const inner of value)
      if (typeof inner === "object" && inner !== null && deeperThan(inner, depth - 1)) return true;
    return false;
  }
  for (const key in value) if (deeperThan((value as Record<string, unknown>)[key], depth - 1)) return true;
  return false;
}
