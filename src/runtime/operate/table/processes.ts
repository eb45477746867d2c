import { z } from "zod";
import type { ProcessVerb } from "../../../message/process-verb.ts";
import type { StuckLane } from "../../../message/standstill.ts";
import { type Entries, json } from "./entry.ts";
import { atMost, count, milliseconds, name, opt, type Shown, standstill, text, thing, time } from "./shape.ts";

const byProcess = {
  node: name,
  subject: z.string().min(1).max(300),
  verb: z.enum(["start", "stop", "restart", "revive"]) satisfies z.ZodType<ProcessVerb>,
};

const processQuery = z.strictObject({
  node: opt(name),
  subject: opt(
    z
      .string()
      .min(1)
      .max(300)
      .describe("One process, with or without its node's name: its last changes of state come too"),
  ),
  timeout: opt(atMost(3_600_000).describe("Milliseconds to wait for another node's answer")),
});

export const role = z.enum(["publisher", "subscriber", "source", "core", "schedule"]);

const processTransition = thing({
  at: time,
  machine: text.describe(
    "The machine that changed: publisher, subscriber, …, or child: the supervision of the process",
  ),
  event: text,
  from: text.describe("Empty: the machine began"),
  to: text,
  cause: opt(text),
});

export const processView = thing({
  subject: text,
  role,
  state: z
    .enum(["starting", "idle", "working", "backingOff", "blocked", "paused", "quarantined", "stopped"])
    .describe("blocked: it cannot work for a fault of its surroundings: a file that may not be read, a full disk"),
  since: time,
  restarts: count,
  queued: count,
  active: count,
  waitsSince: opt(time.describe("Since then it cannot work for a fault of its surroundings, and is tried again")),
  lastError: opt(text.describe("What it failed with last; of the past where it works again")),
  lastErrorAt: opt(time),
  held: opt(text.describe("Of a publisher: its node is held for maintenance, in words")),
  stuck: opt(standstill.describe("Of a publisher: its lane does not move though its node is there")),
  transitions: opt(
    z
      .array(processTransition)
      .describe(
        "Its last changes of state, the newest last, where it was asked for alone; absent: its node cannot tell",
      ),
  ),
});

export const processList = thing({ node: text, asOf: time, processes: z.array(processView) });

const chartArrow = thing({ from: text, to: text, label: text.describe("The event, with its guard in brackets") });

const machineView = thing({
  name: text.describe("node, publisher, subscriber, link, child"),
  regions: z
    .array(
      thing({
        name: text.describe("Empty where the machine has no regions"),
        initial: text,
        states: z.array(thing({ id: text, final: z.boolean() })),
        arrows: z.array(chartArrow),
      }),
    )
    .describe("Regions change independently of each other"),
});

const transitionQuery = z.strictObject({
  role: opt(name.describe("node, publisher, subscriber, source, link, job, child, core")),
  actor: opt(z.string().max(300).describe("The name of one actor")),
  limit: opt(atMost(2_000).describe("The newest so many; absent: 1000")),
});

const transitionView = thing({ at: time, actor: text, role: text, event: text, from: text, to: text, cause: text });

const supervisedView = thing({
  id: text,
  state: z.enum(["starting", "running", "backingOff", "quarantined", "stopping", "stopped"]),
  since: time,
  restarts: count.describe("How often its supervisor has started it again"),
  restart: z
    .enum(["permanent", "transient", "temporary"])
    .describe("When it is started again: always, if it failed, never"),
  waitsSince: opt(time.describe("Since then it cannot come up for a fault of its surroundings, and is tried again")),
  lastError: opt(text),
  lastErrorAt: opt(time),
});

const supervisorView = thing({
  id: text,
  parent: text.nullable().describe("The supervisor of which it is the child of the same name; null: the root"),
  strategy: z
    .enum(["oneForOne", "oneForAll", "restForOne"])
    .describe("Which children are restarted with one that fails: none, all, those after it"),
  onGiveUp: z
    .enum(["escalate", "quarantine"])
    .describe("After too many restarts: it ends and fails itself, or that child alone is parked"),
  intensity: count.describe("So many restarts are tolerated"),
  period: milliseconds.describe("within this time"),
  children: z.array(supervisedView).describe("In start order; of very many those that are not well, and others"),
  left: count.describe("Children that are not listed: they run, and were never restarted"),
});

const supervisionView = thing({ node: text, asOf: time, supervisors: z.array(supervisorView) });

/** Processes and the machines that drive them. */
export const PROCESSES = {
  processes: {
    summary:
      "Processes of this node, or of another one, asked over the wire; of one alone with its last changes of state",
    needs: "viewer",
    query: processQuery,
    answer: json("Processes", processList),
    failures: [404, 503],
  },
  control: {
    summary: "Start, stop, restart or revive a process",
    needs: "operator",
    params: byProcess,
    answer: json("The process afterwards", processView),
    failures: [403, 404, 503],
  },
  supervision: {
    summary: "The supervision tree of this daemon as it is: every supervisor with its children and their restarts",
    needs: "viewer",
    answer: json("The supervisors, the upper ones first", supervisionView),
  },
  transitions: {
    summary: "The last transitions of the actors of this daemon, the newest last",
    needs: "viewer",
    query: transitionQuery,
    answer: json("Transitions, as far as they are remembered", transitionView.array()),
  },
  machines: {
    summary: "The state machines of this daemon, as charts to be laid out",
    needs: "viewer",
    answer: json("Machines, read off those that run", machineView.array()),
  },
} as const satisfies Entries;

export type ProcessView = Shown<typeof processView>;
/** A process that cannot work for a fault of its surroundings. */
export interface WaitingProcess extends StuckLane {
  readonly role: ProcessView["role"];
}
export type ProcessTransition = Shown<typeof processTransition>;
export type ProcessQuery = Shown<typeof processQuery>;
export type ProcessState = ProcessView["state"];
export type ProcessList = Shown<typeof processList>;
export type SupervisionView = Shown<typeof supervisionView>;
export type TransitionQuery = Shown<typeof transitionQuery>;
export type TransitionView = Shown<typeof transitionView>;
export type MachineView = Shown<typeof machineView>;
