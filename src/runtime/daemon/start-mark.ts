import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../message/clock.ts";
import type { Log } from "../../observe/log.ts";

/**
 * A file that lies in the data directory during a daemon's first seconds. Where its database is damaged LMDB ends the
 * process that reads it, and that process can say nothing more: the next one says it in its place, before it opens anything.
 *
 *   none ──start──▶ there ──ten seconds, or an end of which the log tells──▶ none
 *                     └──it died──▶ there at the next start, which counts
 *
 * Nobody is kept from starting by it: who was killed by others in these seconds leaves it too.
 */
const MARK = "starting.json";
/** A damaged page is met when the journal is opened, or with the first of what is moved to it, ms. */
const FIRST_SECONDS = 10_000;

/** `settled`: this start is over, one way or the other, and nobody has to wonder. */
export function markStart(directory: string, clock: Clock, log: Pick<Log, "error" | "flushNow">): { settled(): void } {
  const file = join(directory, MARK);
  const deaths = deathsBefore(file);
  if (deaths > 0) {
    const times = deaths === 1 ? "" : `, ${deaths} times in a row`;
    const text = `the last daemon died within ${FIRST_SECONDS / 1000} s of its start without a word${times}: if nobody killed it, its journal may be damaged; stop this one and run \`steward doctor\``;
    log.error({ deaths }, text);
    // This one may not live to the next turn.
    log.flushNow();
  }
  try {
    writeFileSync(file, JSON.stringify({ deaths }), { mode: 0o600 });
  } catch {
    // A full disk costs this word, never the start.
  }
  const settled = (): void => {
    clock.clearTimeout(timer);
    try {
      rmSync(file, { force: true });
    } catch {
      // The disk is read-only by now.
    }
  };
  const timer = clock.setTimeout(settled, FIRST_SECONDS);
  return { settled };
}

/** Of daemons in a row; a mark that cannot be read is that of one that died as it wrote it. */
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
