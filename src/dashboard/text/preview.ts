import type { NodeView, TargetView } from "../../runtime/operate/table/nodes.ts";

type Hold = NonNullable<NodeView["hold"]>;

/** The nodes of a target by what becomes of a message to them at once. */
export interface Preview {
  /** Nodes in reach: it is sent there. */
  readonly there: number;
  /** Nodes out of reach, those that are held not counted. */
  readonly away: number;
  readonly held: readonly { readonly name: string; readonly hold: Hold; readonly expires: boolean }[];
}

/** `lasts`: how long the message may wait, ms; `null`: for ever; `undefined`: as the configuration says. */
export function previewOf(
  { nodes, away }: TargetView,
  rows: ReadonlyMap<string, NodeView>,
  now: number,
  lasts: number | null | undefined,
): Preview {
  const held: { name: string; hold: Hold; expires: boolean }[] = [];
  let heldAway = 0;
  for (const name of nodes) {
    const row = rows.get(name);
    if (row?.hold === undefined) continue;
    const { endsAt } = row.hold;
    held.push({ name, hold: row.hold, expires: typeof lasts === "number" && endsAt !== null && endsAt > now + lasts });
    if (row.link === "offline" || row.link === "neverSeen") heldAway++;
  }
  const awayFree = Math.max(0, away - heldAway);
  return { there: Math.max(0, nodes.length - held.length - awayFree), away: awayFree, held };
}
