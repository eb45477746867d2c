/**
 * Sets up, then runs the tests: `npm test`, `npm test -- test/cli`; with `--long` first, those that take longer. Other
 * words are for vitest. The set-up also fetches nginx and apache2 where that is possible: without them the tests that need
 * them are skipped, with a loud word.
 */
import { runHere } from "./run-here.mjs";
import { ROOT, setupOrExit } from "./setup.mjs";
import { provideWebServers } from "./web-servers.mjs";

await setupOrExit();
const say = (line) => process.stderr.write(`set-up: ${line}\n`);
const { fault } = await provideWebServers(ROOT, say);
if (fault !== undefined) say(`no nginx and apache2, their tests are skipped: ${fault}`);
const [first, ...rest] = process.argv.slice(2);
const args = first === "--long" ? ["--config", "vitest.long.config.ts", ...rest] : process.argv.slice(2);
await runHere(["node_modules/vitest/vitest.mjs", "run", ...args]);
