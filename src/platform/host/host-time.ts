import { readFileSync } from "node:fs";

/**
 * Time that passes on a host, awake or asleep. The monotonic clock of Linux stands still while a host sleeps, and so do
 * the program's timers; wall clock and uptime go on. The wall clock is cheap to read, and may jump for other reasons: where
 * it moved against the monotonic one, the uptime tells for how long the host slept.
 */
export interface HostTimeSources {
  /** Wall time, ms. */
  readonly wall: () => number;
  /** Monotonic time while the host is awake, ms. */
  readonly awake: () => number;
  /** Time since the host was booted, asleep or not, ms; `undefined`: this system does not tell. */
  readonly uptime: () => number | undefined;
}

/** Shorter moves of the clocks against each other are no sleep, ms: the uptime is read to a hundredth of a second. */
const STEP = 1_000;

export class HostTime {
  readonly #sources: HostTimeSources;
  readonly #bootedAt: number | undefined;
  #ahead: number;
  #slept = 0;

  constructor(sources: HostTimeSources) {
    this.#sources = sources;
    const { wall, awake } = sources;
    this.#bootedAt = this.#booted();
    this.#ahead = wall() - awake();
  }

  /** Milliseconds since some fixed point; never goes back. */
  monotonic(): number {
    const { wall, awake } = this.#sources;
    const now = awake();
    const ahead = wall() - now;
    if (Math.abs(ahead - this.#ahead) >= STEP) {
      this.#ahead = ahead;
      const slept = (this.#booted() ?? 0) - (this.#bootedAt ?? 0);
      if (slept - this.#slept >= STEP) this.#slept = slept;
    }
    return now + this.#slept;
  }

  /** How far the uptime is ahead of the monotonic clock. */
  #booted(): number | undefined {
    const uptime = this.#sources.uptime();
    return uptime === undefined ? undefined : uptime - this.#sources.awake();
  }
}

/** Milliseconds since the host was booted, those included in which it slept: all processes of the host read the same. */
export function hostUptime(): number | undefined {
  try {
    const seconds = Number.parseFloat(readFileSync("/proc/uptime", "utf8"));
    return Number.isFinite(seconds) ? seconds * 1_000 : undefined;
  } catch {
    // Only Linux has it.
    return undefined;
  }
}
