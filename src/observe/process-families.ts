import { readdir } from "node:fs/promises";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Gauge, type Registry } from "prom-client";
import { counter, gauge } from "./family.ts";

/** What is measured of this process all the time. */
export interface ProcessHealth {
  /** Delay of the event loop since the last call, seconds; the next call starts anew. */
  takeLoopDelay(): { readonly p50: number; readonly p99: number; readonly max: number };
  stop(): void;
}

/** How often the event loop's delay is sampled, ms; it is part of what is measured and taken off again. */
const RESOLUTION = 20;

export function watchProcess(): ProcessHealth {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
  delay.enable();
  const seconds = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e9 - RESOLUTION / 1e3);
  return {
    takeLoopDelay: () => {
      const taken = { p50: seconds(delay.percentile(50)), p99: seconds(delay.percentile(99)), max: seconds(delay.max) };
      delay.reset();
      return taken;
    },
    stop: () => {
      delay.disable();
    },
  };
}

/** The process itself, under the names that every Prometheus dashboard knows. */
export function processFamilies(registry: Registry, health: ProcessHealth, version: string): void {
  gauge(
    registry,
    { name: "steward_build_info", help: "Always 1; the version is a label.", labels: ["version", "node_version"] },
    () => [[1, { version, node_version: process.version }]],
  );
  gauge(
    registry,
    {
      name: "steward_event_loop_lag_seconds",
      help: "Delay of the event loop since the last scrape.",
      labels: ["quantile"],
    },
    () => {
      const { p50, p99, max } = health.takeLoopDelay();
      return [
        [p50, { quantile: "0.5" }],
        [p99, { quantile: "0.99" }],
        [max, { quantile: "1" }],
      ];
    },
  );
  counter(registry, { name: "process_cpu_seconds_total", help: "User and system CPU time." }, () => {
    const { user, system } = process.cpuUsage();
    return [[(user + system) / 1e6]];
  });
  gauge(registry, { name: "process_resident_memory_bytes", help: "Resident memory." }, () => [
    [process.memoryUsage.rss()],
  ]);
  gauge(registry, { name: "nodejs_heap_size_used_bytes", help: "Heap in use." }, () => [
    [process.memoryUsage().heapUsed],
  ]);
  gauge(registry, { name: "process_uptime_seconds", help: "Time since the process started." }, () => [
    [process.uptime()],
  ]);
  new Gauge({
    name: "process_open_fds",
    help: "Open file descriptors, where the system tells.",
    registers: [registry],
    async collect() {
      const open = await readdir("/proc/self/fd").catch(() => undefined);
      if (open === undefined) this.reset();
      else this.set(open.length - 1);
    },
  });
}
