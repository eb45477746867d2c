import { z } from "zod";
import type { TargetedDraft } from "../../../message/draft.ts";
import { StewardError } from "../../../message/errors.ts";
import { NEVER, NEVER_TOO } from "../../../message/text/units.ts";
import { LONGEST_TIMEOUT, LONGEST_WAIT } from "../../../message/wire/bounds.ts";
import { type Entries, faultsOf, json, none } from "./entry.ts";
import {
  anyJson,
  atMost,
  byId,
  count,
  direction,
  flag,
  id,
  LIMITS,
  linkState,
  milliseconds,
  name,
  opt,
  type Shown,
  state,
  text,
  thing,
  time,
  within,
} from "./shape.ts";

const finalState = state.exclude(["held", "queued", "sent", "received", "running", "unknown"]);

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
  data: anyJson,
  deliverBy: opt(
    z
      .union([within(0, LONGEST_WAIT), z.null(), z.enum([NEVER, ...NEVER_TOO]).transform(() => null)])
      .describe("Milliseconds from now; null or never waits for ever; absent: the default"),
  ),
  timeout: opt(within(1, LONGEST_TIMEOUT).describe("Milliseconds it may run; absent: the default")),
  urgent: opt(
    z.boolean().describe("It overtakes what waits for its node; urgent messages keep their order among each other"),
  ),
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

const orders = z.union([order, z.array(order).min(1).max(LIMITS.drafts)]);

const messageFilter = z.strictObject({
  node: opt(name),
  state: opt(state),
  method: opt(name),
  domain: opt(name),
  direction: opt(direction.describe("out: sent from here; in: taken from others")),
  open: opt(flag.describe("Only messages that are not final")),
  limit: opt(atMost(100_000).describe("The newest so many; absent: 100")),
  before: opt(id.describe("Only those with a lower id: the last one of the page before")),
});

const deadQuery = z.strictObject({
  limit: opt(atMost(100_000).describe("At most so many; absent: all")),
  after: opt(id.describe("Only those with a higher id: the last one of the page before")),
});

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
      .describe("The connection of this daemon to its broker; absent: it has one, or the message needs none"),
  ),
  here: opt(z.literal(true).describe("It is for this node itself, and needs no broker")),
  blocked: opt(text.describe("Why nothing goes to it now, though it is there")),
  held: opt(text.describe("It is not on its way: what it waits for here")),
});

export const cancelAnswer = z.discriminatedUnion("kind", [
  thing({ kind: z.literal("done"), id: text }),
  thing({ kind: z.literal("requested"), id: text, reason: text }),
  thing({ kind: z.literal("tooLate"), id: text, state }),
]);

const assertion = thing({ state, at: time, by: text, reason: opt(text) });

export const outputPart = thing({
  stream: z.enum(["stdout", "stderr"]),
  offset: count.describe("Bytes of this stream before this part"),
  text,
  encoding: opt(z.literal("base64")),
});

const streamTotal = thing({ bytes: count, kept: count });

export const outcome = thing({
  state: finalState,
  at: time,
  startedAt: opt(time),
  code: opt(z.number().int()),
  signal: opt(text),
  reason: opt(text),
  output: opt(z.array(outputPart)),
  totals: opt(thing({ stdout: streamTotal, stderr: streamTotal })),
  result: opt(anyJson),
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
  urgent: opt(z.literal(true).describe("It goes before what waits for its node")),
};

export const messageView = thing(ofMessage);

const cancelSaid = thing({ kind: z.enum(["done", "tooLate", "refused"]), at: time, reason: opt(text) });

export const messageDetail = thing({
  ...ofMessage,
  data: anyJson,
  timeout: milliseconds.nullable(),
  inReplyTo: opt(text),
  job: opt(text.describe("The job that it is of")),
  reply: opt(z.array(text).describe("Destinations to which its outcome will go")),
  history: z.array(assertion),
  conflict: opt(assertion),
  cancelAnswer: opt(cancelSaid.describe("What the node said to the request to cancel it")),
  heardAt: opt(time.describe("When its end was heard of here; its own times are by the clock of its node")),
  outcome: opt(outcome),
  output: z.array(outputPart),
});

export const deadLetter = thing({
  id: text,
  subject: text,
  origin: text,
  at: time,
  reason: text,
  attempts: count,
  summary: text,
});

/** Messages, from the order to the outcome, and dead letters. */
export const MESSAGES = {
  submit: {
    summary: "Accept messages: one draft or a list, all or nothing; answered once they are durable",
    needs: "operator",
    body: { shape: orders, read: readOrders },
    answer: json("Accepted, in the order of the drafts and of their targets", accepted.array(), { status: 201 }),
    failures: [403, 404, 413, 415, 422, 503, 507],
  },
  messages: {
    summary: "Messages, newest first",
    needs: "viewer",
    query: messageFilter,
    answer: json("Messages that pass the filter", messageView.array(), { durable: true }),
    failures: [503],
  },
  message: {
    summary: "One message with its history, outcome and output",
    needs: "viewer",
    params: byId,
    answer: json("The message", messageDetail, { durable: true }),
    failures: [404, 409, 503],
  },
  cancel: {
    summary: "Ask for a message to be cancelled",
    needs: "operator",
    params: byId,
    answer: json("Done, requested from the node, or too late", cancelAnswer),
    failures: [404, 409, 503],
  },
  dead: {
    summary: "Dead letters, by id",
    needs: "viewer",
    query: deadQuery,
    answer: json("Dead letters", deadLetter.array()),
  },
  retryDead: {
    summary: "Send a dead letter's message through its process again",
    needs: "operator",
    params: byId,
    answer: none("It is on its way"),
    failures: [404, 409],
  },
  dropDead: {
    summary: "Drop a dead letter for good",
    needs: "operator",
    params: byId,
    answer: none("It is gone"),
    failures: [404, 409],
  },
} as const satisfies Entries;

export type Order = Shown<typeof order>;
export type MessageFilter = Shown<typeof messageFilter>;
export type DeadQuery = Shown<typeof deadQuery>;
export type Accepted = Shown<typeof accepted>;
export type CancelAnswer = Shown<typeof cancelAnswer>;
export type MessageView = Shown<typeof messageView>;
export type MessageDetail = Shown<typeof messageDetail>;
export type CancelSaid = Shown<typeof cancelSaid>;
export type DeadLetter = Shown<typeof deadLetter>;

/** A draft or a list of them; an error names the message and the field of every fault, the first ten of them. */
function readOrders(body: unknown): readonly Order[] {
  const list: unknown[] = Array.isArray(body) ? body : [body];
  if (list.length === 0) throw new StewardError("message-invalid", { where: "list", fault: "it is empty" });
  insistCount(list.length);
  return list.map((item, i) => {
    const parsed = order.safeParse(item);
    if (parsed.success) return parsed.data;
    throw new StewardError("message-invalid", { where: String(i + 1), fault: faultsOf(parsed.error) });
  });
}

/** @throws StewardError `message-invalid` for too many messages at once */
export function insistCount(count: number): void {
  if (count <= LIMITS.drafts) return;
  const fault = `it holds ${count} messages, ${LIMITS.drafts} are allowed`;
  throw new StewardError("message-invalid", { where: "list", fault });
}
