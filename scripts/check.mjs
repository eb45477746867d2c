/**
 * All that a reviewer would do first: types, lint and format, and the rules of the repository (the arrow of imports, purity,
 * errors, generated files that are current). Every step runs, whatever the others say; the output of those that fail is
 * printed, and the exit code is 1 when one did.
 */
import { join } from "node:path";
import { run } from "./nats-server.mjs";
import { ROOT, setupOrExit } from "./setup.mjs";

const STEPS = [
  ["types", "node_modules/typescript/bin/tsc", "-p", "tsconfig.json"],
  ["types of the page", "node_modules/typescript/bin/tsc", "-p", "src/dashboard/tsconfig.json"],
  ["lint and format", "node_modules/@biomejs/biome/bin/biome", "check", "--error-on-warnings"],
  ["rules and generated files", "node_modules/vitest/vitest.mjs", "run", "test/repository"],
];

const env = { ...process.env, ...(process.stdout.isTTY ? { FORCE_COLOR: "1" } : { NO_COLOR: "1" }) };

await setupOrExit(["dependencies"]);
let failed = 0;
for (const [name, program, ...args] of STEPS) {
  const started = performance.now();
  const { code, output } = await run(process.execPath, [join(ROOT, program), ...args], ROOT, env);
  if (code !== 0) {
    failed++;
    process.stdout.write(`${output.trimEnd()}\n`);
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${code === 0 ? "✓" : "✗"} ${name.padEnd(26)} ${seconds.padStart(5)} s\n`);
}
process.stdout.write(failed === 0 ? "all good\n" : `${failed} of ${STEPS.length} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
