import type { ByKind, Counters, NodeTraffic } from "./counters.ts";
import type { Families, Sample } from "./family.ts";

/** The numbers of `Counters`, under the names that Prometheus sees. */
export function counterFamilies(families: Families, counters: Counters): void {
  const kinds = (of: ByKind): Sample[] => [
    [of.command, { kind: "command" }],
    [of.event, { kind: "event" }],
  ];
  const reasons = (of: ReadonlyMap<string, number>): Sample[] => [...of].map(([reason, count]) => [count, { reason }]);
  const count = (name: string, help: string, read: () => number | Sample[]): void => families.counter(name, help, read);
  const traffic = (name: string, help: string, read: (node: NodeTraffic) => number): void =>
    count(name, help, () => [...counters.nodes].map(([node, numbers]) => [read(numbers), { node }]));

  count("steward_messages_submitted_total", "Messages durable here as their origin.", () => kinds(counters.submitted));
  count("steward_messages_accepted_total", "Messages durable here as their receiver.", () => kinds(counters.accepted));
  count("steward_messages_resent_total", "Messages sent again.", () => counters.resent);
  count("steward_messages_duplicate_total", "Messages that came again and were not run.", () => counters.duplicates);
  count("steward_messages_dead_lettered_total", "Messages that became dead letters.", () => counters.deadLetters);
  count(
    "steward_log_lines_divided_total",
    "Lines of logs that were too long, and go in marked parts.",
    () => counters.linesDivided,
  );
  count(
    "steward_audit_failures_total",
    "Times that the files of the audit could not be written.",
    () => counters.auditFailures,
  );
  count("steward_outcomes_total", "Commands that ended, by final state.", () =>
    Object.entries(counters.outcomes).map(([state, ended]) => [ended, { state }]),
  );
  count("steward_refused_total", "What was turned away, by reason.", () => reasons(counters.refused));
  count("steward_dropped_total", "What could not be kept, by reason.", () => reasons(counters.dropped));

  traffic("steward_frames_sent_total", "Frames to a node.", (node) => node.framesOut);
  traffic("steward_frames_received_total", "Frames from a node.", (node) => node.framesIn);
  traffic("steward_sent_bytes_total", "Bytes to a node.", (node) => node.bytesOut);
  traffic("steward_received_bytes_total", "Bytes from a node.", (node) => node.bytesIn);

  families.histogram("steward_command_run_seconds", "Time that commands ran.", counters.runSeconds);
  families.histogram("steward_frame_ack_seconds", "Time from sending a frame to its ACK.", counters.ackSeconds);
  families.histogram("steward_journal_commit_seconds", "Time of a durable group commit.", counters.commitSeconds);
}
