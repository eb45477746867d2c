/**
 * The rows of faults at their full size, against real daemons:
 *
 *   npm run soak -- --minutes 10 [--rows 1,4,5] [--report]
 *
 * Each row gets its share of the minutes. What came of it is printed as a table and, as the last line, as JSON; `--report`
 * writes docs/reliability.md as well. While there is time for another pass there is one, with other seeds. The exit code is 1
 * when a row did not hold. On a machine that is busy with other things STEWARD_TEST_PATIENCE=4 waits four times as long for
 * what must come; nothing else is held to less.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { optionsOrExit, refuse } from "./options.mjs";
import { ROOT, setupOrExit } from "./setup.mjs";
import { added, markdown, open, table } from "./soak/report.mjs";

const USAGE = "usage: npm run soak -- [--minutes N] [--rows 1,4,5] [--report]";
const values = optionsOrExit(
  {
    minutes: { type: "string", default: "10" },
    rows: { type: "string" },
    report: { type: "boolean", default: false },
  },
  USAGE,
);
const minutes = Number(values.minutes);
const rows = values.rows?.split(",").map(Number) ?? null;
if (!(minutes > 0) || rows?.some((row) => !Number.isInteger(row))) refuse(USAGE);

await setupOrExit();
const directory = mkdtempSync(join(tmpdir(), "steward-soak-"));
const collected = join(directory, "rows.jsonl");
writeFileSync(collected, "");
const from = performance.now();
const gone = () => (performance.now() - from) / 60_000;
let failed = false;
let passes = 0;
try {
  for (let last = 0; passes === 0 || gone() + last <= minutes; passes++) {
    const before = gone();
    const seed = Math.floor(Math.random() * 2 ** 31);
    process.stderr.write(`pass ${passes + 1}, seed ${seed}\n`);
    if ((await pass(minutes - before, seed)) !== 0) failed = true;
    last = gone() - before;
  }
  const lines = readFileSync(collected, "utf8").split("\n").filter(Boolean);
  const results = added(lines.map((line) => JSON.parse(line)));
  if (results.some(({ held }) => held === false)) failed = true;
  process.stdout.write(`\n${table(results)}\n\n`);
  if (values.report) {
    const command = `npm run soak -- --minutes ${values.minutes}${rows === null ? "" : ` --rows ${values.rows}`} --report`;
    writeFileSync(join(ROOT, "docs/reliability.md"), markdown(results, { command, passes, open: open(ROOT) }));
    process.stderr.write("wrote docs/reliability.md\n");
  }
  process.stdout.write(`${JSON.stringify({ soak: results, passes, held: !failed })}\n`);
} finally {
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = failed ? 1 : 0;

/** One run of every row, one after the other: their processes need the machine for themselves. */
function pass(left, seed) {
  const words = [
    "run",
    "--config",
    "vitest.long.config.ts",
    "test/faults",
    "--no-file-parallelism",
    "--reporter=verbose",
    "-t",
    "^row ",
  ];
  const child = spawn(process.execPath, [join(ROOT, "node_modules/vitest/vitest.mjs"), ...words], {
    cwd: ROOT,
    // Its words are progress; standard output is for the result alone.
    stdio: ["ignore", 2, 2],
    env: {
      ...process.env,
      STEWARD_SOAK: JSON.stringify({ minutes: left, rows, report: collected }),
      STEWARD_SOAK_SEED: String(seed),
    },
  });
  return new Promise((resolve) => child.once("close", resolve));
}
