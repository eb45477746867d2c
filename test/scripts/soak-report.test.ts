import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { added, markdown, open, table } from "../../scripts/soak/report.mjs";
import { tempDir } from "../harness/temp.ts";
import { ROOT } from "../repository/parts/sources.ts";

const verdict = { commands: 10, ok: 9, lost: 0, doubled: 0, disordered: 0, unknown: 1, breaches: [] };
const line = { row: 4, fault: "kill -9 of central", faults: 3, verdict };

describe("the report of a soak", () => {
  it("adds up the passes of a row, the rows in their order", () => {
    const results = added([line, { row: 1, fault: "kill -9", faults: 1, verdict }, line]);
    expect(results).toMatchObject([
      { row: 1, struck: 1, commands: 10, held: true },
      { row: 4, struck: 6, commands: 20, ok: 18, unknown: 2, held: true },
    ]);
  });

  it("says of a row that broke in one of its passes that it did not hold, and why", () => {
    const broken = { ...line, verdict: { ...verdict, doubled: 1, breaches: ["I2: it ran 2 times"] } };
    expect(added([line, broken, line])).toMatchObject([{ held: false, doubled: 1, failed: "I2: it ran 2 times" }]);
    expect(added([line, { row: 4, fault: "kill -9 of central", failed: "timed out" }])).toMatchObject([
      { held: false, failed: "timed out" },
    ]);
  });

  it("tells a row that could not be shown from one that held", () => {
    const results = added([{ row: 11, fault: "a full disk", skipped: "no tmpfs" }]);
    expect(table(results)).toMatch(/11 {2}a full disk .* not shown$/m);
  });

  it("names in its document the command, every row, and what falls short", () => {
    const made = { command: "npm run soak", passes: 2, open: { failing: ["a disk is full"], todo: ["revocation"] } };
    const text = markdown(added([line]), made);
    for (const words of ["npm run soak", "| 4 | kill -9 of central | 3 |", "- a disk is full.", "- revocation."]) {
      expect(text).toContain(words);
    }
  });

  it("does not speak of shortcomings where there are none, and says of which pass a measurement is", () => {
    const open = { failing: [], todo: [] };
    const results = added([{ ...line, note: "1 % of a core" }]);
    const once = markdown(results, { command: "npm run soak", passes: 1, open });
    expect(once).not.toMatch(/falls short|and fail:|not there yet|last pass/);
    expect(once).toContain("- Row 4: 1 % of a core.\n");
    expect(once.endsWith("README.md`.\n")).toBe(true);
    expect(markdown(results, { command: "npm run soak", passes: 2, open })).toContain(
      "Measured in the last pass:\n\n- Row 4",
    );
  });

  it("finds the tests that are expected to fail, and those that are only listed", async () => {
    const root = await tempDir();
    mkdirSync(join(root, "test/faults"), { recursive: true });
    writeFileSync(
      join(root, "test/faults/some.test.ts"),
      'test.fails("a daemon flies", async () => {});\nit.todo("it lands");\n',
    );
    expect(open(root)).toEqual({ failing: ["a daemon flies"], todo: ["it lands"] });
    // Every promise of the repository is shown: nothing is only listed, and nothing is expected to fail.
    expect(open(ROOT)).toEqual({ failing: [], todo: [] });
  });
});
