import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkApart } from "../../../src/journal/check/check-process.ts";
import { tempDir } from "../../harness/temp.ts";

/** With programs in the place of the real check, which test/integration/journal-damaged.test.ts starts. */
async function withProgram(text: string) {
  const [directory, scratch] = [await tempDir(), await tempDir()];
  const program = join(directory, "program.mjs");
  writeFileSync(program, text);
  const rows: number[] = [];
  const options = { scratch, program, onRows: (count: number) => rows.push(count) };
  return { scratch, rows, checked: checkApart("/the/journal", options) };
}

describe("a check in a process of its own", () => {
  it("hears how far it is and what it found, a map as a map", async () => {
    const { checked, rows, scratch } = await withProgram(`
      process.send({ rows: 7 });
      process.send({ checked: { owed: new Map([["ship1", 2]]), absent: undefined } }, () => process.disconnect());
    `);
    expect(await checked).toEqual({ owed: new Map([["ship1", 2]]), absent: undefined });
    expect(rows).toEqual([7]);
    expect(readdirSync(scratch)).toEqual([]);
  });

  it("throws what it threw", async () => {
    const { checked } = await withProgram(`
      const details = { path: "/the/journal", fault: "it is gone" };
      process.send({ code: "data-directory", details }, () => process.disconnect());
    `);
    await expect(checked).rejects.toMatchObject({ code: "data-directory", details: { fault: "it is gone" } });
  });

  it.each(["SIGSEGV", "SIGBUS", "SIGABRT"])(
    "takes an end by %s for damage, quotes its last words, and leaves no copy",
    async (signal) => {
      const { checked, scratch } = await withProgram(`
        import { mkdirSync, writeSync } from "node:fs";
        mkdirSync(process.argv[3] + "/copy");
        writeSync(2, "mdb.c:1: Assertion failed\\nmore\\n");
        process.kill(process.pid, "${signal}");
        setInterval(() => undefined, 1000);
      `);
      await expect(checked).rejects.toMatchObject({
        code: "journal-damaged",
        message: `the journal in /the/journal cannot be read: the database is damaged beyond reading, whoever opens it is ended by ${signal}: mdb.c:1: Assertion failed`,
        details: { signal },
      });
      expect(readdirSync(scratch)).toEqual([]);
    },
  );

  it.each([
    ["SIGKILL", `process.kill(process.pid, "SIGKILL"); setInterval(() => undefined, 1000);`],
    ["exit code 3", "process.exit(3);"],
    ["exit code 0", "process.disconnect();"],
  ])("takes an end by %s for no damage", async (end, text) => {
    const { checked } = await withProgram(text);
    await expect(checked).rejects.toMatchObject({
      code: "data-directory",
      message: `cannot use the data directory /the/journal: its check was ended by ${end}`,
    });
  });

  it("says so when there is no place for the copy", async () => {
    await expect(checkApart("/the/journal", { scratch: "/proc/none" })).rejects.toMatchObject({
      code: "data-directory",
    });
  });
});
