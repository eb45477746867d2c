import type { LinkState } from "../../actors/node.ts";
import type { HeldMessage } from "../../journal/jobs/held.ts";
import type { Outbox } from "../../journal/outbox.ts";
import type { DeadRecord, DoneRecord, InRecord, OutLane, OutRecord } from "../../journal/records.ts";
import { holdText } from "../../message/jobs/hold.ts";
import { type Assertion, isFinal, isFinalState, type State } from "../../message/lifecycle.ts";
import type { Message } from "../../message/message.ts";
import type { Outcome, OutputPart } from "../../message/report.ts";
import { kindOf, receiverOf } from "../../message/subject.ts";
import { summariseMessage } from "../../message/text/summary.ts";
import type { CancelResult } from "../execute/cancel-method.ts";
import type { CancelSaid, DeadLetter, MessageDetail, MessageView } from "./table/messages.ts";
import type { NodeDetail } from "./table/nodes.ts";

/** The facts beside a record of the journal that its view needs. */
export interface Sight {
  readonly outbox: Outbox;
  readonly link: (node: string) => LinkState;
  /** Why the receiver of a subject is held for maintenance; `undefined`: it is not. */
  readonly held: (subject: string) => string | undefined;
  /** Why a lane does not move; `undefined` when it does. */
  readonly blocked: (subject: string) => string | undefined;
  /** True for a node that was invited and has not joined. */
  readonly isAwaited: (node: string) => boolean;
  /** Why messages on a subject wait at a node, as it last said. */
  readonly stuck: (node: string, subject: string) => string | undefined;
  /** The latest changes of a node, oldest first. */
  readonly changes: (node: string) => NodeDetail["changes"];
  readonly now: number;
}

export function viewOut(lane: OutLane, record: OutRecord, sight: Sight): MessageView {
  const { message } = record;
  const kind = kindOf(message.subject);
  const state = shownState(lane, record, sight);
  const life = sight.outbox.history(lane, record);
  const history = state === "unknown" ? withAbsences(life.history, record, sight) : life.history;
  const last = history.findLast((assertion) => assertion.state === state) ?? history.at(-1);
  const reason = record.outcome?.reason ?? waitingReason(state, record, sight);
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
    summary: summariseMessage(message),
    ...(reason === undefined ? {} : { reason }),
    ...(record.outcome?.code === undefined ? {} : { code: record.outcome.code }),
    ...(record.cancelRequestedAt === undefined ? {} : { cancelRequestedAt: record.cancelRequestedAt }),
    ...askedBy(message),
  };
}

/** The operator who asked for a message, as it is shown. */
function askedBy({ operator, origin }: Pick<Message, "operator" | "origin">): Pick<MessageView, "operator" | "signed"> {
  if (operator === undefined) return {};
  const name = `${operator.name}@${origin}`;
  return operator.statement === undefined ? { operator: name } : { operator: name, signed: true };
}

export function detailOut(lane: OutLane, record: OutRecord, sight: Sight): MessageDetail {
  const { message, outcome } = record;
  const { history, conflict } = sight.outbox.history(lane, record);
  const output = sight.outbox.output(message.id);
  const lost = outcome === undefined ? undefined : lostOutput(outcome, output);
  const view = viewOut(lane, record, sight);
  const reason = [view.reason, lost].filter((text) => text !== undefined).join("; ");
  const cancelAnswer = record.cancelId === undefined ? undefined : cancelSaid(record.cancelId, sight);
  return {
    ...view,
    ...(reason === "" ? {} : { reason }),
    data: message.data,
    timeout: message.timeout,
    history: kindOf(message.subject) === "event" ? history : withAbsences(history, record, sight),
    output,
    ...(cancelAnswer === undefined ? {} : { cancelAnswer }),
    ...(record.heardAt === undefined ? {} : { heardAt: record.heardAt }),
    ...(message.inReplyTo === undefined ? {} : { inReplyTo: message.inReplyTo }),
    ...(outcome === undefined ? {} : { outcome }),
    ...(conflict === undefined ? {} : { conflict }),
  };
}

/** A message that is in no lane: it is held, or ended while it was. */
export function viewHeld({ group, index, id, node }: HeldMessage, origin: string): MessageView {
  const { subject, at, until, data, operator } = group.record;
  const stand = group.at(index);
  const end = typeof stand === "number" ? undefined : stand;
  return {
    id,
    subject: `${node}.${subject}`,
    origin,
    direction: "out",
    state: end?.state ?? "held",
    final: end !== undefined,
    since: end?.at ?? at,
    createdAt: at,
    deliverBy: until,
    attempts: 0,
    summary: summariseMessage({ subject: `${node}.${subject}`, data }),
    reason: end?.reason ?? holdText(group.why(index)),
    ...(operator === undefined ? {} : { operator: `${operator}@${origin}` }),
  };
}

export function detailHeld(held: HeldMessage, origin: string): MessageDetail {
  const { record } = held.group;
  const view = viewHeld(held, origin);
  const { state, since, final } = view;
  const begun: Assertion = { state: "held", at: record.at, by: origin };
  const ends = state === "cancelled" || state === "expired";
  const outcome: Outcome | undefined = ends ? { state, at: since, reason: view.reason ?? "" } : undefined;
  return {
    ...view,
    data: record.data,
    timeout: record.timeout,
    history: final ? [begun, { state, at: since, by: origin }] : [begun],
    output: [],
    ...(outcome === undefined ? {} : { outcome }),
  };
}

/** Output that a node says to have kept and that is not in this journal: another journal got it, or it is lost. */
function lostOutput({ totals }: Outcome, output: readonly OutputPart[]): string | undefined {
  if (totals === undefined) return undefined;
  const lost = (["stdout", "stderr"] as const).flatMap((stream) => {
    const here = output.reduce((sum, part) => sum + (part.stream === stream ? partLength(part) : 0), 0);
    const { kept } = totals[stream];
    return here < kept ? [`${kept - here} B of ${stream}`] : [];
  });
  return lost.length === 0 ? undefined : `output lost: ${lost.join(" and ")} never came to this journal`;
}

function partLength({ text, encoding }: OutputPart): number {
  return Buffer.byteLength(text, encoding ?? "utf8");
}

/** `waitsFor`: why the command does not begin; `undefined`: its turn has not come. */
export function viewIn(record: InRecord, waitsFor: string | undefined): MessageView {
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
    summary: summariseMessage(message),
    ...(waitsFor === undefined ? {} : { reason: waitsFor }),
    ...(message.operator === undefined ? {} : { operator: `${message.operator.name}@${message.origin}` }),
  };
}

export function detailIn(record: InRecord, self: string, waitsFor: string | undefined): MessageDetail {
  const { message } = record;
  return {
    ...viewIn(record, waitsFor),
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
  const { id, subject, origin, createdAt, state, outcome, summary, operator } = record;
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
    ...(operator === undefined ? {} : { operator: `${operator}@${origin}` }),
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
    summary: summariseMessage(message),
  };
}

/** The state of a command is unknown while its node is away, and held while that is held for maintenance. */
function shownState(lane: OutLane, record: OutRecord, { outbox, link, held }: Sight): State {
  const state = outbox.stateOf(lane, record);
  if (state === "queued" && held(lane.subject) !== undefined) return "held";
  if (state !== "received" && state !== "running") return state;
  if (kindOf(lane.subject) === "event") return state;
  return link(receiverOf(lane.subject)) === "offline" ? "unknown" : state;
}

/**
 * Adds `unknown` to the history of a command while its node is out of reach, until an outcome is heard. The journal has no
 * such state: it follows from the link of the node.
 */
function withAbsences(history: readonly Assertion[], record: OutRecord, sight: Sight): readonly Assertion[] {
  const { origin, createdAt, subject } = record.message;
  const node = receiverOf(subject);
  const final = history.find(({ state }) => isFinalState(state));
  const there = history.find(({ by, state }) => by === node && !isFinalState(state));
  // A message that was never sent has no unknown state; and a node's clock may be wrong.
  if (there === undefined && history.every(({ by }) => by !== node) && record.life === undefined) return history;
  const from = there !== undefined && there.at > createdAt && there.at < sight.now ? there.at : createdAt;
  const until = record.heardAt ?? final?.at ?? Number.POSITIVE_INFINITY;
  const link = sight.changes(node).filter(({ region, at }) => region === "link" && at >= from && at <= until);
  const absences = link.flatMap(({ to, at, cause }, i): Assertion[] => {
    if (to !== "offline" || at === until) return [];
    const back = link[i + 1];
    const since = back === undefined ? "" : `, and back ${Math.round((back.at - at) / 1000)} s later`;
    return [{ state: "unknown", at, by: origin, reason: `${node} was offline (${cause})${since}` }];
  });
  return [...history.filter((said) => said !== final), ...absences, ...(final === undefined ? [] : [final])];
}

/** The answer of the node to a cancel, by the outcome of the cancel command. */
function cancelSaid(id: string, { outbox }: Sight): CancelSaid | undefined {
  const outcome = outbox.find(id)?.record.outcome;
  if (outcome === undefined) return undefined;
  const { at, state, reason = "it gave no reason" } = outcome;
  const { answer } = (outcome.result ?? {}) as { answer?: CancelResult };
  if (state !== "succeeded") return { kind: "refused", at, reason };
  if (answer === "refused") return { kind: "refused", at, reason: "only its origin and central may cancel it" };
  if (answer === "tooLate") return { kind: "tooLate", at };
  return { kind: "done", at, ...(answer === "notYetHere" ? { reason: "it had not come, and will not start" } : {}) };
}

function waitsBehind(before: ReturnType<Outbox["before"]>): string | undefined {
  if (before === undefined) return undefined;
  return `waits for ${before.id}${before.concurrency === undefined ? "" : ` (concurrency ${before.concurrency})`}`;
}

function waitingReason(state: State, { message }: OutRecord, sight: Sight): string | undefined {
  const { subject, deliverBy } = message;
  const node = receiverOf(subject);
  const due = deliverBy !== null && deliverBy <= sight.now;
  const late = due ? `; its deadline has passed, and only ${node} can tell whether it began before` : "";
  if (state === "unknown") return `${node} is offline: what became of it is not known yet`;
  if (state === "received" && kindOf(subject) === "command")
    return sight.stuck(node, subject) ?? waitsBehind(sight.outbox.before(message.id));
  if (state !== "queued" && state !== "sent" && state !== "held") return undefined;
  const held = sight.held(subject);
  if (held !== undefined) return state === "held" ? held : `${held}; it was sent before, and may have arrived${late}`;
  const away = sight.link(node);
  if (away === "offline") return `${node} is offline${late}`;
  if (away === "neverSeen")
    return `${node} ${sight.isAwaited(node) ? "was invited and has not joined yet" : "was never seen"}${late}`;
  return sight.blocked(subject) ?? (due ? `${node} has not answered${late}` : undefined);
}
