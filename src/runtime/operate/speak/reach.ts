import { StewardError } from "../../../message/errors.ts";
import { CONTROL_DOMAIN, parseSubject } from "../../../message/subject.ts";
import { type Expression, eachLeaf, parseExpression } from "../../../message/target/expression.ts";
import { groupsOf } from "../../../message/target/groups.ts";
import { expressionMatches, type TargetNode } from "../../../message/target/match.ts";
import { TargetFault } from "../../../message/target/tokens.ts";
import { isOfMethods } from "../../../security/operators/methods.ts";
import type { Speaker } from "../../../security/operators/speaker.ts";
import { TRUST } from "../../enrol/trust-method.ts";
import type { OperateOptions } from "../rooms.ts";

/**
 * The nodes and methods to which a speaker may send. `on` counts the labels that were given at central, and nothing that a
 * node says of itself: a machine that was stolen could else bring itself into the reach of anybody.
 */
export class Reach {
  readonly #options: Pick<OperateOptions, "core" | "config">;
  readonly #speaker: Speaker;
  readonly #nodes = new Map<string, boolean>();

  constructor(options: Pick<OperateOptions, "core" | "config">, speaker: Speaker) {
    this.#options = options;
    this.#speaker = speaker;
  }

  /** @throws StewardError `reach-denied` */
  insist(subject: string): void {
    const fault = this.fault(subject);
    if (fault === undefined) return;
    const { name, operator = name } = this.#speaker;
    const { node } = parseSubject(subject);
    throw new StewardError("reach-denied", {
      who: name,
      operator,
      node,
      subject: subject.slice(node.length + 1),
      fault,
    });
  }

  /** For what is done to a node without a message. @throws StewardError `reach-denied` */
  insistNode(node: string, what: string): void {
    const { role, bounds, name, operator = name } = this.#speaker;
    if (role === "admin" || bounds?.on === undefined || this.#isOn(bounds.on, node)) return;
    const fault = `the nodes are those of ${bounds.on}, by labels given at ${this.#options.config().central}`;
    throw new StewardError("reach-denied", { who: name, operator, node, subject: what, fault });
  }

  /** Why the speaker may not send to a subject, in words; `undefined`: he may. */
  fault(subject: string): string | undefined {
    const { role, bounds } = this.#speaker;
    if (role === "admin") return undefined;
    const { node, method, domain } = parseSubject(subject);
    if (method === TRUST && domain === CONTROL_DOMAIN) return "only an admin decides on keys";
    if (bounds === undefined) return undefined;
    const { methods, on } = bounds;
    if (methods !== undefined && !isOfMethods(methods, method, domain)) return `the methods are ${methods.join(", ")}`;
    if (on === undefined || this.#isOn(on, node)) return undefined;
    return `the nodes are those of ${on}, by labels given at ${this.#options.config().central}`;
  }

  #isOn(on: string, node: string): boolean {
    const known = this.#nodes.get(node);
    if (known !== undefined) return known;
    const { config, core } = this.#options;
    const given = new Map(
      core()
        .labels.list(node)
        .flatMap(({ key, given }) => (given === undefined ? [] : [[key, given.value] as const])),
    );
    const seen: TargetNode = {
      name: node,
      link: "neverSeen",
      isSelf: node === config().node,
      value: (key) => (key === "name" ? node : given.get(key)),
      entries: () => given.entries(),
    };
    const matches = expressionMatches(on, seen, groupsOf(config().groups));
    this.#nodes.set(node, matches);
    return matches;
  }
}

/** The fault of the bounds that an admin writes; `undefined`: there is none. */
export function boundFault(on: string): string | undefined {
  let expression: Expression;
  try {
    expression = parseExpression(on);
  } catch (error) {
    if (error instanceof TargetFault) return error.message;
    throw error;
  }
  let fault: string | undefined;
  const look = (one: Expression): void =>
    eachLeaf(one, (leaf) => {
      if (leaf.kind === "state" && leaf.word !== "all" && leaf.word !== "self")
        fault ??= `${leaf.word} changes with each moment: write labels that are given at central, names or groups`;
    });
  look(expression);
  return fault;
}
