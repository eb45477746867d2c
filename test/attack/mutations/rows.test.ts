import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../../../scripts/setup.mjs";
import { MUTATIONS, WITHOUT_CHECK } from "./catalogue.ts";

/** One row of the threat model: its words, and the tests that it names, each with words of their titles. */
interface Row {
  readonly text: string;
  readonly tests: readonly { readonly file: string; readonly titles: readonly string[] }[];
}

async function rowsOf(): Promise<readonly Row[]> {
  const document = await readFile(join(ROOT, "docs/security.md"), "utf8");
  const model = document.slice(document.indexOf("## Who can do what"), document.indexOf("\n## The broker\n"));
  const lines = model.split("\n").filter((line) => line.startsWith("| ") && !line.endsWith("| shown by |"));
  return lines.map((line) => {
    const cells = line.split("|").slice(1, -1);
    const named = cells.at(-1)?.split(";") ?? [];
    const tests = named.flatMap((part) => {
      const [files = "", ...titles] = part.split(/:(?= \*)/);
      const words = [...titles.join().matchAll(/\*([^*]+)\*/g)].map(([, title = ""]) => title);
      return files.split(",").flatMap((file) => (file.trim() === "" ? [] : [{ file: file.trim(), titles: words }]));
    });
    return { text: cells.slice(0, -1).join("|"), tests };
  });
}

/** The test files that a row means by a name such as `broker/logins`, `hostile-broker` or `intake/`. */
async function filesOf(name: string): Promise<readonly string[]> {
  const all = (await readdir(join(ROOT, "test"), { recursive: true })).filter((path) => path.endsWith(".test.ts"));
  const found = all.filter((path) => {
    const at = `/${path}`;
    return name.endsWith("/") ? at.includes(`/${name}`) : at.endsWith(`/${name}.test.ts`);
  });
  return found;
}

test("each row of the threat model names tests that are there", async () => {
  const rows = await rowsOf();
  expect(rows.length).toBeGreaterThan(35);
  for (const { text, tests } of rows) {
    if (tests.length === 0)
      expect(
        Object.keys(WITHOUT_CHECK).some((words) => text.includes(words)),
        text,
      ).toBe(true);
    for (const { file, titles } of tests) {
      const files = await filesOf(file);
      expect(files, `${file}, of the row ${text}`).not.toEqual([]);
      const texts = await Promise.all(files.map((each) => readFile(join(ROOT, "test", each), "utf8")));
      for (const title of titles)
        expect(
          texts.some((each) => each.includes(title)),
          `${file}: ${title}, of the row ${text}`,
        ).toBe(true);
    }
  }
});

test("for each row of the threat model a check can be left out, and a test that the row names is missed by it", async () => {
  const rows = await rowsOf();
  for (const {
    name,
    row,
    test: [file],
  } of MUTATIONS) {
    const meant = rows.filter(({ text }) => text.includes(row));
    expect(meant, `${name} belongs to one row: ${row}`).toHaveLength(1);
    expect(existsSync(join(ROOT, "test", file)), `${name}: ${file}`).toBe(true);
    const named = await Promise.all((meant[0]?.tests ?? []).map((one) => filesOf(one.file)));
    expect(named.flat(), `${name}: its row names other tests`).toContain(file);
  }
  for (const { text } of rows) {
    const isBroken = MUTATIONS.some(({ row }) => text.includes(row));
    const isReasoned = Object.keys(WITHOUT_CHECK).some((words) => text.includes(words));
    expect(isBroken || isReasoned, `no mutation breaks the row ${text}`).toBe(true);
  }
});
