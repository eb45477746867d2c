import { z } from "zod";
import type { AlertView } from "../message/alert.ts";
import type { Happening } from "../message/happening.ts";
import { STATES } from "../message/lifecycle.ts";
import type { Json } from "../message/message.ts";
import { TIME_KEYS } from "../message/text/time-words.ts";
import type * as op from "../runtime/operate/operations.ts";

/**
 * What the API answers, one schema a shape: the source of the OpenAPI document, and held to the types of `Operations` by
 * the compiler. Times are milliseconds since 1970.
 */
const time = z.number().int().describe("Milliseconds since 1970");
const timeText = z.string().nullable().describe("The same time as RFC 3339 text");
/** The parts are absent where the text is no subject. */
const SUBJECT_PARTS = { node: "The receiver", method: "The method", domain: "The domain" } as const;

/** A thing that is answered, with what stands beside its times and its subject: see `withTimes`. */
function thing<S extends z.core.$ZodLooseShape>(shape: S) {
  // The times and parts that the server adds are documented here, and are no part of what the operations answer.
  return z.strictObject({ ...shape, ...beside(shape) }) as unknown as z.ZodObject<S, z.core.$strict>;
}

function extended<B extends z.core.$ZodLooseShape, S extends z.core.$ZodLooseShape>(
  base: z.ZodObject<B, z.core.$strict>,
  shape: S,
) {
  return base.extend({ ...shape, ...beside(shape) }) as unknown as z.ZodObject<
    z.core.util.Extend<B, S>,
    z.core.$strict
  >;
}

function beside(shape: z.core.$ZodLooseShape): Record<string, z.ZodType> {
  const found: Record<string, z.ZodType> = {};
  for (const key of Object.keys(shape)) if (TIME_KEYS.has(key)) found[`${key}Time`] = opt(timeText);
  if (!("subject" in shape)) return found;
  for (const [part, meaning] of Object.entries(SUBJECT_PARTS))
    if (!(part in shape)) found[part] = opt(z.string().describe(`${meaning} of its subject`));
  return found;
}
const milliseconds = z.number();
const count = z.number().int().min(0);
const text = z.string();
const opt = z.exactOptional;

const stateNames = Object.keys(STATES) as [op.MessageView["state"], ...op.MessageView["state"][]];
export const state = z.enum(stateNames);
const finalState = state.exclude(["held", "queued", "sent", "received", "running", "unknown"]);

/** Any JSON value; what comes here went through JSON.parse, so only its absence is a fault. */
export const json = z.custom<Json>((value) => value !== undefined, "is missing").describe("Any JSON value");

const linkState = z.enum(["neverSeen", "online", "late", "offline"]);

export const accepted = thing({
  id: text,
  subject: text,
  node: text,
  link: linkState,
  blocked: opt(text.describe("Why nothing goes to it now, though it is there")),
});

export const cancelAnswer = z.discriminatedUnion("kind", [
  thing({ kind: z.literal("done"), id: text }),
  thing({ kind: z.literal("requested"), id: text, reason: text }),
  thing({ kind: z.literal("tooLate"), id: text, state }),
]);

const assertion = thing({ state, at: time, by: text, reason: opt(text) });

const outputPart = thing({
  stream: z.enum(["stdout", "stderr"]),
  offset: count.describe("Bytes of this stream before this part"),
  text,
  encoding: opt(z.literal("base64")),
});

const streamTotal = thing({ bytes: count, kept: count });

const outcome = thing({
  state: finalState,
  at: time,
  startedAt: opt(time),
  code: opt(z.number().int()),
  signal: opt(text),
  reason: opt(text),
  output: opt(z.array(outputPart)),
  totals: opt(thing({ stdout: streamTotal, stderr: streamTotal })),
  result: opt(json),
});

export const messageView = thing({
  id: text,
  subject: text,
  origin: text,
  direction: z.enum(["out", "in"]),
  state,
  final: z.boolean(),
  since: time,
  createdAt: time,
  deliverBy: time.nullable().describe("May wait until then to start; null waits for ever"),
  reason: opt(text),
  code: opt(z.number().int()),
  attempts: count,
  cancelRequestedAt: opt(time),
  summary: text,
});

export const messageDetail = extended(messageView, {
  data: json,
  timeout: milliseconds.nullable().describe("Milliseconds it may run; null: the method's own limit"),
  inReplyTo: opt(text),
  history: z.array(assertion),
  conflict: opt(assertion),
  cancelAnswer: opt(
    thing({ kind: z.enum(["done", "tooLate", "refused"]), at: time, reason: opt(text) }).describe(
      "What the node said to the request to cancel it",
    ),
  ),
  heardAt: opt(time.describe("When its end was heard of here; its own times are by the clock of its node")),
  outcome: opt(outcome),
  output: z.array(outputPart),
});

const standstill = thing({ since: time, reason: text });
const stuckLane = thing({ subject: text, since: time, reason: text });

export const nodeView = thing({
  name: text,
  role: z.enum(["self", "central", "edge"]),
  link: linkState,
  linkSince: time,
  cause: text,
  session: z.enum(["none", "resyncing", "live"]),
  work: z.enum(["idle", "busy"]),
  trust: z.enum(["pending", "accepted", "revoked"]),
  storage: z.enum(["ok", "low", "full"]),
  unheard: opt(z.literal(true).describe("Its link is as an earlier life of this daemon saw it")),
  heldBack: opt(text.describe("Why nothing is sent to it and nothing taken from it: two nodes have its name")),
  stuck: opt(z.array(stuckLane).describe("Lanes to it, and those that it says of itself, which stand still")),
  lastSeen: time.nullable(),
  asOf: time,
  waiting: count.describe("Messages for it that it has not acknowledged"),
  oldestWaiting: milliseconds.nullable().describe("Age of the oldest of them, ms"),
  running: count,
  version: opt(text),
  bytesOut: count,
  bytesIn: count,
  clockSkew: opt(milliseconds.describe("Its clock minus this one, ms")),
});

const laneView = thing({
  subject: text,
  waiting: count,
  inFlight: count,
  oldest: milliseconds.nullable(),
  nextDeadline: time.nullable(),
  reason: opt(text),
  stuck: opt(standstill.describe("Since when, and why, it does not move though its node is there")),
});

const change = thing({ at: time, region: text, from: text, to: text, cause: text });

export const nodeDetail = extended(nodeView, {
  epoch: opt(text),
  startedAt: opt(time),
  methods: opt(z.array(text)),
  changes: z.array(change),
  lanes: z.array(laneView),
});

export const processView = thing({
  subject: text,
  role: z.enum(["publisher", "subscriber", "source", "core"]),
  state: z.enum(["starting", "idle", "working", "backingOff", "blocked", "paused", "quarantined", "stopped"]),
  since: time,
  restarts: count,
  queued: count,
  active: count,
  waitsSince: opt(time),
  lastError: opt(text.describe("What it failed with last; of the past where it works again")),
  lastErrorAt: opt(time),
  stuck: opt(standstill),
});

export const processList = thing({ node: text, asOf: time, processes: z.array(processView) });

export const deadLetter = thing({
  id: text,
  subject: text,
  origin: text,
  at: time,
  reason: text,
  attempts: count,
  summary: text,
});

export const alertView = thing({
  no: count,
  node: text,
  code: text,
  text,
  first: time,
  last: time,
  count: count.describe("How often it was raised"),
  state: z.enum(["raised", "over"]).describe("over: its cause is gone"),
  overAt: opt(time),
});

export const logLine = thing({ node: text, domain: text, line: text });

export const reloadAnswer = thing({ changes: z.array(text), needRestart: z.array(text) });

export const health = thing({
  node: text,
  ok: z.boolean(),
  version: text,
  startedAt: time,
  asOf: time,
  broker: thing({
    state: z.enum(["connecting", "connected", "disconnected", "denied"]),
    since: time,
    server: opt(text),
    fault: opt(text),
    code: opt(z.enum(["broker-unreachable", "broker-auth", "broker-full", "broker-tls"])),
    refused: opt(z.array(text)),
  }),
  journal: thing({ state: z.enum(["ok", "low", "full", "failed"]), bytes: count, limit: count }),
  quarantined: z.array(text),
  waiting: opt(z.array(thing({ role: processView.shape.role, subject: text, since: time, reason: text }))),
  stuck: z.array(stuckLane).describe("Lanes of this node that stand still though their nodes are there"),
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
  thing({ ...happened("output"), id: text, subject: text, parts: z.array(outputPart) }),
  thing({ ...happened("node"), name: text, region: text, from: text, to: text, cause: text }),
  thing({ ...happened("process"), subject: text, role: text, from: text, to: text, cause: text }),
  thing({
    ...happened("transition"),
    actor: text,
    role: text,
    event: text,
    from: text,
    to: text,
    cause: text,
  }),
  thing({ ...happened("log"), node: text, method: text, domain: text, lines: z.array(text) }),
  thing({ ...happened("alert"), node: text, code: text, text }),
]);

/** What a stream says in place of happenings that its client did not get. */
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

export type Gap = z.infer<typeof gap>;
export type FailureBody = z.infer<typeof failure>;
export type HappeningType = Happening["type"];
export const happeningTypes: readonly HappeningType[] = happening.options.map((option) => option.shape.type.value);

/** The shapes by the names that they bear in the OpenAPI document. */
export const NAMED = {
  Accepted: accepted,
  CancelAnswer: cancelAnswer,
  MessageView: messageView,
  MessageDetail: messageDetail,
  NodeView: nodeView,
  NodeDetail: nodeDetail,
  ProcessView: processView,
  ProcessList: processList,
  DeadLetter: deadLetter,
  AlertView: alertView,
  LogLine: logLine,
  ReloadAnswer: reloadAnswer,
  Health: health,
  Happening: happening,
  Gap: gap,
  Failure: failure,
} as const;

/** Fails to compile when a shape and the type that it describes part ways, in either direction, optional keys included. */
type Same<S extends z.ZodType, T> = Alike<z.infer<S>, T>;
type Alike<S, T> = [S, T, Full<S>, Full<T>] extends [T, Frozen<S>, Full<T>, Full<S>] ? true : false;
type Frozen<T> = Json extends T ? T : T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;
type Full<T> = Json extends T ? T : T extends object ? { readonly [K in keyof T]-?: Full<T[K]> } : T;
const same = <_Proof extends readonly true[]>(): void => undefined;
same<
  [
    Same<typeof accepted, op.Accepted>,
    Same<typeof cancelAnswer, op.CancelAnswer>,
    Same<typeof messageView, op.MessageView>,
    Same<typeof messageDetail, op.MessageDetail>,
    Same<typeof nodeView, op.NodeView>,
    Same<typeof nodeDetail, op.NodeDetail>,
    Same<typeof processView, op.ProcessView>,
    Same<typeof processList, op.ProcessList>,
    Same<typeof deadLetter, op.DeadLetter>,
    Same<typeof alertView, AlertView>,
    Same<typeof logLine, op.LogLine>,
    Same<typeof reloadAnswer, op.ReloadAnswer>,
    Same<typeof health, op.Health>,
    Same<typeof happening, Happening>,
  ]
>();
