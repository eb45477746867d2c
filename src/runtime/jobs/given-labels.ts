import type { Config } from "../../config/config.ts";
import { groupsOf } from "../../message/target/groups.ts";
import { expressionMatches, type TargetNode } from "../../message/target/match.ts";
import type { NodeLabels } from "../fleet/node-labels.ts";

export interface GivenLabelsOptions {
  readonly labels: Pick<NodeLabels, "list">;
  readonly config: () => Pick<Config, "node" | "groups">;
}

/**
 * Nodes as permissions see them: by their names, by groups, and by the labels that were given at central. The word of a node
 * on itself is not seen: a machine that was stolen could else bring itself into the reach of anybody, or out of it.
 */
export class GivenLabels {
  readonly #options: GivenLabelsOptions;

  constructor(options: GivenLabelsOptions) {
    this.#options = options;
  }

  /** True if an expression that was checked holds for a node. */
  matches(expression: string, node: string): boolean {
    const { config, labels } = this.#options;
    const given = new Map(
      labels.list(node).flatMap(({ key, given: word }) => (word === undefined ? [] : [[key, word.value] as const])),
    );
    const seen: TargetNode = {
      name: node,
      link: "neverSeen",
      isSelf: node === config().node,
      value: (key) => (key === "name" ? node : given.get(key)),
      entries: () => given.entries(),
    };
    return expressionMatches(expression, seen, groupsOf(config().groups));
  }
}
