import { z } from "zod";
import type { BrokerHealth } from "../../../broker/link.ts";
import type { Happening } from "../../../message/happening.ts";
import type { JournalHealth } from "../../upkeep/storage.ts";
import { type Entries, json } from "./entry.ts";
import { jobCounts, jobState } from "./jobs.ts";
import { outcome, outputPart } from "./messages.ts";
import { role } from "./processes.ts";
import { count, opt, type Same, type Shown, same, state, stuckLane, text, thing, time } from "./shape.ts";

export const reloadAnswer = thing({
  changes: z.array(text).describe("One line a change"),
  needRestart: z.array(text).describe("Changes that need a restart of the daemon"),
});

const broker = thing({
  state: z.enum(["connecting", "connected", "disconnected", "denied"]),
  since: time,
  server: opt(text),
  fault: opt(text),
  code: opt(z.enum(["broker-unreachable", "broker-auth", "broker-full", "broker-tls"])),
  refused: opt(z.array(text)),
});

const journal = thing({ state: z.enum(["ok", "low", "full", "failed"]), bytes: count, limit: count });

export const health = thing({
  node: text,
  ok: z.boolean(),
  version: text,
  startedAt: time,
  asOf: time,
  security: z.enum(["sealed", "off"]).describe("off: whoever can publish at the broker is obeyed"),
  broker,
  journal,
  quarantined: z.array(text),
  waiting: opt(
    z
      .array(thing({ role, subject: text, waitsSince: time, reason: text }))
      .describe("Processes that cannot work for a fault of their surroundings, and are tried again"),
  ),
  held: opt(
    z
      .array(thing({ node: text, since: time, endsAt: time.nullable() }))
      .describe("Nodes that are held for maintenance, the first 100"),
  ),
  stuck: z.array(stuckLane).describe("Lanes of this node that stand still though their nodes are there"),
  alertRules: opt(count.describe("Rules under `alerts:` by which this node looks at its fleet; at central alone")),
});

const happened = <T extends string>(type: T) => ({ type: z.literal(type), at: time });

export const happening = z.discriminatedUnion("type", [
  thing({
    ...happened("message"),
    id: text,
    subject: text,
    state,
    by: text,
    reason: opt(text),
    outcome: opt(outcome),
  }),
  thing({
    ...happened("job"),
    id: text,
    state: jobState,
    wave: count.describe("The wave that runs, counted from 0"),
    waves: count,
    counts: jobCounts,
    cause: text,
  }),
  thing({ ...happened("output"), id: text, subject: text, parts: z.array(outputPart) }),
  thing({ ...happened("node"), name: text, region: text, from: text, to: text, cause: text }),
  thing({ ...happened("process"), subject: text, role: text, from: text, to: text, cause: text }),
  thing({ ...happened("transition"), actor: text, role: text, event: text, from: text, to: text, cause: text }),
  thing({ ...happened("log"), node: text, method: text, domain: text, lines: z.array(text) }),
  thing({ ...happened("alert"), node: text, code: text, text }),
]);

const happeningTypes: readonly HappeningType[] = happening.options.map((option) => option.shape.type.value);

const eventQuery = z.strictObject({
  types: opt(
    z
      .string()
      .transform((list) => list.split(","))
      .pipe(z.array(z.enum(happeningTypes as [HappeningType, ...HappeningType[]])))
      .describe(`Only these, separated by commas: ${happeningTypes.join(", ")}`),
  ),
});

/** The event of a stream in place of happenings that its client did not get. */
export const gap = z.strictObject({
  missed: count.nullable().describe("How many; null when it cannot be known, as after a reconnect"),
});

export const failure = z.strictObject({
  error: z.strictObject({
    code: text,
    message: text,
    remedy: text,
    exit: z.number().int().describe("Exit code of the command line for this error"),
    details: z.record(text, z.union([text, z.number()])),
  }),
});

const TEXT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** The daemon itself: its health, its metrics, and all that happens. */
export const DAEMON = {
  health: {
    summary: "Whether the daemon is well",
    needs: "anyone",
    answer: json("It is", health, {
      ill: { status: 503, description: "It is not", is: ({ ok }: Health) => !ok },
    }),
  },
  metrics: {
    summary: "Prometheus text exposition",
    needs: "viewer",
    answer: { ...json("Metrics", z.string()), kind: "text", type: TEXT_TYPE },
  },
  reload: {
    summary: "Read the configuration again and apply what changed",
    needs: "admin",
    answer: json("What changed", reloadAnswer),
    failures: [422],
  },
  watch: {
    summary: "All that happens from now on, as server-sent events; `gap` stands for what a slow client missed",
    needs: "viewer",
    query: eventQuery,
    answer: {
      ...json("A stream of happenings", happening),
      kind: "stream",
      type: "text/event-stream",
    },
    failures: [503],
  },
} as const satisfies Entries;

export type HappeningType = Happening["type"];
export type Health = Shown<typeof health>;
export type ReloadAnswer = Shown<typeof reloadAnswer>;
export type Gap = Shown<typeof gap>;

same<[Same<typeof happening, Happening>, Same<typeof broker, BrokerHealth>, Same<typeof journal, JournalHealth>]>();
