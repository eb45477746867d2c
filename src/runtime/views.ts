import { isFinal, type State } from "../message/lifecycle.ts";
import { kindOf, receiverOf } from "../message/subject.ts";
import type { Outbox } from "./journal/outbox.ts";
import type { DeadRecord, DoneRecord, InRecord, OutLane, OutRecord } from "./journal/records.ts";
import type { DeadLetter, LinkState, MessageDetail, MessageView } from "./operations.ts";
import { summarise } from "./summary.ts";

/** How records of the journal are shown. */
export interface Sight {
  readonly outbox: Outbox;
  readonly link: (node: string) => LinkState;
  /** Why nothing moves on a lane; `undefined` when it does. */
  readonly blocked: (subject: string) => string | undefined;
}

export function viewOut(lane: OutLane, record: OutRecord, sight: Sight): MessageView {
  const { message } = record;
  const kind = kindOf(message.subject);
  const state = shownState(lane, record, sight);
  const life = sight.outbox.history(lane, record);
  const last = life.history.findLast((assertion) => assertion.state === state) ?? life.history.at(-1);
  const reason = record.outcome?.reason ?? waitingReason(state, message.subject, sight);
  return {
    id: message.id,
    subject: message.subject,
    origin: message.origin,
    direction: "out",
    state,
    final: isFinal(kind, state),
    since: last?.at ?? message.createdAt,
    createdAt: message.createdAt,
    deliverBy: message.deliverBy,
    attempts: record.attempts,
    summary: summarise(message.data),
    ...(reason === undefined ? {} : { reason }),
    ...(record.outcome?.code === undefined ? {} : { code: record.outcome.code }),
    ...(record.cancelRequestedAt === undefined ? {} : { cancelRequestedAt: record.cancelRequestedAt }),
  };
}

export function detailOut(lane: OutLane, record: OutRecord, sight: Sight): MessageDetail {
  const { message, outcome } = record;
  const { history, conflict } = sight.outbox.history(lane, record);
  return {
    ...viewOut(lane, record, sight),
    data: message.data,
    timeout: message.timeout,
    history,
    output: sight.outbox.output(message.id),
    ...(message.inReplyTo === undefined ? {} : { inReplyTo: message.inReplyTo }),
    ...(outcome === undefined ? {} : { outcome }),
    ...(conflict === undefined ? {} : { conflict }),
  };
}

export function viewIn(record: InRecord): MessageView {
  const { message } = record;
  return {
    id: message.id,
    subject: message.subject,
    origin: message.origin,
    direction: "in",
    state: record.state,
    final: false,
    since: record.startedAt ?? record.receivedAt,
    createdAt: message.createdAt,
    deliverBy: message.deliverBy,
    attempts: record.attempts,
    summary: summarise(message.data),
  };
}

export function detailIn(record: InRecord, self: string): MessageDetail {
  const { message } = record;
  return {
    ...viewIn(record),
    data: message.data,
    timeout: message.timeout,
    history: [
      { state: "received", at: record.receivedAt, by: self },
      ...(record.startedAt === undefined ? [] : [{ state: "running" as const, at: record.startedAt, by: self }]),
    ],
    output: [],
  };
}

export function viewDone(record: DoneRecord): MessageView {
  const { id, subject, origin, createdAt, state, outcome, summary } = record;
  return {
    id,
    subject,
    origin,
    direction: "in",
    state,
    final: true,
    since: outcome.at,
    createdAt,
    deliverBy: null,
    attempts: 0,
    summary,
    ...(outcome.reason === undefined ? {} : { reason: outcome.reason }),
    ...(outcome.code === undefined ? {} : { code: outcome.code }),
  };
}

export function detailDone(record: DoneRecord, self: string): MessageDetail {
  const { outcome, receivedAt } = record;
  return {
    ...viewDone(record),
    data: null,
    timeout: null,
    history: [
      { state: "received", at: receivedAt, by: self },
      ...(outcome.startedAt === undefined ? [] : [{ state: "running" as const, at: outcome.startedAt, by: self }]),
      {
        state: outcome.state,
        at: outcome.at,
        by: self,
        ...(outcome.reason === undefined ? {} : { reason: outcome.reason }),
      },
    ],
    outcome,
    output: [],
  };
}

export function viewDead({ message, at, reason, attempts }: DeadRecord): DeadLetter {
  return {
    id: message.id,
    subject: message.subject,
    origin: message.origin,
    at,
    reason,
    attempts,
    summary: summarise(message.data),
  };
}

/** A command that a node has and that is away has an unknown state, until the node speaks again. */
function shownState(lane: OutLane, record: OutRecord, { outbox, link }: Sight): State {
  const state = outbox.stateOf(lane, record);
  if (state !== "received" && state !== "running") return state;
  if (kindOf(lane.subject) === "event") return state;
  return link(receiverOf(lane.subject)) === "offline" ? "unknown" : state;
}

function waitingReason(state: State, subject: string, { link, blocked }: Sight): string | undefined {
  const node = receiverOf(subject);
  if (state === "unknown") return `${node} is offline: what became of it is not known yet`;
  if (state !== "queued" && state !== "sent") return undefined;
  const away = link(node);
  if (away === "offline") return `${node} is offline`;
  if (away === "neverSeen") return `${node} was never seen`;
  return blocked(subject);
}
