import type { Target } from "./target.ts";
import { apiRequests, eventStreams } from "./targets/api.ts";
import { commandLines } from "./targets/cli.ts";
import { configurations, messageFiles } from "./targets/intake.ts";
import { writeAheadLogs } from "./targets/journal.ts";
import { methodData, processAnswers, reports } from "./targets/methods.ts";
import { runnerLines, runRecords } from "./targets/runner.ts";
import { syslogLines, syslogStreams } from "./targets/syslog.ts";
import { acks, frames, subjects, units } from "./targets/wire.ts";

/** Every decoder and intake under attack: in the suite by the thousand, by `npm run fuzz` by the million. */
export const TARGETS: readonly Target[] = [
  subjects,
  frames,
  acks,
  units,
  reports,
  methodData,
  processAnswers,
  messageFiles,
  configurations,
  syslogLines,
  syslogStreams,
  runnerLines,
  runRecords,
  writeAheadLogs,
  apiRequests,
  eventStreams,
  commandLines,
];
