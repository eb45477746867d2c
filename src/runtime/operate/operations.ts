import { z } from "zod";
import type { BrokerHealth } from "../../broker/link.ts";
import type { Login } from "../../broker/logins.ts";
import type { AlertView } from "../../message/alert.ts";
import type { TargetedDraft } from "../../message/draft.ts";
import type { Happening } from "../../message/happening.ts";
import { HOLD_REASONS } from "../../message/jobs/hold.ts";
import { ACTIONS, BOUNDED, IF_AWAY, JOB_STATES, type JobCounts, RETRIED } from "../../message/jobs/job.ts";
import { STATES, type State } from "../../message/lifecycle.ts";
import type { Json } from "../../message/message.ts";
import type { ProcessVerb } from "../../message/process-verb.ts";
import type { StuckLane } from "../../message/standstill.ts";
import { isTimeKey } from "../../message/text/time-words.ts";
import { NEVER, NEVER_TOO } from "../../message/text/units.ts";
import { LONGEST_TIMEOUT, LONGEST_WAIT } from "../../message/wire/bounds.ts";
import type { LaneView } from "../deliver/publisher.ts";
import type { NodeDescription } from "../fleet/known-node.ts";
import { JOB_VERBS } from "../jobs/jobs.ts";
import type { JournalHealth } from "../upkeep/storage.ts";

/**
 * The shapes of all questions and answers of a running daemon, a schema each, from which the types, the checks and the
 * OpenAPI document follow. Every shown value is true `asOf` the time beside it.
 */
export const LIMITS = { bodyBytes: 16 * 1024 * 1024, nesting: 64, drafts: 10_000, streams: 256 } as const;

const time = z.number().int().meta({ description: "Milliseconds since 1970", format: "unix-ms" });
const timeText = z.string().nullable().describe("The same time as RFC 3339 text");
/** The parts are absent where the text is no subject. */
const SUBJECT_PARTS = { node: "The receiver", method: "The method", domain: "The domain" } as const;

/** The shape of an answer, with the fields that `withTimes` adds beside its times and its subject. */
function thing<S extends z.core.$ZodLooseShape>(shape: S) {
  // The fields that the server adds are in the document, and not in the type that the operations answer.
  return z.strictObject({ ...shape, ...beside(shape) }) as unknown as z.ZodObject<S, z.core.$strict>;
}

/** A shape like that of `thing`, which may have more fields. */
function looseThing<S extends z.core.$ZodLooseShape>(shape: S) {
  return z.looseObject({ ...shape, ...beside(shape) }) as unknown as z.ZodObject<S, z.core.$loose>;
}

function beside(shape: z.core.$ZodLooseShape): Record<string, z.ZodType> {
  const found: Record<string, z.ZodType> = {};
  for (const key of Object.keys(shape)) if (isTimeKey(key)) found[`${key}Time`] = opt(timeText);
  if (!("subject" in shape)) return found;
  for (const [part, meaning] of Object.entries(SUBJECT_PARTS))
    if (!(part in shape)) found[part] = opt(z.string().describe(`${meaning} of its subject`));
  return found;
}

const opt = z.exactOptional;
const text = z.string();
const count = z.number().int().min(0);
const milliseconds = z.number();
const name = z.string().min(1).max(255);
const id = z.string().min(1).max(64);
const flag = z.enum(["true", "false"]).transform((value) => value === "true");
const atMost = (most: number, least = 1) => z.coerce.number().int().min(least).max(most);
const within = (least: number, most: number) => z.number().int().min(least).max(most);

const state = z.enum(Object.keys(STATES) as [State, ...State[]]);
const finalState = state.exclude(["held", "queued", "sent", "received", "running", "unknown"]);
const linkState = z.enum(["neverSeen", "online", "late", "offline"]);
const direction = z.enum(["out", "in"]);
/** Any JSON value. Values come from JSON.parse, so only an absent one is a fault. */
const json = z.custom<Json>((value) => value !== undefined, "is missing").describe("Any JSON value");

// Questions: parameters of paths, queries, bodies.

export const byId = { id };
export const byName = { name };
export const byOperator = { name };
export const bySession = { id };
export const byNumber = { no: atMost(Number.MAX_SAFE_INTEGER) };
export const byProcess = {
  node: name,
  subject: z.string().min(1).max(300),
  verb: z.enum(["start", "stop", "restart", "revive"]) satisfies z.ZodType<ProcessVerb>,
};

const verb = z.enum(["accept", "reject", "revoke", "decommission", "rekey"]);
export const byDecision = { name, verb };

const labels = z.record(z.string().max(63), z.string().max(63)).describe("Labels of the node, key and value");
const MOST_INVITED = 1_000;

export const invitationOrder = z.strictObject({
  nodes: z
    .array(
      z.strictObject({
        node: name,
        labels: opt(labels),
        replace: opt(z.boolean().describe("The machine takes the place of an enrolled one, whose keys are revoked")),
      }),
    )
    .min(1)
    .max(MOST_INVITED),
  lasts: opt(within(1_000, 366 * 86_400_000).describe("Milliseconds until the tokens expire; absent: a day")),
  addresses: opt(
    z.array(z.string().min(1).max(255)).max(8).describe("Addresses of the broker as the machines reach it"),
  ),
});

export const choice = z.strictObject({
  fingerprint: opt(z.string().max(64).describe("Only the machine with this fingerprint")),
  replace: opt(z.boolean().describe("The machine takes the place of an enrolled one, whose keys are revoked")),
  now: opt(z.boolean().describe("Do not wait for nodes that have not confirmed the new keys of central")),
});

export const order = z.strictObject({
  subject: z
    .string()
    .max(300)
    .describe("<node>.<command|event>.<method>.<domain>, node is the receiver; with `to` without <node>"),
  to: opt(
    z
      .string()
      .describe(
        "A target: nodes, patterns, groups, all or an expression, as docs/targets.md says; a message for each node",
      ),
  ),
  most: opt(
    within(1, 1_000_000).describe("Refuse a target that means more nodes; absent: limits.targets of the configuration"),
  ),
  data: json,
  deliverBy: opt(
    z
      .union([within(0, LONGEST_WAIT), z.null(), z.enum([NEVER, ...NEVER_TOO]).transform(() => null)])
      .describe("Milliseconds from now; null or never waits for ever; absent: the default"),
  ),
  timeout: opt(within(1, LONGEST_TIMEOUT).describe("Milliseconds it may run; absent: the default")),
  reply: opt(
    z.array(name).min(1).max(8).describe("Names of `destinations:` in steward.yaml to which the outcome goes"),
  ),
  id: opt(id.describe("The id of the message, chosen because a statement names it; absent: a new one. Not with `to`")),
  statement: opt(
    z
      .strictObject({ until: within(0, 8.64e15), signature: text.length(86) })
      .describe("The operator's signature on this message, until when: docs/operators.md"),
  ),
  knownNodesOnly: opt(
    z
      .boolean()
      .describe("Refuse a receiver that this daemon has never heard of; by default the management station does"),
  ),
}) satisfies z.ZodType<TargetedDraft>;
export const orders = z.union([order, z.array(order).min(1).max(LIMITS.drafts)]);

export const messageFilter = z.strictObject({
  node: opt(name),
  state: opt(state),
  method: opt(name),
  domain: opt(name),
  direction: opt(direction.describe("out: sent from here; in: taken from others")),
  open: opt(flag.describe("Only messages that are not final")),
  limit: opt(atMost(100_000).describe("The newest so many; absent: 100")),
  before: opt(id.describe("Only those with a lower id: the last one of the page before")),
});

export const deadQuery = z.strictObject({
  limit: opt(atMost(100_000).describe("At most so many; absent: all")),
  after: opt(id.describe("Only those with a higher id: the last one of the page before")),
});

const duration = within(0, LONGEST_WAIT);
const { knownNodesOnly, to: _to, reply: _reply, ...ofOrder } = order.shape;
export const jobOrder = z.strictObject({
  ...ofOrder,
  knownNodesOnly,
  to: z.string().describe("A target: docs/targets.md. The nodes that it means now are those of the job"),
  subject: z.string().max(300).describe("command.<method>.<domain>, without a node"),
  written: opt(z.string().max(10_000).describe("The target as somebody wrote it, where `to` lists its nodes")),
  note: opt(z.string().max(1_000).describe("What it is for, in words")),
  draft: opt(z.boolean().describe("It waits for `start`")),
  waves: opt(z.string().max(1_000).describe("Where each wave ends: 1,10%,50%,100%. Absent: one wave")),
  soak: opt(duration.describe("Milliseconds of pause after each wave")),
  gate: opt(
    z.string().max(10).describe("The share of a wave that has to succeed before the next: 95%. Absent: one node"),
  ),
  max: opt(
    z
      .array(z.string().max(100))
      .max(20)
      .describe("Bounds, each kind by itself: failed=2, rejected=0, expired=5%, unknown=3:abort"),
  ),
  onBound: opt(z.enum(ACTIONS).describe("What follows when a bound is passed; absent: pause")),
  atOnce: opt(within(1, 1_000_000).describe("Most nodes in reach that work on it at once")),
  rate: opt(within(1, 1_000_000).describe("Most releases in a minute")),
  ifAway: opt(z.enum(IF_AWAY).describe("What becomes of nodes that are away at their turn; absent: queue")),
  at: opt(z.string().max(200).describe("When it begins: 2026-12-01 02:00, tomorrow 02:00, in 2h")),
  every: opt(z.string().max(200).describe("It begins again and again: a line of cron, or plain words")),
  window: opt(z.string().max(200).describe("Hours in which messages may begin: 02:00-04:00")),
  tz: opt(z.string().max(100).describe("Whose clocks count: node, or a name such as Europe/Oslo; absent: central's")),
  until: opt(z.string().max(200).describe("No message begins after it: friday 18:00")),
  approval: opt(z.boolean().describe("It waits until it is approved")),
});

export const jobQuery = z.strictObject({
  state: opt(z.enum(JOB_STATES)),
  open: opt(flag.describe("Only jobs that have not ended")),
  limit: opt(atMost(10_000).describe("The newest so many; absent: 100")),
  before: opt(id.describe("Only those with a lower id: the last one of the page before")),
});

export const byJobVerb = { id, verb: z.enum(JOB_VERBS) };
export const nothing = z.strictObject({});
export const retryOrder = z.strictObject({ of: z.enum(RETRIED).describe("The nodes that another attempt is made on") });

/** Names of labels, facts and states, separated by commas. */
const keys = z
  .string()
  .transform((list) => list.split(","))
  .pipe(z.array(z.string().min(1).max(200)).max(50));

/** Most nodes that are asked for by name at once. */
const MOST_NAMES = 1_000;

export const nodeQuery = z.strictObject({
  filter: opt(z.string().max(10_000).describe("Only nodes for which this expression holds: docs/targets.md")),
  keys: opt(keys.describe("Labels, facts and states to show as `values`, separated by commas")),
  limit: opt(atMost(100_000).describe("At most so many; absent: all")),
  after: opt(name.describe("Only those with a later name: the last one of the page before")),
  names: opt(
    z
      .string()
      .transform((list) => list.split(","))
      .pipe(z.array(name).max(MOST_NAMES))
      .describe("Only these nodes, separated by commas, as far as they are known"),
  ),
});

const regionName = z.enum(["link", "session", "work", "trust", "storage"]);
const moment = z.coerce.number().int().min(0).max(8.64e15);
export const historyQuery = z.strictObject({
  node: opt(name),
  region: opt(regionName.describe("Absent: all of one node; link of all nodes")),
  since: opt(moment.describe("Milliseconds since 1970; absent: a day ago")),
  until: opt(moment.describe("Milliseconds since 1970; absent: now")),
  limit: opt(atMost(10_000).describe("At most so many nodes; absent: 1000")),
  after: opt(name.describe("Only nodes with a later name: the last one of the page before")),
});

export const targetQuestion = z.strictObject({
  to: z.string().describe("A target: docs/targets.md"),
  data: opt(json.describe("The data of the message that would be sent, for its size")),
});

const change = z.record(z.string(), z.string().nullable());
export const labelOrder = z.strictObject({
  to: z.string().describe("A target: docs/targets.md"),
  labels: change.describe("Labels by name: a value gives one, null takes back the one that was given here"),
  most: opt(within(1, 1_000_000).describe("Refuse a target that means more nodes; absent: limits.targets")),
});

export const holdOrder = z.strictObject({
  to: z.string().describe("A target: docs/targets.md"),
  endsAt: opt(
    within(1, 8.64e15)
      .nullable()
      .describe("When the hold ends by itself, ms since 1970; absent or null: it has to be released"),
  ),
  note: opt(z.string().max(300).describe("Why, for others who look")),
  most: opt(within(1, 1_000_000).describe("Refuse a target that means more nodes; absent: limits.targets")),
});

export const releaseOrder = z.strictObject({
  to: z.string().describe("A target: docs/targets.md"),
});

export const alertTest = z.strictObject({
  to: opt(z.array(name).max(100).describe("Names of `destinations:`; absent: all that a rule names")),
});

export const queueQuery = z.strictObject({
  limit: opt(atMost(10_000).describe("The first so many; absent: 100")),
});

export const processQuery = z.strictObject({
  node: opt(name),
  timeout: opt(atMost(3_600_000).describe("Milliseconds to wait for another node's answer")),
});

export const logQuery = z.strictObject({
  node: opt(name),
  domain: opt(name),
  lines: opt(atMost(100_000, 0).describe("The last so many lines of each log; absent: 10")),
});

export const logSearch = z.strictObject({
  node: opt(name),
  domain: opt(name),
  text: opt(z.string().max(1_000).describe("A part of the line, in upper or lower case")),
  since: opt(atMost(8.64e15, 0).describe("Lines from then on, ms since 1970, by the time that a line names")),
  until: opt(atMost(8.64e15, 0).describe("Lines before then")),
  limit: opt(atMost(5_000).describe("The newest so many; absent: 500")),
});

const sessionRole = z.enum(["viewer", "operator", "admin"]).describe("No more than its owner may");
export const tokenOrder = z.strictObject({
  role: opt(sessionRole),
  lasts: within(60_000, 30 * 86_400_000).describe("Milliseconds until it expires"),
});

// Answers.

export const accepted = thing({
  id: text,
  subject: text,
  node: text,
  link: linkState.describe("The receiver's link as it was then"),
  linkSince: time.nullable().describe("Since when its link was so; null where the receiver is not known"),
  deliverBy: time.nullable().describe("May wait until then to start; null waits for ever"),
  broker: opt(
    z
      .enum(["connecting", "disconnected", "denied"])
      .describe("The connection of this daemon to its broker; absent: it has one"),
  ),
  blocked: opt(text.describe("Why nothing goes to it now, though it is there")),
  held: opt(text.describe("It is not on its way: what it waits for here")),
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

const ofMessage = {
  id: text,
  subject: text,
  origin: text,
  direction,
  state,
  final: z.boolean(),
  since: time,
  createdAt: time,
  deliverBy: time.nullable().describe("May wait until then to start; null waits for ever"),
  reason: opt(text.describe("Why it waits, or why it ended as it did")),
  code: opt(z.number().int()),
  attempts: count,
  cancelRequestedAt: opt(time),
  summary: text.describe("One line of its data"),
  operator: opt(text.describe("Who asked for it: OPERATOR@NODE; absent: nobody who has a name")),
  signed: opt(z.literal(true).describe("The operator has signed it")),
};
export const messageView = thing(ofMessage);

const cancelSaid = thing({ kind: z.enum(["done", "tooLate", "refused"]), at: time, reason: opt(text) });

export const messageDetail = thing({
  ...ofMessage,
  data: json,
  timeout: milliseconds.nullable(),
  inReplyTo: opt(text),
  reply: opt(z.array(text).describe("Destinations to which its outcome will go")),
  history: z.array(assertion),
  conflict: opt(assertion),
  cancelAnswer: opt(cancelSaid.describe("What the node said to the request to cancel it")),
  heardAt: opt(time.describe("When its end was heard of here; its own times are by the clock of its node")),
  outcome: opt(outcome),
  output: z.array(outputPart),
});

const standstill = thing({ since: time, reason: text });
const stuckLane = thing({ subject: text, since: time, reason: text });

const fact = z.union([text, z.number(), z.boolean(), z.array(text)]);

/** Delivery to a node is held for maintenance. */
const hold = thing({
  since: time,
  endsAt: time.nullable().describe("When the hold ends by itself; null: it has to be released"),
  by: text,
  note: opt(text),
});

const ofNode = {
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
  hold: opt(hold.describe("Nothing is delivered to it until then: messages wait, and their deadlines count")),
  stuck: opt(z.array(stuckLane).describe("Lanes to it, and those that it says of itself, which stand still")),
  lastSeenAt: time.nullable().describe("Its last verified sign of life"),
  asOf: time,
  waiting: count.describe("Messages for it that it has not acknowledged"),
  oldestCreatedAt: time.nullable().describe("When the oldest of them was made"),
  running: count.describe("Commands that it has and that have no outcome"),
  version: opt(text),
  fingerprint: opt(text.describe("Of a machine that waits to be accepted under this name")),
  bytesOut: count,
  bytesIn: count,
  clockSkew: opt(milliseconds.describe("Its clock minus this one, ms")),
  labels: opt(z.record(text, text).describe("Its labels; those given at central count before its own")),
  values: opt(z.record(text, fact).describe("The labels, facts and states that were asked for")),
};
export const nodeView = thing(ofNode);

export const historyView = thing({
  asOf: time,
  from: z.number().int().describe("Begin of the span that is answered, ms since 1970"),
  until: z.number().int().describe("Its end"),
  keptSince: time.describe("Nothing is known of the time before"),
  unknown: z
    .array(z.tuple([z.number().int(), z.number().int()]))
    .describe("Spans in which this daemon did not run: the states are not known there"),
  nodes: z.array(
    z.strictObject({
      name: text,
      regions: z
        .record(text, z.array(z.tuple([z.number().int(), text, text])))
        .describe("By region: since when (ms since 1970) it was in which state, and why"),
    }),
  ),
});

const laneView = thing({
  subject: text,
  waiting: count,
  inFlight: count,
  oldestCreatedAt: time.nullable().describe("When the oldest message that waits was made"),
  nextDeliverBy: time.nullable().describe("The next deadline of those that wait"),
  reason: opt(text),
  stuck: opt(standstill.describe("Since when, and why, it does not move though its node is there")),
});

const nodeChange = thing({ at: time, region: text, from: text, to: text, cause: text });

export const nodeDetail = thing({
  ...ofNode,
  epoch: opt(text),
  startedAt: opt(time),
  methods: opt(z.array(text)),
  changes: z.array(nodeChange),
  lanes: z.array(laneView),
});

export const targetView = thing({
  target: text,
  nodes: z.array(text).describe("The nodes that it means: those of a list in its order, others by name"),
  away: count.describe("How many of them are offline or were never seen"),
  lacking: z
    .array(thing({ key: text, nodes: count }))
    .describe("Labels and facts that it asks for, and how many of the nodes lack them"),
  most: count.describe("Nodes that a target may mean without a question: limits.targets"),
  bytes: opt(count.describe("Bytes of the message to one node, before compression")),
});

const nodeLabel = thing({
  key: text,
  value: text,
  by: text.describe("Whose word it is: the node's name for one of its own file, else who gave it"),
  givenAt: opt(time.describe("When it was given at central")),
  own: opt(text.describe("The node's own word, where one was given at central")),
});

export const labelView = thing({ node: text, list: z.array(nodeLabel) });

const queued = thing({
  id: text,
  subject: text,
  state,
  createdAt: time,
  deliverBy: time.nullable().describe("May wait until then to start; null waits for ever"),
  bytes: count.describe("Its size as it travels, before compression"),
  expectedAt: time.nullable().describe("When it will have arrived at the rate of the line; null: that cannot be said"),
  reason: opt(text.describe("Why it waits")),
  summary: text,
});

export const queueView = thing({
  node: text,
  asOf: time,
  link: linkState,
  rate: opt(count.describe("Bytes a second that the line to it carried of late; absent: it was never full")),
  waiting: count.describe("Messages that wait, those that are not listed included"),
  bytes: count.describe("Bytes of those that are listed"),
  messages: z.array(queued).describe("In the order in which they are sent, held ones last"),
});

export const holdView = thing({
  node: text,
  ...hold.shape,
  waiting: count.describe("Messages for it that wait"),
  nextDeliverBy: time.nullable().describe("The next deadline of those that wait: it counts during maintenance too"),
  underWay: count.describe("Messages that it has, or that are on the way to it: they are not stopped"),
});

export const muteView = thing({ node: text, ...hold.shape });

export const openAlert = thing({
  rule: text.describe("The name of the rule in `alerts:`"),
  node: text,
  text,
  since: time.describe("Since when the condition holds"),
  toldAt: opt(time.describe("When it was told last; absent: it was not yet")),
  goneAt: opt(time.describe("Since then the condition is gone, though not for as long as `recover`")),
  muted: opt(z.literal(true).describe("Its node is muted: it is not told")),
  to: z.array(text).describe("Destinations"),
});

export const errandView = thing({
  id: text.describe("The key by which the destination knows it again"),
  to: text.describe("The destination"),
  about: z.enum(["alert", "outcome"]),
  text: text.describe("One line of what it says"),
  madeAt: time,
  attempts: count,
  dueAt: time.describe("When it is tried next"),
  fault: opt(text.describe("Why the last attempt failed")),
});

export const factsView = thing({
  node: text,
  asOf: time.nullable().describe("The last sign of life of the node; what changed since then is not known"),
  toldAt: time.nullable().describe("When the node told last, by its clock; null: it has told none"),
  list: z.array(thing({ key: text, value: fact, since: time.describe("Since when it is so, by the node's clock") })),
  changes: z
    .array(thing({ at: time, key: text, from: fact.nullable(), to: fact.nullable() }))
    .describe("The latest changes, the newest last; null: it was not there"),
});

const role = z.enum(["publisher", "subscriber", "source", "core"]);

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

export const mayQuestion = z.strictObject({
  node: name.describe("The node that would receive it"),
  origin: name.describe("The node that would send it"),
  operator: opt(name.describe("The operator whose signature it would carry")),
  subject: text.describe("<command|event>.<method>.<domain>"),
  data: opt(json),
});
export type MayQuestionTo = z.infer<typeof mayQuestion>;

export const mayAnswer = z.object({
  node: text,
  allowed: z.boolean(),
  words: z
    .array(
      z.object({
        allowed: z.boolean(),
        layer: text.describe("A part of the policy that speaks of the subject: each has to allow it"),
        where: text.describe("The file and line, or the policy and its version, that decided"),
        fault: opt(text),
      }),
    )
    .describe("The word of each layer"),
});
export type MayAnswerOf = Shown<typeof mayAnswer>;

export const auditQuery = z.strictObject({
  what: opt(text.describe("submit, decision, operation, trust")),
  by: opt(text.describe("Who asked: a node, an operator, local")),
  subject: opt(text.describe("A part of the subject, or a node that it was for")),
  refused: opt(flag.describe("true: refusals alone; false: all others")),
  since: opt(atMost(8.64e15).describe("Only from then on, ms since 1970")),
  after: opt(atMost(Number.MAX_SAFE_INTEGER, 0).describe("Only records with a higher number")),
  limit: opt(atMost(100_000).describe("The newest so many; absent: 100")),
});
export type AuditQuery = Shown<typeof auditQuery>;

export const auditRecord = looseThing({
  no: count,
  at: time,
  what: text,
  by: text,
  allowed: z.boolean(),
  why: opt(text.describe("The line that decided, or the reason of the refusal")),
  subject: opt(text),
  nodes: opt(z.array(text)),
  ids: opt(z.array(text)),
  arguments: opt(json),
  prev: text.describe("The hash of the record before"),
});
export type AuditRecordOf = Shown<typeof auditRecord>;

export const auditChecked = z.object({
  ok: z.boolean(),
  records: count,
  first: count,
  last: count,
  head: text.describe("The hash of the last record"),
  faults: z.array(z.object({ where: text, fault: text })),
});
export type AuditChecked = Shown<typeof auditChecked>;

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
  firstAt: time,
  lastAt: time,
  count: count.describe("How often it was raised"),
  state: z.enum(["raised", "over"]).describe("over: its cause is gone"),
  overAt: opt(time),
});

const invitation = thing({
  node: text,
  madeAt: time,
  expiresAt: time,
  by: text,
  spentAt: opt(time.describe("When it was used; it is kept so that a second machine with its token is told")),
  fingerprint: opt(text.describe("The machine that used it")),
});

const trustedNode = thing({
  node: text,
  standing: z.enum(["accepted", "pending", "revoked"]),
  fingerprint: text,
  keys: text.describe("Its newest public keys, U….X…"),
  since: time.nullable(),
  by: opt(text),
  labels: opt(labels),
  changing: opt(z.literal(true).describe("It changes its keys: the ones before are still accepted")),
  unconfirmed: opt(z.literal(true).describe("It has not confirmed its newest trust list")),
});

export const trustView = thing({
  node: text,
  asOf: time,
  security: z.enum(["sealed", "off"]),
  fingerprint: opt(text.describe("Of this node; absent where nothing is sealed")),
  keys: opt(text.describe("Public keys of this node, U….X…; of central: what an edge names under centralKey")),
  central: text,
  centralFingerprint: opt(text),
  standing: z
    .enum(["central", "alone", "pending", "refused", "enrolled"])
    .describe("alone: nobody has let this node in yet"),
  version: count.describe("Of the registry, or of the newest trust list; 0: there is none"),
  nodes: z.array(trustedNode),
  invitations: z.array(invitation),
});

export const invited = thing({ node: text, token: text, expiresAt: time });

export const decision = thing({
  node: text,
  verb,
  fingerprint: opt(text),
  told: z.array(text).describe("Nodes that are told, now or when they are back"),
  withdrawn: opt(count.describe("Messages for it that had not been sent: cancelled")),
  interrupted: opt(count.describe("Messages that it may have had: whether they ran cannot be known")),
  waitsFor: opt(z.array(text).describe("Nodes that have not confirmed the new keys of central")),
});

export const approvalView = thing({
  id: text.describe("The id of its first message: any of them names the request"),
  operator: text.describe("Who asked for it"),
  subject: text.describe("<command|event>.<method>.<domain>"),
  nodes: z.array(text),
  askedAt: time,
  endsAt: time.nullable().describe("It ends as expired then, unless it was decided on"),
  summary: text.describe("One line of its data"),
});

const operatorRole = z.enum(["viewer", "operator", "admin"]);

export const operatorOrder = z.strictObject({
  key: opt(text.max(100).describe("The public key of the person, U…; absent: the one that the operator has")),
  role: operatorRole,
  on: opt(text.max(10_000).describe("The nodes: a target over the labels given at central; absent: all")),
  methods: opt(z.array(text.max(130)).max(100).describe("<method> or <method>.<domain>, a star for any; absent: all")),
  replace: opt(z.boolean().describe("Change the role and the bounds of an operator who is there")),
});

export const keyOrder = z.strictObject({
  key: text.max(100).describe("The new public key, U…"),
  signature: text.max(100).describe("The signature of the present key on it: docs/operators.md"),
});

export const operatorView = thing({
  name: text,
  key: text,
  role: operatorRole,
  on: opt(text),
  methods: opt(z.array(text)),
  standing: z.enum(["accepted", "removed"]),
  since: time,
  by: text,
  formerKeys: count.describe("How many keys the operator had before"),
});

export const operatorRemoved = thing({
  name: text,
  cancelled: count.describe("Messages of the operator that had not been sent: cancelled"),
});

export const whoami = thing({
  name: text.describe("As audit and history name you: OPERATOR@NODE, or local for the users of the socket"),
  node: text.describe("The node whose daemon answers"),
  role: z.enum(["anyone", "viewer", "operator", "admin"]).describe("anyone: no role at all"),
  by: z.enum(["socket", "signature", "session", "token"]).describe("How the daemon knows"),
  operator: opt(text),
  on: opt(text.describe("The nodes that you may send to: a target over the labels given at central; absent: all")),
  methods: opt(z.array(text).describe("The methods that you may use; absent: all")),
  signFor: milliseconds.describe("How long a command waits that names no deadline, and so a statement on it holds"),
});

export const logLine = thing({ node: text, domain: text, line: text });

export const logFindings = thing({
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

export const pageLink = thing({ url: text, expiresAt: time });

export const sessionView = thing({
  id: text,
  kind: z.enum(["page", "token"]).describe("page: a browser; token: another machine"),
  by: text.describe("In whose name it speaks"),
  role: sessionRole,
  createdAt: time,
  expiresAt: time,
  lastUsedAt: time,
});

export const issuedToken = thing({ id: text, token: text, role: sessionRole, expiresAt: time });

export const brokerLogin = z.discriminatedUnion("kind", [
  thing({ kind: z.literal("node"), node: text, key: text, peers: z.array(text) }),
  thing({ kind: z.literal("invitation"), name: text, key: text }),
]);

export const reloadAnswer = thing({
  changes: z.array(text).describe("One line a change"),
  needRestart: z.array(text).describe("Changes that need a restart of the daemon"),
});

const chartArrow = thing({ from: text, to: text, label: text.describe("The event, with its guard in brackets") });

export const machineView = thing({
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
});

const jobState = z.enum(JOB_STATES);
const jobCounts = thing({
  held: count,
  queued: count.describe("On their way: the node does not have them as far as is known"),
  received: count,
  running: count,
  unknown: count.describe("Contact was lost after the node had it"),
  succeeded: count,
  failed: count.describe("Failed, timed out, or interrupted"),
  rejected: count,
  expired: count,
  cancelled: count.describe("Also those of nodes that were skipped"),
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
export type HappeningType = Happening["type"];
const happeningTypes: readonly HappeningType[] = happening.options.map((option) => option.shape.type.value);

export const eventQuery = z.strictObject({
  types: opt(
    z
      .string()
      .transform((list) => list.split(","))
      .pipe(z.array(z.enum(happeningTypes as [HappeningType, ...HappeningType[]])))
      .describe(`Only these, separated by commas: ${happeningTypes.join(", ")}`),
  ),
});

const jobHold = thing({ reason: z.enum(HOLD_REASONS), text, nodes: count });

export const jobView = thing({
  id: text,
  createdAt: time,
  by: text,
  target: text,
  note: text,
  subject: text,
  summary: text.describe("One line of its data"),
  state: jobState,
  since: time,
  cause: text.describe("What brought it into its state"),
  nodes: count,
  wave: count.describe("The wave that runs, counted from 0"),
  waves: z.array(count).describe("The number of nodes at which each wave of the latest attempt ends"),
  counts: opt(jobCounts.describe("Nodes by what became of their latest messages; absent in a long list")),
  beginAt: time.nullable(),
});

export const jobDetail = thing({
  ...jobView.shape,
  counts: jobCounts,
  plan: z.object({
    waves: z.array(text),
    soak: milliseconds,
    gate: count.nullable().describe("Percent of a wave"),
    bounds: z.partialRecord(
      z.enum(BOUNDED),
      z.object({ most: z.number(), unit: z.enum(["nodes", "percent"]), action: z.enum(ACTIONS) }),
    ),
    atOnce: count.nullable(),
    rate: count.nullable(),
    ifAway: z.enum(IF_AWAY),
    every: text.nullable(),
    window: text.nullable(),
    zone: text.nullable(),
    approval: z.boolean(),
  }),
  untilAt: time.nullable().describe("No message begins after it"),
  attempts: z.array(thing({ at: time, of: text, nodes: count })).describe("The latest last"),
  holds: z.array(jobHold).describe("Why messages are held, and how many"),
  inReach: count.describe("Nodes in reach that have a message of it and have not ended it"),
  stuck: opt(text.describe("Why nothing is released though its plan allows it")),
  slowest: z.array(thing({ node: text, id: text, took: milliseconds })),
});

export const jobPlanView = thing({
  target: text,
  nodes: z.array(text),
  away: count,
  waves: z.array(count).describe("The number of nodes at which each wave ends"),
  beginAt: time.nullable(),
  untilAt: time.nullable(),
  bytes: count.describe("Bytes of the message to one node, before compression"),
  most: count.describe("Nodes that a target may mean without a question: limits.targets"),
});

const jobKind = z.enum(Object.keys(jobCounts.shape) as [keyof JobCounts, ...(keyof JobCounts)[]]);
export const jobNodeQuery = z.strictObject({
  state: opt(jobKind.describe("Only the nodes behind this count")),
  limit: opt(atMost(100_000).describe("At most so many; absent: all")),
  after: opt(
    atMost(Number.MAX_SAFE_INTEGER, 0).describe("Only those after this place: the last one of the page before"),
  ),
});

export const jobNode = thing({
  place: count.describe("Its place in the list of the job, counted from 1"),
  node: text,
  id: text,
  attempt: count.describe("Counted from 1"),
  kind: jobKind.describe("The count that it is part of"),
  state,
  reason: opt(text),
  code: opt(z.number().int()),
  took: opt(milliseconds),
});

export const jobResult = thing({
  kind: jobKind,
  code: opt(z.number().int()),
  nodes: z.array(text),
  stdout: text,
  stderr: text,
  cut: opt(z.literal(true).describe("The output is longer than what is here")),
});

export const steered = thing({
  ...jobView.shape,
  answers: z.array(thing({ node: text, id: text, kind: z.enum(["done", "requested", "tooLate"]), reason: opt(text) })),
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

/** The type of the values that a schema accepts, readonly at every depth. */
export type Shown<S extends z.ZodType> = Frozen<z.infer<S>>;
type Frozen<T> = Json extends T ? T : T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

export type Order = Shown<typeof order>;
export type JobOrderOf = Shown<typeof jobOrder>;
export type JobQuery = Shown<typeof jobQuery>;
export type JobView = Shown<typeof jobView>;
export type JobDetail = Shown<typeof jobDetail>;
export type JobPlanView = Shown<typeof jobPlanView>;
export type JobNodeQuery = Shown<typeof jobNodeQuery>;
export type JobNode = Shown<typeof jobNode>;
export type JobResult = Shown<typeof jobResult>;
export type Steered = Shown<typeof steered>;
export type MessageFilter = Shown<typeof messageFilter>;
export type DeadQuery = Shown<typeof deadQuery>;
export type TargetQuestion = Shown<typeof targetQuestion>;
export type TargetView = Shown<typeof targetView>;
export type LabelOrder = Shown<typeof labelOrder>;
export type LabelView = Shown<typeof labelView>;
export type MuteView = Shown<typeof muteView>;
export type OpenAlertView = Shown<typeof openAlert>;
export type ErrandView = Shown<typeof errandView>;
export type AlertTest = Shown<typeof alertTest>;
export type QueueView = Shown<typeof queueView>;
export type HoldOrder = Shown<typeof holdOrder>;
export type ReleaseOrder = Shown<typeof releaseOrder>;
export type HoldView = Shown<typeof holdView>;
export type FactsView = Shown<typeof factsView>;
export type HistoryQuery = Shown<typeof historyQuery>;
export type HistoryView = Shown<typeof historyView>;
export type NodeQuery = Shown<typeof nodeQuery>;
export type Accepted = Shown<typeof accepted>;
export type CancelAnswer = Shown<typeof cancelAnswer>;
export type MessageView = Shown<typeof messageView>;
export type MessageDetail = Shown<typeof messageDetail>;
export type CancelSaid = Shown<typeof cancelSaid>;
export type NodeView = Shown<typeof nodeView>;
export type NodeDetail = Shown<typeof nodeDetail>;
export type ProcessView = Shown<typeof processView>;
/** A process that cannot work for a fault of its surroundings. */
export interface WaitingProcess extends StuckLane {
  readonly role: ProcessView["role"];
}
export type ProcessState = ProcessView["state"];
export type ProcessList = Shown<typeof processList>;
export type DeadLetter = Shown<typeof deadLetter>;
export type Health = Shown<typeof health>;
export type TrustView = Shown<typeof trustView>;
export type InvitationOrder = Shown<typeof invitationOrder>;
export type Invited = Shown<typeof invited>;
export type Choice = Shown<typeof choice>;
export type Decision = Shown<typeof decision>;
export type ApprovalView = Shown<typeof approvalView>;
export type OperatorOrderOf = Shown<typeof operatorOrder>;
export type KeyOrder = Shown<typeof keyOrder>;
export type OperatorView = Shown<typeof operatorView>;
export type OperatorRemoved = Shown<typeof operatorRemoved>;
export type WhoAmI = Shown<typeof whoami>;
export type LogLine = Shown<typeof logLine>;
export type LogSearchQuery = Shown<typeof logSearch>;
export type LogFindingsView = Shown<typeof logFindings>;
export type PageLink = Shown<typeof pageLink>;
export type TokenOrder = Shown<typeof tokenOrder>;
export type IssuedToken = Shown<typeof issuedToken>;
export type SessionView = Shown<typeof sessionView>;
export type BrokerLogin = Shown<typeof brokerLogin>;
export type ReloadAnswer = Shown<typeof reloadAnswer>;
export type Gap = Shown<typeof gap>;
export type MachineView = Shown<typeof machineView>;

/** The compiler refuses a schema that differs from the type of a room's answer, in either direction, optional keys too. */
type Same<S extends z.ZodType, T> = [z.infer<S>, T, Full<z.infer<S>>, Full<T>] extends [
  T,
  Shown<S>,
  Full<T>,
  Full<z.infer<S>>,
]
  ? true
  : false;
type Full<T> = Json extends T ? T : T extends object ? { readonly [K in keyof T]-?: Full<T[K]> } : T;
const same = <_Proof extends readonly true[]>(): void => undefined;
same<
  [
    Same<typeof alertView, AlertView>,
    Same<typeof happening, Happening>,
    Same<typeof laneView, LaneView>,
    Same<typeof broker, BrokerHealth>,
    Same<typeof brokerLogin, Login>,
    Same<typeof journal, JournalHealth>,
    Same<typeof nodeDetail, NodeDescription & NodeDetail>,
  ]
>();
