import type { LinkProfile } from "./config.ts";

/** What each kind of link allows, before `hello` is set by hand. Satellite bytes cost money: hence few hellos and pings. */
export const LINK_PROFILES = {
  lan: {
    hello: 10_000,
    ping: 20_000,
    ackTimeout: 5_000,
    frameBytes: 256 * 1024,
    windowBytes: 4 * 1024 * 1024,
    framesInFlight: 8,
    compressFrom: null,
  },
  gsm: {
    hello: 60_000,
    ping: 120_000,
    ackTimeout: 30_000,
    frameBytes: 32 * 1024,
    windowBytes: 128 * 1024,
    framesInFlight: 4,
    compressFrom: 512,
  },
  satellite: {
    hello: 300_000,
    ping: 300_000,
    ackTimeout: 60_000,
    frameBytes: 32 * 1024,
    windowBytes: 128 * 1024,
    framesInFlight: 4,
    compressFrom: 512,
  },
} as const satisfies Record<LinkProfile["name"], Omit<LinkProfile, "name" | "late" | "offline">>;

/** Hellos without evidence of life until a node is late, and offline. */
export const LATE_AFTER = 2.5;
export const OFFLINE_AFTER = 6;

const SHORTEST_PING = 1_000;

export function linkProfile(name: LinkProfile["name"], hello: number = LINK_PROFILES[name].hello): LinkProfile {
  const usual = LINK_PROFILES[name];
  // Who wants to hear of nodes sooner wants to hear of a dead link sooner as well.
  const ping = Math.min(usual.ping, Math.max(SHORTEST_PING, Math.round((usual.ping * hello) / usual.hello)));
  return { ...usual, name, hello, ping, late: Math.round(hello * LATE_AFTER), offline: hello * OFFLINE_AFTER };
}
