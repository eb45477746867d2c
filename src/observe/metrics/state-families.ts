import { BOUNDS, OTHER } from "./counters.ts";
import type { Families, Labels, Sample, Samples } from "./family.ts";
import type { LaneReading, ProcessReading, Readings } from "./readings.ts";

const LINKS = ["neverSeen", "online", "late", "offline"] as const;
const JOURNAL = ["ok", "low", "full", "failed"] as const;
const PROCESSES = ["starting", "idle", "working", "backingOff", "blocked", "paused", "quarantined", "stopped"] as const;

/** Subjects that have series of their own, the fullest first; the rest share one. */
const SUBJECTS = 1_000;

/** The state of the daemon, read at a scrape. */
export function stateFamilies(families: Families, readings: Readings): void {
  const gauge = (name: string, help: string, read: () => Samples): void => families.gauge(name, help, read);
  gauge("steward_node_link", "1 for the state that a node's link is in.", () => nodeLinks(readings));
  gauge("steward_node_held", "1 while delivery to a node is held for maintenance.", () =>
    [...readings.nodes()]
      .filter(({ held }) => held === true)
      .slice(0, BOUNDS.nodes)
      .map(({ name }): Sample => [1, { node: name }]),
  );
  gauge("steward_nodes", "Known nodes by the state of their link.", () => {
    const nodes = [...readings.nodes()];
    return LINKS.map((link): Sample => [nodes.filter((node) => node.link === link).length, { link }]);
  });
  gauge(
    "steward_commands_open",
    "Commands that a node has and that have no outcome; unknown: on nodes that are offline.",
    () => openCommands(readings),
  );

  const lanes = (name: string, help: string, read: (lane: LaneReading) => number, combine?: typeof Math.max): void =>
    gauge(name, help, () => perSubject(readings.lanes(), read, combine));
  lanes("steward_lane_waiting_messages", "Messages that a lane owes.", (lane) => lane.waiting);
  lanes("steward_lane_in_flight_messages", "Messages on the wire without ACK.", (lane) => lane.inFlight);
  lanes(
    "steward_lane_oldest_unacknowledged_seconds",
    "Age of a lane's oldest message without ACK.",
    (lane) => (lane.oldest ?? 0) / 1_000,
    Math.max,
  );
  lanes(
    "steward_lane_stuck_seconds",
    "How long a lane has been standing still though its node is there; 0: it does not.",
    (lane) => (lane.stuckFor ?? 0) / 1_000,
    Math.max,
  );
  gauge("steward_oldest_unacknowledged_seconds", "Age of the oldest message without ACK, of all lanes.", () => {
    let oldest = 0;
    for (const lane of readings.lanes()) oldest = Math.max(oldest, lane.oldest ?? 0);
    return oldest / 1_000;
  });

  gauge("steward_dead_letters", "Dead letters that are kept.", () => readings.deadLetters());
  gauge("steward_broker_connected", "1 while there is a connection to the broker.", () =>
    readings.link() === "connected" ? 1 : 0,
  );
  gauge("steward_journal_bytes", "Bytes that the journal holds.", () => readings.journal().bytes);
  gauge("steward_journal_limit_bytes", "Bytes that the journal may hold.", () => readings.journal().limit);
  gauge("steward_journal_state", "1 for the state that the journal is in.", () =>
    oneHot(JOURNAL, readings.journal().state, "state", {}),
  );

  gauge("steward_processes", "Processes by role and state.", () => processCounts(readings.processes()));
  gauge(
    "steward_process_waiting_seconds",
    "How long a process cannot work for a fault of its surroundings; absent: it can.",
    () =>
      [...readings.processes()].flatMap(({ subject, role, waitsFor }): Sample[] =>
        waitsFor === undefined ? [] : [[waitsFor / 1_000, { subject, role }]],
      ),
  );
  families.counter("steward_process_restarts_total", "Restarts of a process since the daemon started.", () =>
    restarts(readings.processes()),
  );
}

function openCommands(readings: Readings): Sample[] {
  const counts = { known: 0, unknown: 0 };
  for (const { link, commands } of readings.nodes()) counts[link === "offline" ? "unknown" : "known"] += commands;
  return Object.entries(counts).map(([state, count]) => [count, { state }]);
}

function oneHot(states: readonly string[], present: string, label: string, labels: Labels): Sample[] {
  return states.map((state) => [state === present ? 1 : 0, { ...labels, [label]: state }]);
}

function* nodeLinks(readings: Readings): Iterable<Sample> {
  let shown = 0;
  for (const { name, link } of readings.nodes()) {
    if (shown++ >= BOUNDS.nodes) return;
    yield* oneHot(LINKS, link, "link", { node: name });
  }
}

/** One sample a subject: lanes of one subject are combined, and so are the subjects beyond the bound. */
function perSubject(
  lanes: Iterable<LaneReading>,
  read: (lane: LaneReading) => number,
  combine = (a: number, b: number) => a + b,
): Sample[] {
  const bySubject = new Map<string, number>();
  for (const lane of lanes) {
    const known = bySubject.get(lane.subject);
    bySubject.set(lane.subject, known === undefined ? read(lane) : combine(known, read(lane)));
  }
  return capped([...bySubject]).map(([subject, value]) => [value, { subject }]);

  function capped(all: [string, number][]): [string, number][] {
    if (all.length <= SUBJECTS) return all;
    all.sort((a, b) => b[1] - a[1]);
    const rest = all.slice(SUBJECTS).reduce((sum, [, value]) => combine(sum, value), 0);
    return [...all.slice(0, SUBJECTS), [OTHER, rest]];
  }
}

function processCounts(processes: Iterable<ProcessReading>): Sample[] {
  const counts = new Map<string, Map<string, number>>();
  for (const { role, state } of processes) {
    const states = counts.get(role) ?? new Map<string, number>(PROCESSES.map((name) => [name, 0]));
    states.set(state, (states.get(state) ?? 0) + 1);
    counts.set(role, states);
  }
  return [...counts].flatMap(([role, states]) => [...states].map(([state, count]): Sample => [count, { role, state }]));
}

function restarts(processes: Iterable<ProcessReading>): Sample[] {
  const samples: Sample[] = [];
  let rest = 0;
  for (const { subject, role, restarts: count } of processes) {
    if (samples.length < SUBJECTS) samples.push([count, { subject, role }]);
    else rest += count;
  }
  if (rest > 0) samples.push([rest, { subject: OTHER, role: OTHER }]);
  return samples;
}
