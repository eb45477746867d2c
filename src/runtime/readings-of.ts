import type { Core } from "./core.ts";
import type { Readings } from "./observe/readings.ts";
import type { Processes } from "./processes.ts";

/** What the metrics read of the running daemon at each scrape. */
export function readingsOf(core: () => Core, processes: () => Processes): Readings {
  return {
    nodes: () => [...core().fleet.names()].map((name) => ({ name, link: core().fleet.link(name) })),
    lanes: () => core().publishers.lanes(),
    journal: () => core().journalHealth(),
    link: () => core().brokerHealth().state,
    processes: () => processes().views(),
    deadLetters: () => core().journal.inbox.dead().length,
  };
}
