import { readdir } from "node:fs/promises";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Clock, Timer } from "../../message/clock.ts";
import type { Families } from "./family.ts";

/** Delay of the event loop between two scrapes, seconds. */
export interface LoopDelay {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** How often the event loop's delay is sampled, ms; it is part of what is measured and taken off again. */
const RESOLUTION = 20;
/** A scrape later than this after the last one finds the sampling stopped, ms. */
const UNWATCHED = 10 * 60_000;

/**
 * Samples the delay of the event loop from one scrape to the next: idle ⇄ sampling. The sampling wakes the processor fifty
 * times a second, so it begins with the first scrape and ends when no scrape has come for a while.
 */
export class LoopDelayWatch {
  readonly #clock: Clock;
  readonly #delay = monitorEventLoopDelay({ resolution: RESOLUTION });
  #timer: Timer | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `undefined`: nothing was sampled since the last call; sampling has begun now. */
  take(): LoopDelay | undefined {
    const delay = this.#delay;
    const seconds = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - RESOLUTION / 1e3);
    const delays = { p50: seconds(delay.percentile(50)), p99: seconds(delay.percentile(99)), max: seconds(delay.max) };
    const isFirst = delay.enable();
    delay.reset();
    this.#clock.clearTimeout(this.#timer);
    this.#timer = this.#clock.setTimeout(() => this.stop(), UNWATCHED);
    return isFirst ? undefined : delays;
  }

  stop(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#delay.disable();
  }
}

/** The process itself, under the names that every Prometheus dashboard knows. */
export function processFamilies(families: Families, loopDelay: LoopDelayWatch, version: string): void {
  families.gauge("steward_build_info", "Always 1; the version is a label.", () => [
    [1, { version, node_version: process.version }],
  ]);
  families.gauge(
    "steward_event_loop_lag_seconds",
    "Delay of the event loop since the last scrape; absent at the first one.",
    () => {
      const delays = loopDelay.take();
      if (delays === undefined) return [];
      const { p50, p99, max } = delays;
      return [
        [p50, { quantile: "0.5" }],
        [p99, { quantile: "0.99" }],
        [max, { quantile: "1" }],
      ];
    },
  );
  families.counter("process_cpu_seconds_total", "User and system CPU time.", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  families.gauge("process_resident_memory_bytes", "Resident memory.", () => process.memoryUsage.rss());
  families.gauge("nodejs_heap_size_used_bytes", "Heap in use.", () => process.memoryUsage().heapUsed);
  families.gauge("process_uptime_seconds", "Time since the process started.", () => process.uptime());
  families.gauge("process_open_fds", "Open file descriptors, where the system tells.", async () => {
    const open = await readdir("/proc/self/fd").catch(() => undefined);
    return open === undefined ? [] : open.length - 1;
  });
}
