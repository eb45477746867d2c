import type { StuckLane } from "../../../message/standstill.ts";
import { bytes, span } from "../../../message/text/figures.ts";
import type { NodeDetail, NodeView } from "../../../runtime/operate/table/nodes.ts";
import type { Paint } from "../paint.ts";
import { linkState } from "../states.ts";
import { type Column, pairs, table } from "../table.ts";
import { visible } from "../text.ts";
import type { Times } from "../time.ts";
import { holdText } from "./holds.ts";

/** The line above all nodes where nothing is sealed. */
export const SECURITY_OFF =
  "security is off: whoever can publish at the broker is obeyed (`security: sealed` in steward.yaml)";

export function nodeColumns(times: Times, paint: Paint): readonly Column<NodeView>[] {
  return [
    { title: "NODE", cell: (n) => visible(n.name) },
    { title: "LINK", cell: (n) => linkState(n.link, paint) },
    { title: "SINCE", cell: (n) => times.since(n.linkSince) },
    { title: "SEEN", cell: (n) => (n.role === "self" ? "here" : times.at(n.lastSeenAt)) },
    { title: "WORK", cell: work },
    { title: "WAITING", cell: waiting },
    {
      title: "NOTES",
      cell: (n) =>
        notes(n, times)
          .map((note) => paint("yellow", `! ${note}`))
          .join(", "),
    },
  ];
}

/** `running` counts the commands without an outcome, which are more than those that run. */
function work({ work: state, running }: NodeView): string {
  return running > 0 ? `busy (${running})` : state;
}

function waiting(node: NodeView): string {
  if (node.waiting === 0) return "-";
  const { waiting: count, oldestCreatedAt: oldest, asOf } = node;
  return oldest === null ? String(count) : `${count}, oldest ${span(Math.max(0, asOf - oldest))}`;
}

/** Deviations that an operator should notice. */
function notes(node: NodeView, times: Times): string[] {
  const found: string[] = [];
  if (node.role === "self" && node.link !== "online") found.push(visible(node.cause));
  if (node.fingerprint !== undefined)
    found.push(`waits to be accepted, fingerprint ${visible(node.fingerprint)}: steward accept ${visible(node.name)}`);
  // A node that was never heard of is accepted when it is.
  else if (node.trust !== "accepted" && node.role !== "self" && node.link !== "neverSeen")
    found.push(`trust ${node.trust}`);
  if (node.invited === true) found.push(visible(node.cause));
  if (node.storage !== "ok") found.push(`storage ${node.storage}`);
  if (node.unheard === true) found.push("not heard since the daemon here was started");
  const held = holdText(node, times);
  if (held !== undefined) found.push(held);
  if (node.heldBack !== undefined) found.push(visible(node.heldBack));
  found.push(...stuckNotes(node));
  if (node.session === "resyncing") found.push("resyncing");
  if (node.clockSkew !== undefined && Math.abs(node.clockSkew) >= 5_000)
    found.push(`clock ${skew(node.clockSkew)} the clock here`);
  return found;
}

/** The lane that stands still for the longest, and how many more do. */
function stuckNotes({ stuck = [], heldBack, asOf }: NodeView): string[] {
  const [first, ...others] = stuck.filter(({ reason }) => reason !== heldBack);
  if (first === undefined) return [];
  const more =
    others.length === 0 ? "" : `; so ${others.length === 1 ? "does 1 more lane" : `do ${others.length} more lanes`}`;
  return [`${visible(standsStill(first, asOf))}${more}`];
}

export function standsStill({ subject, ...lane }: StuckLane, now: number): string {
  return `${subject} ${stillFor(lane, now)}`;
}

function stillFor({ since, reason }: Omit<StuckLane, "subject">, now: number): string {
  return `stands still since ${span(Math.max(0, now - since))}: ${reason}`;
}

function skew(ms: number): string {
  return `${span(Math.abs(ms))} ${ms < 0 ? "behind" : "ahead of"}`;
}

export function nodeLines(node: NodeDetail, times: Times, paint: Paint, columns?: number): string[] {
  const lines = pairs([
    ["node", `${visible(node.name)} (${node.role})`],
    ["link", `${linkState(node.link, paint)} since ${times.since(node.linkSince)} (${visible(node.cause)})`],
    ["last seen", node.role === "self" ? "here" : times.at(node.lastSeenAt)],
    ["session", node.session],
    ["work", work(node)],
    ["trust", node.trust],
    ["storage", node.storage],
    ["labels", labelText(node)],
    ["heard", node.unheard === true ? "not since the daemon here was started" : undefined],
    ["held back", node.heldBack === undefined ? undefined : visible(node.heldBack)],
    ["maintenance", holdText(node, times)],
    ["waiting", waiting(node)],
    ["version", node.version === undefined ? undefined : visible(node.version)],
    ["started", node.startedAt === undefined ? undefined : times.at(node.startedAt)],
    ["epoch", node.epoch === undefined ? undefined : visible(node.epoch)],
    ["clock", node.clockSkew === undefined ? undefined : `${skew(node.clockSkew)} the clock here`],
    ["traffic", `${bytes(node.bytesOut)} out, ${bytes(node.bytesIn)} in`],
    ["methods", node.methods === undefined ? undefined : visible(node.methods.join(", "))],
    ...(node.stuck ?? [])
      .filter(({ subject }) => node.lanes.every((lane) => lane.subject !== subject))
      .map((lane): [string, string] => ["does not work", visible(standsStill(lane, node.asOf))]),
    ["as of", times.at(node.asOf)],
  ]);
  if (node.lanes.length > 0) {
    const lanes = table(
      node.lanes,
      [
        { title: "LANE", cell: (l) => visible(l.subject) },
        { title: "WAITING", cell: (l) => String(l.waiting), align: "right" },
        { title: "IN FLIGHT", cell: (l) => String(l.inFlight), align: "right" },
        {
          title: "OLDEST",
          cell: (l) => (l.oldestCreatedAt === null ? "-" : span(Math.max(0, node.asOf - l.oldestCreatedAt))),
        },
        { title: "DEADLINE", cell: (l) => (l.nextDeliverBy === null ? "-" : times.at(l.nextDeliverBy)) },
        { title: "WHY", cell: (l) => visible(laneReason(l, node.asOf)) },
      ],
      columns,
    );
    lines.push("", ...lanes);
  }
  if (node.changes.length > 0) {
    const changes = table(
      node.changes,
      [
        { title: "CHANGED", cell: (c) => times.at(c.at) },
        { title: "REGION", cell: (c) => visible(c.region) },
        { title: "FROM", cell: (c) => visible(c.from) },
        { title: "TO", cell: (c) => visible(c.to) },
        { title: "CAUSE", cell: (c) => visible(c.cause) },
      ],
      columns,
    );
    lines.push("", ...changes);
  }
  return lines;
}

export function labelText({ labels = {} }: Pick<NodeView, "labels">): string {
  return Object.entries(labels)
    .map(([key, value]) => visible(`${key}=${value}`))
    .sort()
    .join(", ");
}

function laneReason({ reason = "", stuck }: NodeDetail["lanes"][number], now: number): string {
  return stuck === undefined ? reason : stillFor(stuck, now);
}
