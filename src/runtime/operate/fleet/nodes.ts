import { nearest } from "../../../config/schema/nearest.ts";
import { StewardError } from "../../../message/errors.ts";
import { asLane } from "../../../message/standstill.ts";
import type { Fact } from "../../../message/target/compare.ts";
import type { TargetNode } from "../../../message/target/match.ts";
import { shortened } from "../../../message/text/printable.ts";
import { itemBytes } from "../../../message/wire/bounds.ts";
import { fingerprint } from "../../../security/keys/public-keys.ts";
import { giverName, type Speaker } from "../../../security/operators/speaker.ts";
import type { PendingClaim, PendingClaims } from "../../../security/trust/pending-claims.ts";
import type { LaneView } from "../../deliver/publisher.ts";
import { Registrar } from "../../enrol/registrar.ts";
import type { OperateOptions } from "../rooms.ts";
import type {
  FactsView,
  LabelOrder,
  LabelView,
  NodeDetail,
  NodeQuery,
  NodeView,
  TargetQuestion,
  TargetView,
} from "../table/nodes.ts";
import { KnownTargets } from "./known-targets.ts";
import { filterOf, resolveTarget } from "./targets.ts";

/** The index of the first name behind another one, of names in their order. */
function firstBehind(sorted: readonly string[], after: string): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? "") <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first so many names that pass; the others are not looked at. */
function firstOf(names: readonly string[], passes: (name: string) => boolean, limit = names.length): string[] {
  const found: string[] = [];
  for (const name of names) {
    if (found.length >= limit) break;
    if (passes(name)) found.push(name);
  }
  return found;
}

function valuesOf(node: TargetNode, keys: readonly string[]): Record<string, Fact> {
  return Object.fromEntries(
    keys.flatMap((key): [string, Fact][] => {
      const value = node.value(key);
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

/** A node as lists show it. */
type Row = Omit<NodeDetail, "lanes" | "changes" | "methods">;

/** The most stuck lanes of one node that are shown. */
const WORST = 5;

/** The error `node-unknown`, with the one of these names that was probably meant. */
export function unknownNode(node: string, names: readonly string[]): StewardError {
  const near = nearest(node, names);
  return new StewardError("node-unknown", { node: near === undefined ? node : `${node} (did you mean ${near}?)` });
}

/** The nodes as they are shown, and the nodes that a target means. */
export class Nodes {
  readonly #options: OperateOptions;

  constructor(options: OperateOptions) {
    this.#options = options;
  }

  /** Nodes in the order of their names; the daemon looks at no more of them than it shows. */
  list({ after = "", limit, filter, keys = [], names: asked }: NodeQuery): NodeView[] {
    const world = new KnownTargets(this.#options);
    const claims = this.#pending?.all() ?? [];
    const later =
      asked === undefined
        ? this.#namesBehind(after, claims, filter === undefined ? limit : undefined)
        : [...this.#among(asked, claims)].filter((name) => name > after).sort();
    const page = filter === undefined ? later.slice(0, limit) : firstOf(later, filterOf(filter, world), limit);
    const rows = page.flatMap((name) => this.#row(name, claims) ?? []);
    return keys.length === 0 ? rows : rows.map((row) => ({ ...row, values: valuesOf(world.node(row.name), keys) }));
  }

  /** The next names in their order; at most so many. */
  #namesBehind(after: string, claims: readonly PendingClaim[], limit?: number): readonly string[] {
    const { config, core } = this.#options;
    const { fleet } = core();
    const sorted = fleet.sorted();
    const from = firstBehind(sorted, after);
    const known = sorted.slice(from, limit === undefined ? undefined : from + limit);
    const others = new Set([config().node, ...claims.map((claim) => claim.node)]);
    const more = [...others].filter((name) => name > after && !fleet.has(name));
    return more.length === 0 ? known : [...known, ...more].sort();
  }

  /** Nodes of these names that are known: a look at each name, and not at the whole fleet. */
  #among(asked: readonly string[], claims: readonly PendingClaim[]): Set<string> {
    const { config, core } = this.#options;
    const isKnown = (name: string): boolean =>
      name === config().node || core().fleet.isKnown(name) || claims.some((claim) => claim.node === name);
    return new Set(asked.filter(isKnown));
  }

  /** @throws StewardError `node-unknown` */
  facts(name: string): FactsView {
    const { core } = this.#options;
    const { lastSeenAt: asOf } = this.detail(name);
    const record = core().facts.record(name);
    if (record === undefined) return { node: name, asOf, toldAt: null, list: [], changes: [] };
    return {
      node: name,
      asOf,
      toldAt: record.at,
      list: Object.entries(record.facts).map(([key, [value, since]]) => ({ key, value, since })),
      changes: record.changes.map(([at, key, from, to]) => ({ at, key, from, to })),
    };
  }

  /** @throws StewardError `node-unknown` */
  labels(name: string): LabelView {
    this.detail(name);
    return this.#labelsOf(name);
  }

  /** Gives labels to all nodes of a target, or to none. @throws StewardError `label-invalid`, `target-invalid`, … */
  async label({ to, labels, most }: LabelOrder, speaker: Speaker): Promise<LabelView[]> {
    const { config, core } = this.#options;
    const { node, central } = config();
    if (node !== central)
      throw new StewardError("label-invalid", {
        fault: `labels are given at ${central}; those of ${node} alone stand under \`labels:\` in its steward.yaml`,
      });
    const names = this.meantBy(to, most);
    this.insistKnown(names);
    for (const name of names) core().labels.checkFor(name, labels);
    for (const name of names) core().labels.labelNode(name, labels, giverName(speaker, node));
    await core().storage.durable();
    return names.map((name) => this.#labelsOf(name));
  }

  /** @throws StewardError `node-unknown`, with the name that was probably meant */
  insistKnown(names: readonly string[]): void {
    const { fleet } = this.#options.core();
    for (const node of names) {
      if (fleet.isKnown(node)) continue;
      throw unknownNode(node, [...fleet.names(), this.#options.config().node]);
    }
  }

  /**
   * The rule for orders, whichever way they come. The management station knows its fleet: there a name that nobody knows is a
   * slip, unless the order says otherwise (`only`). An edge does not hear of other edges.
   *
   * @throws StewardError `node-unknown`
   */
  insistOrdered(names: readonly string[], only: boolean | undefined): void {
    const { node: self, central } = this.#options.config();
    if (only ?? self === central) this.insistKnown(names);
  }

  #labelsOf(name: string): LabelView {
    const list = this.#options
      .core()
      .labels.list(name)
      .map(({ key, value, given, own }) => ({
        key,
        value,
        by: given?.by ?? name,
        ...(given === undefined ? {} : { givenAt: given.at }),
        ...(own === undefined ? {} : { own }),
      }));
    return { node: name, list };
  }

  /** @throws StewardError `target-invalid`, `target-empty`, `node-unknown` */
  resolve({ to: target, data }: TargetQuestion): TargetView {
    const { config } = this.#options;
    const world = new KnownTargets(this.#options);
    const { names, lacking } = resolveTarget(target, world);
    const away = names.filter((name) => ["offline", "neverSeen"].includes(world.node(name).link)).length;
    return {
      target,
      nodes: names,
      away,
      lacking,
      most: config().limits.targets,
      ...(data === undefined ? {} : { bytes: itemBytes(data) }),
    };
  }

  /** @throws StewardError `node-unknown` */
  detail(name: string): NodeDetail {
    const { fleet, publishers, methods: own } = this.#options.core();
    const lanes = [...publishers.lanes(name)];
    const row = this.#row(name, this.#pending?.of(name), lanes);
    if (row === undefined) throw new StewardError("node-unknown", { node: name });
    const { changes = [], methods = row.role === "self" ? [...own.keys()] : undefined } = fleet.describe(name) ?? {};
    return { ...row, ...(methods === undefined ? {} : { methods }), changes, lanes };
  }

  /** The machines that wait to be accepted; at central alone. */
  get #pending(): PendingClaims | undefined {
    const { enrolment } = this.#options.core();
    return enrolment instanceof Registrar ? enrolment.registry.pending : undefined;
  }

  linkSince(name: string): number | null {
    const { config, core } = this.#options;
    if (name === config().node) return core().link.health().since;
    return core().fleet.linkSince(name) ?? null;
  }

  /**
   * The nodes that a target means; `most`: how many they may be, absent: `limits.targets`.
   *
   * @throws StewardError `target-invalid`, `target-empty`, `target-large`, `node-unknown`
   */
  meantBy(target: string, most = this.#options.config().limits.targets): readonly string[] {
    const { names } = resolveTarget(target, new KnownTargets(this.#options));
    if (names.length <= most) return names;
    throw new StewardError("target-large", { target: shortened(target, 200), count: names.length, most });
  }

  #row(
    name: string,
    pending: readonly PendingClaim[] = [],
    lanes: readonly LaneView[] = [...this.#options.core().publishers.lanes(name)],
  ): Row | undefined {
    const { config, core, clock, counters, processes, version, startedAt } = this.#options;
    const { journal, fleet, link, storage, running, labels, maintenance } = core();
    const known = fleet.summary(name);
    const self = config().node;
    const claims = pending.filter(({ node }) => node === name);
    const waits = claims.length === 0 ? {} : { fingerprint: claims.map(({ keys }) => fingerprint(keys)).join(", ") };
    if (known === undefined && name !== self) return claims[0] && pendingRow(claims[0], waits, clock.now());
    const waiting = lanes.flatMap(({ oldestCreatedAt }) => oldestCreatedAt ?? []);
    const stuck = lanes.flatMap(({ subject, stuck: lane }) => (lane === undefined ? [] : [{ subject, ...lane }]));
    const said = name === self ? [...link.refused(), ...processes().waiting().map(asLane)] : (known?.stuck ?? []);
    const labelled = labels.of(name);
    const hold = maintenance.of(name);
    const worst = [...stuck.sort((a, b) => a.since - b.since).slice(0, WORST), ...said.slice(0, WORST)];
    const counted = {
      role: name === self ? ("self" as const) : name === config().central ? ("central" as const) : ("edge" as const),
      waiting: lanes.reduce((sum, lane) => sum + lane.waiting, 0),
      waitingBytes: lanes.reduce((sum, lane) => sum + lane.bytes, 0),
      oldestCreatedAt: waiting.length === 0 ? null : Math.min(...waiting),
      running: journal.outbox.openCount(name),
      bytesOut: counters.node(name).bytesOut,
      bytesIn: counters.node(name).bytesIn,
      ...(worst.length === 0 ? {} : { stuck: worst }),
      ...(hold === undefined ? {} : { hold }),
      ...(Object.keys(labelled).length === 0 ? {} : { labels: labelled }),
    };
    const awaited = known?.link === "neverSeen" ? core().awaited(name) : undefined;
    if (known !== undefined)
      return {
        ...known,
        ...(awaited === undefined ? {} : { cause: awaited, invited: true as const }),
        ...counted,
        ...waits,
      };
    const { state, since, server = "" } = link.health();
    const now = clock.now();
    return {
      name,
      ...(fleet.selfHeld === undefined ? {} : { heldBack: fleet.selfHeld }),
      link: fleet.link(name),
      linkSince: since,
      cause: state === "connected" ? `connected to the broker ${server}` : `no connection to the broker (${state})`,
      session: "live",
      work: running.size > 0 ? "busy" : "idle",
      trust: "accepted",
      storage: storage.level(),
      lastSeenAt: now,
      asOf: now,
      version,
      startedAt,
      epoch: journal.epoch,
      ...counted,
    };
  }
}

/** A machine that waits under a name that is not known otherwise. */
function pendingRow({ node: name, firstAt }: PendingClaim, waits: { fingerprint?: string }, now: number): Row {
  return {
    name,
    role: "edge",
    link: "neverSeen",
    linkSince: firstAt,
    cause: "it waits to be accepted",
    session: "none",
    work: "idle",
    trust: "pending",
    storage: "ok",
    lastSeenAt: null,
    asOf: now,
    waiting: 0,
    waitingBytes: 0,
    oldestCreatedAt: null,
    running: 0,
    bytesOut: 0,
    bytesIn: 0,
    ...waits,
  };
}
