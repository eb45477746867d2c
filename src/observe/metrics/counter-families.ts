import type { Registry } from "prom-client";
import type { ByKind, Counters, NodeTraffic } from "./counters.ts";
import { counter, histogram, type Sample } from "./family.ts";

/** What `Counters` counts, under the names that Prometheus sees. */
export function counterFamilies(registry: Registry, counters: Counters): void {
  const kinds = (of: ByKind): Sample[] => [
    [of.command, { kind: "command" }],
    [of.event, { kind: "event" }],
  ];
  const traffic = (read: (node: NodeTraffic) => number): Sample[] =>
    [...counters.nodes].map(([node, numbers]) => [read(numbers), { node }]);
  const reasons = (of: ReadonlyMap<string, number>): Sample[] => [...of].map(([reason, count]) => [count, { reason }]);

  counter(
    registry,
    { name: "steward_messages_submitted_total", help: "Messages durable here as their origin.", labels: ["kind"] },
    () => kinds(counters.submitted),
  );
  counter(
    registry,
    { name: "steward_messages_accepted_total", help: "Messages durable here as their receiver.", labels: ["kind"] },
    () => kinds(counters.accepted),
  );
  counter(registry, { name: "steward_messages_resent_total", help: "Messages sent again." }, () => [[counters.resent]]);
  counter(
    registry,
    { name: "steward_messages_duplicate_total", help: "Messages that came again and were not run." },
    () => [[counters.duplicates]],
  );
  counter(
    registry,
    { name: "steward_messages_dead_lettered_total", help: "Messages that became dead letters." },
    () => [[counters.deadLetters]],
  );
  counter(
    registry,
    { name: "steward_log_lines_divided_total", help: "Lines of logs that were too long, and go in marked parts." },
    () => [[counters.linesDivided]],
  );
  counter(
    registry,
    { name: "steward_outcomes_total", help: "Commands that ended, by final state.", labels: ["state"] },
    () => Object.entries(counters.outcomes).map(([state, count]) => [count, { state }]),
  );
  counter(
    registry,
    { name: "steward_refused_total", help: "What was turned away, by reason.", labels: ["reason"] },
    () => reasons(counters.refused),
  );
  counter(
    registry,
    { name: "steward_dropped_total", help: "What could not be kept, by reason.", labels: ["reason"] },
    () => reasons(counters.dropped),
  );

  counter(registry, { name: "steward_frames_sent_total", help: "Frames to a node.", labels: ["node"] }, () =>
    traffic((n) => n.framesOut),
  );
  counter(registry, { name: "steward_frames_received_total", help: "Frames from a node.", labels: ["node"] }, () =>
    traffic((n) => n.framesIn),
  );
  counter(registry, { name: "steward_sent_bytes_total", help: "Bytes to a node.", labels: ["node"] }, () =>
    traffic((n) => n.bytesOut),
  );
  counter(registry, { name: "steward_received_bytes_total", help: "Bytes from a node.", labels: ["node"] }, () =>
    traffic((n) => n.bytesIn),
  );

  histogram(registry, { name: "steward_command_run_seconds", help: "Time that commands ran." }, counters.runSeconds);
  histogram(
    registry,
    { name: "steward_frame_ack_seconds", help: "Time from sending a frame to its ACK." },
    counters.ackSeconds,
  );
  histogram(
    registry,
    { name: "steward_journal_commit_seconds", help: "Time of a durable group commit." },
    counters.commitSeconds,
  );
}
