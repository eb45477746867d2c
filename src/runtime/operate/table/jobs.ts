import { z } from "zod";
import { HOLD_REASONS } from "../../../message/jobs/hold.ts";
import { ACTIONS, BOUNDED, IF_AWAY, JOB_STATES, type JobCounts, RETRIED } from "../../../message/jobs/job.ts";
import { LONGEST_STATEMENT, MOST_RUNS } from "../../../security/operators/statement.ts";
import { JOB_VERBS } from "../../jobs/jobs.ts";
import { bodyOf, type Entries, json } from "./entry.ts";
import { messageView, order } from "./messages.ts";
import {
  atMost,
  byId,
  count,
  duration,
  flag,
  id,
  milliseconds,
  name,
  nothing,
  opt,
  type Shown,
  state,
  text,
  thing,
  time,
  within,
} from "./shape.ts";

const { knownNodesOnly, to: _to, reply, id: _id, statement: _statement, ...ofOrder } = order.shape;

const signedJob = z
  .strictObject({
    order: id.describe("A new id, chosen by whoever signed"),
    from: within(0, 8.64e15).describe("The first run begins no earlier"),
    until: within(0, 8.64e15).describe("No node takes it later"),
    runs: within(1, MOST_RUNS).describe("How often each node may take it"),
    gap: within(0, LONGEST_STATEMENT).describe("Milliseconds from one run to the next at least"),
    signatures: z.record(name, text.length(86)).describe("By node"),
  })
  .describe("The operator's signatures on the job, one for each node: docs/operators.md");

const jobOrder = z.strictObject({
  ...ofOrder,
  knownNodesOnly,
  to: z.string().describe("A target: docs/targets.md. The nodes that it means now are those of the job"),
  subject: z.string().max(300).describe("command.<method>.<domain>, without a node"),
  written: opt(z.string().max(10_000).describe("The target as somebody wrote it, where `to` lists its nodes")),
  note: opt(z.string().max(1_000).describe("What it is for, in words")),
  reply: opt(reply.unwrap().describe("Destinations of steward.yaml to which the outcome of each of its messages goes")),
  jobReply: opt(reply.unwrap().describe("Destinations of steward.yaml to which the one outcome of the whole job goes")),
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
  signed: opt(signedJob),
});

const jobQuery = z.strictObject({
  state: opt(z.enum(JOB_STATES)),
  open: opt(flag.describe("Only jobs that have not ended")),
  limit: opt(atMost(10_000).describe("The newest so many; absent: 100")),
  before: opt(id.describe("Only those with a lower id: the last one of the page before")),
});

const byJobVerb = { id, verb: z.enum(JOB_VERBS) };

const retryOrder = z.strictObject({
  of: z.enum(RETRIED).describe("The nodes that another attempt is made on"),
  signed: opt(signedJob),
});

export const jobState = z.enum(JOB_STATES);

export const jobCounts = thing({
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

const jobHold = thing({ reason: z.enum(HOLD_REASONS), text, nodes: count });

const jobView = thing({
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

const jobDetail = thing({
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
  reply: opt(z.array(text).describe("Destinations to which the outcome of each of its messages goes")),
  jobReply: opt(z.array(text).describe("Destinations to which the outcome of the whole job goes")),
  stuck: opt(text.describe("Why nothing is released though its plan allows it")),
  slowest: z.array(thing({ node: text, id: text, took: milliseconds })),
});

const jobPlanView = thing({
  target: text,
  nodes: z.array(text),
  away: count,
  waves: z.array(count).describe("The number of nodes at which each wave ends"),
  beginAt: time.nullable(),
  untilAt: time.nullable(),
  bytes: count.describe("Bytes of the message to one node, before compression"),
  most: count.describe("Nodes that a target may mean without a question: limits.targets"),
  signing: opt(
    thing({ firstAt: time, untilAt: time, runs: count, gap: milliseconds }).describe(
      "What an operator's signature on it says of times; absent: it begins later than a signature holds",
    ),
  ),
});

const jobKind = z.enum(Object.keys(jobCounts.shape) as [keyof JobCounts, ...(keyof JobCounts)[]]);

const jobNodeQuery = z.strictObject({
  state: opt(jobKind.describe("Only the nodes behind this count")),
  limit: opt(atMost(100_000).describe("At most so many; absent: all")),
  after: opt(
    atMost(Number.MAX_SAFE_INTEGER, 0).describe("Only those after this place: the last one of the page before"),
  ),
});

const jobNode = thing({
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

const jobResult = thing({
  kind: jobKind,
  code: opt(z.number().int()),
  nodes: z.array(text),
  stdout: text,
  stderr: text,
  cut: opt(z.literal(true).describe("The output is longer than what is here")),
});

const steered = thing({
  ...jobView.shape,
  answers: z.array(thing({ node: text, id: text, kind: z.enum(["done", "requested", "tooLate"]), reason: opt(text) })),
});

const found = thing({
  jobs: z.array(jobView),
  messages: z
    .array(messageView)
    .describe("Without those of these jobs, and without those that steward sends for itself"),
  more: z.boolean().describe("There are more jobs or messages than are here"),
});

/** Jobs: one command to all nodes of a target. */
export const JOBS = {
  jobs: {
    summary: "Jobs, newest first",
    needs: "viewer",
    query: jobQuery,
    answer: json("Jobs that pass the filter", jobView.array(), { durable: true }),
    failures: [503],
  },
  createJob: {
    summary: "Order a job: one command to all nodes of a target, released as its plan says",
    needs: "operator",
    body: bodyOf(jobOrder),
    answer: json("The job, once it is durable", jobView, { status: 201 }),
    failures: [403, 404, 413, 415, 422, 503, 507],
  },
  planJob: {
    summary: "What a job would do; nothing is sent",
    needs: "viewer",
    body: bodyOf(jobOrder),
    answer: json("Its nodes and its waves", jobPlanView),
    failures: [404, 413, 415, 422],
  },
  job: {
    summary: "One job: its counts, its waves, and what it waits for",
    needs: "viewer",
    params: byId,
    answer: json("The job", jobDetail, { durable: true }),
    failures: [404, 409, 503],
  },
  jobNodes: {
    summary: "The nodes of a job with what became of each: the list behind its counts",
    needs: "viewer",
    params: byId,
    query: jobNodeQuery,
    answer: json("Nodes in the order of the job", jobNode.array(), { durable: true }),
    failures: [404, 409, 503],
  },
  jobResults: {
    summary: "The outputs of a job, equal ones once with their nodes, most frequent first",
    needs: "viewer",
    params: byId,
    answer: json("Outputs", jobResult.array(), { durable: true }),
    failures: [404, 409, 503],
  },
  found: {
    summary: "The jobs and messages whose ids begin so, the newest first",
    needs: "viewer",
    params: byId,
    answer: json("What was found", found, { durable: true }),
    failures: [503],
  },
  retryJob: {
    summary: "Another attempt on some of the nodes of a job",
    needs: "operator",
    params: byId,
    body: bodyOf(retryOrder),
    answer: json("The job", jobView),
    failures: [404, 409, 413, 415, 422, 503, 507],
  },
  steerJob: {
    summary: "Start, approve, pause, resume, promote, abort or cancel a job",
    needs: "operator",
    params: byJobVerb,
    body: bodyOf(nothing),
    answer: json("The job, and what was said of each message that was asked back", steered),
    failures: [404, 409, 413, 415, 503],
  },
} as const satisfies Entries;

export type JobOrderOf = Shown<typeof jobOrder>;
export type RetryOrder = Shown<typeof retryOrder>;
export type JobQuery = Shown<typeof jobQuery>;
export type JobView = Shown<typeof jobView>;
export type JobDetail = Shown<typeof jobDetail>;
export type JobPlanView = Shown<typeof jobPlanView>;
export type JobNodeQuery = Shown<typeof jobNodeQuery>;
export type JobNode = Shown<typeof jobNode>;
export type JobResult = Shown<typeof jobResult>;
export type Found = Shown<typeof found>;
export type Steered = Shown<typeof steered>;
