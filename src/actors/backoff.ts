import type { Random } from "../message/clock.ts";

/** The waits between tries. Times in milliseconds. */
export interface Backoff {
  /** Before the first retry. */
  readonly min: number;
  /** Never longer than this, jitter included. */
  readonly max: number;
  /** Each retry waits that many times longer than the one before; at least 1. */
  readonly factor: number;
  /** The share of the delay that is left to chance, 0 to 1: 0 none, 0.2 the last fifth, 1 all of it ("full jitter"). */
  readonly jitter: number;
  /** After running that long without a failure the count of retries begins anew. */
  readonly resetAfter: number;
}

/**
 * The delay before retry number `attempt`, counted from 0. Jitter only shortens: the result lies in
 * `[base × (1 − jitter), base]`, so that `max` is a promise.
 */
export function backoffDelay(backoff: Omit<Backoff, "resetAfter">, attempt: number, random: Random): number {
  // 0 × Infinity is not a number, and factor ** attempt does become Infinity.
  const base = backoff.min === 0 ? 0 : Math.min(backoff.max, backoff.min * backoff.factor ** attempt);
  return Math.round(base * (1 - backoff.jitter * random.next()));
}
