import type { Disk } from "../../../platform/host/host-facts.ts";

/** Numbers that move all the time, told in steps: a step is taken when the number has gone clearly beyond it. */

/** The share of a disk in use, percent, in steps of 5, near the end of 1. `told`: as it was told last. */
export function fullness({ used, free }: Pick<Disk, "used" | "free">, told: number | undefined): number {
  const exact = used + free === 0 ? 0 : (100 * used) / (used + free);
  if (told !== undefined && isStill(exact, told)) return told;
  return Math.floor(exact >= NEARLY_FULL ? exact : Math.floor(exact / STEP) * STEP);
}

function isStill(exact: number, told: number): boolean {
  if (told >= NEARLY_FULL) return Math.abs(exact - told) <= 2;
  return exact >= told - 1 && exact < told + STEP + 1 && exact < NEARLY_FULL;
}

const STEP = 5;
/** From here on each percent counts, or an alarm would come late. */
const NEARLY_FULL = 95;

/** When the host was booted, ms; a clock that was set moves it, and that alone is no new boot. */
export function bootTime(now: number, uptime: number, told: number | undefined): number {
  const exact = now - uptime;
  return told !== undefined && Math.abs(exact - told) < MINUTE ? told : Math.floor(exact / 1000) * 1000;
}

const MINUTE = 60_000;
