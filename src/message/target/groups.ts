import { type Expression, parseExpression } from "./expression.ts";
import { type Groups, namedIn } from "./match.ts";

/** `groups:` as it is written: an expression, or a list of nodes and expressions. */
export type WrittenGroups = Readonly<Record<string, string | readonly string[]>>;

/** A group as one expression. @throws TargetFault */
export function parseGroup(written: string | readonly string[]): Expression {
  if (typeof written === "string") return parseExpression(written);
  const parts = written.map((part) => parseExpression(part));
  const [first] = parts;
  return first !== undefined && parts.length === 1 ? first : { kind: "or", parts };
}

const compiled = new WeakMap<WrittenGroups, Groups>();

/** All groups of a configuration that was checked. */
export function groupsOf(written: WrittenGroups): Groups {
  const known = compiled.get(written);
  if (known !== undefined) return known;
  const groups = new Map(Object.entries(written).map(([name, group]) => [name, parseGroup(group)]));
  compiled.set(written, groups);
  return groups;
}

/** The groups that a group leads to, if it leads back to itself. */
export function circleOf(name: string, groups: Groups): readonly string[] | undefined {
  const group = groups.get(name);
  if (group === undefined) return undefined;
  const led = namedIn(group, groups).groups;
  return led.has(name) ? [...led] : undefined;
}
