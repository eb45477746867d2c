import { isId } from "../../message/id.ts";
import { HOLD_REASONS } from "../../message/jobs/hold.ts";
import { ACTIONS, type Bound, IF_AWAY, JOB_STATES, type JobPlan } from "../../message/jobs/job.ts";
import { type Assertion, isFinalState, type Life, STATES, type State } from "../../message/lifecycle.ts";
import type { AskedBy, CarriedStatement, Message, SignedRun } from "../../message/message.ts";
import { isTotals, type Outcome, type OutputPart } from "../../message/report.ts";

import { isToken, parseSubject } from "../../message/subject.ts";
import { isFact } from "../../message/target/facts.ts";
import type { Verdict, WireItem } from "../../message/wire/frame.ts";
import type {
  DeadRecord,
  DoneRecord,
  FactsRecord,
  GivenLabel,
  HeldEnd,
  HeldGroupRecord,
  HeldStand,
  HistoryRecord,
  InLane,
  InRecord,
  JobAttempt,
  JobRecord,
  JobStand,
  LabelsRecord,
  OutBatch,
  OutLane,
  OutMarks,
  OutState,
} from "../records.ts";
import { type SetAside, TABLES } from "../store/store.ts";
import type { Check } from "./problems.ts";

/**
 * The shapes of the records, checked field by field. A field of a record's type that is missing in its shape does not
 * compile; a field that only the row has is a fault.
 */

/** The range of a JavaScript date, ms. */
const LATEST_TIME = 8.64e15;

function holds(what: string, test: (value: unknown) => boolean): Check {
  return (value) => (test(value) ? undefined : `${shown(value)} is not ${what}`);
}

export const count = holds("a number from 0 on", (value) => Number.isSafeInteger(value) && (value as number) >= 0);
export const sequence = holds("a number from 1 on", (value) => Number.isSafeInteger(value) && (value as number) >= 1);
export const time = holds("a time", (value) => typeof value === "number" && Math.abs(value) <= LATEST_TIME);
export const text = holds("a text", (value) => typeof value === "string");
export const id = holds("an id", isId);
export const token = holds("a name", isToken);
export const json = holds("a value", (value) => value !== undefined);
export const record = holds("an object", isRecord);
export const subject = holds("a subject", isSubject);
export const state = holds("a state", isState);
const finalState = holds("a final state", (value) => isState(value) && isFinalState(value as State));
const totals = holds("two totals", isTotals);

export function one(...values: readonly unknown[]): Check {
  return holds(values.map((value) => JSON.stringify(value)).join(" or "), (value) => values.includes(value));
}

export function maybe(check: Check): Check {
  return (value) => (value === undefined ? undefined : check(value));
}

export function nullOr(check: Check): Check {
  return (value) => (value === null ? undefined : check(value));
}

export function list(check: Check): Check {
  return (value) => {
    if (!Array.isArray(value)) return `${shown(value)} is not a list`;
    for (const [i, each] of value.entries()) {
      const fault = check(each);
      if (fault !== undefined) return `${i}: ${fault}`;
    }
    return undefined;
  };
}

/** A list with one check for each of its values. */
export function tuple(...checks: readonly Check[]): Check {
  return (value) => {
    if (!Array.isArray(value) || value.length !== checks.length)
      return `${shown(value)} is not a list of ${checks.length}`;
    for (const [i, check] of checks.entries()) {
      const fault = check(value[i]);
      if (fault !== undefined) return `${i}: ${fault}`;
    }
    return undefined;
  };
}

/** A value that passes one of two checks. */
function either(...checks: readonly [Check, ...Check[]]): Check {
  return (value) => {
    const faults = checks.map((check) => check(value));
    return faults.includes(undefined) ? undefined : faults.at(-1);
  };
}

/** An object whose values pass one check. */
function each(check: Check): Check {
  return (value) => {
    if (!isRecord(value)) return `${shown(value)} is not an object`;
    for (const [name, one] of Object.entries(value)) {
      const fault = check(one);
      if (fault !== undefined) return `${name}: ${fault}`;
    }
    return undefined;
  };
}

export function fields<T>(checks: { readonly [K in keyof T]-?: Check }): Check {
  const known = Object.entries<Check>(checks);
  const names = new Set(Object.keys(checks));
  return (value) => {
    if (!isRecord(value)) return `${shown(value)} is not an object`;
    for (const [name, check] of known) {
      const fault = check(value[name]);
      if (fault !== undefined) return `${name}: ${fault}`;
    }
    const foreign = Object.keys(value).find((name) => !names.has(name));
    return foreign === undefined ? undefined : `${foreign}: there is no such field`;
  };
}

const signedRun = fields<SignedRun>({ order: id, run: sequence, from: time, runs: sequence, gap: time });
const statement = fields<CarriedStatement>({ until: time, signature: text, run: maybe(signedRun) });

export const message = fields<Message>({
  id,
  subject,
  origin: token,
  createdAt: time,
  deliverBy: nullOr(time),
  timeout: nullOr(count),
  data: json,
  inReplyTo: maybe(id),
  foreign: maybe(one(true)),
  operator: maybe(fields<AskedBy>({ name: token, statement: maybe(statement) })),
  urgent: maybe(one(true)),
});

const assertion = fields<Assertion>({ state, at: time, by: text, reason: maybe(text) });
const life = fields<Life>({ state, history: list(assertion), conflict: maybe(assertion) });

export const outputPart = fields<OutputPart>({
  stream: one("stdout", "stderr"),
  offset: count,
  text,
  encoding: maybe(one("base64")),
});

const outcome = fields<Outcome>({
  state: finalState,
  at: time,
  startedAt: maybe(time),
  code: maybe(holds("a whole number", Number.isSafeInteger)),
  signal: maybe(text),
  reason: maybe(text),
  output: maybe(list(outputPart)),
  totals: maybe(totals),
  result: maybe(json),
});

const wireItem = fields<WireItem>({
  i: id,
  c: time,
  b: maybe(time),
  t: maybe(count),
  d: json,
  r: maybe(id),
  f: maybe(one(1)),
  o: maybe(
    either(tuple(token), tuple(token, time, text), tuple(token, time, text, id, sequence, time, sequence, time)),
  ),
  u: maybe(one(1)),
  x: maybe(one()),
});

export const outLane = fields<OutLane>({
  v: one(1),
  no: sequence,
  subject,
  next: sequence,
  sent: count,
  acked: count,
  started: count,
  open: sequence,
  receiverEpoch: maybe(token),
  base: maybe(count),
  given: maybe(list(tuple(token, count))),
  marks: maybe(
    fields<OutMarks>({
      s: list(tuple(count, time, count)),
      a: list(tuple(count, time)),
      r: list(tuple(count, time)),
    }),
  ),
  late: maybe(one(true)),
});

export const heldGroup = fields<HeldGroupRecord>({
  v: one(1),
  subject: holds("a subject without its receiver", (value) => typeof value === "string" && isSubject(`n.${value}`)),
  data: json,
  timeout: nullOr(count),
  wait: nullOr(count),
  until: nullOr(time),
  at: time,
  count: sequence,
  operator: maybe(token),
  run: maybe(signedRun),
  urgent: maybe(one(true)),
  last: id,
  owner: id,
});

export const heldMembers = list(either(tuple(id, token), tuple(id, token, time, text)));

const heldEnd = fields<HeldEnd>({ state: one("cancelled", "expired"), at: time, reason: text });

export const heldStand = fields<HeldStand>({
  v: one(1),
  runs: list(tuple(sequence, (value) => (value === 0 || value === 1 ? undefined : heldEnd(value)))),
  reasons: list(tuple(sequence, one(...HOLD_REASONS), text)),
});

export const outBatch = fields<OutBatch>({ v: one(1), k: one(0, 1), m: list(nullOr(wireItem)) });

const outState = fields<OutState>({
  n: count,
  p: tuple(time, time, time),
  e: maybe(fields<Assertion>({ state: finalState, at: time, by: text, reason: maybe(text) })),
  l: maybe(life),
  o: maybe(outcome),
  c: maybe(time),
  i: maybe(id),
  h: maybe(time),
  x: maybe(one("expired", "cancelled")),
});

export const learnedRow = list(tuple(sequence, outState));

export const inLane = fields<InLane>({
  v: one(1),
  origin: token,
  epoch: token,
  subject,
  last: count,
  verdicts: list(fields<Verdict>({ seq: sequence, state: finalState, reason: text })),
  lastId: maybe(id),
  lost: list(tuple(sequence, sequence)),
  at: time,
});

const inRecord = fields<InRecord>({
  v: one(1),
  message,
  // The epoch is empty for a dead letter of this node's own that was taken back.
  epoch: text,
  seq: count,
  receivedAt: time,
  deadline: nullOr(time),
  state: one("received", "running"),
  startedAt: maybe(time),
  attempts: count,
  cancelRequestedBy: maybe(text),
  doubtful: maybe(one(true)),
});

export const frameRow = list(inRecord);
export const changeRow = list(tuple(count, (value) => (value === 0 ? undefined : inRecord(value))));

export const doneRecord = fields<DoneRecord>({
  v: one(1),
  id,
  subject,
  origin: token,
  createdAt: time,
  receivedAt: time,
  state: finalState,
  outcome,
  summary: text,
  operator: maybe(token),
});

export const deadRecord = fields<DeadRecord>({
  v: one(1),
  message,
  epoch: text,
  seq: count,
  receivedAt: time,
  at: time,
  reason: text,
  attempts: count,
});

const fact = holds("a fact", isFact);

export const labelsRecord = fields<LabelsRecord>({
  v: one(1),
  given: each(fields<GivenLabel>({ value: text, by: text, at: time })),
  enrolledAt: maybe(time),
});

export const historyRecord = fields<HistoryRecord>({
  v: one(1),
  from: time,
  until: time,
  entries: list(tuple(time, token, text, text, text)),
});

export const factsRecord = fields<FactsRecord>({
  v: one(1),
  at: time,
  facts: each(tuple(fact, time)),
  changes: list(tuple(time, text, nullOr(fact), nullOr(fact))),
});

const bound = fields<Bound>({
  most: holds("a number from 0 on", (value) => typeof value === "number" && value >= 0),
  unit: one("nodes", "percent"),
  action: one(...ACTIONS),
});

const plan = fields<JobPlan>({
  waves: list(text),
  soak: count,
  gate: nullOr(count),
  bounds: fields<JobPlan["bounds"]>({
    failed: maybe(bound),
    rejected: maybe(bound),
    expired: maybe(bound),
    unknown: maybe(bound),
  }),
  atOnce: nullOr(sequence),
  rate: nullOr(sequence),
  ifAway: one(...IF_AWAY),
  beginAt: nullOr(time),
  every: nullOr(text),
  window: nullOr(text),
  zone: nullOr(text),
  until: nullOr(time),
  approval: one(true, false),
});

export const jobRecord = fields<JobRecord>({
  v: one(1),
  id,
  at: time,
  by: text,
  target: text,
  subject: text,
  note: text,
  plan,
  reply: maybe(list(token)),
  jobReply: maybe(list(token)),
});

export const jobStand = fields<JobStand>({
  v: one(1),
  state: one(...JOB_STATES),
  since: time,
  cause: text,
  wave: count,
  waveEndedAt: nullOr(time),
  beginAt: nullOr(time),
  allowed: fields<JobStand["allowed"]>({
    failed: maybe(count),
    rejected: maybe(count),
    expired: maybe(count),
    unknown: maybe(count),
  }),
  attempts: list(fields<JobAttempt>({ group: id, at: time, of: text, waves: list(sequence), later: maybe(list(id)) })),
  left: maybe(list(token)),
});

export const setAside = fields<SetAside & { v: 1; text: string; open: boolean }>({
  v: one(1),
  table: one(...TABLES),
  key: json,
  fault: text,
  text,
  open: one(true, false),
});

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isState(value: unknown): boolean {
  return typeof value === "string" && Object.hasOwn(STATES, value);
}

function isSubject(value: unknown): boolean {
  if (typeof value !== "string") return false;
  try {
    parseSubject(value);
    return true;
  } catch {
    return false;
  }
}

/** The beginning of a faulty value, as JSON. */
function shown(value: unknown): string {
  const all = JSON.stringify(value) ?? "nothing";
  return all.length > 60 ? `${all.slice(0, 60)}…` : all;
}
