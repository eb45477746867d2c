import type { LogFindingsView } from "../../runtime/operate/table/logs.ts";
import type { HappeningOf } from "./happenings.ts";

/** A stored line, or one that came while the page was open. */
export interface ShownLine {
  readonly node: string;
  readonly domain: string;
  /** The time that the line names, or when it came; null: not known. */
  readonly at: number | null;
  readonly line: string;
}

export interface LineFilter {
  readonly node: string;
  readonly domain: string;
  readonly text: string;
}

/** Most lines that are kept while they come. */
const MOST = 20_000;

/**
 * Stored lines and those that come live, without a line twice at the seam: lines carry no number, so the longest beginning
 * of the live ones with which the stored ones end is left out.
 */
export class LogTail {
  readonly #live: ShownLine[] = [];

  /** Takes what came, as far as it is meant. Answers whether anything was. */
  take(happening: HappeningOf<"log">, filter: LineFilter): boolean {
    const { node, domain, at } = happening;
    if ((filter.node !== "" && filter.node !== node) || (filter.domain !== "" && filter.domain !== domain))
      return false;
    const wanted = filter.text.toLowerCase();
    const meant = happening.lines.filter((line) => wanted === "" || line.toLowerCase().includes(wanted));
    for (const line of meant) this.#live.push({ node, domain, at, line });
    if (this.#live.length > MOST) this.#live.splice(0, this.#live.length - MOST);
    return meant.length > 0;
  }

  clear(): void {
    this.#live.length = 0;
  }

  after(stored: LogFindingsView["lines"]): readonly ShownLine[] {
    const ends = new Map<string, string[]>();
    for (const { node, domain, line } of stored) listOf(ends, `${node} ${domain}`).push(line);
    const skipped = new Map<string, number>();
    const lives = new Map<string, string[]>();
    for (const { node, domain, line } of this.#live) listOf(lives, `${node} ${domain}`).push(line);
    for (const [log, lines] of lives) skipped.set(log, overlap(ends.get(log) ?? [], lines));
    const rest = this.#live.filter(({ node, domain }) => {
      const log = `${node} ${domain}`;
      const left = skipped.get(log) ?? 0;
      if (left === 0) return true;
      skipped.set(log, left - 1);
      return false;
    });
    return [...stored, ...rest];
  }
}

function listOf(lists: Map<string, string[]>, key: string): string[] {
  const known = lists.get(key);
  if (known !== undefined) return known;
  const made: string[] = [];
  lists.set(key, made);
  return made;
}

/** How many of the first live lines stand at the end of the stored ones already. */
function overlap(stored: readonly string[], live: readonly string[]): number {
  for (let count = Math.min(stored.length, live.length); count > 0; count--) {
    let same = true;
    for (let i = 0; i < count && same; i++) same = stored[stored.length - count + i] === live[i];
    if (same) return count;
  }
  return 0;
}
