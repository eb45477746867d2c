import { z } from "zod";
import type { Happening } from "../message/happening.ts";
import { STATES } from "../message/lifecycle.ts";
import type { Json } from "../message/message.ts";
import type * as op from "../runtime/operate/operations.ts";

/**
 * What the API answers, one schema a shape: the source of the OpenAPI document, and held to the types of `Operations` by
 * the compiler. Times are milliseconds since 1970.
 */
const time = z.number().int().describe("Milliseconds since 1970");
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

export const accepted = z.strictObject({ id: text, subject: text, node: text, link: linkState });

export const cancelAnswer = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("done"), id: text }),
  z.strictObject({ kind: z.literal("requested"), id: text, reason: text }),
  z.strictObject({ kind: z.literal("tooLate"), id: text, state }),
]);

const assertion = z.strictObject({ state, at: time, by: text, reason: opt(text) });

const outputPart = z.strictObject({
  stream: z.enum(["stdout", "stderr"]),
  offset: count.describe("Bytes of this stream before this part"),
  text,
  encoding: opt(z.literal("base64")),
});

const streamTotal = z.strictObject({ bytes: count, kept: count });

const outcome = z.strictObject({
  state: finalState,
  at: time,
  startedAt: opt(time),
  code: opt(z.number().int()),
  signal: opt(text),
  reason: opt(text),
  output: opt(z.array(outputPart)),
  totals: opt(z.strictObject({ stdout: streamTotal, stderr: streamTotal })),
  result: opt(json),
});

export const messageView = z.strictObject({
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

export const messageDetail = messageView.extend({
  data: json,
  timeout: milliseconds.nullable().describe("Milliseconds it may run; null: the method's own limit"),
  inReplyTo: opt(text),
  history: z.array(assertion),
  conflict: opt(assertion),
  cancelAnswer: opt(
    z
      .strictObject({ kind: z.enum(["done", "tooLate", "refused"]), at: time, reason: opt(text) })
      .describe("What the node said to the request to cancel it"),
  ),
  heardAt: opt(time.describe("When its end was heard of here; its own times are by the clock of its node")),
  outcome: opt(outcome),
  output: z.array(outputPart),
});

export const nodeView = z.strictObject({
  name: text,
  role: z.enum(["self", "central", "edge"]),
  link: linkState,
  linkSince: time,
  cause: text,
  session: z.enum(["none", "resyncing", "live"]),
  work: z.enum(["idle", "busy"]),
  trust: z.enum(["pending", "accepted", "revoked"]),
  storage: z.enum(["ok", "low", "full"]),
  heldBack: opt(text.describe("Why nothing is sent to it and nothing taken from it: two nodes have its name")),
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

const laneView = z.strictObject({
  subject: text,
  waiting: count,
  inFlight: count,
  oldest: milliseconds.nullable(),
  nextDeadline: time.nullable(),
  reason: opt(text),
});

const change = z.strictObject({ at: time, region: text, from: text, to: text, cause: text });

export const nodeDetail = nodeView.extend({
  epoch: opt(text),
  startedAt: opt(time),
  methods: opt(z.array(text)),
  changes: z.array(change),
  lanes: z.array(laneView),
});

export const processView = z.strictObject({
  subject: text,
  role: z.enum(["publisher", "subscriber", "source", "core"]),
  state: z.enum(["starting", "idle", "working", "backingOff", "paused", "quarantined", "stopped"]),
  since: time,
  restarts: count,
  queued: count,
  active: count,
  lastError: opt(text),
});

export const processList = z.strictObject({ node: text, asOf: time, processes: z.array(processView) });

export const deadLetter = z.strictObject({
  id: text,
  subject: text,
  origin: text,
  at: time,
  reason: text,
  attempts: count,
  summary: text,
});

export const logLine = z.strictObject({ node: text, domain: text, line: text });

export const reloadAnswer = z.strictObject({ changes: z.array(text), needRestart: z.array(text) });

export const health = z.strictObject({
  node: text,
  ok: z.boolean(),
  version: text,
  startedAt: time,
  asOf: time,
  broker: z.strictObject({
    state: z.enum(["connecting", "connected", "disconnected", "denied"]),
    since: time,
    server: opt(text),
    fault: opt(text),
    refused: opt(z.array(text)),
  }),
  journal: z.strictObject({ state: z.enum(["ok", "low", "full", "failed"]), bytes: count, limit: count }),
  quarantined: z.array(text),
});

const happened = <T extends string>(type: T) => ({ type: z.literal(type), at: time });

export const happening = z.discriminatedUnion("type", [
  z.strictObject({
    ...happened("message"),
    id: text,
    subject: text,
    state,
    by: text,
    reason: opt(text),
    outcome: opt(outcome),
  }),
  z.strictObject({ ...happened("output"), id: text, subject: text, parts: z.array(outputPart) }),
  z.strictObject({ ...happened("node"), name: text, region: text, from: text, to: text, cause: text }),
  z.strictObject({ ...happened("process"), subject: text, role: text, from: text, to: text, cause: text }),
  z.strictObject({
    ...happened("transition"),
    actor: text,
    role: text,
    event: text,
    from: text,
    to: text,
    cause: text,
  }),
  z.strictObject({ ...happened("log"), node: text, method: text, domain: text, lines: z.array(text) }),
  z.strictObject({ ...happened("alert"), node: text, code: text, text }),
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
    Same<typeof logLine, op.LogLine>,
    Same<typeof reloadAnswer, op.ReloadAnswer>,
    Same<typeof health, op.Health>,
    Same<typeof happening, Happening>,
  ]
>();
