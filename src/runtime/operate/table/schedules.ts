import { z } from "zod";
import { SCHEDULE_STATES } from "../../../message/schedule/held-schedule.ts";
import { MISSED } from "../../../message/schedule/node-schedule.ts";
import { type Entries, json } from "./entry.ts";
import { count, name, opt, type Shown, state, text, thing, time } from "./shape.ts";

const scheduleQuery = z.strictObject({ node: opt(name.describe("Only those of this node")) });

const runView = thing({
  id: text.describe("The command that the node gave to itself; the node itself tells more of it"),
  dueAt: time.describe("The time of the schedule that it was for"),
  endedAt: time,
  state,
  code: opt(z.number().int()),
  reason: opt(text),
  output: opt(text.describe("The end of what it printed")),
});

const scheduleView = thing({
  node: text,
  name: text,
  from: text.describe("file: the node's own steward.yaml; else who has sent it"),
  when: text.describe("Its times as they were written"),
  window: opt(text.describe("Hours in which a run may begin")),
  zone: text.describe("The time zone of its times"),
  missed: z.enum(MISSED).describe("Runs that are made up for where a time was missed: none, one for all, or each"),
  subject: text,
  summary: text.describe("The command on one line"),
  note: opt(text),
  state: z.enum(SCHEDULE_STATES),
  since: time,
  cause: text,
  nextAt: time.nullable().describe("Its next time; null: there is none"),
  left: count.describe("Times that were left out"),
  runs: z.array(runView).describe("The latest runs, the oldest first"),
  asOf: time.describe("When its node told of it"),
});

/** Schedules that nodes hold by themselves. */
export const SCHEDULES = {
  schedules: {
    summary: "The schedules that nodes hold, as they have told; at an edge its own",
    needs: "viewer",
    query: scheduleQuery,
    answer: json("Schedules, by their nodes and names", scheduleView.array(), { durable: true }),
    failures: [404, 503],
  },
} as const satisfies Entries;

export type ScheduleViewOf = Shown<typeof scheduleView>;
export type ScheduleQuery = Shown<typeof scheduleQuery>;
