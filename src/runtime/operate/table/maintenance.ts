import { z } from "zod";
import { bodyOf, type Entries, json } from "./entry.ts";
import {
  atMost,
  byName,
  count,
  hold,
  id,
  linkState,
  opt,
  type Shown,
  state,
  text,
  thing,
  time,
  within,
} from "./shape.ts";

const holdOrder = z.strictObject({
  to: z.string().describe("A target: docs/targets.md"),
  endsAt: opt(
    within(1, 8.64e15)
      .nullable()
      .describe("When the hold ends by itself, ms since 1970; absent or null: it has to be released"),
  ),
  note: opt(z.string().max(300).describe("Why, for others who look")),
  most: opt(within(1, 1_000_000).describe("Refuse a target that means more nodes; absent: limits.targets")),
});

const releaseOrder = z.strictObject({
  to: z.string().describe("A target: docs/targets.md"),
});

const firstOrder = z.strictObject({
  ids: z.array(id).min(1).max(1000).describe("Messages that wait for the node, in the order in which they are to go"),
});

const queueQuery = z.strictObject({
  limit: opt(atMost(10_000).describe("The first so many; absent: 100")),
});

const queued = thing({
  id: text,
  subject: text,
  state,
  createdAt: time,
  deliverBy: time.nullable().describe("May wait until then to start; null waits for ever"),
  bytes: count.describe("Its size as it travels, before compression"),
  expectedAt: time.nullable().describe("When it will have arrived at the rate of the line; null: that cannot be said"),
  reason: opt(text.describe("Why it waits")),
  urgent: opt(z.literal(true).describe("It goes before the others")),
  summary: text,
});

const queueView = thing({
  node: text,
  asOf: time,
  link: linkState,
  rate: opt(count.describe("Bytes a second that the line to it carried of late; absent: it was never full")),
  waiting: count.describe("Messages that wait, those that are not listed included"),
  bytes: count.describe("Bytes of those that are listed"),
  messages: z.array(queued).describe("In the order in which they are sent, held ones last"),
});

const holdView = thing({
  node: text,
  ...hold.shape,
  waiting: count.describe("Messages for it that wait"),
  nextDeliverBy: time.nullable().describe("The next deadline of those that wait: it counts during maintenance too"),
  underWay: count.describe("Messages that it has, or that are on the way to it: they are not stopped"),
});

const muteView = thing({ node: text, ...hold.shape });

/** Holds, mutes, and the queue of a node. */
export const MAINTENANCE = {
  queue: {
    summary: "What waits for a node, in the order in which it is sent",
    needs: "viewer",
    params: byName,
    query: queueQuery,
    answer: json("The queue", queueView),
    failures: [404],
  },
  first: {
    summary: "Move messages that wait for a node ahead of the others; those that were sent already stay where they are",
    needs: "operator",
    params: byName,
    body: bodyOf(firstOrder),
    answer: json("The queue", queueView),
    failures: [403, 404, 409, 413, 415, 422, 503, 507],
  },
  holds: {
    summary: "The nodes that are held for maintenance",
    needs: "viewer",
    answer: json("Holds, by the names of their nodes", holdView.array(), { durable: true }),
    failures: [503],
  },
  hold: {
    summary: "Hold delivery to nodes for maintenance, or change the end of a hold; at central",
    needs: "operator",
    body: bodyOf(holdOrder),
    answer: json("The hold of each node, and what waits for it", holdView.array()),
    failures: [403, 404, 413, 415, 422, 503, 507],
  },
  unhold: {
    summary: "Deliver to nodes again; at central",
    needs: "operator",
    body: bodyOf(releaseOrder),
    answer: json("The nodes that were held", z.array(z.string())),
    failures: [403, 404, 413, 415, 422, 503, 507],
  },
  mutes: {
    summary: "The nodes that are muted: no rule tells of them",
    needs: "viewer",
    answer: json("Mutes, by the names of their nodes", muteView.array(), { durable: true }),
    failures: [503],
  },
  mute: {
    summary: "Mute nodes: no rule tells of them; at central",
    needs: "operator",
    body: bodyOf(holdOrder),
    answer: json("The mute of each node", muteView.array()),
    failures: [403, 404, 413, 415, 422, 503, 507],
  },
  unmute: {
    summary: "Let rules tell of nodes again; at central",
    needs: "operator",
    body: bodyOf(releaseOrder),
    answer: json("The nodes that were muted", z.array(z.string())),
    failures: [403, 404, 413, 415, 422, 503, 507],
  },
} as const satisfies Entries;

export type MuteView = Shown<typeof muteView>;
export type QueueView = Shown<typeof queueView>;
export type FirstOrder = Shown<typeof firstOrder>;
export type HoldOrder = Shown<typeof holdOrder>;
export type ReleaseOrder = Shown<typeof releaseOrder>;
export type HoldView = Shown<typeof holdView>;
