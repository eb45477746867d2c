/**
 * Sets up, then runs a program of this repository in this same process, so that signals and exit code are its own:
 *
 *   node scripts/with-setup.mjs dist/cli/main.js demo
 */
import { runHere } from "./run-here.mjs";
import { setupOrExit } from "./setup.mjs";

await setupOrExit();
await runHere(process.argv.slice(2));
