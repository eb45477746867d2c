import type { TestNode } from "../../harness/fleet/test-node.ts";

/** The sum of a family's series at a node, those whose labels have this text. */
export async function metric(node: TestNode, family: string, label = ""): Promise<number> {
  const lines = (await node.api.metrics()).split("\n");
  return lines
    .filter((line) => line.startsWith(family) && !line.startsWith(`${family}_`) && line.includes(label))
    .reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}
