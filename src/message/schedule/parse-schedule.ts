import { isCron, readCron } from "./cron.ts";
import { insistOnLength } from "./fault.ts";
import { readWords } from "./plain-words.ts";
import type { Schedule } from "./schedule.ts";

/**
 * A schedule as a line of cron (`30 4 * * mon-fri`, `@daily`) or in plain words (`every day at 02:00`).
 *
 * @throws ScheduleFault with each fault and its place
 */
export function parseSchedule(text: string): Schedule {
  insistOnLength(text);
  return isCron(text) ? readCron(text) : readWords(text);
}
