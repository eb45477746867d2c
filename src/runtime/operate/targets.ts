import { StewardError } from "../../message/errors.ts";
import { nodeNameFault } from "../../message/node-name.ts";

/**
 * The nodes that a target means, each once, in the order in which they are named. `edges`: all edge nodes that are not revoked.
 * @throws StewardError `target-invalid`, `usage`
 */
export function targetNodes(target: string, edges: () => readonly string[]): readonly string[] {
  if (target !== "all") {
    const names = target.split(",").map((name) => name.trim());
    for (const name of names) {
      const fault = nodeNameFault(name);
      if (fault !== undefined) throw new StewardError("target-invalid", { target, fault });
    }
    return [...new Set(names)];
  }
  const names = edges();
  if (names.length > 0) return names;
  throw new StewardError("usage", { fault: "all means nobody: no edge node is known yet", command: "nodes" });
}
