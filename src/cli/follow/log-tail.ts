import { normalise } from "../../message/errors.ts";
import type { LogLine } from "../../runtime/operate/table/logs.ts";

/**
 * Joins stored log lines and new ones, so that none is printed twice or left out.
 *
 *   reading (new lines are kept back) → live → reading, after a reconnect → …
 *
 * Lines carry no position, so the seam is found by comparing: the longest end of the printed lines with which the others begin.
 */
const REMEMBERED = 50;

export class LogTail {
  readonly #print: (line: LogLine) => void;
  /** The last lines printed of each log. */
  readonly #printed = new Map<string, string[]>();
  readonly #held: LogLine[] = [];
  #reading = 0;

  constructor(print: (line: LogLine) => void) {
    this.#print = print;
  }

  /** Prints the stored lines that were not printed yet, then the lines that came meanwhile. */
  async read(stored: () => Promise<readonly LogLine[]>): Promise<void> {
    this.#reading++;
    try {
      for (const lines of byLog(await stored()).values()) for (const line of this.#unseen(lines)) this.#out(line);
    } catch (thrown) {
      // The stream breaks too, and the lines are read again when the daemon is back.
      if (normalise(thrown).code !== "no-daemon") throw thrown;
    } finally {
      this.#reading--;
    }
    if (this.#reading > 0) return;
    for (const lines of byLog(this.#held.splice(0)).values())
      for (const line of afterOverlap(this.#printedOf(lines), lines)) this.#out(line);
  }

  take(lines: readonly LogLine[]): void {
    if (this.#reading > 0) this.#held.push(...lines);
    else for (const line of lines) this.#out(line);
  }

  /** The stored lines after the last printed one; all of them when it is not among them. */
  #unseen(stored: readonly LogLine[]): readonly LogLine[] {
    const printed = this.#printedOf(stored);
    if (printed.length === 0) return stored;
    for (let end = stored.length; end > 0; end--) {
      const compared = Math.min(printed.length, end);
      const same = stored
        .slice(end - compared, end)
        .every((line, i) => line.line === printed[printed.length - compared + i]);
      if (same) return stored.slice(end);
    }
    return stored;
  }

  #printedOf([first]: readonly LogLine[]): readonly string[] {
    return first === undefined ? [] : (this.#printed.get(keyOf(first)) ?? []);
  }

  #out(line: LogLine): void {
    const key = keyOf(line);
    const last = this.#printed.get(key) ?? [];
    last.push(line.line);
    if (last.length > REMEMBERED) last.shift();
    this.#printed.set(key, last);
    this.#print(line);
  }
}

/** The lines without those at their beginning that the end of `printed` has already. */
function afterOverlap(printed: readonly string[], lines: readonly LogLine[]): readonly LogLine[] {
  for (let count = Math.min(printed.length, lines.length); count > 0; count--) {
    const same = lines.slice(0, count).every((line, i) => line.line === printed[printed.length - count + i]);
    if (same) return lines.slice(count);
  }
  return lines;
}

function byLog(lines: readonly LogLine[]): Map<string, LogLine[]> {
  const logs = new Map<string, LogLine[]>();
  for (const line of lines) {
    const log = logs.get(keyOf(line));
    if (log === undefined) logs.set(keyOf(line), [line]);
    else log.push(line);
  }
  return logs;
}

const keyOf = ({ node, domain }: LogLine): string => `${node} ${domain}`;
