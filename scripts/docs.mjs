/**
 * Writes every generated file of the repository: `npm run docs`. What is generated, and from what, stands in
 * scripts/docs/documents.ts; this compiles it first, since Node 20 runs no TypeScript.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { ROOT, setupOrExit } from "./setup.mjs";

await setupOrExit(["dependencies"]);
// Below the root, so that it finds node_modules.
const out = mkdtempSync(join(ROOT, "node_modules", ".docs-"));
try {
  const config = join(out, "tsconfig.json");
  const compilerOptions = { noEmit: false, rootDir: ROOT, outDir: out, types: ["node"] };
  const files = [join(ROOT, "scripts/docs/documents.ts")];
  writeFileSync(config, JSON.stringify({ extends: join(ROOT, "tsconfig.json"), compilerOptions, include: [], files }));
  await promisify(execFile)(process.execPath, [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", config]);
  const { documents } = await import(pathToFileURL(join(out, "scripts/docs/documents.js")).href);
  for (const { path, text } of documents()) {
    const file = join(ROOT, path);
    const changed = read(file) !== text;
    if (changed) writeFileSync(file, text);
    process.stdout.write(`${changed ? "wrote" : "current"}  ${path}\n`);
  }
} catch (error) {
  if (error.stdout === undefined) throw error;
  process.stderr.write(error.stdout);
  process.exitCode = 1;
} finally {
  rmSync(out, { recursive: true, force: true });
}

function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
