/** Gives a tree the dates and modes that it has wherever and whenever it is made. */
import { chmodSync, lutimesSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** `programs`: paths within the tree that are executed. */
export function settle(tree, epoch, programs) {
  const executed = new Set(programs.map((path) => join(tree, path)));
  const visit = (path, isDirectory, isLink) => {
    if (isDirectory)
      for (const entry of readdirSync(path, { withFileTypes: true }))
        visit(join(path, entry.name), entry.isDirectory(), entry.isSymbolicLink());
    if (!isLink) chmodSync(path, isDirectory || executed.has(path) ? 0o755 : 0o644);
    lutimesSync(path, epoch, epoch);
  };
  visit(tree, true, false);
}
