/** Sets up, then runs the tests: `node scripts/test.mjs [what vitest takes]`. Ends with vitest's summary and exit code. */
import { join } from "node:path";
import { runNode } from "./run-node.mjs";
import { ROOT, setupOrExit } from "./setup.mjs";

await setupOrExit();
await runNode([join(ROOT, "node_modules", "vitest", "vitest.mjs"), "run", ...process.argv.slice(2)], ROOT);
