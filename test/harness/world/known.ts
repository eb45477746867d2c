import type { InLane, OutLane } from "../../../src/journal/records.ts";
import type { Table } from "../../../src/journal/store/store.ts";
import type { Disk } from "../../twins/memory-store.ts";

/**
 * Whether anybody could know that a disk was put back: `other` holds, on its own disk, an ACK for what `image` never took, or
 * something that `image` never sent. Read off the rows, not asked of the code that is under test.
 */
export function knowsMore(other: Disk, name: string, image: Disk, node: string): boolean {
  const epoch = meta(image, "epoch");
  const sentByImage = new Map(rows<OutLane>(image, "lanes").map((lane) => [lane.subject, lane.sent]));
  const takenByImage = new Map(
    rows<InLane>(image, "sources").map((lane) => [`${lane.origin} ${lane.epoch} ${lane.subject}`, lane.last]),
  );
  const hadMore = rows<InLane>(other, "sources").some(
    (lane) => lane.origin === node && lane.epoch === epoch && lane.last > (sentByImage.get(lane.subject) ?? 0),
  );
  const gotMore = rows<OutLane>(other, "lanes").some(({ subject, acked, base = 0, receiverEpoch }) => {
    const taken = takenByImage.get(`${name} ${meta(other, "epoch")} ${subject}`) ?? base;
    return subject.startsWith(`${node}.`) && receiverEpoch === epoch && acked > base && acked > taken;
  });
  return hadMore || gotMore;
}

/** How far the lanes of a disk went when it was put in place: numbers that it had taken, and those that it had given. */
export interface LaneEnds {
  /** By origin and subject. */
  readonly taken: ReadonlyMap<string, number>;
  /** By subject; where the same files were put back, those of which it is certain. */
  readonly given: ReadonlyMap<string, number>;
}

export function laneEnds(disk: Disk, inPlace: boolean): LaneEnds {
  const taken = new Map<string, number>();
  for (const { origin, subject, last } of rows<InLane>(disk, "sources")) {
    const lane = `${origin} ${subject}`;
    taken.set(lane, Math.max(last, taken.get(lane) ?? 0));
  }
  const given = new Map(
    rows<OutLane>(disk, "lanes").map(({ subject, acked, next }) => [subject, inPlace ? acked : next - 1]),
  );
  return { taken, given };
}

function rows<T>(disk: Disk, table: Table): T[] {
  return [...(disk.tables.get(table)?.values() ?? [])].map(({ value }) => value as T);
}

function meta(disk: Disk, key: string): unknown {
  return disk.tables.get("meta")?.get(key)?.value;
}
