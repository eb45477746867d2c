import { StewardError } from "../errors.ts";

/**
 * Durations and sizes as people write them. A duration is whole milliseconds: `500ms`, `10s`, `1h30m`, `7d`; larger
 * units first, each at most once. A size is whole bytes, with units of 1024: `512B`, `64KB`, `1.5GB` (`64K` and `64KiB`
 * mean the same). The text that `format…` writes is read back exactly by `parse…`.
 */
const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
  ["ms", 1],
] as const;

const SIZES = { B: 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 } as const;

/** The word for a time without end; the others are understood as well. */
export const NEVER = "never";
export const NEVER_TOO = ["forever", "null"] as const;

/** True for a text that means a time without end. */
export function isNever(text: string): boolean {
  return text === NEVER || (NEVER_TOO as readonly string[]).includes(text);
}

const NUMBER = "\\d+(?:\\.\\d+)?";
export const DURATION = new RegExp(`^(?=\\d)${UNITS.map(([unit]) => `(?:(${NUMBER})${unit})?`).join("")}$`);
export const SIZE = new RegExp(`^(${NUMBER})(?:([KMGTkmgt])(?:i?[Bb])?|[Bb])$`);

/** Longer text is refused before it is looked at. */
const LONGEST = 64;

/** Milliseconds; `undefined` when the text is not a duration. */
export function readDuration(text: string): number | undefined {
  const parts = text.length > LONGEST ? null : DURATION.exec(text);
  if (parts === null) return undefined;
  let ms = 0;
  UNITS.forEach(([, factor], i) => {
    const part = parts[i + 1];
    if (part !== undefined) ms += Number(part) * factor;
  });
  return whole(ms);
}

/** Bytes; `undefined` when the text is not a size. */
export function readSize(text: string): number | undefined {
  const parts = text.length > LONGEST ? null : SIZE.exec(text);
  if (parts === null) return undefined;
  const unit = (parts[2] ?? "B").toUpperCase() as keyof typeof SIZES;
  return whole(Number(parts[1]) * SIZES[unit]);
}

/** @throws StewardError `duration-invalid` */
export function parseDuration(text: string): number {
  const ms = readDuration(text);
  if (ms === undefined) throw new StewardError("duration-invalid", { text: JSON.stringify(text.slice(0, LONGEST)) });
  return ms;
}

/** Exact: 5400000 is `1h30m`. Takes whole milliseconds from 0. */
export function formatDuration(ms: number): string {
  let rest = ms;
  let text = "";
  for (const [unit, factor] of UNITS) {
    const count = Math.floor(rest / factor);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * factor;
  }
  return text === "" ? "0s" : text;
}

/** Exact, in the largest unit that divides it: 65536 is `64KB`, 65537 is `65537B`. Takes whole bytes from 0. */
export function formatSize(bytes: number): string {
  for (const unit of ["T", "G", "M", "K"] as const) {
    if (bytes > 0 && bytes % SIZES[unit] === 0) return `${bytes / SIZES[unit]}${unit}B`;
  }
  return `${bytes}B`;
}

/** Rounded to a whole number; `undefined` where more than 0 would become 0, or the number would not be exact. */
function whole(value: number): number | undefined {
  const rounded = Math.round(value);
  if (!Number.isSafeInteger(rounded) || (rounded === 0 && value > 0)) return undefined;
  return rounded;
}
