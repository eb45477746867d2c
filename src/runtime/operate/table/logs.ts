import { z } from "zod";
import { type Entries, json } from "./entry.ts";
import { atMost, count, name, opt, type Shown, text, thing, time } from "./shape.ts";

const logQuery = z.strictObject({
  node: opt(name),
  domain: opt(name),
  lines: opt(atMost(100_000, 0).describe("The last so many lines of each log; absent: 10")),
});

const logSearch = z.strictObject({
  node: opt(name),
  domain: opt(name),
  text: opt(z.string().max(1_000).describe("A part of the line, in upper or lower case")),
  since: opt(atMost(8.64e15, 0).describe("Lines from then on, ms since 1970, by the time that a line names")),
  until: opt(atMost(8.64e15, 0).describe("Lines before then")),
  limit: opt(atMost(5_000).describe("The newest so many; absent: 500")),
});

export const logLine = thing({ node: text, domain: text, line: text });

const logFindings = thing({
  asOf: time,
  lines: z
    .array(
      thing({ node: text, domain: text, at: time.nullable().describe("The time that the line names"), line: text }),
    )
    .describe("The newest last"),
  complete: z.boolean().describe("False: a request reads so much and no more; go on with `until` as `readBackAt`"),
  bytesRead: count,
  readBackAt: time.nullable(),
  volume: z.array(thing({ at: time, bytes: count })).describe("Bytes of each hour of the last day"),
});

/** Logs that nodes forwarded. */
export const LOGS = {
  logs: {
    summary: "The last lines of received logs",
    needs: "viewer",
    query: logQuery,
    answer: json("Lines, newest last", logLine.array()),
    failures: [404],
  },
  searchLogs: {
    summary: "Lines of received logs by node, domain, time and text, the newest; and the volume of the last day",
    needs: "viewer",
    query: logSearch,
    answer: json("Lines, and how far back was looked", logFindings),
  },
} as const satisfies Entries;

export type LogLine = Shown<typeof logLine>;
export type LogSearchQuery = Shown<typeof logSearch>;
export type LogFindingsView = Shown<typeof logFindings>;
