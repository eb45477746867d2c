import type { OperateOptions } from "./rooms.ts";
import type { Health } from "./table/daemon.ts";

/** The most stuck lanes and held nodes that are shown. */
const MOST_SHOWN = 100;

/** The health of this daemon: of its broker, its journal, its processes and lanes. */
export function healthOf({ clock, config, core, processes, startedAt, version }: OperateOptions): Health {
  const { enrolment, fleet, link, publishers, storage, maintenance } = core();
  const journal = storage.health();
  const broker = link.health();
  const table = processes();
  const waiting = table.waiting().map(({ since, ...process }) => ({ ...process, waitsSince: since }));
  const quarantined = table.views().flatMap(({ subject, state }) => (state === "quarantined" ? [subject] : []));
  const stuck = publishers.stuck(MOST_SHOWN);
  const ok =
    stuck.length === 0 &&
    fleet.selfHeld === undefined &&
    broker.state === "connected" &&
    broker.refused === undefined &&
    (journal.state === "ok" || journal.state === "low") &&
    quarantined.length === 0 &&
    waiting.length === 0;
  const held = [...maintenance.all()]
    .slice(0, MOST_SHOWN)
    .map(([node, { since, endsAt }]) => ({ node, since, endsAt }));
  const { node, central, alerts } = config();
  return {
    node,
    ok,
    version,
    startedAt,
    asOf: clock.now(),
    security: enrolment === undefined ? "off" : "sealed",
    broker,
    journal,
    quarantined,
    ...(waiting.length === 0 ? {} : { waiting }),
    ...(held.length === 0 ? {} : { held }),
    stuck,
    ...(node === central ? { alertRules: Object.keys(alerts).length } : {}),
  };
}
