import { StewardError } from "../../../message/errors.ts";
import type { OperateOptions } from "../rooms.ts";
import type { HistoryQuery, HistoryView } from "../table/nodes.ts";

const DAY = 86_400_000;

/**
 * The states that nodes had: all regions of one, or one region of all.
 *
 * @throws StewardError `node-unknown`
 */
export function historyOf({ clock, core }: OperateOptions, query: HistoryQuery): HistoryView {
  const { history, fleet } = core();
  const asOf = clock.now();
  const { node, until = asOf, since = until - DAY, limit = 1000, after } = query;
  if (node !== undefined && !fleet.isKnown(node)) throw new StewardError("node-unknown", { node });
  const region = query.region ?? (node === undefined ? "link" : undefined);
  const asked = {
    since,
    until,
    limit,
    ...(node === undefined ? {} : { node }),
    ...(region === undefined ? {} : { region }),
    ...(after === undefined ? {} : { after }),
  };
  const { keptSince, unknown, nodes } = history?.read(asked) ?? {
    keptSince: asOf,
    unknown: [[since, until]],
    nodes: [],
  };
  return { asOf, from: since, until, keptSince, unknown, nodes } as HistoryView;
}
