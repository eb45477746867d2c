import type { HoldView, MuteView } from "../../../runtime/operate/table/maintenance.ts";
import type { NodeView } from "../../../runtime/operate/table/nodes.ts";
import { table } from "../table.ts";
import { visible } from "../text.ts";
import type { Times } from "../time.ts";

export function holdLines(views: readonly HoldView[], times: Times, columns?: number): string[] {
  return table(
    views,
    [
      { title: "NODE", cell: ({ node }) => visible(node) },
      { title: "HELD", cell: ({ since }) => times.since(since) },
      { title: "ENDS", cell: ({ endsAt }) => (endsAt === null ? "when it is released" : times.at(endsAt)) },
      { title: "WAITING", cell: ({ waiting }) => String(waiting), align: "right" },
      { title: "DEADLINE", cell: ({ nextDeliverBy }) => (nextDeliverBy === null ? "-" : times.at(nextDeliverBy)) },
      { title: "BY", cell: ({ by }) => visible(by) },
      {
        title: "NOTE",
        cell: (view) => [visible(view.note ?? ""), underWay(view)].filter((part) => part !== "").join("; "),
      },
    ],
    columns,
  );
}

function underWay({ underWay: count }: HoldView): string {
  return count === 0
    ? ""
    : `${count} that it has, or that ${count === 1 ? "is" : "are"} on the way, ${count === 1 ? "goes" : "go"} on`;
}

/** The hold of a node in words; `undefined`: it is not held. */
export function holdText({ hold }: Pick<NodeView, "hold">, times: Times): string | undefined {
  if (hold === undefined) return undefined;
  const end = hold.endsAt === null ? "until it is released" : `ends ${times.at(hold.endsAt)}`;
  return `held for maintenance, ${end}${hold.note === undefined ? "" : `: ${visible(hold.note)}`}`;
}

export function muteLines(views: readonly MuteView[], times: Times, columns?: number): string[] {
  return table(
    views,
    [
      { title: "NODE", cell: ({ node }) => visible(node) },
      { title: "MUTED", cell: ({ since }) => times.since(since) },
      { title: "ENDS", cell: ({ endsAt }) => (endsAt === null ? "when it is unmuted" : times.at(endsAt)) },
      { title: "BY", cell: ({ by }) => visible(by) },
      { title: "NOTE", cell: ({ note = "" }) => visible(note) },
    ],
    columns,
  );
}
