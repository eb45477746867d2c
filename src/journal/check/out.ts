import { isFinalState } from "../../message/lifecycle.ts";
import type { OutputPart } from "../../message/report.ts";
import { kindOf, receiverOf } from "../../message/subject.ts";
import type { WireItem } from "../../message/wire/frame.ts";
import type { OutBatch, OutLane, OutState } from "../records.ts";
import { checkPlaces, IdSum, placeOf } from "./ids.ts";
import type { Inspection } from "./problems.ts";
import {
  count,
  id as idShape,
  learnedRow,
  one,
  outBatch,
  outLane,
  outputPart,
  sequence,
  subject as subjectShape,
  tuple,
} from "./shapes.ts";

export interface OutCounts {
  /** Messages that their receivers have not acknowledged, by receiver. */
  readonly owed: ReadonlyMap<string, number>;
  /** Commands that their nodes have received and that have no outcome. */
  readonly open: number;
  /** Messages that are kept for the operator. */
  readonly kept: number;
}

type BatchKey = [lane: number, first: number];
type LearnedKey = [lane: number, first: number, n: number];

/** The lanes of which this node is the origin, with their messages, states, ids and output. */
export function checkOut(found: Inspection): OutCounts {
  const lanes = lanesOf(found);
  const { kept, open, ids } = batches(found, lanes);
  checkPlaces(found, ids);
  output(found);
  const owed = new Map<string, number>();
  for (const { subject, next, acked } of lanes.values()) {
    const node = receiverOf(subject);
    if (next - 1 > acked) owed.set(node, (owed.get(node) ?? 0) + next - 1 - acked);
  }
  return { owed, open, kept };
}

function lanesOf(found: Inspection): Map<number, OutLane> {
  const lanes = new Map<number, OutLane>();
  for (const { key, value } of found.sound<OutLane>("lanes", subjectShape, outLane)) {
    const { no, subject, next, sent, acked, started, open } = value;
    const wrong = (fault: string): void => found.add("lanes", key, fault);
    if (key !== subject) wrong(`it is the lane of ${subject}`);
    const other = lanes.get(no);
    if (other !== undefined) wrong(`it has number ${no}, which is that of ${other.subject}`);
    if (acked > sent) wrong(`${acked} are acknowledged, and ${sent} were sent`);
    if (sent >= next) wrong(`${sent} were sent, and the next to come is ${next}`);
    if (started > acked) wrong(`${started} were started, and ${acked} are acknowledged`);
    if (open > next) wrong(`all below ${open} is final, and the next to come is ${next}`);
    if (other === undefined) lanes.set(no, value);
  }
  // The next lane gets the number after theirs.
  const last = Math.max(0, ...lanes.keys());
  if (last > lanes.size) found.add("lanes", "", `${last - lanes.size} of ${last} lanes are missing`);
  for (const { key, value } of found.sound<string, number>("subjects", sequence, subjectShape)) {
    const lane = lanes.get(key);
    if (lane !== undefined && lane.subject !== value)
      found.add("subjects", key, `lane ${key} is that of ${lane.subject}`);
  }
  return lanes;
}

interface Messages {
  kept: number;
  open: number;
  readonly ids: IdSum;
}

/** Reads the tables `out` and `learned` side by side: both are in the order of lane and number. */
function batches(found: Inspection, lanes: ReadonlyMap<number, OutLane>): Messages {
  const totals: Messages = { kept: 0, open: 0, ids: new IdSum() };
  const learned = new Learned(found);
  /** The last number in the batches of each lane. */
  const reach = new Map<number, number>();
  const key = tuple(sequence, sequence);
  for (const { key: place, value } of found.sound<OutBatch, BatchKey>("out", key, outBatch)) {
    const [no, first] = place;
    const lane = lanes.get(no);
    const last = first + value.m.length - 1;
    const states = learned.of(place, last);
    if (lane === undefined) {
      found.add("out", place, `there is no lane ${no}`);
      continue;
    }
    const before = reach.get(no) ?? 0;
    reach.set(no, Math.max(before, last));
    fits(found, lane, { place, value, last, before });
    tally(totals, found, lane, { place, value, states });
  }
  learned.end();
  for (const lane of lanes.values()) {
    const from = Math.max(reach.get(lane.no) ?? 0, lane.acked) + 1;
    if (from < lane.next) found.add("lanes", lane.subject, missing(from, lane.next - 1));
  }
  return totals;
}

function fits(
  found: Inspection,
  lane: OutLane,
  { place, value, last, before }: { place: BatchKey; value: OutBatch; last: number; before: number },
): void {
  const [, first] = place;
  const { acked, next, subject } = lane;
  if (first <= before) found.add("out", place, `it overlaps the batch before it, which ends with number ${before}`);
  const from = Math.max(before, acked) + 1;
  if (first > from) found.add("out", place, `before it ${missing(from, first - 1)}`);
  if (last >= next) found.add("out", place, `it ends with number ${last}, and the next of ${subject} is ${next}`);
  value.m.forEach((item, i) => {
    if (item === null && first + i > acked) found.add("out", place, missing(first + i, first + i));
  });
  if (value.k === 0 && last <= acked) found.add("out", place, "nobody waits for it any more", "leftover");
  if (value.m.every((item) => item === null)) found.add("out", place, "nothing is left in it", "leftover");
}

function tally(
  totals: Messages,
  found: Inspection,
  lane: OutLane,
  { place, value, states }: { place: BatchKey; value: OutBatch; states: ReadonlyMap<number, OutState> },
): void {
  const [no, first] = place;
  const command = kindOf(lane.subject) === "command";
  value.m.forEach((item: WireItem | null, i) => {
    if (item === null) return;
    const seq = first + i;
    if (value.k === 1) {
      totals.kept++;
      totals.ids.add(item.i, [no, seq]);
    }
    if (!command || hasEnded(states.get(seq))) return;
    if (seq <= lane.acked) totals.open++;
    if (seq < lane.open) found.add("out", place, `number ${seq} is open, and all below ${lane.open} should be final`);
  });
}

function hasEnded(state: OutState | undefined): boolean {
  return state?.e !== undefined || (state?.l !== undefined && isFinalState(state.l.state));
}

function missing(from: number, to: number): string {
  return from === to ? `number ${from} is missing` : `numbers ${from} to ${to} are missing`;
}

/** The table `learned`, read batch by batch in order. */
class Learned {
  readonly #found: Inspection;
  readonly #rows: Iterator<{ key: LearnedKey; value: [number, OutState][] }>;
  #row: { key: LearnedKey; value: [number, OutState][] } | undefined;

  constructor(found: Inspection) {
    this.#found = found;
    this.#rows = found.sound("learned", tuple(sequence, sequence, count), learnedRow);
    this.#next();
  }

  of([no, first]: BatchKey, last: number): Map<number, OutState> {
    const states = new Map<number, OutState>();
    let expected = 0;
    for (let row = this.#row; row !== undefined; row = this.#row) {
      const [lane, batch, n] = row.key;
      if (lane > no || (lane === no && batch > first)) break;
      if (lane !== no || batch !== first) this.#orphan(row.key);
      else {
        if (n !== expected) this.#found.add("learned", row.key, `the one before it, ${n - 1}, is missing`);
        expected = n + 1;
        for (const [seq, state] of row.value) {
          if (seq < first || seq > last) this.#found.add("learned", row.key, `number ${seq} is not of its batch`);
          states.set(seq, state);
        }
      }
      this.#next();
    }
    return states;
  }

  end(): void {
    for (; this.#row !== undefined; this.#next()) this.#orphan(this.#row.key);
  }

  #orphan(key: LearnedKey): void {
    this.#found.add("learned", key, "there is no such batch");
  }

  #next(): void {
    const { done, value } = this.#rows.next();
    this.#row = done === true ? undefined : value;
  }
}

function output(found: Inspection): void {
  const key = tuple(idShape, one("stdout", "stderr"), count);
  let latest = "";
  for (const { key: place, value } of found.sound<OutputPart, [string, string, number]>("output", key, outputPart)) {
    const [id, stream, offset] = place;
    if (value.stream !== stream || value.offset !== offset)
      found.add("output", place, `it is that of ${value.stream} at ${value.offset}`);
    if (id === latest) continue;
    latest = id;
    if (placeOf(found.rows, id) === undefined) found.add("output", place, "there is no such command", "leftover");
  }
}
