import { span } from "../../message/text/figures.ts";

/** Times, spans and sizes for people. Every function takes the present time: nothing here reads a clock. */

/** `now`, `3 min ago`, `in 2 h`. */
export function ago(at: number | null | undefined, now: number): string {
  if (at === null || at === undefined) return "never";
  const past = now - at;
  if (past < -1_000) return `in ${span(-past)}`;
  return past < 1_000 ? "now" : `${span(past)} ago`;
}

const two = (value: number): string => String(value).padStart(2, "0");
const valid = (at: number): Date | undefined => {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? undefined : date;
};

/** `14:05:09` where the reader is, or in UTC. */
export function clockTime(at: number, utc = false): string {
  const date = valid(at);
  if (date === undefined) return String(at);
  return utc
    ? date.toISOString().slice(11, 19)
    : `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `2026-11-30 14:05:09` where the reader is, or in UTC. */
export function dayTime(at: number, utc = false): string {
  const date = valid(at);
  if (date === undefined) return String(at);
  if (utc) return date.toISOString().slice(0, 19).replace("T", " ");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${clockTime(at)}`;
}

/** Both, for the title of a relative time. */
export function bothTimes(at: number): string {
  return `${dayTime(at)} here, ${dayTime(at, true)} UTC`;
}

/** `1 node`, `2 nodes`. */
export function counted(count: number, what: string): string {
  return `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
}

const SPAN = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d|w)$/;
const SIZES: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** A span that a person wrote, ms: `30s`, `2h`, `7d`; `null`: never; `undefined`: it is none. */
export function readSpan(text: string): number | null | undefined {
  const bare = text.trim().toLowerCase();
  if (bare === "never" || bare === "forever") return null;
  const [, figure, unit = ""] = SPAN.exec(bare) ?? [];
  if (figure === undefined) return undefined;
  return Math.round(Number(figure) * (SIZES[unit] ?? 0));
}
