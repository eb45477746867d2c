/**
 * Sets up, then runs Node with the arguments given and ends as it ends:
 *
 *   node scripts/with-setup.mjs dist/cli/main.js demo
 */

import { runNode } from "./run-node.mjs";
import { setupOrExit } from "./setup.mjs";

await setupOrExit();
await runNode(process.argv.slice(2));
