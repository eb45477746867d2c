import type { OutLane, OutRecord } from "../../../journal/records.ts";
import type { Messages } from "../messages.ts";
import type { OperateOptions } from "../rooms.ts";
import type { QueueView } from "../table/maintenance.ts";
import type { NodeDetail } from "../table/nodes.ts";

/** Lanes that do not wait for the others: those of cancels, and of questions about processes. */
const URGENT = /\.command\.(cancel|process)\./;
const LIMIT = 100;
const ANY = { bytes: Number.POSITIVE_INFINITY, sizeOf: () => 0 };

/**
 * The messages that wait for a node. Urgent lanes go first, for they are not held to the window of the link; the others
 * share it, and the oldest message is expected first.
 */
export function queueOf(
  { name: node, link }: NodeDetail,
  { core, clock }: Pick<OperateOptions, "core" | "clock">,
  messages: Pick<Messages, "viewOn" | "list">,
  limit = LIMIT,
): QueueView {
  const { journal, publishers } = core();
  const { outbox } = journal;
  const lanes = outbox.lanesTo(node);
  const open = lanes
    .flatMap((lane) =>
      outbox
        .take(lane.subject, lane.acked + 1, { ...ANY, count: limit })
        .filter(({ skip, outcome }) => skip === undefined && outcome === undefined)
        .map((record) => ({ lane, record })),
    )
    .sort(inOrder);
  const held = messages
    .list({ node, state: "held", direction: "out", limit })
    .filter(({ id }) => outbox.find(id) === undefined);
  const rate = publishers.rate(node);
  const asOf = clock.now();
  let bytes = 0;
  const sent = open.slice(0, limit).map(({ lane, record }) => {
    bytes += record.bytes;
    const { id, subject, state, createdAt, deliverBy, reason, summary, urgent } = messages.viewOn(lane, record);
    const goes = rate !== undefined && rate > 0 && state !== "held" && (link === "online" || link === "late");
    return {
      ...{ id, subject, state, createdAt, deliverBy, summary, bytes: record.bytes },
      expectedAt: goes ? Math.round(asOf + (bytes * 1_000) / rate) : null,
      ...(reason === undefined ? {} : { reason }),
      ...(urgent === undefined ? {} : { urgent }),
    };
  });
  const later = held
    .slice(0, limit - sent.length)
    .map(({ id, subject, state, createdAt, deliverBy, reason, summary, urgent }) => ({
      ...{ id, subject, state, createdAt, deliverBy, summary, bytes: 0, expectedAt: null },
      ...(reason === undefined ? {} : { reason }),
      ...(urgent === undefined ? {} : { urgent }),
    }));
  return {
    node,
    asOf,
    link,
    ...(rate === undefined ? {} : { rate: Math.round(rate) }),
    waiting: lanes.reduce((sum, { subject }) => sum + outbox.waiting(subject).count, 0) + held.length,
    bytes,
    messages: [...sent, ...later],
  };
}

interface Waiting {
  readonly lane: OutLane;
  readonly record: OutRecord;
}

function inOrder(a: Waiting, b: Waiting): number {
  const first = rank(a) - rank(b);
  if (first !== 0) return first;
  if (a.lane === b.lane) return a.record.seq - b.record.seq;
  return a.record.message.id < b.record.message.id ? -1 : 1;
}

/** Messages that were sent, and those of urgent lanes, go before all others. */
function rank({ lane, record }: Waiting): number {
  if (URGENT.test(lane.subject) || record.seq <= lane.sent) return 0;
  return record.message.urgent === true ? 1 : 2;
}
