import { Registry } from "prom-client";
import type { Clock } from "../../message/clock.ts";
import { counterFamilies } from "./counter-families.ts";
import type { Counters } from "./counters.ts";
import { Families } from "./family.ts";
import { LoopDelayWatch, processFamilies } from "./process-families.ts";
import type { Readings } from "./readings.ts";
import { stateFamilies } from "./state-families.ts";

export interface Metrics {
  readonly contentType: string;
  /** The text exposition, read now. */
  text(): Promise<string>;
  stop(): void;
}

/** All metrics of one daemon, in a registry of its own; numbers are only read when somebody scrapes. */
export function openMetrics(counters: Counters, readings: Readings, version: string, clock: Clock): Metrics {
  const registry = new Registry();
  const loopDelay = new LoopDelayWatch(clock);
  const families = new Families(registry);
  counterFamilies(families, counters);
  stateFamilies(families, readings);
  processFamilies(families, loopDelay, version);
  return { contentType: registry.contentType, text: () => registry.metrics(), stop: () => loopDelay.stop() };
}
