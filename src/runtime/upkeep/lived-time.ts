import type { Journal } from "../../journal/journal.ts";
import type { Clock } from "../../message/clock.ts";
import type { Json } from "../../message/message.ts";

/**
 * The times of the wall clock that this node has lived through, and how long ago by its uptime: retention goes by that. A wall
 * clock that jumps makes everything old at once; so an age counts only when uptime has seen as much of it. Time spent
 * switched off does not count: what is kept is kept rather longer.
 *
 *   wall clock  ──chunk──chunk──chunk┄ahead   (jump)   ──chunk┄ahead
 *
 * Invariants: every time that this node stamps lies in a chunk that is on disk, also when it is killed: the last chunk
 * reaches a little ahead of the clock. A record in no chunk was stamped just after a jump, just before a crash: it is
 * spared, and goes when the journal has too many bytes.
 */
interface Chunk {
  readonly from: number;
  to: number;
  /** Uptime when it ended, ms. */
  lived: number;
}

const KEY = "retention lived-time";
/** How far the last chunk reaches ahead of the clock, and how little of that may be left, ms. */
const AHEAD = 120 * 60_000;
const LEAST = 60 * 60_000;
/** The wall clock may run so much differently, ms, before it has jumped. */
const TOLERANCE = 10_000;
/** Chunks at most; of a clock that jumps all the time the oldest count as one. */
const MOST = 100;
/** So many parts of the shortest age are told apart, as long as they are not more parts of the longest than `MOST` has room for. */
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
    // A journal from before this was kept: all that it holds counts as stamped just now.
    this.#begin(kept === undefined ? Math.min(0, this.#seen.wall) : this.#seen.wall);
    this.#keep();
  }

  /** Reads the clocks; to be called every minute or so. @param age, shortest: those that retention goes by, ms */
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

  /** True where a record that was stamped then is too young by uptime, whatever the wall clock says. */
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

  /** Chunks that are past count all the same: those that touch become one. */
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
