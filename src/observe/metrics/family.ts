import type { Metric, Registry } from "prom-client";
import type { Durations } from "./durations.ts";

export type Labels = Readonly<Record<string, string>>;
/** One series: its labels must be those of no other series of the family. */
export type Sample = readonly [value: number, labels?: Labels];
/** A number alone is a family of one series without labels. */
export type Samples = number | Iterable<Sample>;

interface Value {
  readonly value: number;
  readonly labels: Labels;
  readonly metricName?: string;
}

/** Families of metrics whose numbers are kept elsewhere and read at each scrape. */
export class Families {
  readonly #registry: Registry;

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  counter(name: string, help: string, read: () => Samples): void {
    this.#register("counter", name, help, () => valuesOf(read()));
  }

  gauge(name: string, help: string, read: () => Samples | Promise<Samples>): void {
    this.#register("gauge", name, help, async () => valuesOf(await read()));
  }

  histogram(name: string, help: string, durations: Durations): void {
    this.#register("histogram", name, help, () => {
      let below = 0;
      const buckets = durations.counts.map((count, i) => {
        below += count;
        return { value: below, labels: { le: String(durations.bounds[i] ?? "+Inf") }, metricName: `${name}_bucket` };
      });
      return [
        ...buckets,
        { value: durations.sum, labels: {}, metricName: `${name}_sum` },
        { value: durations.count, labels: {}, metricName: `${name}_count` },
      ];
    });
  }

  #register(type: string, name: string, help: string, read: () => readonly Value[] | Promise<readonly Value[]>): void {
    const get = async () => ({ name, help, type, values: await read(), aggregator: "sum" });
    // The registry asks a metric for no more than its name and `get`.
    this.#registry.registerMetric({ name, help, get } as unknown as Metric);
  }
}

function valuesOf(samples: Samples): Value[] {
  if (typeof samples === "number") return [{ value: samples, labels: {} }];
  return Array.from(samples, ([value, labels = {}]) => ({ value, labels }));
}
