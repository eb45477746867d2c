import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { importsOf, ROOT, resolved, sourcesBelow } from "./parts/sources.ts";

/** A file, and how it is reached from the one before it: by a call, by a call of a type declared there, or over a wire. */
interface Step {
  readonly file: string;
  readonly by: string;
}

const sources = new Map(sourcesBelow("src").map((source) => [source.path, source]));

/** The table "The road of a message" of ARCHITECTURE.md. */
function walk(): Step[] {
  const text = readFileSync(join(ROOT, "ARCHITECTURE.md"), "utf8");
  const [, section = ""] = text.split("## The road of a message\n");
  const table = section.split("\n## ")[0] ?? "";
  return [...table.matchAll(/([→⇐⇄])? ?`(src\/[^`]+\.ts)`/g)].map(([, by = "", file = ""]) => ({ by, file }));
}

function imports(from: string, to: string): boolean {
  const source = sources.get(from);
  return source !== undefined && importsOf(source).some(({ specifier }) => resolved(from, specifier) === to);
}

it("a message can be followed from file to file, from the command line to the fold of its outcome", () => {
  const steps = walk();
  expect(steps.length).toBeGreaterThan(10);
  expect(steps[0]?.file).toBe("src/cli/commands/messages/run.ts");
  expect(steps.at(-1)?.file).toBe("src/runtime/receive/reports.ts");
  const broken = steps.flatMap(({ file, by }, i) => {
    const before = steps[i - 1]?.file;
    if (!sources.has(file)) return [`${file}: there is no such file`];
    if (before === undefined || by === "⇄") return [];
    // The type is declared below and implemented above.
    const isReached = by === "⇐" ? imports(file, before) : imports(before, file);
    return isReached ? [] : [`${before} → ${file}`];
  });
  expect(broken).toEqual([]);
  expect(steps.filter(({ by }) => by === "⇄")).toHaveLength(3);
});
