import { z } from "zod";
import type { Json } from "../../message/message.ts";
import type { Config } from "../config.ts";
import { policyRules } from "../schema/settings.ts";
import { type Rule, readRule, type WrittenRule, withMembers } from "./rule.ts";

/** A policy of central's as it travels in its trust lists, its groups replaced by their members. */
export interface DistributedPolicy {
  readonly name: string;
  /** The nodes that are held to it; `*` is every node. */
  readonly nodes: readonly string[];
  readonly rules: readonly WrittenRule[];
}

/** The policies of central's configuration, as they go into the trust lists of all nodes. */
export function distributedPolicies({ policies, groups }: Pick<Config, "policies" | "groups">): DistributedPolicy[] {
  return policies.map(({ name, nodes, rules }) => ({
    name,
    nodes: withMembers(nodes, groups),
    rules: rules.map((rule) => (rule.from === undefined ? rule : { ...rule, from: withMembers(rule.from, groups) })),
  }));
}

/** A policy that holds a node, as the node reads it. `rulesAt`: its rules, with the places that `placeOf` gives to their numbers. */
export type ReadPolicy = { readonly name: string } & (
  | { readonly rulesAt: (placeOf: (rule: number) => string) => readonly Rule[] }
  | { readonly fault: string }
);

const shape = z.strictObject({ name: z.string().max(63), nodes: z.array(z.string()), rules: policyRules });

/**
 * The policies of a trust list that hold `node`. A policy that cannot be read, of a later version of steward perhaps, holds
 * every node: it is answered with its fault, and must refuse all that it may speak of.
 */
export function readDistributed(policies: readonly Json[], node: string): ReadPolicy[] {
  return policies.flatMap((policy): ReadPolicy[] => {
    const read = shape.safeParse(policy);
    if (!read.success) {
      const named = typeof policy === "object" && policy !== null && "name" in policy ? String(policy.name) : "";
      return [{ name: named.slice(0, 63), fault: read.error.issues[0]?.message ?? "it is malformed" }];
    }
    const { name, nodes, rules } = read.data;
    if (!nodes.includes(node) && !nodes.includes("*")) return [];
    return [{ name, rulesAt: (placeOf) => rules.map((rule, i) => readRule(rule, ["*"], {}, () => placeOf(i))) }];
  });
}
