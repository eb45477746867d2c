/** What a soak found, for people: a table, and docs/reliability.md. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const COLUMNS = ["row", "fault", "struck", "commands", "ok", "lost", "doubled", "disordered", "unknown", "held"];

/** One line for each row, all its passes added up. A row with a failure in any of them did not hold. */
export function added(lines) {
  const rows = new Map();
  for (const line of lines) {
    const { row, fault, verdict, note, skipped, failed } = line;
    const sum = rows.get(row) ?? {
      row,
      fault,
      struck: 0,
      commands: 0,
      ok: 0,
      lost: 0,
      doubled: 0,
      disordered: 0,
      unknown: 0,
      held: true,
    };
    rows.set(row, sum);
    if (skipped !== undefined) Object.assign(sum, { held: null, skipped });
    if (failed !== undefined) Object.assign(sum, { held: false, failed: sum.failed ?? failed });
    if (verdict === undefined) continue;
    sum.struck += line.faults;
    for (const key of ["commands", "ok", "lost", "doubled", "disordered", "unknown"]) sum[key] += verdict[key];
    if (verdict.breaches.length > 0) Object.assign(sum, { held: false, failed: verdict.breaches[0] });
    if (verdict.lost + verdict.doubled + verdict.disordered > 0) sum.held = false;
    if (note !== undefined) sum.note = note;
  }
  return [...rows.values()].sort((a, b) => a.row - b.row);
}

export function table(results) {
  const lines = [COLUMNS, ...results.map((result) => COLUMNS.map((column) => cell(result, column)))];
  const widths = COLUMNS.map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  const right = (i) => ![1, COLUMNS.length - 1].includes(i);
  return lines
    .map((line) =>
      line
        .map((text, i) => (right(i) ? text.padStart(widths[i]) : text.padEnd(widths[i])))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** The tests that are known to fail, and what is only listed: what is not there yet. */
export function open(root) {
  const folder = join(root, "test/faults");
  const texts = readdirSync(folder)
    .filter((name) => name.endsWith(".test.ts"))
    .sort()
    .map((name) => readFileSync(join(folder, name), "utf8"));
  const titles = (pattern) => texts.flatMap((text) => [...text.matchAll(pattern)].map(([, title]) => title));
  return {
    failing: titles(/\.fails\(\s*"([^"]+)"/g),
    todo: titles(/\.todo\("([^"]+)"/g),
  };
}

export function markdown(results, { command, passes, open: { failing, todo } }) {
  const row = (cells) => `| ${cells.join(" | ")} |`;
  const measured = results.flatMap(({ row: number, note }) =>
    note === undefined ? [] : [`- Row ${number}: ${note}.`],
  );
  const failures = results.flatMap(({ row: number, skipped, failed }) => [
    ...(skipped === undefined ? [] : [`- Row ${number} was not shown: ${skipped}.`]),
    ...(failed === undefined ? [] : [`- **Row ${number} did not hold**: ${failed}`]),
  ]);
  const sum = (key) => results.reduce((total, result) => total + result[key], 0);
  return `# Reliability

Written by \`${command}\` (${passes === 1 ? "one pass" : `${passes} passes`}); do not edit it by hand.

Real daemons over a real nats-server, with real faults. Every command appends a line to a ledger of its own, in one write
that is on the disk before it goes on; what the ledger says is held against what central says, through the command line and
the API, and against what both daemons know after they were killed and rebuilt from their journals. *Struck* is how often
the fault was done. *Unknown* are commands that ended as \`interrupted\`: the node died after its record that they begin and
before any record of their program or of its end, so that nobody can say. They are never run again. A command that was
cancelled, or ended at its timeout as it should, is *ok*.

${row(COLUMNS)}
${row(COLUMNS.map((_, i) => (i === 1 ? "---" : "---:")))}
${results.map((result) => row(COLUMNS.map((column) => cell(result, column)))).join("\n")}

${sum("struck").toLocaleString("en")} faults, ${sum("commands").toLocaleString("en")} commands: ${sum("lost")} lost, ${sum("doubled")} doubled, ${sum("disordered")} out of order, ${sum("unknown")} unknown.

${[...failures, ...(passes > 1 && measured.length > 0 ? ["", "Measured in the last pass:", ""] : []), ...measured].join("\n")}

Rows 14 (thousands of nodes at once) and 15 (a cloned node) are not among them: they are shown on simulated time, in
\`test/runtime/fleet/reconnect.test.ts\` and \`clones.test.ts\`. Latency, loss, bandwidth and half-open links are made by a proxy between daemon and broker.
Which deliberate break of the code makes which row fail stands in \`test/faults/README.md\`.
${shortcomings(failing, todo)}`;
}

/** Nothing is said of what there is none of. */
function shortcomings(failing, todo) {
  const list = (sentence, titles) =>
    titles.length === 0 ? [] : ["", sentence, "", ...titles.map((title) => `- ${title}.`)];
  const lines = [
    ...list("These tests are there, and fail:", failing),
    ...list("These are listed, for features that are not there yet:", todo),
  ];
  return lines.length === 0 ? "" : ["", "## Where it falls short", ...lines, ""].join("\n");
}

function cell(result, column) {
  const value = result[column];
  if (column !== "held")
    return typeof value === "number" && column !== "row" ? value.toLocaleString("en") : String(value);
  return value === null ? "not shown" : value ? "yes" : "**no**";
}
