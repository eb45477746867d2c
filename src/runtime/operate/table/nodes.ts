import { z } from "zod";
import type { LaneView } from "../../deliver/publisher.ts";
import type { NodeDescription } from "../../fleet/known-node.ts";
import { bodyOf, type Entries, json } from "./entry.ts";
import {
  anyJson,
  atMost,
  byName,
  count,
  fact,
  hold,
  linkState,
  milliseconds,
  name,
  opt,
  type Same,
  type Shown,
  same,
  standstill,
  stuckLane,
  text,
  thing,
  time,
  within,
} from "./shape.ts";

/** Names of labels, facts and states, separated by commas. */
const keys = z
  .string()
  .transform((list) => list.split(","))
  .pipe(z.array(z.string().min(1).max(200)).max(50));

/** Most nodes that are asked for by name at once. */
const MOST_NAMES = 1_000;

const nodeQuery = z.strictObject({
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

const historyQuery = z.strictObject({
  node: opt(name),
  region: opt(regionName.describe("Absent: all of one node; link of all nodes")),
  since: opt(moment.describe("Milliseconds since 1970; absent: a day ago")),
  until: opt(moment.describe("Milliseconds since 1970; absent: now")),
  limit: opt(atMost(10_000).describe("At most so many nodes; absent: 1000")),
  after: opt(name.describe("Only nodes with a later name: the last one of the page before")),
});

const targetQuestion = z.strictObject({
  to: z.string().describe("A target: docs/targets.md"),
  data: opt(anyJson.describe("The data of the message that would be sent, for its size")),
});

const change = z.record(z.string(), z.string().nullable());

const labelOrder = z.strictObject({
  to: z.string().describe("A target: docs/targets.md"),
  labels: change.describe("Labels by name: a value gives one, null takes back the one that was given here"),
  most: opt(within(1, 1_000_000).describe("Refuse a target that means more nodes; absent: limits.targets")),
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
  invited: opt(
    z.literal(true).describe("It was invited and has not joined yet; `cause` says until when its token is good"),
  ),
  heldBack: opt(text.describe("Why nothing is sent to it and nothing taken from it: two nodes have its name")),
  hold: opt(hold.describe("Nothing is delivered to it until then: messages wait, and their deadlines count")),
  stuck: opt(z.array(stuckLane).describe("Lanes to it, and those that it says of itself, which stand still")),
  lastSeenAt: time.nullable().describe("Its last verified sign of life"),
  asOf: time,
  waiting: count.describe("Messages for it that it has not acknowledged"),
  waitingBytes: count.describe("Their bytes as they travel, before compression; held ones do not count"),
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

const historyView = thing({
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
  bytes: count.describe("Bytes of those that wait, as they travel, before compression"),
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

const targetView = thing({
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

const labelView = thing({ node: text, list: z.array(nodeLabel) });

const factsView = thing({
  node: text,
  asOf: time.nullable().describe("The last sign of life of the node; what changed since then is not known"),
  toldAt: time.nullable().describe("When the node told last, by its clock; null: it has told none"),
  list: z.array(thing({ key: text, value: fact, since: time.describe("Since when it is so, by the node's clock") })),
  changes: z
    .array(thing({ at: time, key: text, from: fact.nullable(), to: fact.nullable() }))
    .describe("The latest changes, the newest last; null: it was not there"),
});

/** Nodes with their states, history, facts and labels, and the targets that name them. */
export const NODES = {
  nodes: {
    summary: "All known nodes, by name",
    needs: "viewer",
    query: nodeQuery,
    answer: json("Nodes", nodeView.array()),
  },
  node: {
    summary: "One node with its lanes and latest changes",
    needs: "viewer",
    params: byName,
    answer: json("The node", nodeDetail),
    failures: [404],
  },
  history: {
    summary: "What the states of nodes were, for timelines; at central. Without a node: one region of all",
    needs: "viewer",
    query: historyQuery,
    answer: json("The states by node and region", historyView),
    failures: [404],
  },
  facts: {
    summary: "The facts of a node, and what changed",
    needs: "viewer",
    params: byName,
    answer: json("The facts", factsView),
    failures: [404],
  },
  labels: {
    summary: "The labels of a node, with whose word each is",
    needs: "viewer",
    params: byName,
    answer: json("The labels", labelView),
    failures: [404],
  },
  label: {
    summary: "Give labels to nodes, or take them back; at central",
    needs: "admin",
    body: bodyOf(labelOrder),
    answer: json("The labels of each node", labelView.array()),
    failures: [403, 404, 413, 415, 422, 503, 507],
  },
  resolve: {
    summary: "The nodes that a target means; nothing is sent",
    needs: "viewer",
    body: bodyOf(targetQuestion),
    answer: json("The nodes", targetView),
    failures: [404, 413, 415, 422],
  },
} as const satisfies Entries;

export type TargetQuestion = Shown<typeof targetQuestion>;
export type TargetView = Shown<typeof targetView>;
export type LabelOrder = Shown<typeof labelOrder>;
export type LabelView = Shown<typeof labelView>;
export type FactsView = Shown<typeof factsView>;
export type HistoryQuery = Shown<typeof historyQuery>;
export type HistoryView = Shown<typeof historyView>;
export type NodeQuery = Shown<typeof nodeQuery>;
export type NodeView = Shown<typeof nodeView>;
export type NodeDetail = Shown<typeof nodeDetail>;

same<[Same<typeof laneView, LaneView>, Same<typeof nodeDetail, NodeDescription & NodeDetail>]>();
