import { StewardError } from "../../../message/errors.ts";
import { CONTROL_DOMAIN } from "../../../message/subject.ts";
import { giverName, type Speaker } from "../../../security/operators/speaker.ts";
import type { Hold } from "../../fleet/maintenance.ts";
import type { OperateOptions } from "../rooms.ts";
import type { Reach } from "../speak/reach.ts";
import type { HoldOrder, HoldView, ReleaseOrder } from "../table/maintenance.ts";
import type { Nodes } from "./nodes.ts";

/** Maintenance: delivery to nodes is held and released. */
export class Holds {
  readonly #options: OperateOptions;
  readonly #nodes: Nodes;
  readonly #speaker: Speaker;
  readonly #reach: Reach;

  constructor(options: OperateOptions, speaker: Speaker, reach: Reach, nodes: Nodes) {
    this.#options = options;
    this.#speaker = speaker;
    this.#reach = reach;
    this.#nodes = nodes;
  }

  list(): HoldView[] {
    return [...this.#options.core().maintenance.all()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([node, hold]) => this.#view(node, hold));
  }

  /** Holds all nodes of a target, or none. @throws StewardError `hold-invalid`, `target-invalid`, `node-unknown`, … */
  async hold({ to, endsAt = null, note, most }: HoldOrder): Promise<HoldView[]> {
    const { clock, config, core } = this.#options;
    const { node: self } = config();
    const by = giverName(this.#speaker, self);
    this.#insistCentral();
    if (endsAt !== null && endsAt <= clock.now())
      throw new StewardError("hold-invalid", { fault: `its end, ${new Date(endsAt).toISOString()}, is over` });
    const nodes = this.#nodes.meantBy(to, most);
    if (nodes.includes(self)) throw new StewardError("hold-invalid", { fault: `${self} is the node that delivers` });
    this.#nodes.insistKnown(nodes);
    for (const node of nodes) this.#reach.insistNode(node, "hold");
    core().maintenance.hold(nodes, { endsAt, by, ...(note === undefined ? {} : { note }) });
    await core().storage.durable();
    return nodes.flatMap((node) => {
      const hold = core().maintenance.of(node);
      return hold === undefined ? [] : [this.#view(node, hold)];
    });
  }

  /** Returns the nodes that were held. @throws StewardError `hold-invalid`, `target-invalid`, … */
  async release({ to }: ReleaseOrder): Promise<string[]> {
    const { config, core } = this.#options;
    this.#insistCentral();
    const nodes = this.#nodes.meantBy(to, Number.POSITIVE_INFINITY);
    for (const node of nodes) this.#reach.insistNode(node, "unhold");
    const released = core().maintenance.release(nodes, `${giverName(this.#speaker, config().node)} released it`);
    // A node that is no longer known may still be held; a name that found none may be a slip.
    if (released.length === 0) this.#nodes.insistKnown(nodes);
    await core().storage.durable();
    return released;
  }

  #insistCentral(): void {
    const { node, central } = this.#options.config();
    if (node === central) return;
    throw new StewardError("hold-invalid", { fault: `nodes are held at ${central}, where their messages wait` });
  }

  #view(node: string, hold: Hold): HoldView {
    const { publishers, journal } = this.#options.core();
    const lanes = [...publishers.lanes(node)].filter(({ subject }) => !subject.endsWith(`.${CONTROL_DOMAIN}`));
    const deadlines = lanes.flatMap(({ nextDeliverBy }) => nextDeliverBy ?? []);
    const sent = journal.outbox.lanesTo(node).reduce((sum, lane) => sum + Math.max(0, lane.sent - lane.acked), 0);
    return {
      node,
      ...hold,
      waiting: lanes.reduce((sum, { waiting }) => sum + waiting, 0),
      nextDeliverBy: deadlines.length === 0 ? null : Math.min(...deadlines),
      underWay: journal.outbox.openCount(node) + sent,
    };
  }
}
