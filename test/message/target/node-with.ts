import type { Fact } from "../../../src/message/target/compare.ts";
import type { TargetNode } from "../../../src/message/target/match.ts";

/** A node as expressions see it, with these labels and facts. */
export function nodeWith({
  values = {},
  ...node
}: Partial<Pick<TargetNode, "name" | "link" | "isSelf">> & {
  readonly values?: Readonly<Record<string, Fact>>;
}): TargetNode {
  return {
    ...{ name: "ship1", link: "online", isSelf: false },
    ...node,
    value: (key) => (Object.hasOwn(values, key) ? values[key] : undefined),
    entries: () => Object.entries(values),
  };
}
