import type { Clock } from "../../message/clock.ts";
import type { LaneReading, ProcessReading, Readings } from "../../observe/metrics/readings.ts";
import type { ProcessView } from "../operate/operations.ts";
import type { Core } from "./core.ts";
import type { Processes } from "./processes.ts";

/** What the metrics read of the running daemon at each scrape. */
export function readingsOf(core: () => Core, processes: () => Processes, clock: Clock): Readings {
  return {
    nodes: () => {
      const { fleet, journal } = core();
      return [...fleet.names()].map((name) => ({
        name,
        link: fleet.link(name),
        commands: journal.outbox.openCount(name),
      }));
    },
    lanes: () => lanes(core(), clock.now()),
    journal: () => core().journalHealth(),
    link: () => core().link.health().state,
    processes: () =>
      processes()
        .views()
        .map((view) => withWait(view, clock.now())),
    deadLetters: () => core().journal.inbox.dead().length,
  };
}

function withWait(view: ProcessView, now: number): ProcessReading {
  return view.waitsSince === undefined ? view : { ...view, waitsFor: Math.max(0, now - view.waitsSince) };
}

function* lanes(core: Core, now: number): Iterable<LaneReading> {
  for (const lane of core.publishers.lanes()) {
    const age = (since: number): number => Math.max(0, now - since);
    yield {
      ...lane,
      oldest: lane.oldest === null ? null : age(lane.oldest),
      ...(lane.stuck === undefined ? {} : { stuckFor: age(lane.stuck.since) }),
    };
  }
}
