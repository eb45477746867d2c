import { z } from "zod";
import type { AlertView } from "../../../message/care/alert.ts";
import { ERRANDS } from "../../../message/care/errand.ts";
import { bodyOf, type Entries, json, none } from "./entry.ts";
import { atMost, byId, count, name, opt, type Same, type Shown, same, text, thing, time } from "./shape.ts";

const byNumber = { no: atMost(Number.MAX_SAFE_INTEGER) };

const alertTest = z.strictObject({
  to: opt(z.array(name).max(100).describe("Names of `destinations:`; absent: all that a rule names")),
});

const openAlert = thing({
  rule: text.describe("The name of the rule in `alerts:`"),
  node: text,
  text,
  since: time.describe("Since when the condition holds"),
  toldAt: opt(time.describe("When it was told last; absent: it was not yet")),
  goneAt: opt(time.describe("Since then the condition is gone, though not for as long as `recover`")),
  muted: opt(z.literal(true).describe("Its node is muted: it is not told")),
  to: z.array(text).describe("Destinations"),
});

const errandView = thing({
  id: text.describe("The key by which the destination knows it again"),
  to: text.describe("The destination"),
  about: z.enum(ERRANDS).describe("outcome: that of a message; job: that of a whole job"),
  text: text.describe("One line of what it says"),
  madeAt: time,
  attempts: count,
  dueAt: time.describe("When it is tried next"),
  fault: opt(text.describe("Why the last attempt failed")),
});

export const alertView = thing({
  no: count,
  node: text,
  code: text,
  text,
  firstAt: time,
  lastAt: time,
  count: count.describe("How often it was raised"),
  state: z.enum(["raised", "over"]).describe("over: its cause is gone"),
  overAt: opt(time),
});

/** Alerts, the rules that raise them, and the errands that carry them. */
export const ALERTS = {
  alerts: {
    summary: "What went wrong and was not cleared, the latest first; at central of all nodes",
    needs: "viewer",
    answer: json("Alerts", alertView.array(), { durable: true }),
    failures: [503],
  },
  clearAlert: {
    summary: "Clear an alert: it is forgotten until it is raised anew",
    needs: "operator",
    params: byNumber,
    answer: none("It is cleared"),
    failures: [404],
  },
  openAlerts: {
    summary: "What the rules of `alerts:` have found and is not over, the latest first",
    needs: "viewer",
    answer: json("Open alerts of rules", openAlert.array()),
  },
  testAlert: {
    summary: "Send a test to the destinations of alerts",
    needs: "operator",
    body: bodyOf(alertTest),
    answer: json("The errands, under way", errandView.array()),
    failures: [404, 413, 415, 503],
  },
  errands: {
    summary: "Alerts and outcomes that wait for their destinations, the oldest first",
    needs: "viewer",
    answer: json("Errands", errandView.array(), { durable: true }),
    failures: [503],
  },
  retryErrand: {
    summary: "Try an errand again at once",
    needs: "operator",
    params: byId,
    answer: none("It is tried"),
    failures: [404],
  },
  dropErrand: {
    summary: "Give an errand up",
    needs: "operator",
    params: byId,
    answer: none("It is gone"),
    failures: [404],
  },
} as const satisfies Entries;

export type OpenAlertView = Shown<typeof openAlert>;
export type ErrandView = Shown<typeof errandView>;
export type AlertTest = Shown<typeof alertTest>;

same<[Same<typeof alertView, AlertView>]>();
