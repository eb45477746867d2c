import type { NodeQuery, NodeView } from "../runtime/operate/table/nodes.ts";
import type { Client } from "../runtime/operate/table.ts";

/** The running daemon as the commands ask it, over its socket. Failures are StewardErrors, `no-daemon` among them. */
export type Daemon = Client;

/** Nodes in one answer: one of tens of thousands would keep the daemon from everything else. */
const PAGE = 1_000;

/** All nodes, or the first so many, by name. */
export async function everyNode(
  daemon: Pick<Daemon, "nodes">,
  most = Number.POSITIVE_INFINITY,
  query: Pick<NodeQuery, "filter" | "keys"> = {},
): Promise<NodeView[]> {
  const found: NodeView[] = [];
  for (;;) {
    const limit = Math.min(PAGE, most - found.length);
    const after = found.at(-1)?.name;
    const page = await daemon.nodes({ ...query, limit, ...(after === undefined ? {} : { after }) });
    found.push(...page);
    if (page.length < limit || found.length >= most) return found;
  }
}

export async function nodeNames(daemon: Pick<Daemon, "nodes">): Promise<string[]> {
  return (await everyNode(daemon)).map(({ name }) => name);
}
