import type { OperatorView } from "../../../runtime/operate/table/operators.ts";
import type { Paint } from "../paint.ts";
import { pairs, table } from "../table.ts";
import { visible } from "../text.ts";
import type { Times } from "../time.ts";

export function operatorLines(list: readonly OperatorView[], times: Times, paint: Paint, columns?: number): string[] {
  return table(
    list,
    [
      { title: "OPERATOR", cell: ({ name }) => visible(name) },
      { title: "ROLE", cell: ({ role, standing }) => (standing === "removed" ? paint("red", "removed") : role) },
      { title: "NODES", cell: (one) => bound(one, one.on) },
      { title: "METHODS", cell: (one) => bound(one, one.methods?.join(", ")) },
      { title: "SINCE", cell: ({ since }) => times.since(since) },
      { title: "BY", cell: ({ by }) => visible(by) },
    ],
    columns,
  );
}

export function operatorDetails(view: OperatorView, times: Times): string[] {
  const { name, key, role, standing, since, by, formerKeys } = view;
  return pairs([
    ["operator", visible(name)],
    [
      "standing",
      standing === "removed" ? "removed: refused everywhere, and the name is never given again to another key" : role,
    ],
    ["nodes", bound(view, view.on)],
    ["methods", bound(view, view.methods?.join(", "))],
    ["key", key],
    ["former keys", formerKeys === 0 ? undefined : String(formerKeys)],
    ["since", `${times.since(since)}, by ${visible(by)}`],
  ]);
}

function bound({ role, standing }: OperatorView, text: string | undefined): string {
  if (standing === "removed" || role === "viewer") return "";
  return visible(text ?? "all");
}
