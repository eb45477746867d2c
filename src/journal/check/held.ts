import type { HeldGroupRecord, HeldMembers, HeldStand } from "../records.ts";
import { placeOf } from "./ids.ts";
import { type Check, type Inspection, Unreadable } from "./problems.ts";
import { heldGroup, heldMembers, heldStand, id as idShape } from "./shapes.ts";

export interface HeldCounts {
  /** Messages that have an id and are in no lane yet. */
  readonly held: number;
}

type HeldKey = [group: string, part: number | "stand"];

/** The rows of a group, as far as they are there. */
interface Parts {
  record?: HeldGroupRecord;
  readonly members: Map<number, HeldMembers>;
  stand?: HeldStand;
}

/** Members of a row. */
const CHUNK = 256;

const key: Check = (value) => {
  const [group, part] = Array.isArray(value) ? (value as unknown[]) : [];
  const fault = idShape(group);
  if (fault !== undefined) return fault;
  return part === "stand" || (Number.isSafeInteger(part) && (part as number) >= 0)
    ? undefined
    : "it is no part of a group";
};

/** The groups of held messages: a held or ended member is in no lane, and one that was released has its place. */
export function checkHeld(found: Inspection): HeldCounts {
  const groups = new Map<string, Parts>();
  const shape: Check = (value) => {
    if (Array.isArray(value)) return heldMembers(value);
    return typeof value === "object" && value !== null && "runs" in value ? heldStand(value) : heldGroup(value);
  };
  for (const { key: place, value } of found.sound<unknown, HeldKey>("held", key, shape)) {
    const [group, part] = place;
    const parts: Parts = groups.get(group) ?? { members: new Map() };
    groups.set(group, parts);
    const isOne = part === "stand" ? isStand(value) : part === 0 ? isRecord(value) : Array.isArray(value);
    if (!isOne) found.add("held", place, "it is another part of a group");
    else if (part === "stand") parts.stand = value as HeldStand;
    else if (part === 0) parts.record = value as HeldGroupRecord;
    else parts.members.set(part, value as HeldMembers);
  }
  let held = 0;
  for (const [id, parts] of groups) held += checkGroup(found, id, parts);
  return { held };
}

/** Returns the number of held members. */
function checkGroup(found: Inspection, group: string, { record, members, stand }: Parts): number {
  const wrong = (part: number | "stand", fault: string): void => found.add("held", [group, part], fault);
  // A row that is there and cannot be read was named already.
  const missing = (part: number | "stand"): void => {
    if (found.rows.get("held", [group, part]) === undefined) wrong(part, "it is missing");
  };
  if (record === undefined || stand === undefined) {
    missing(record === undefined ? 0 : "stand");
    return 0;
  }
  let from = 0;
  let before = "";
  let held = 0;
  const standAt = standsOf(stand);
  for (let part = 1; (part - 1) * CHUNK < record.count; part++) {
    const row = members.get(part);
    const size = Math.min(CHUNK, record.count - (part - 1) * CHUNK);
    // The row of which the checksum failed stays empty.
    if (row === undefined) missing(part);
    else if (row.length !== size && row.length !== 0)
      wrong(part, `it has ${row.length} members, and should have ${size}`);
    for (const [i, [id]] of (row ?? []).entries()) {
      if (id <= before) wrong(part, `${id} comes after ${before}`);
      before = id;
      const at = standAt(from + i);
      const isInLane = placeOf(found.rows, id) !== undefined;
      if (at === 0) held++;
      if (at !== 1 && isInLane) wrong("stand", `${id} is ${at === 0 ? "held" : at?.state}, and has a place on a lane`);
      if (at === 1 && !isInLane) wrong("stand", `${id} was released, and has no place on a lane`);
    }
    from += size;
  }
  const [first] = members.get(1)?.[0] ?? [group];
  if (first !== group) wrong(1, `the first of them is ${first}`);
  const isWhole = (members.get(Math.ceil(record.count / CHUNK))?.length ?? 0) > 0;
  if (isWhole && before !== record.last) wrong(0, `the last of them is ${before}, not ${record.last}`);
  if (stand.runs.at(-1)?.[0] !== record.count) wrong("stand", `it should tell of ${record.count} members`);
  stand.runs.forEach(([upTo], i) => {
    if (i > 0 && upTo <= (stand.runs[i - 1]?.[0] ?? 0)) wrong("stand", `${upTo} comes after ${stand.runs[i - 1]?.[0]}`);
  });
  return held;
}

function standsOf({ runs }: HeldStand): (index: number) => HeldStand["runs"][number][1] | undefined {
  let run = 0;
  return (index) => {
    while (run < runs.length && index >= (runs[run]?.[0] ?? 0)) run++;
    return runs[run]?.[1];
  };
}

function isStand(value: unknown): boolean {
  return !(value instanceof Unreadable) && typeof value === "object" && value !== null && "runs" in value;
}

function isRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null && "subject" in value;
}
