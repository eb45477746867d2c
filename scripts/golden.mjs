/** Records the golden journal of this version of the journal: `npm run golden`. What it is stands in test/golden/record.ts. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { compile } from "./compile.mjs";
import { ROOT, setupOrExit } from "./setup.mjs";

await setupOrExit(["dependencies"]);
const out = mkdtempSync(join(tmpdir(), "steward-golden-"));
process.once("exit", () => rmSync(out, { recursive: true, force: true }));
const { writeGolden } = await import(pathToFileURL(await compile(ROOT, "test/golden/record.ts", out)).href);
process.stdout.write(`${relative(ROOT, await writeGolden(ROOT))}\n`);
