import type { LinkName, LinkProfile } from "./config.ts";

/** Hellos without evidence of life until a node is late, and offline; on a link whose hellos are dear it takes fewer. */
export const LATE_AFTER = 2.5;
export const OFFLINE_AFTER = 6;

interface Usual extends Omit<LinkProfile, "name" | "late" | "offline"> {
  /** Hellos without evidence of life until a node is late, and offline. */
  readonly lateAfter: number;
  readonly offlineAfter: number;
}

/** The limits of each kind of link, before `hello` is set by hand. Satellite bytes cost money: hence few hellos and pings. */
export const LINK_PROFILES = {
  lan: {
    hello: 10_000,
    ping: 20_000,
    ackTimeout: 5_000,
    frameBytes: 256 * 1024,
    windowBytes: 4 * 1024 * 1024,
    framesInFlight: 8,
    compressFrom: null,
    lateAfter: LATE_AFTER,
    offlineAfter: OFFLINE_AFTER,
  },
  gsm: {
    hello: 60_000,
    ping: 120_000,
    ackTimeout: 30_000,
    frameBytes: 32 * 1024,
    windowBytes: 128 * 1024,
    framesInFlight: 4,
    compressFrom: 512,
    lateAfter: LATE_AFTER,
    offlineAfter: OFFLINE_AFTER,
  },
  satellite: {
    hello: 600_000,
    ping: 900_000,
    ackTimeout: 60_000,
    frameBytes: 32 * 1024,
    windowBytes: 128 * 1024,
    framesInFlight: 4,
    compressFrom: 128,
    lateAfter: 1.5,
    offlineAfter: 3,
  },
} as const satisfies Record<LinkName, Usual>;

const SHORTEST_PING = 1_000;

export function linkProfile(name: LinkProfile["name"], hello: number = LINK_PROFILES[name].hello): LinkProfile {
  const usual = LINK_PROFILES[name];
  // A shorter interval of hellos asks for a dead link to be noticed sooner as well.
  const ping = Math.min(usual.ping, Math.max(SHORTEST_PING, Math.round((usual.ping * hello) / usual.hello)));
  const { lateAfter, offlineAfter, ...rest } = usual;
  return { ...rest, name, hello, ping, late: Math.round(hello * lateAfter), offline: hello * offlineAfter };
}

/**
 * The profile for sending from one link to another: a frame crosses both, so the slower one sets size, window,
 * compression and the wait for the ACK. Hellos, pings and silence stay those of the own link.
 */
export function acrossBoth(own: LinkProfile, other: LinkName): LinkProfile {
  const theirs = LINK_PROFILES[other];
  const compressions = [own.compressFrom, theirs.compressFrom].filter((from) => from !== null);
  return {
    ...own,
    ackTimeout: Math.max(own.ackTimeout, theirs.ackTimeout),
    frameBytes: Math.min(own.frameBytes, theirs.frameBytes),
    windowBytes: Math.min(own.windowBytes, theirs.windowBytes),
    framesInFlight: Math.min(own.framesInFlight, theirs.framesInFlight),
    compressFrom: compressions.length === 0 ? null : Math.min(...compressions),
  };
}
