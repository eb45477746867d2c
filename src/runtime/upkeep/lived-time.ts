import type { Journal } from "../../journal/journal.ts";
import type { Clock } from "../../message/clock.ts";
import type { Json } from "../../message/message.ts";

/**
 * The spans of wall time that this node has lived through, and how long ago each was by uptime: retention goes by that. A
 * jump of the wall clock makes all records old at once, so an age counts only when as much uptime has passed. Time spent
 * switched off does not count: records are then kept longer.
 *
 *   wall clock  ──chunk──chunk──chunk┄ahead   (jump)   ──chunk┄ahead
 *
 * Invariants: every time that this node stamps lies in a chunk that is on disk, also when the daemon is killed: the last
 * chunk reaches ahead of the clock. A record in no chunk was stamped after a jump and right before a crash: it is spared,
 * and goes when the journal has too many bytes.
 */
interface Chunk {
  readonly from: number;
  to: number;
  /** Uptime at the end of the chunk, ms. */
  lived: number;
}

const KEY = "retention lived-time";
/** How far the last chunk reaches ahead of the clock, and the least of that before it is extended, ms. */
const AHEAD = 120 * 60_000;
const LEAST = 60 * 60_000;
/** A difference between wall clock and uptime beyond this is a jump, ms. */
const TOLERANCE = 10_000;
/** The most chunks; beyond that the oldest are merged, as for a clock that jumps all the time. */
const MOST = 100;
/** A chunk is a `PARTS`th of the shortest age, but at least a `MOST_PARTS`th of the longest, else `MOST` would not suffice. */
const PARTS = 16;
const MOST_PARTS = 64;

export class LivedTime {
  readonly #journal: Journal;
  readonly #clock: Clock;
  readonly #chunks: Chunk[];
  /** Uptime of all lives before this one's last look, ms. */
  #lived: number;
  #seen: { wall: number; monotonic: number };

  constructor(journal: Journal, clock: Clock) {
    this.#journal = journal;
    this.#clock = clock;
    this.#seen = { wall: clock.now(), monotonic: clock.monotonic() };
    const kept = journal.checkpoint(KEY) as { lived: number; chunks: [number, number, number][] } | undefined;
    this.#lived = kept?.lived ?? 0;
    this.#chunks = (kept?.chunks ?? []).map(([from, to, lived]) => ({ from, to, lived }));
    // Records of a journal without chunks count as stamped just now.
    this.#begin(kept === undefined ? Math.min(0, this.#seen.wall) : this.#seen.wall);
    this.#keep();
  }

  /** Reads the clocks; to be called every minute or so. @param age, shortest: the longest and the shortest retention, ms */
  look(age: number, shortest = age): void {
    const wall = this.#clock.now();
    const monotonic = this.#clock.monotonic();
    const passed = monotonic - this.#seen.monotonic;
    const jumped = Math.abs(wall - this.#seen.wall - passed) > TOLERANCE;
    this.#seen = { wall, monotonic };
    this.#lived += passed;
    const last = this.#chunks.at(-1);
    if (jumped || last === undefined) this.#begin(wall - passed - TOLERANCE);
    else {
      last.lived = this.#lived;
      const begun = this.#chunks.at(-2)?.lived ?? 0;
      if (this.#lived - begun > Math.max(shortest / PARTS, age / MOST_PARTS)) this.#begin(wall);
      else if (last.to - wall > LEAST) return;
      else last.to = wall + AHEAD;
    }
    this.#merge(age);
    this.#keep();
  }

  /** True if a record with this stamp is younger than `age` by uptime, whatever the wall clock says. */
  spares(stamp: number, age: number): boolean {
    let known = false;
    for (const { from, to, lived } of this.#chunks) {
      if (stamp < from || stamp > to) continue;
      if (this.#lived - lived < age) return true;
      known = true;
    }
    return !known;
  }

  #begin(from: number): void {
    this.#chunks.push({ from, to: this.#seen.wall + AHEAD, lived: this.#lived });
  }

  /** Merges chunks that are older than `age` and touch: their exact time matters no more. */
  #merge(age: number): void {
    for (let i = 1; i < this.#chunks.length; ) {
      const before = this.#chunks[i - 1];
      const chunk = this.#chunks[i];
      if (before === undefined || chunk === undefined) return;
      const many = this.#chunks.length > MOST;
      if (!many && this.#lived - chunk.lived < age) return;
      if (!many && (chunk.from > before.to + AHEAD || chunk.to < before.from)) i++;
      else
        this.#chunks.splice(i - 1, 2, {
          from: Math.min(before.from, chunk.from),
          to: Math.max(before.to, chunk.to),
          lived: chunk.lived,
        });
    }
  }

  #keep(): void {
    const chunks = this.#chunks.map(({ from, to, lived }): Json => [from, to, lived]);
    this.#journal.setCheckpoint({ key: KEY, value: { lived: this.#lived, chunks } });
  }
}
