/**
 * A daemon on a journal that rotted, again and again: one bit of it, one of what holds its database together, or a part of
 * its log:
 *
 *   npm run rot -- [--flips 1000] [--daemons 100] [--seed 1]
 *
 * `flips`: whole daemons in one process, with a broker and programs in memory; `daemons`: real processes, which take longer.
 * Prints what came of the trials, and as the last line the counts as JSON: how many started, were told of, would have run or
 * sent something else (`wrong`), and lost something without a word (`lost`). The exit code is 1 unless the last two are 0 and
 * every daemon started.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { optionsOrExit, refuse } from "./options.mjs";
import { ROOT, setupOrExit } from "./setup.mjs";

const USAGE = "usage: npm run rot -- [--flips N] [--daemons N] [--seed N]";
const values = optionsOrExit(
  {
    flips: { type: "string", default: "1000" },
    daemons: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
  },
  USAGE,
);
if ([values.flips, values.daemons, values.seed].some((value) => !/^\d+$/.test(value))) refuse(USAGE);
await setupOrExit();
const directory = mkdtempSync(join(tmpdir(), "steward-rot-"));
const report = join(directory, "trials.jsonl");
writeFileSync(report, "");
const env = {
  ...process.env,
  STEWARD_ROT_FLIPS: values.flips,
  STEWARD_ROT_DAEMONS: values.daemons,
  STEWARD_ROT_SEED: values.seed,
  STEWARD_ROT_REPORT: report,
};
const words = ["run", "--config", "vitest.long.config.ts", "test/journal/rot/core", "test/journal/rot/daemon"];
try {
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  // Its words are progress; standard output is for the result alone.
  const child = spawn(process.execPath, [vitest, ...words], { cwd: ROOT, env, stdio: ["ignore", 2, 2] });
  process.exitCode = await new Promise((resolve) => child.once("close", (code) => resolve(code ?? 1)));
  const lines = readFileSync(report, "utf8").split("\n").filter(Boolean);
  const trials = lines.map((line) => JSON.parse(line));
  for (const { name, wrong, lost } of trials)
    for (const text of [...wrong, ...lost]) process.stdout.write(`${name}: ${text}\n`);
  const count = (of) => trials.filter(of).length;
  const counts = {
    trials: trials.length,
    started: count(({ started }) => started),
    told: count(({ told }) => told),
    wrong: count(({ wrong }) => wrong.length > 0),
    lost: count(({ lost }) => lost.length > 0),
  };
  process.stdout.write(`${JSON.stringify({ rot: counts, seed: Number(values.seed) })}\n`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
