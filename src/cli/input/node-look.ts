import { orderOfVersions } from "../../message/target/compare.ts";
import type { NodeView } from "../../runtime/operate/table/nodes.ts";
import { factText } from "../render/fleet/labels.ts";
import { labelText, nodeColumns } from "../render/fleet/nodes.ts";
import type { Paint } from "../render/paint.ts";
import type { Column } from "../render/table.ts";
import type { Times } from "../render/time.ts";

/** The columns of a list of nodes and its order, as `--columns` and `--sort` name them. */
export interface NodeLook {
  readonly columns: readonly Column<NodeView>[];
  /** Labels, facts and states that the daemon is asked for. */
  readonly keys: readonly string[];
  sorted(nodes: readonly NodeView[]): readonly NodeView[];
}

type Value = NonNullable<NodeView["values"]>[string] | null | undefined;

/** The values by which columns of the table are ordered. */
const ORDER: Readonly<Record<string, (node: NodeView) => Value>> = {
  node: ({ name }) => name,
  link: ({ link }) => link,
  since: ({ linkSince }) => linkSince,
  seen: ({ lastSeenAt }) => lastSeenAt,
  work: ({ running }) => running,
  waiting: ({ waiting }) => waiting,
  labels: labelText,
};

export function nodeLook(
  options: { readonly columns?: string; readonly sort?: string },
  times: Times,
  paint: Paint,
): NodeLook {
  const known = nodeColumns(times, paint);
  const wanted = options.columns === undefined ? [] : namesIn(options.columns);
  const columns = wanted.length === 0 ? known : wanted.map((name) => columnOf(name, known));
  const reverse = options.sort?.startsWith("-") === true;
  const sort = reverse ? options.sort?.slice(1) : options.sort;
  const isKey = (name: string) =>
    !Object.hasOwn(ORDER, name) && known.every(({ title }) => title.toLowerCase() !== name);
  const keys = [...new Set([...wanted, ...(sort === undefined ? [] : [sort])])].filter(isKey);
  return {
    columns,
    keys,
    sorted: (nodes) => (sort === undefined ? nodes : inOrder(nodes, readerOf(sort), reverse)),
  };
}

function namesIn(list: string): string[] {
  return list.split(",").flatMap((name) => (name.trim() === "" ? [] : [name.trim()]));
}

function columnOf(name: string, known: readonly Column<NodeView>[]): Column<NodeView> {
  if (name === "labels") return { title: "LABELS", cell: labelText };
  const column = known.find(({ title }) => title.toLowerCase() === name);
  return column ?? { title: name.toUpperCase(), cell: ({ values }) => factText(name, own(values, name)) };
}

function readerOf(name: string): (node: NodeView) => Value {
  return Object.hasOwn(ORDER, name) ? (ORDER[name] ?? (() => undefined)) : ({ values }) => own(values, name);
}

function own(values: NodeView["values"], key: string): Value {
  return values !== undefined && Object.hasOwn(values, key) ? values[key] : undefined;
}

/** Nodes that lack the value come last, in either direction; equal ones stay by name. */
function inOrder(nodes: readonly NodeView[], of: (node: NodeView) => Value, reverse: boolean): NodeView[] {
  return [...nodes].sort((a, b) => {
    const [left, right] = [of(a) ?? undefined, of(b) ?? undefined];
    if (left === undefined || right === undefined) return Number(left === undefined) - Number(right === undefined);
    return reverse ? orderOf(right, left) : orderOf(left, right);
  });
}

function orderOf(a: NonNullable<Value>, b: NonNullable<Value>): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  const [left, right] = [String(a), String(b)];
  return orderOfVersions(left, right) ?? (left < right ? -1 : 1);
}
