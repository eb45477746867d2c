import { faultText } from "../../message/errors.ts";
import type { Json } from "../../message/message.ts";
import type { ScheduleView } from "../../message/schedule/held-schedule.ts";
import { MISSED, MOST_SCHEDULES, type NodeSchedule, timeFaults } from "../../message/schedule/node-schedule.ts";
import { SCHEDULE } from "../../message/schedule/scheduled.ts";
import { CONTROL_DOMAIN, parseSubject, tokenFault } from "../../message/subject.ts";
import { LONGEST_TIMEOUT } from "../../message/wire/bounds.ts";
import { isTime } from "../../message/wire/packet.ts";
import { checkObject } from "../../methods/check.ts";
import { defineMethod, type Method } from "../../methods/define.ts";

export type ScheduleOrder = { readonly name: string } & (
  | { readonly set: NodeSchedule }
  | { readonly verb: "remove" | "pause" | "resume" }
);

/** The news of a node: the schedules that changed, or all of them. */
export interface ScheduleNews {
  readonly at: number;
  /** True: every other schedule is gone. */
  readonly all?: true;
  readonly changed: readonly ScheduleView[];
  readonly gone?: readonly string[];
}

export interface ScheduleTaker {
  /** Takes the order of the command `id`. @throws Error why it is not taken */
  take(id: string, order: ScheduleOrder): string;
  /** A node has told of its schedules. */
  told(origin: string, news: ScheduleNews): void;
}

const LONGEST_NOTE = 200;
const MOST_BYTES = 64 * 1024;

export function scheduleMethod(taker: ScheduleTaker): Method {
  return defineMethod({
    name: SCHEDULE,
    summary: "Sets, removes, pauses and resumes the schedules that a node holds; a node tells central of them.",
    command: {
      idempotent: true,
      check: checkOrder,
      run: async ({ id, data }) => {
        try {
          return { state: "succeeded", result: taker.take(id, data as unknown as ScheduleOrder) };
        } catch (error) {
          return { state: "failed", reason: faultText(error) };
        }
      },
    },
    event: {
      check: checkNews,
      async handle(batch, { origin }) {
        for (const { data } of batch) taker.told(origin, data as unknown as ScheduleNews);
        return undefined;
      },
    },
  });
}

function checkOrder(data: Json): void {
  checkObject(data, { name: "string" });
  const { name, set, verb, ...rest } = data as { name: string; set?: unknown; verb?: unknown };
  const fault = tokenFault(name);
  if (fault !== undefined) throw new Error(`name: ${fault}`);
  refuseOthers(rest);
  if ((set === undefined) === (verb === undefined)) throw new Error("expected either `set` or `verb`");
  if (verb !== undefined) checkObject(data, { verb: ["remove", "pause", "resume"] });
  else checkPlan(set as Json);
}

function refuseOthers(rest: object): void {
  const [other] = Object.keys(rest);
  if (other !== undefined) throw new Error(`${other}: there is no such field`);
}

function checkPlan(data: Json): void {
  checkObject(data, { missed: MISSED, subject: "string" });
  const plan = data as unknown as NodeSchedule;
  const { at, every, window, zone, missed: _missed, subject, data: what, timeout, note, ...rest } = plan;
  refuseOthers(rest);
  for (const [key, value] of Object.entries({ at, every, window, zone, note }))
    if (value !== undefined && (typeof value !== "string" || value.length > LONGEST_NOTE))
      throw new Error(`${key}: expected a text of at most ${LONGEST_NOTE} characters`);
  if (timeout !== undefined && !(Number.isSafeInteger(timeout) && timeout >= 1 && timeout <= LONGEST_TIMEOUT))
    throw new Error("timeout: expected milliseconds");
  if (what === undefined) throw new Error("data: it is missing");
  if (Buffer.byteLength(JSON.stringify(what)) > MOST_BYTES) throw new Error(`data: at most ${MOST_BYTES} bytes`);
  const { kind, domain } = parseSubject(`n.${subject}`);
  if (kind !== "command") throw new Error("subject: only commands are scheduled");
  if (domain === CONTROL_DOMAIN) throw new Error("subject: the commands of steward itself are not scheduled");
  const [fault] = timeFaults(plan);
  if (fault !== undefined) throw new Error(`${fault[0]}${fault[0] === "" ? "" : ": "}${fault[1]}`);
}

function checkNews(data: Json): void {
  checkObject(data, { at: "number" });
  const { at, all, changed, gone = [] } = data as unknown as ScheduleNews;
  if (!isTime(at)) throw new Error("at: expected a time");
  if (all !== undefined && all !== true) throw new Error("all: expected true");
  if (!Array.isArray(changed) || changed.length > MOST_SCHEDULES)
    throw new Error(`changed: expected at most ${MOST_SCHEDULES} schedules`);
  if (!Array.isArray(gone) || gone.length > MOST_SCHEDULES || !gone.every((name) => tokenFault(name) === undefined))
    throw new Error("gone: expected names of schedules");
  for (const view of changed as Json[]) checkView(view);
}

function checkView(view: Json): void {
  const texts = ["name", "from", "zone", "missed", "subject", "what", "state", "cause"];
  checkObject(
    view,
    Object.fromEntries([...texts.map((key) => [key, "string"] as const), ["since", "number"], ["left", "number"]]),
  );
  const { runs, next } = view as unknown as ScheduleView;
  if (next !== null && !isTime(next)) throw new Error("next: expected a time");
  if (!Array.isArray(runs) || runs.length > MOST_RUNS) throw new Error("runs: expected the latest runs");
  for (const run of runs as Json[]) checkObject(run, { id: "string", due: "number", at: "number", state: "string" });
}

/** Runs that are kept of a schedule, the latest. */
export const MOST_RUNS = 10;
