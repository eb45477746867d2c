import { nearest } from "../../../config/schema/nearest.ts";
import { StewardError } from "../../../message/errors.ts";
import {
  type Expression,
  eachLeaf,
  formatExpression,
  isJobGroup,
  parseTarget,
} from "../../../message/target/expression.ts";
import { expressionMatches, type Groups, namedIn, type TargetNode } from "../../../message/target/match.ts";
import { TargetFault } from "../../../message/target/tokens.ts";
import { shortened } from "../../../message/text/printable.ts";
import { wildcardMatches } from "../../../message/text/wildcard.ts";

/** The nodes that targets choose from. */
export interface TargetWorld {
  readonly self: string;
  readonly groups: Groups;
  /** The edge nodes that are not revoked: `all`, and what patterns and expressions choose from. */
  edges(): readonly string[];
  isKnown(name: string): boolean;
  node(name: string): TargetNode;
  /** The nodes behind `job:ID` or `job:ID:failed`, in the order of the job. @throws StewardError `job-unknown`, … */
  nodesOfJob(text: string): readonly string[];
}

/** The nodes that a target means: from here on the list is frozen. */
export interface Resolved {
  /** Each once: those of a list in its order, those of a pattern or an expression by name. */
  readonly names: readonly string[];
  /** Labels and facts that the target asks for and that some of these nodes lack. */
  readonly lacking: readonly { readonly key: string; readonly nodes: number }[];
}

/** A node's states, which expressions may ask for beside labels and facts. */
const STATE_KEYS = ["name", "link", "session", "work", "trust", "storage", "uptime"] as const;

/** @throws StewardError `target-invalid`, `target-empty`, `node-unknown` */
export function resolveTarget(target: string, world: TargetWorld): Resolved {
  const names = new Set<string>();
  const asked = new Set<string>();
  for (const part of read(target, () => parseTarget(target))) {
    const found = part.kind === "name" ? [part.text] : chosen(part, target, world, asked);
    for (const name of found) names.add(name);
  }
  return { names: [...names], lacking: lacking(names, asked, world) };
}

/** A test of nodes by an expression. @throws StewardError `target-invalid`, `node-unknown` */
export function filterOf(expression: string, world: TargetWorld): (name: string) => boolean {
  const parts = read(expression, () => parseTarget(expression));
  for (const part of parts) insistNamed(part, expression, world);
  return (name) => {
    const node = world.node(name);
    return parts.some((part) => expressionMatches(part, node, world.groups));
  };
}

function chosen(part: Expression, target: string, world: TargetWorld, asked: Set<string>): readonly string[] {
  if (part.kind === "state" && part.word === "self") return [world.self];
  if (part.kind === "group" && isJobGroup(part.text)) {
    const nodes = world.nodesOfJob(part.text);
    if (nodes.length > 0) return nodes;
    throw new StewardError("target-empty", { target: part.text, fault: "the job has no such node" });
  }
  const { names, keys } = insistNamed(part, target, world);
  for (const key of keys) if (!key.includes("*")) asked.add(key);
  const edges = world.edges();
  const candidates = new Set([...edges, ...names]);
  const found = [...candidates].filter((name) => expressionMatches(part, world.node(name), world.groups)).sort();
  if (found.length > 0) return found;
  const fault =
    edges.length === 0
      ? "no edge node is known yet"
      : `none of the ${candidates.size} nodes that it chooses from is so`;
  throw new StewardError("target-empty", { target: shortened(formatExpression(part), SHOWN), fault });
}

/** A name, a group, a label or a fact that nobody knows is a slip: `not` before it would choose all nodes. */
function insistNamed(part: Expression, target: string, world: TargetWorld): ReturnType<typeof namedIn> {
  const { groups } = world;
  eachLeaf(part, (leaf) => {
    if (leaf.kind === "group" && isJobGroup(leaf.text)) world.nodesOfJob(leaf.text);
    else if (leaf.kind === "group" && !groups.has(leaf.text))
      throw invalid(target, leaf.at, noGroup(leaf.text, groups));
    if (leaf.kind === "name" && !world.isKnown(leaf.text)) throw new StewardError("node-unknown", { node: leaf.text });
    if (leaf.kind === "comparison" && !isAnywhere(leaf.key, world))
      throw invalid(target, leaf.at, noKey(leaf.key, world));
  });
  const named = namedIn(part, groups);
  for (const node of named.names) if (!world.isKnown(node)) throw new StewardError("node-unknown", { node });
  return named;
}

function isAnywhere(key: string, world: TargetWorld): boolean {
  if ((STATE_KEYS as readonly string[]).includes(key)) return true;
  const has = key.includes("*")
    ? (node: TargetNode) => [...node.entries()].some(([name]) => wildcardMatches(key, name))
    : (node: TargetNode) => node.value(key) !== undefined;
  return [...world.edges(), world.self].some((name) => has(world.node(name)));
}

function noGroup(name: string, groups: Groups): string {
  const near = nearest(name, [...groups.keys()]);
  return `there is no group @${name}${near === undefined ? ", see `groups:` in steward.yaml" : `; did you mean @${near}?`}`;
}

/** Nodes whose labels and facts are looked through for the one that was meant. */
const LOOKED_THROUGH = 100;

function noKey(key: string, world: TargetWorld): string {
  const some = [...world.edges().slice(0, LOOKED_THROUGH), world.self];
  const known = new Set([
    ...STATE_KEYS,
    ...some.flatMap((name) => [...world.node(name).entries()].map(([key]) => key)),
  ]);
  const near = nearest(key, [...known]);
  return `no node has a label or a fact ${key}${near === undefined ? "" : `; did you mean ${near}?`}`;
}

function lacking(names: ReadonlySet<string>, keys: ReadonlySet<string>, world: TargetWorld): Resolved["lacking"] {
  return [...keys].flatMap((key) => {
    const nodes = [...names].filter((name) => world.node(name).value(key) === undefined).length;
    return nodes === 0 ? [] : [{ key, nodes }];
  });
}

const SHOWN = 200;

function read<T>(target: string, parse: () => T): T {
  try {
    return parse();
  } catch (thrown) {
    if (!(thrown instanceof TargetFault)) throw thrown;
    throw new StewardError("target-invalid", {
      target: shortened(target, SHOWN),
      fault: thrown.message,
      at: thrown.at + 1,
    });
  }
}

function invalid(target: string, at: number, text: string): StewardError {
  const { message: fault } = new TargetFault(at, text);
  return new StewardError("target-invalid", { target: shortened(target, SHOWN), fault, at: at + 1 });
}
