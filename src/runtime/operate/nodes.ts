import { StewardError } from "../../message/errors.ts";
import { asLane } from "../../message/standstill.ts";
import type { NodeDetail, NodeView } from "./operations.ts";
import type { OperateOptions } from "./rooms.ts";
import { targetNodes } from "./targets.ts";

/** The most stuck lanes of one node that are shown. */
const WORST = 5;

/** The nodes as they are shown, and the nodes that a target means. */
export class Nodes {
  readonly #options: OperateOptions;

  constructor(options: OperateOptions) {
    this.#options = options;
  }

  /** Nodes in the order of their names; the daemon looks at no more of them than it shows. */
  list({ after = "", limit }: { readonly after?: string; readonly limit?: number }): NodeView[] {
    const { config, core } = this.#options;
    const names = new Set([config().node, ...core().fleet.names()]);
    const page = [...names]
      .filter((name) => name > after)
      .sort()
      .slice(0, limit);
    return page
      .flatMap((name) => this.#view(name) ?? [])
      .map(({ lanes: _lanes, changes: _changes, methods: _methods, ...view }) => view);
  }

  /** @throws StewardError `node-unknown` */
  detail(name: string): NodeDetail {
    const view = this.#view(name);
    if (view === undefined) throw new StewardError("node-unknown", { node: name });
    return view;
  }

  linkSince(name: string): number | null {
    const { config, core } = this.#options;
    if (name === config().node) return core().link.health().since;
    return core().fleet.linkSince(name) ?? null;
  }

  /** The nodes that a target means. @throws StewardError `target-invalid`, `usage` */
  meantBy(target: string): readonly string[] {
    const { config, core } = this.#options;
    const { fleet } = core();
    const isEdge = (name: string) => name !== config().central && fleet.trust(name) !== "revoked";
    return targetNodes(target, () => [...fleet.names()].filter(isEdge));
  }

  #view(name: string): NodeDetail | undefined {
    const { config, core, clock, counters, processes, version, startedAt } = this.#options;
    const { journal, fleet, link, storage, methods, running, publishers } = core();
    const known = fleet.describe(name);
    const self = config().node;
    if (known === undefined && name !== self) return undefined;
    const lanes = [...publishers.lanes(name)];
    const waiting = lanes.flatMap(({ oldestCreatedAt }) => oldestCreatedAt ?? []);
    const stuck = lanes.flatMap(({ subject, stuck: lane }) => (lane === undefined ? [] : [{ subject, ...lane }]));
    const said = name === self ? processes().waiting().map(asLane) : (known?.stuck ?? []);
    const worst = [...stuck.sort((a, b) => a.since - b.since).slice(0, WORST), ...said.slice(0, WORST)];
    const counted = {
      role: name === self ? ("self" as const) : name === config().central ? ("central" as const) : ("edge" as const),
      waiting: lanes.reduce((sum, lane) => sum + lane.waiting, 0),
      oldestCreatedAt: waiting.length === 0 ? null : Math.min(...waiting),
      running: journal.outbox.openCount(name),
      bytesOut: counters.node(name).bytesOut,
      bytesIn: counters.node(name).bytesIn,
      lanes,
      ...(worst.length === 0 ? {} : { stuck: worst }),
    };
    if (known !== undefined) return { ...known, ...counted };
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
      methods: [...methods.keys()],
      changes: [],
      ...counted,
    };
  }
}
