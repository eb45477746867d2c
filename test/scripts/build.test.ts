import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { filesBelow, ROOT } from "../repository/parts/sources.ts";

const build = readFileSync(join(ROOT, "scripts/build.mjs"), "utf8");

function listed(name: string): string[] {
  const list = new RegExp(`^const ${name} = \\[([^\\]]*)\\]`, "m").exec(build)?.[1] ?? "";
  return [...list.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? "");
}

it("the build has an entrance for each room that scripts, the bench and tests open, and for nothing else", () => {
  const readers = ["bench", "scripts", "test"].flatMap(filesBelow);
  const opened = readers.flatMap((path) =>
    [...readFileSync(join(ROOT, path), "utf8").matchAll(/(?:["/]dist\/|join\(dist, ")([a-z][\w/-]+)\.js"/g)].map(
      (match) => match[1] ?? "",
    ),
  );
  const programs = listed("PROGRAMS");
  expect(programs.length).toBeGreaterThan(0);
  expect(listed("PARTS")).toEqual([...new Set(opened)].filter((name) => !programs.includes(name)).sort());
  for (const name of [...programs, ...listed("PARTS")])
    expect(existsSync(join(ROOT, `src/${name}.ts`)), name).toBe(true);
});
