/**
 * The clocks of a place. Wall time is written as a number too: the milliseconds since 1970 that a clock in UTC would
 * have to show the same date and hour.
 *
 * Twice a year clocks are moved in many places. A wall time that is passed over then has no instant, one that comes twice has two.
 */
export class TimeZone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  readonly #days = new Map<number, Around>();

  /** @throws RangeError for a name that is no time zone; `timeZoneFault` says so beforehand */
  constructor(name: string) {
    this.name = name;
    this.#format = new Intl.DateTimeFormat("en-US", {
      timeZone: name,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
  }

  /** Wall time minus UTC at an instant, ms. */
  offsetAt(instant: number): number {
    const { before, after, movedAt } = this.#around(instant);
    return instant < movedAt ? before : after;
  }

  wallOf(instant: number): number {
    return instant + this.offsetAt(instant);
  }

  /** The offset, where the clocks are not moved near a wall time: all wall times of its day have it then. */
  steadyOffset(wall: number): number | undefined {
    const { before, after } = this.#around(wall);
    return before === after ? before : undefined;
  }

  /** The instants of a wall time, the earlier one first: one, none where the clocks pass over it, two where it comes twice. */
  instantsOf(wall: number): readonly number[] {
    const { before, after, movedAt } = this.#around(wall);
    if (before === after) return [wall - before];
    return [...(wall - before < movedAt ? [wall - before] : []), ...(wall - after >= movedAt ? [wall - after] : [])];
  }

  /** The first instant of a wall time; where the clocks pass over it, the instant at which they do. */
  instantOf(wall: number): number {
    const [first] = this.instantsOf(wall);
    return first ?? this.#around(wall).movedAt;
  }

  /** The offsets around a day, which is named by a time of it, of the wall or in UTC. */
  #around(time: number): Around {
    const day = dayOf(time);
    const known = this.#days.get(day);
    if (known !== undefined) return known;
    const [from, to] = [day + DAY / 2 - NEAR, day + DAY / 2 + NEAR];
    const before = this.#ask(from);
    const after = this.#ask(to);
    const around = { before, after, movedAt: before === after ? from : this.#movedAt(from, to, before) };
    if (this.#days.size >= MOST_DAYS) this.#days.clear();
    this.#days.set(day, around);
    return around;
  }

  /** The offset as the tables of time zones have it: much dearer than a day that is known. */
  #ask(instant: number): number {
    const part = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
    for (const { type, value } of this.#format.formatToParts(instant))
      if (Object.hasOwn(part, type)) part[type as keyof typeof part] = Number(value);
    const wall = Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second);
    return wall + mod(instant, SECOND) - instant;
  }

  /** The first instant of (from, to] that has another offset than `before`. */
  #movedAt(from: number, to: number, before: number): number {
    let [low, high] = [from, to];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (this.#ask(middle) === before) low = middle;
      else high = middle;
    }
    return high;
  }
}

/** The offsets before and after a day, and the instant at which the clocks are moved where they differ. */
interface Around {
  readonly before: number;
  readonly after: number;
  readonly movedAt: number;
}

const SECOND = 1_000;
/** The times of a day, of any wall and in UTC, lie within so long of its noon in UTC, ms; no clock is moved twice within twice of it. */
const NEAR = 40 * 60 * 60_000;
const MOST_DAYS = 500;

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The rest of a division that is never negative. */
export function mod(value: number, by: number): number {
  return ((value % by) + by) % by;
}

/** The beginning of the day of a wall time. */
export function dayOf(wall: number): number {
  return wall - mod(wall, DAY);
}
