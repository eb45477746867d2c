/**
 * Time and chance, handed to whoever needs them. No other code of the project reads the clock, arms a timer or rolls
 * dice.
 */

/** Milliseconds that a timer holds at most, about 24 days; a longer wait takes several timers, or none. */
export const LONGEST_TIMER = 2 ** 31 - 1;

/** A handle that `Clock.clearTimeout` takes back. */
export type Timer = unknown;

export interface Clock {
  /** Wall time, milliseconds since 1970. May jump: never measure a duration with it. */
  now(): number;
  /** Milliseconds since some fixed point; never goes back. */
  monotonic(): number;
  /** Calls `fn` once after `ms` milliseconds. A pending timer does not keep the process alive. */
  setTimeout(fn: () => void, ms: number): Timer;
  clearTimeout(timer: Timer): void;
}

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** `length` unpredictable bytes. */
  bytes(length: number): Uint8Array;
}
