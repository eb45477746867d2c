import { bytes, span } from "../../../message/text/figures.ts";
import type { FactsView, LabelView } from "../../../runtime/operate/table/nodes.ts";
import { pairs, table } from "../table.ts";
import { visible } from "../text.ts";
import type { Times } from "../time.ts";

type Value = FactsView["list"][number]["value"];

/** A fact for people: sizes and durations in their units, lists with commas. */
export function factText(key: string, value: Value | null | undefined): string {
  if (value === null || value === undefined) return "-";
  if (typeof value === "object") return visible(value.join(", "));
  if (typeof value !== "number") return visible(String(value));
  if (key === "memory" || key.endsWith(".size")) return bytes(value);
  if (key.endsWith(".full")) return `${value} %`;
  return key === "uptime" ? span(value) : String(value);
}

export function factLines(view: FactsView, times: Times, columns?: number): string[] {
  const head = pairs([
    ["node", visible(view.node)],
    ["as of", `${times.at(view.asOf)}, the last sign of life`],
    ["told", view.toldAt === null ? "nothing yet" : times.at(view.toldAt)],
  ]);
  if (view.list.length === 0) return head;
  const rows = table(
    view.list,
    [
      { title: "FACT", cell: ({ key }) => visible(key) },
      { title: "SINCE", cell: ({ since }) => times.since(since) },
      { title: "VALUE", cell: ({ key, value }) => factText(key, value) },
    ],
    columns,
  );
  return [...head, "", ...rows];
}

export function factChangeLines({ node, changes }: FactsView, times: Times, columns?: number): string[] {
  if (changes.length === 0) return [`no fact of ${visible(node)} has changed since it told them first`];
  return table(
    changes,
    [
      { title: "CHANGED", cell: ({ at }) => times.at(at) },
      { title: "FACT", cell: ({ key }) => visible(key) },
      { title: "FROM", cell: ({ key, from }) => factText(key, from), isLong: true },
      { title: "TO", cell: ({ key, to }) => factText(key, to) },
    ],
    columns,
  );
}

export function labelLines(views: readonly LabelView[], times: Times, columns?: number): string[] {
  const rows = views.flatMap(({ node, list }) => list.map((label) => ({ node, ...label })));
  if (rows.length === 0) return ["no labels"];
  return table(
    rows,
    [
      { title: "NODE", cell: ({ node }) => visible(node) },
      { title: "LABEL", cell: ({ key }) => visible(key) },
      { title: "VALUE", cell: ({ value }) => visible(value), isLong: true },
      { title: "BY", cell: ({ by }) => visible(by) },
      { title: "GIVEN", cell: ({ givenAt }) => (givenAt === undefined ? "in its file" : times.at(givenAt)) },
      {
        title: "NOTES",
        cell: ({ node, value, own }) =>
          own === undefined || own === value ? "" : `${visible(node)} itself says ${visible(own)}`,
      },
    ],
    columns,
  );
}
