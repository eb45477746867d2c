import { Registry } from "prom-client";
import { counterFamilies } from "./counter-families.ts";
import type { Counters } from "./counters.ts";
import { type ProcessHealth, processFamilies, watchProcess } from "./process-families.ts";
import type { Readings } from "./readings.ts";
import { stateFamilies } from "./state-families.ts";

export interface Metrics {
  readonly contentType: string;
  /** The text exposition, read now. */
  text(): Promise<string>;
  stop(): void;
}

/** All metrics of one daemon, in a registry of its own; numbers are only read when somebody scrapes. */
export function openMetrics(counters: Counters, readings: Readings, version: string): Metrics {
  const registry = new Registry();
  const health: ProcessHealth = watchProcess();
  counterFamilies(registry, counters);
  stateFamilies(registry, readings);
  processFamilies(registry, health, version);
  return { contentType: registry.contentType, text: () => registry.metrics(), stop: () => health.stop() };
}
