import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../message/clock.ts";
import type { Log } from "../../observe/log.ts";

/**
 * A file that lies in the data directory during a daemon's first seconds. LMDB ends the process that reads a damaged
 * database, before that process can log the cause: the next daemon logs it instead, before it opens the journal.
 *
 *   none ──start──▶ there ──ten seconds, or an end that the log tells──▶ none
 *                     └──death──▶ there at the next start, which counts
 *
 * The mark hinders no start: a daemon that an operator killed in its first seconds leaves it too.
 */
const MARK = "starting.json";
/** A damaged page is met when the journal is opened, or with the first records that are written to it, ms. */
const FIRST_SECONDS = 10_000;

/** Leaves the mark; `settled` removes it: this start has worked, or its failure is in the log. */
export function markStart(directory: string, clock: Clock, log: Pick<Log, "error" | "flushNow">): { settled(): void } {
  const file = join(directory, MARK);
  const deaths = deathsBefore(file);
  if (deaths > 0) {
    const times = deaths === 1 ? "" : `, ${deaths} times in a row`;
    const text = `the last daemon died within ${FIRST_SECONDS / 1000} s of its start without a word${times}: if nobody killed it, its journal may be damaged; stop this one and run \`steward doctor\``;
    log.error({ deaths }, text);
    // This daemon may die before the next turn of the event loop.
    log.flushNow();
  }
  try {
    writeFileSync(file, JSON.stringify({ deaths }), { mode: 0o600 });
  } catch {
    // A full disk costs the mark, never the start.
  }
  const settled = (): void => {
    clock.clearTimeout(timer);
    try {
      rmSync(file, { force: true });
    } catch {
      // A disk that has become read-only keeps the mark.
    }
  };
  const timer = clock.setTimeout(settled, FIRST_SECONDS);
  return { settled };
}

/** Daemons in a row that died in their first seconds; an unreadable mark was left by one that died while writing it. */
function deathsBefore(file: string): number {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return 0;
  }
  try {
    const { deaths } = JSON.parse(text) as { deaths: number };
    return Number.isSafeInteger(deaths) && deaths >= 0 ? deaths + 1 : 1;
  } catch {
    return 1;
  }
}
