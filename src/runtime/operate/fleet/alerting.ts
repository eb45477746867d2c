import { subjectLine } from "../../../errands/subject-line.ts";
import type { Errand } from "../../../message/care/errand.ts";
import { StewardError } from "../../../message/errors.ts";
import { giverName, type Speaker } from "../../../security/operators/speaker.ts";
import type { OperateOptions } from "../rooms.ts";
import type { Reach } from "../speak/reach.ts";
import type { AlertTest, ErrandView, OpenAlertView } from "../table/alerts.ts";
import type { HoldOrder, MuteView, ReleaseOrder } from "../table/maintenance.ts";
import type { Nodes } from "./nodes.ts";

/** Alerts of rules, muted nodes, and the errands that bring alerts and outcomes to their destinations. */
export class Alerting {
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

  open(): OpenAlertView[] {
    const { core, config } = this.#options;
    const { alerts } = config();
    const { alertWatch } = core();
    return alertWatch.open().map(({ rule, node, text, since, toldAt, goneAt }) => ({
      rule,
      node,
      text,
      since,
      ...(toldAt === undefined ? {} : { toldAt }),
      ...(goneAt === undefined ? {} : { goneAt }),
      ...(alertWatch.mutes.of(node) === undefined ? {} : { muted: true as const }),
      to: alerts[rule]?.to ?? [],
    }));
  }

  /** @throws StewardError `destination-unknown` */
  async test({ to }: AlertTest): Promise<ErrandView[]> {
    const { core, config, clock } = this.#options;
    const { alerts, destinations, node } = config();
    const names = to ?? [...new Set(Object.values(alerts).flatMap((rule) => rule.to))];
    for (const destination of names)
      if (!Object.hasOwn(destinations, destination)) throw new StewardError("destination-unknown", { destination });
    const { errands, storage } = core();
    const before = new Set(errands.list().map(({ id }) => id));
    const body = { text: `test of the alerts of ${node}`, state: "test", count: 0, nodes: [], at: clock.now() };
    for (const destination of names) errands.add(destination, "alert", body);
    const added = errands.list().filter(({ id }) => !before.has(id));
    await storage.durable();
    return added.map(viewErrand);
  }

  mutes(): MuteView[] {
    const { alertWatch } = this.#options.core();
    return alertWatch.mutes.all().map(([node, mute]) => ({ node, ...mute }));
  }

  /** Mutes all nodes of a target, or none. @throws StewardError `mute-invalid`, `target-invalid`, `node-unknown`, … */
  async mute({ to, endsAt = null, note, most }: HoldOrder): Promise<MuteView[]> {
    const { clock, config, core } = this.#options;
    this.#insistCentral();
    if (endsAt !== null && endsAt <= clock.now())
      throw new StewardError("mute-invalid", { fault: `the end, ${new Date(endsAt).toISOString()}, is over` });
    const nodes = this.#nodes.meantBy(to, most);
    this.#nodes.insistKnown(nodes);
    for (const node of nodes) this.#reach.insistNode(node, "mute");
    core().alertWatch.mutes.mute(nodes, {
      endsAt,
      by: giverName(this.#speaker, config().node),
      ...(note === undefined ? {} : { note }),
    });
    await core().storage.durable();
    return this.mutes().filter(({ node }) => nodes.includes(node));
  }

  async unmute({ to }: ReleaseOrder): Promise<string[]> {
    const { core } = this.#options;
    this.#insistCentral();
    const nodes = this.#nodes.meantBy(to, Number.POSITIVE_INFINITY);
    for (const node of nodes) this.#reach.insistNode(node, "unmute");
    const released = core().alertWatch.mutes.unmute(nodes);
    // A node that is no longer known may still be muted; a name that found none may be a slip.
    if (released.length === 0) this.#nodes.insistKnown(nodes);
    await core().storage.durable();
    return released;
  }

  errands(): ErrandView[] {
    return this.#options.core().errands.list().map(viewErrand);
  }

  /** @throws StewardError `errand-unknown` */
  async retry(id: string): Promise<void> {
    const { errands, storage } = this.#options.core();
    if (!errands.retry(id)) throw new StewardError("errand-unknown", { id });
    await storage.durable();
  }

  /** @throws StewardError `errand-unknown` */
  async drop(id: string): Promise<void> {
    const { errands, storage } = this.#options.core();
    if (!errands.drop(id)) throw new StewardError("errand-unknown", { id });
    await storage.durable();
  }

  #insistCentral(): void {
    const { node, central } = this.#options.config();
    if (node === central) return;
    throw new StewardError("mute-invalid", { fault: `the rules of alerts are applied at ${central}` });
  }
}

function viewErrand(errand: Errand): ErrandView {
  const { id, to, about, madeAt, attempts, dueAt, fault } = errand;
  return {
    id,
    to,
    about,
    text: subjectLine(errand),
    madeAt,
    attempts,
    dueAt,
    ...(fault === undefined ? {} : { fault }),
  };
}
