import type { Clock } from "../../message/clock.ts";

/**
 * Failed logins by address. The first ones are free; after each further one its address has to wait twice as long as before.
 * Addresses that are quiet are forgotten; the number of addresses is bounded, and the one that is quiet longest goes first.
 */
export const LOGIN_LIMITS = { free: 5, firstWait: 1_000, longestWait: 5 * 60_000, forgotten: 15 * 60_000 } as const;
const MOST_ADDRESSES = 1_000;

interface Failures {
  count: number;
  at: number;
  until: number;
}

export class FailedLogins {
  readonly #clock: Clock;
  readonly #by = new Map<string, Failures>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds that an address has to wait before its next login is looked at. */
  waitOf(address: string): number {
    const known = this.#by.get(groupOf(address));
    return known === undefined ? 0 : Math.max(0, known.until - this.#clock.monotonic());
  }

  /** Notes a failure; returns how long the address has to wait now, ms. */
  failed(address: string): number {
    const group = groupOf(address);
    const now = this.#clock.monotonic();
    const known = this.#by.get(group);
    const count = known === undefined || known.at + LOGIN_LIMITS.forgotten <= now ? 1 : known.count + 1;
    const beyond = count - LOGIN_LIMITS.free;
    const wait =
      beyond <= 0 ? 0 : Math.min(LOGIN_LIMITS.longestWait, LOGIN_LIMITS.firstWait * 2 ** Math.min(30, beyond - 1));
    // The map keeps the order of the last failures.
    this.#by.delete(group);
    const [quietest] = this.#by.keys();
    if (this.#by.size >= MOST_ADDRESSES && quietest !== undefined) this.#by.delete(quietest);
    this.#by.set(group, { count, at: now, until: now + wait });
    return wait;
  }
}

/** One host has a whole /64 of IPv6 addresses. */
function groupOf(address: string): string {
  if (!address.includes(":") || address.includes(".")) return address;
  const [head = "", tail] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const gap = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  return [...left, ...Array<string>(gap).fill("0"), ...right].slice(0, 4).join(":");
}
