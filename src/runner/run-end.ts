import { isOutput, isTotals } from "../message/report.ts";
import type { RunEnd, RunReached } from "../methods/spawner.ts";

/** How a run ended, as it was read from a file or from the runner; `undefined`: that is none, so nobody knows its end. */
export function readRunEnd(value: unknown): RunEnd | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const end = value as Readonly<Record<string, unknown>>;
  const { kind, message, code, signal, ended, left, reached, startedAt, at, rest, totals } = end;
  if (kind === "lost") return typeof message === "string" ? (value as RunEnd) : undefined;
  if (kind === "notStarted") {
    return typeof message === "string" && typeof code === "string" ? (value as RunEnd) : undefined;
  }
  const whole =
    kind === "exited" &&
    (code === null || Number.isSafeInteger(code)) &&
    (signal === null || typeof signal === "string") &&
    (ended === undefined || ended === "timeout" || ended === "cancel") &&
    (left === undefined || (Array.isArray(left) && left.every((pid) => Number.isSafeInteger(pid)))) &&
    (reached === undefined || isReached(reached)) &&
    Number.isFinite(startedAt) &&
    Number.isFinite(at) &&
    isOutput(rest) &&
    isTotals(totals);
  return whole ? (value as RunEnd) : undefined;
}

function isReached(value: unknown): value is RunReached {
  if (typeof value !== "object" || value === null) return false;
  const { memory, processes } = value as Readonly<Record<string, unknown>>;
  return [memory, processes].every(
    (limit) => limit === undefined || (Number.isSafeInteger(limit) && Number(limit) >= 0),
  );
}
