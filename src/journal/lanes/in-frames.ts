import { ChurnMap } from "../../platform/churn-map.ts";
import type { InRecord } from "../records.ts";
import type { Store } from "../store/store.ts";

/**
 * The messages that were taken and are not finished. The messages of one frame are one row, which is removed when the last
 * of them is finished. A message that is taken and finished in one turn is never written.
 *
 *   pending   frame                  the messages of the frame, in order
 *   progress  [frame, 0, 1, 2, …]    the changes of one turn: [place, the message now, or 0 when it is finished]
 */
export interface InFrame {
  readonly no: number;
  /** By place; `undefined`: finished. */
  readonly records: (InRecord | undefined)[];
  left: number;
  /** Number of `progress` rows. */
  changes: number;
  written: boolean;
  /** Places that changed in this turn. */
  changed: Set<number>;
}

type Change = readonly [place: number, now: InRecord | 0];

export class InFrames {
  readonly #store: Store;
  readonly #places = new ChurnMap<string, { frame: InFrame; place: number }>();
  #touched = new Set<InFrame>();
  #next = 1;

  constructor(store: Store) {
    this.#store = store;
    for (const { key, value } of store.range("pending", {})) {
      const no = Number(key);
      const records: (InRecord | undefined)[] = [...(value as InRecord[])];
      let changes = 0;
      for (const row of store.range("progress", { from: [no], to: [no + 1] })) {
        changes++;
        for (const [place, now] of row.value as Change[]) records[place] = now === 0 ? undefined : now;
      }
      const frame = this.begin(no);
      frame.records.push(...records);
      records.forEach((record, place) => {
        if (record === undefined) return;
        frame.left++;
        this.#places.set(record.message.id, { frame, place });
      });
      frame.changes = changes;
      frame.written = true;
      this.#next = no + 1;
    }
  }

  /** An empty frame, to which `add` gives its messages. */
  begin(no = this.#next++): InFrame {
    return { no, records: [], left: 0, changes: 0, written: false, changed: new Set() };
  }

  add(frame: InFrame, record: InRecord): void {
    this.#places.set(record.message.id, { frame, place: frame.records.push(record) - 1 });
    frame.left++;
    this.#touch(frame);
  }

  get(id: string): InRecord | undefined {
    const found = this.#places.get(id);
    return found?.frame.records[found.place];
  }

  /** All unfinished messages, in the order of their arrival. */
  all(): InRecord[] {
    return [...this.#places.values()].flatMap(({ frame, place }) => frame.records[place] ?? []);
  }

  replace(record: InRecord): InRecord {
    const found = this.#places.get(record.message.id);
    if (found === undefined) return record;
    found.frame.records[found.place] = record;
    found.frame.changed.add(found.place);
    this.#touch(found.frame);
    return record;
  }

  /** Removes a finished message. */
  remove(id: string): InRecord | undefined {
    const found = this.#places.get(id);
    if (found === undefined) return undefined;
    const { frame, place } = found;
    const record = frame.records[place];
    this.#places.delete(id);
    frame.records[place] = undefined;
    frame.changed.add(place);
    frame.left--;
    this.#touch(frame);
    return record;
  }

  #touch(frame: InFrame): void {
    if (this.#touched.size === 0) this.#store.atTurnEnd(() => this.#write());
    this.#touched.add(frame);
  }

  #write(): void {
    for (const frame of this.#touched) {
      const { no, records, changed } = frame;
      if (frame.left === 0) this.#forget(frame);
      else if (!frame.written) {
        // Messages finished before the first write are left out, and places are counted anew.
        const left = records.filter((record) => record !== undefined);
        records.splice(0, records.length, ...left);
        for (const [place, record] of left.entries()) this.#places.set(record.message.id, { frame, place });
        this.#store.put("pending", no, left, true);
        frame.written = true;
      } else if (changed.size > 0) {
        const row = [...changed].map((place): Change => [place, records[place] ?? 0]);
        this.#store.put("progress", [no, frame.changes++], row, true);
      }
      if (changed.size > 0) frame.changed = new Set();
    }
    this.#touched = new Set();
  }

  #forget({ no, written, changes }: InFrame): void {
    if (!written) return;
    this.#store.remove("pending", no);
    for (let n = 0; n < changes; n++) this.#store.remove("progress", [no, n]);
  }
}
