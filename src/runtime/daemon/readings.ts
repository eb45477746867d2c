import type { Clock } from "../../message/clock.ts";
import type { LaneReading, ProcessReading, Readings } from "../../observe/metrics/readings.ts";
import type { ProcessView } from "../operate/table/processes.ts";
import type { Processes } from "./processes/processes.ts";
import type { Road } from "./road.ts";

/** The readings that the metrics take from the running daemon at each scrape. */
export function readingsOf(road: () => Road, processes: () => Processes, clock: Clock): Readings {
  return {
    nodes: () => {
      const { fleet, journal, maintenance } = road();
      return [...fleet.names()].map((name) => ({
        name,
        link: fleet.link(name),
        commands: journal.outbox.openCount(name),
        held: maintenance.of(name) !== undefined,
      }));
    },
    lanes: () => lanes(road(), clock.now()),
    journal: () => road().storage.health(),
    link: () => road().link.health().state,
    processes: () =>
      processes()
        .views()
        .map((view) => withWait(view, clock.now())),
    deadLetters: () => road().journal.deadLetters.count,
  };
}

function withWait(view: ProcessView, now: number): ProcessReading {
  return view.waitsSince === undefined ? view : { ...view, waitsFor: Math.max(0, now - view.waitsSince) };
}

function* lanes(road: Road, now: number): Iterable<LaneReading> {
  for (const lane of road.publishers.lanes()) {
    const age = (since: number): number => Math.max(0, now - since);
    yield {
      ...lane,
      oldest: lane.oldestCreatedAt === null ? null : age(lane.oldestCreatedAt),
      ...(lane.stuck === undefined ? {} : { stuckFor: age(lane.stuck.since) }),
    };
  }
}
