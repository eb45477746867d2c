import { Counter, Gauge, type Metric, type Registry } from "prom-client";
import type { Durations } from "./durations.ts";

export type Labels = Readonly<Record<string, string>>;
export type Sample = readonly [value: number, labels?: Labels];

interface Described {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
}

/** A counter whose numbers are kept elsewhere and read at each scrape. */
export function counter(
  registry: Registry,
  { name, help, labels = [] }: Described,
  read: () => Iterable<Sample>,
): void {
  new Counter({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
    collect() {
      this.reset();
      for (const [value, of = {}] of read()) this.inc(of, value);
    },
  });
}

/** A gauge that is read at each scrape. */
export function gauge(registry: Registry, { name, help, labels = [] }: Described, read: () => Iterable<Sample>): void {
  new Gauge({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
    collect() {
      this.reset();
      for (const [value, of = {}] of read()) this.set(of, value);
    },
  });
}

/** A histogram over `Durations`. prom-client's own can only be filled one observation at a time. */
export function histogram(registry: Registry, { name, help }: Described, durations: Durations): void {
  const get = async () => {
    let below = 0;
    const values = durations.counts.map((count, i) => {
      below += count;
      return { value: below, labels: { le: String(durations.bounds[i] ?? "+Inf") }, metricName: `${name}_bucket` };
    });
    return {
      name,
      help,
      type: "histogram",
      values: [
        ...values,
        { value: durations.sum, labels: {}, metricName: `${name}_sum` },
        { value: durations.count, labels: {}, metricName: `${name}_count` },
      ],
      aggregator: "sum",
    };
  };
  // The registry asks a metric for no more than its name and `get`.
  registry.registerMetric({ name, help, get } as unknown as Metric);
}
