import { randomFillSync } from "node:crypto";
import type { Clock, Random } from "../message/clock.ts";
import { HostTime, hostUptime } from "./host/host-time.ts";

const hostTime = new HostTime({ wall: Date.now, awake: () => performance.now(), uptime: hostUptime });

/** The real time and the real dice; the only file that touches them. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => hostTime.monotonic(),
  setTimeout: (fn, ms) => {
    const timer = setTimeout(fn, ms);
    timer.unref();
    return timer;
  },
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

/** Random bytes are drawn in advance: a few at a time cost much more each. */
const pool = new Uint8Array(8192);
let drawn = pool.length;

export const systemRandom: Random = {
  next: () => Math.random(),
  bytes(length) {
    if (drawn + length > pool.length) {
      randomFillSync(pool);
      drawn = 0;
    }
    drawn += length;
    return pool.slice(drawn - length, drawn);
  },
};
