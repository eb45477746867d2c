/** Runs the simulator of test/simulation: `npm run simulate -- --help`. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { compile } from "./compile.mjs";
import { ROOT, setupOrExit } from "./setup.mjs";

await setupOrExit(["dependencies"]);
const out = mkdtempSync(join(tmpdir(), "steward-simulate-"));
process.once("exit", () => rmSync(out, { recursive: true, force: true }));
const { simulate } = await import(pathToFileURL(await compile(ROOT, "test/simulation/main.ts", out)).href);
process.exitCode = await simulate(process.argv.slice(2), ROOT);
