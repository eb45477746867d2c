import type { NodeView } from "../../runtime/operate/table/nodes.ts";

/** The counters above the fleet: each is a list of nodes, and a filter when it is chosen. */
export const COUNTERS = [
  { key: "all", word: "nodes", is: () => true },
  { key: "online", word: "online", is: (n) => n.link === "online" },
  { key: "late", word: "late", is: (n) => n.link === "late" },
  { key: "away", word: "away", is: (n) => n.role !== "self" && (n.link === "offline" || n.link === "neverSeen") },
  { key: "busy", word: "busy", is: (n) => n.running > 0 || n.work === "busy" },
  { key: "waiting", word: "with messages waiting", is: (n) => n.waiting > 0 },
  { key: "notes", word: "with a note", is: hasNote },
] as const satisfies readonly {
  readonly key: string;
  readonly word: string;
  readonly is: (node: NodeView) => boolean;
}[];

/** Views are replaced when they change and never written to: what was found of one stays true. */
const noted = new WeakMap<NodeView, boolean>();

function hasNote(node: NodeView): boolean {
  const known = noted.get(node);
  if (known !== undefined) return known;
  const has = notesOf(node).length > 0;
  noted.set(node, has);
  return has;
}

/** How many of the nodes each counter has, in one pass. */
export function countsOf(nodes: readonly NodeView[]): readonly number[] {
  const counts = COUNTERS.map(() => 0);
  for (const node of nodes)
    for (const [i, { is }] of COUNTERS.entries()) if (is(node)) counts[i] = (counts[i] ?? 0) + 1;
  return counts;
}

export type CounterKey = (typeof COUNTERS)[number]["key"];

export type SortKey = "name" | "link" | "seen" | "work" | "waiting" | "storage" | "version";

const LINK_ORDER: Readonly<Record<string, number>> = { offline: 0, late: 1, neverSeen: 2, online: 3 };
const STORAGE_ORDER: Readonly<Record<string, number>> = { full: 0, low: 1, ok: 2 };
const names = new Intl.Collator("en", { numeric: true });

const BY: Readonly<Record<SortKey, (a: NodeView, b: NodeView) => number>> = {
  name: () => 0,
  link: (a, b) => (LINK_ORDER[a.link] ?? 4) - (LINK_ORDER[b.link] ?? 4) || a.linkSince - b.linkSince,
  seen: (a, b) => (a.lastSeenAt ?? 0) - (b.lastSeenAt ?? 0),
  work: (a, b) => b.running - a.running,
  waiting: (a, b) => b.waiting - a.waiting || (a.oldestCreatedAt ?? 0) - (b.oldestCreatedAt ?? 0),
  storage: (a, b) => (STORAGE_ORDER[a.storage] ?? 3) - (STORAGE_ORDER[b.storage] ?? 3),
  version: (a, b) => names.compare(a.version ?? "", b.version ?? ""),
};

/** The place of each name in the order of all names: made anew only when a name came, for it costs more than all else here. */
let placed: { readonly names: ReadonlySet<string>; readonly places: ReadonlyMap<string, number> } | undefined;

function placesOf(nodes: readonly NodeView[]): ReadonlyMap<string, number> {
  if (placed !== undefined && nodes.every(({ name }) => placed?.names.has(name))) return placed.places;
  const all = [...new Set(nodes.map(({ name }) => name))].sort(names.compare);
  placed = { names: new Set(all), places: new Map(all.map((name, i) => [name, i])) };
  return placed.places;
}

/** Nodes in order, equal ones by name; numbers in names count as numbers. */
export function sorted(nodes: readonly NodeView[], key: SortKey, down: boolean): NodeView[] {
  const ordered = byName(nodes);
  if (key === "name") return down ? ordered.reverse() : ordered;
  const by = BY[key];
  const sign = down ? -1 : 1;
  // The sort is stable: equal ones stay in the order of their names.
  return ordered.sort((a, b) => sign * by(a, b));
}

/** Puts each node at the place of its name: a sort of ten thousand names would be felt. */
function byName(nodes: readonly NodeView[]): NodeView[] {
  const places = placesOf(nodes);
  const slots = new Array<NodeView | undefined>(places.size).fill(undefined);
  for (const node of nodes) slots[places.get(node.name) ?? 0] = node;
  return slots.filter((node) => node !== undefined);
}

/** Deviations of a node that an operator should notice, in words. */
export function notesOf(node: NodeView): string[] {
  const found: string[] = [];
  if (node.role === "self" && node.link !== "online") found.push(node.cause);
  if (node.fingerprint !== undefined) found.push(`waits to be accepted, fingerprint ${node.fingerprint}`);
  else if (node.trust !== "accepted" && node.role !== "self" && node.link !== "neverSeen")
    found.push(`trust ${node.trust}`);
  if (node.hold !== undefined)
    found.push(
      `held by ${node.hold.by}: nothing is delivered${node.hold.note === undefined ? "" : ` (${node.hold.note})`}`,
    );
  if (node.storage !== "ok") found.push(`storage ${node.storage}`);
  if (node.unheard === true) found.push("not heard since the daemon here was started");
  if (node.heldBack !== undefined) found.push(node.heldBack);
  for (const { subject, reason } of node.stuck ?? [])
    if (reason !== node.heldBack) found.push(`${subject} stands still: ${reason}`);
  if (node.session === "resyncing") found.push("resyncing");
  if (node.clockSkew !== undefined && Math.abs(node.clockSkew) >= 5_000)
    found.push(
      `its clock is ${Math.round(Math.abs(node.clockSkew) / 1_000)} s ${node.clockSkew < 0 ? "behind" : "ahead"}`,
    );
  return found;
}
