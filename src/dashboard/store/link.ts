/** How fresh the page is, in the words that it always shows. */
export type LinkWord = "connecting" | "live" | "reconnecting" | "stale" | "signed out";

export interface LinkFacts {
  readonly stream: "opening" | "live" | "waiting" | "refused";
  /** When the daemon was last heard, by the clock of this browser; 0: never. */
  readonly heardAt: number;
  readonly now: number;
}

/** How long without a word until what is shown is called stale, ms; half of it is a mere hiccup. */
const STALE_AFTER = 10_000;

export function linkWord({ stream, heardAt, now }: LinkFacts): LinkWord {
  if (stream === "refused") return "signed out";
  if (heardAt === 0) return "connecting";
  const silent = now - heardAt;
  if (stream === "live") return silent > STALE_AFTER * 2.5 ? "stale" : "live";
  return silent > STALE_AFTER ? "stale" : "reconnecting";
}

/** True while what is shown may be called present. */
export function isFresh(word: LinkWord): boolean {
  return word === "live";
}
