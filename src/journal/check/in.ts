import { kindOf, receiverOf } from "../../message/subject.ts";
import type { DeadRecord, DoneRecord, InLane, InRecord } from "../records.ts";
import { checkIdRows } from "./ids.ts";
import type { Inspection } from "./problems.ts";
import {
  changeRow,
  count,
  deadRecord,
  doneRecord,
  frameRow,
  id as idShape,
  inLane,
  sequence,
  text,
  tuple,
} from "./shapes.ts";

export interface InCounts {
  /** Unfinished messages, and the running ones among them. */
  readonly pending: number;
  readonly running: number;
  readonly done: number;
  readonly dead: number;
}

/** The lanes on which this node receives, the messages that it took and has not finished, and the records of ended ones. */
export function checkIn(found: Inspection, owner: string | undefined): InCounts {
  const lanes = sources(found);
  const pending = pendingOf(found);
  for (const { frame, record } of pending.values()) {
    const { epoch, seq, message } = record;
    const wrong = (fault: string): void => found.add("pending", frame, `${message.id}: ${fault}`);
    if (owner !== undefined && receiverOf(message.subject) !== owner) wrong(`${message.subject} is not for ${owner}`);
    if (record.state === "running" && record.startedAt === undefined) wrong("it is running, and never started");
    // A message without an epoch is the node's own: a dead letter that was taken back.
    const lane = lanes.get(laneKey({ origin: message.origin, epoch, subject: message.subject }));
    if (epoch === "") continue;
    if (lane === undefined) wrong("nothing is known of the lane on which it came");
    else if (seq > lane.last) wrong(`it has number ${seq}, and its lane was taken up to ${lane.last}`);
  }
  let done = 0;
  checkIdRows<DoneRecord>(found, "done", doneRecord, (id, record) => {
    done++;
    if (record.id !== id) return `it is the record of ${record.id}`;
    if (record.state !== record.outcome.state) return `it is ${record.state}, and its outcome ${record.outcome.state}`;
    if (kindOf(record.subject) !== "command") return `${record.subject} is no command`;
    return pending.has(id) ? "it has ended, and is pending" : undefined;
  });
  const dead = deadOf(found);
  const running = [...pending.values()].filter(({ record }) => record.state === "running").length;
  return { pending: pending.size, running, done, dead };
}

function sources(found: Inspection): Map<string, InLane> {
  const lanes = new Map<string, InLane>();
  for (const { key, value } of found.sound<InLane, string>("sources", text, inLane)) {
    const { last, verdicts, lost } = value;
    const wrong = (fault: string): void => found.add("sources", key, fault);
    if (key !== laneKey(value)) wrong(`it is the lane ${laneKey(value)}`);
    let before = 0;
    for (const [from, to] of lost) {
      if (from <= before || to < from) wrong(`the lost numbers ${from} to ${to} are none, or come after ${before}`);
      if (to > last) wrong(`number ${to} was lost, and ${last} is the last that was taken`);
      before = to;
    }
    for (const { seq } of verdicts) if (seq > last) wrong(`number ${seq} was decided, and ${last} is the last taken`);
    lanes.set(key, value);
  }
  return lanes;
}

/** The pending messages by id: the rows of frames with their changes applied. */
function pendingOf(found: Inspection): Map<string, { frame: number; record: InRecord }> {
  const frames = new Map<number, (InRecord | undefined)[]>();
  for (const { key, value } of found.sound<InRecord[], number>("pending", sequence, frameRow))
    frames.set(key, [...value]);
  const changes = new Map<number, number>();
  const change = found.sound<[number, InRecord | 0][], [number, number]>("progress", tuple(sequence, count), changeRow);
  for (const { key, value } of change) {
    const [no, n] = key;
    const records = frames.get(no);
    if (records === undefined) {
      found.add("progress", key, "there is no such frame");
      continue;
    }
    if (n !== (changes.get(no) ?? 0)) found.add("progress", key, `the one before it, ${n - 1}, is missing`);
    changes.set(no, n + 1);
    for (const [place, now] of value) {
      const before = records[place];
      if (place >= records.length) found.add("progress", key, `its frame has no place ${place}`);
      else if (now === 0) records[place] = undefined;
      else {
        if (before === undefined) found.add("progress", key, `${now.message.id} has ended before`);
        else if (before.message.id !== now.message.id)
          found.add("progress", key, `${now.message.id} is in the place of ${before.message.id}`);
        records[place] = now;
      }
    }
  }
  const pending = new Map<string, { frame: number; record: InRecord }>();
  for (const [frame, records] of frames) {
    if (records.every((record) => record === undefined)) found.add("pending", frame, "all of it has ended", "leftover");
    for (const record of records) {
      if (record === undefined) continue;
      const { id } = record.message;
      const other = pending.get(id);
      if (other !== undefined) found.add("pending", frame, `${id} is in frame ${other.frame} too`);
      pending.set(id, { frame, record });
    }
  }
  return pending;
}

function deadOf(found: Inspection): number {
  let dead = 0;
  for (const { key, value } of found.sound<DeadRecord>("dead", idShape, deadRecord)) {
    dead++;
    if (value.message.id !== key) found.add("dead", key, `it is the letter ${value.message.id}`);
  }
  return dead;
}

function laneKey({ origin, epoch, subject }: Pick<InLane, "origin" | "epoch" | "subject">): string {
  return `${origin} ${epoch} ${subject}`;
}
