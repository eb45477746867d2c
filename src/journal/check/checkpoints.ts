import { ERRANDS, type Errand, type ReplyRecord } from "../../message/care/errand.ts";
import type { NodeHoldRecord } from "../../message/care/node-hold.ts";
import {
  type HeldSchedule,
  type NodeSchedules,
  SCHEDULE_STATES,
  type ScheduleRun,
  type ScheduleView,
} from "../../message/schedule/held-schedule.ts";
import { MISSED, type NodeSchedule } from "../../message/schedule/node-schedule.ts";
import type { Check, Inspection } from "./problems.ts";
import {
  count,
  fields,
  id,
  json,
  list,
  maybe,
  message,
  nullOr,
  one,
  record,
  state,
  subject,
  text,
  time,
  token,
} from "./shapes.ts";

/**
 * The checkpoints of which the journal knows the content, by the beginning of their keys; what comes behind it names the thing. The
 * content of all others is known to their sources alone.
 */
const nodeHold = fields<NodeHoldRecord>({ v: one(1), since: time, endsAt: nullOr(time), by: text, note: maybe(text) });

const errand = fields<Errand>({
  v: one(1),
  id: text,
  to: text,
  about: one(...ERRANDS),
  body: record,
  madeAt: time,
  attempts: count,
  dueAt: time,
  fault: maybe(text),
});

const reply = fields<ReplyRecord>({ v: one(1), to: list(text) });

const run = fields<ScheduleRun>({
  id,
  due: time,
  at: time,
  state,
  code: maybe(json),
  reason: maybe(text),
  output: maybe(text),
});

const ofNode: Check = (value) => subject(`n.${String(value)}`);

const plan = fields<NodeSchedule>({
  at: maybe(text),
  every: maybe(text),
  window: maybe(text),
  zone: maybe(text),
  missed: one(...MISSED),
  subject: ofNode,
  data: json,
  timeout: maybe(count),
  note: maybe(text),
});

const heldSchedule = fields<HeldSchedule>({
  v: one(1),
  name: token,
  plan,
  order: maybe(message),
  epoch: token,
  setAt: time,
  onceAt: maybe(time),
  state: one(...SCHEDULE_STATES),
  since: time,
  cause: text,
  last: time,
  high: time,
  run: nullOr(fields<NonNullable<HeldSchedule["run"]>>({ id, due: time })),
  runs: list(run),
  left: count,
});

const scheduleView = fields<ScheduleView>({
  name: token,
  from: text,
  at: maybe(text),
  every: maybe(text),
  window: maybe(text),
  zone: text,
  missed: one(...MISSED),
  subject: ofNode,
  what: text,
  note: maybe(text),
  state: one(...SCHEDULE_STATES),
  since: time,
  cause: text,
  next: nullOr(time),
  left: count,
  runs: list(run),
});

const nodeSchedules = fields<NodeSchedules>({ v: one(1), at: time, schedules: list(scheduleView) });

/** The shape of a row, and what its key must say of it. */
const KNOWN: Readonly<Record<string, readonly [shape: Check, named?: (value: never) => string]>> = {
  "hold ": [nodeHold],
  "mute ": [nodeHold],
  "errand ": [errand, (value: Errand) => value.id],
  "reply ": [reply],
  "schedule ": [heldSchedule, (value: HeldSchedule) => value.name],
  "schedules ": [nodeSchedules],
};

export function checkCheckpoints(found: Inspection): void {
  for (const { key, value } of found.sound<unknown, string>("checkpoints", text, json)) {
    const kind = Object.keys(KNOWN).find((prefix) => key.startsWith(prefix));
    const [shape, named] = kind === undefined ? [] : (KNOWN[kind] ?? []);
    if (kind === undefined || shape === undefined) continue;
    const fault = shape(value);
    if (fault !== undefined) found.add("checkpoints", key, fault);
    else {
      const of = key.slice(kind.length);
      const name = named?.(value as never) ?? of;
      if (name !== of) found.add("checkpoints", key, `it is that of ${name}`);
      if (kind === "schedule ") checkRun(found, key, value as HeldSchedule);
    }
  }
}

/** A run that has not ended is a command of this node to itself. */
function checkRun(found: Inspection, key: string, { run: open, state: is }: HeldSchedule): void {
  if (open === null && is === "running") found.add("checkpoints", key, "it is running, and has no run");
  if (open !== null && is !== "running" && is !== "paused") found.add("checkpoints", key, `it has a run, and is ${is}`);
}
