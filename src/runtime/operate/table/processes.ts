import { z } from "zod";
import type { ProcessVerb } from "../../../message/process-verb.ts";
import type { StuckLane } from "../../../message/standstill.ts";
import { type Entries, json } from "./entry.ts";
import { atMost, count, name, opt, type Shown, standstill, text, thing, time } from "./shape.ts";

const byProcess = {
  node: name,
  subject: z.string().min(1).max(300),
  verb: z.enum(["start", "stop", "restart", "revive"]) satisfies z.ZodType<ProcessVerb>,
};

const processQuery = z.strictObject({
  node: opt(name),
  timeout: opt(atMost(3_600_000).describe("Milliseconds to wait for another node's answer")),
});

export const role = z.enum(["publisher", "subscriber", "source", "core", "schedule"]);

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

/** Processes and the machines that drive them. */
export const PROCESSES = {
  processes: {
    summary: "Processes of this node, or of another one, asked over the wire",
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
export type ProcessState = ProcessView["state"];
export type ProcessList = Shown<typeof processList>;
export type MachineView = Shown<typeof machineView>;
