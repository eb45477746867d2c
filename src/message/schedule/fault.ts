/** A fault of a text about time: the number of characters before it, and what it is. */
export interface Place {
  readonly at: number;
  readonly text: string;
}

/** All faults of a schedule, a time or a window, each with its place. */
export class ScheduleFault extends Error {
  readonly places: readonly Place[];

  constructor(places: readonly Place[]) {
    super(places.map(({ at, text }) => `at character ${at + 1}: ${text}`).join("; "));
    this.name = "ScheduleFault";
    this.places = places;
  }
}

/** Longer texts are refused before they are looked at, characters. */
const LONGEST = 200;

/** @throws ScheduleFault for a text that is empty or too long */
export function insistOnLength(text: string): void {
  if (text.trim() === "") throw new ScheduleFault([{ at: 0, text: "it is empty" }]);
  if (text.length <= LONGEST) return;
  throw new ScheduleFault([{ at: LONGEST, text: `it has ${text.length} characters, ${LONGEST} are allowed` }]);
}

/** A part of a text between spaces; `at`: the number of characters before it. */
export interface Word {
  readonly text: string;
  readonly at: number;
}

export function wordsOf(text: string): Word[] {
  return [...text.matchAll(/\S+/g)].map((match) => ({ text: match[0], at: match.index }));
}
