import { wildcardMatches } from "../text/wildcard.ts";
import { compares, type Fact } from "./compare.ts";
import { type Comparison, type Expression, eachLeaf, parseExpression } from "./expression.ts";

/** A node as expressions see it. */
export interface TargetNode {
  readonly name: string;
  readonly link: "neverSeen" | "online" | "late" | "offline";
  /** True: it is the node that evaluates. */
  readonly isSelf: boolean;
  /** A label, a fact or a state of it, in this order; `undefined`: it has none of this name. */
  value(key: string): Fact | undefined;
  /** Labels and facts by name; a label hides a fact of the same name. */
  entries(): Iterable<readonly [key: string, fact: Fact]>;
}

/** The expressions that groups stand for, by the names of the groups. */
export type Groups = ReadonlyMap<string, Expression>;

/** Groups within groups; the configuration refuses circles, and groups from elsewhere may have some. */
const DEEPEST = 32;

/**
 * True if an expression holds for a node. A comparison with a label or a fact that the node lacks does not hold, so that
 * `!=` and `not` hold for it. A group that is not there holds for no node.
 *
 * @throws TargetFault for a text that is no expression
 */
export function expressionMatches(expression: Expression | string, node: TargetNode, groups: Groups): boolean {
  return holds(typeof expression === "string" ? parseExpression(expression) : expression, node, groups, 0);
}

function holds(expression: Expression, node: TargetNode, groups: Groups, depth: number): boolean {
  switch (expression.kind) {
    case "or":
      return expression.parts.some((part) => holds(part, node, groups, depth));
    case "and":
      return expression.parts.every((part) => holds(part, node, groups, depth));
    case "not":
      return !holds(expression.of, node, groups, depth);
    case "name":
      return expression.text === node.name;
    case "pattern":
      return wildcardMatches(expression.text, node.name);
    case "state":
      return isIn(expression.word, node);
    case "group": {
      const group = groups.get(expression.text);
      return group !== undefined && depth < DEEPEST && holds(group, node, groups, depth + 1);
    }
    default:
      return comparisonHolds(expression, node);
  }
}

function isIn(word: (Expression & { readonly kind: "state" })["word"], { link, isSelf }: TargetNode): boolean {
  if (word === "all") return true;
  if (word === "self") return isSelf;
  if (word === "away") return link === "offline" || link === "neverSeen";
  return link === word;
}

function comparisonHolds(comparison: Comparison, node: TargetNode): boolean {
  const { key, operator } = comparison;
  if (operator === "!=") return !comparisonHolds({ ...comparison, operator: "=" }, node);
  if (!key.includes("*")) {
    const fact = node.value(key);
    return fact !== undefined && compares(fact, comparison);
  }
  for (const [name, fact] of node.entries()) if (wildcardMatches(key, name) && compares(fact, comparison)) return true;
  return false;
}

/** All that an expression names, in groups too. */
export interface Named {
  readonly names: ReadonlySet<string>;
  readonly keys: ReadonlySet<string>;
  readonly groups: ReadonlySet<string>;
}

export function namedIn(expression: Expression, groups: Groups): Named {
  const names = new Set<string>();
  const keys = new Set<string>();
  const seen = new Set<string>();
  const look = (one: Expression): void =>
    eachLeaf(one, (leaf) => {
      if (leaf.kind === "name") names.add(leaf.text);
      if (leaf.kind === "comparison") keys.add(leaf.key);
      if (leaf.kind !== "group" || seen.has(leaf.text)) return;
      seen.add(leaf.text);
      const group = groups.get(leaf.text);
      if (group !== undefined) look(group);
    });
  look(expression);
  return { names, keys, groups: seen };
}
