import { describe, expect, it } from "vitest";
import { filesBelow, importsOf, resolved, sourcesBelow } from "./parts/sources.ts";

/** Entry points: what runs or what users import, not what other files import. */
const ENTRIES = new Set([
  "src/cli/main.ts",
  "src/runner/process/main.ts",
  "src/journal/check/main.ts",
  "src/dashboard/main.tsx",
]);
const USERS = ["src", "scripts", "bench", "examples", "test"];

const present = filesBelow(".");
const users = USERS.filter((folder) => present.some((path) => path.startsWith(`${folder}/`))).flatMap(sourcesBelow);

/** `path#name` of everything that is imported from a test, or from elsewhere; `path#*` when all of a module is. */
const importedBy = (tests: boolean): Set<string> =>
  new Set(
    users
      .filter(({ path }) => path.startsWith("test/") === tests)
      .flatMap((source) =>
        importsOf(source).flatMap(({ specifier, names }) => {
          const target = resolved(source.path, specifier);
          return target === undefined ? [] : names.map((name) => `${target}#${name}`);
        }),
      ),
  );

const byCode = importedBy(false);
const byTests = importedBy(true);

interface Export {
  readonly path: string;
  readonly name: string;
  /** Whether the file itself uses it: then it is alive, and exported only for its tests. */
  readonly usedInside: boolean;
}

const exported: Export[] = sourcesBelow("src")
  .filter(({ path }) => !ENTRIES.has(path))
  .flatMap(({ path, code }) =>
    [...code.matchAll(/^export\s+(?:async\s+)?(?:function\*?|class|const|let)\s+(\w+)/gm)].map((match) => {
      const name = match[1] ?? "";
      return { path, name, usedInside: [...code.matchAll(new RegExp(`\\b${name}\\b`, "g"))].length > 1 };
    }),
  );

const has = (imports: ReadonlySet<string>, { path, name }: Export): boolean =>
  imports.has(`${path}#${name}`) || imports.has(`${path}#*`);
const listed = (exports: readonly Export[]): string[] => exports.map(({ path, name }) => `${path}#${name}`);

describe("functions, classes and constants", () => {
  it("are exported only where another file imports them", () => {
    expect(listed(exported.filter((one) => !has(byCode, one) && !has(byTests, one)))).toEqual([]);
  });

  it("are there for more than their own tests", () => {
    const dead = exported.filter((one) => !has(byCode, one) && has(byTests, one) && !one.usedInside);
    expect(listed(dead)).toEqual([]);
  });
});
