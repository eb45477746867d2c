import { describe, expect, it } from "vitest";
import { importsOf, resolved, type Source, sourcesBelow } from "./parts/sources.ts";

const sources = new Map(sourcesBelow("src").map((source) => [source.path, source]));

/** Imports that are followed when a file is loaded; `await import(…)` and types are not. */
function loadedBy(source: Source): string[] {
  return importsOf(source)
    .filter(({ specifier, typeOnly }) => !typeOnly && !source.text.includes(`import("${specifier}")`))
    .map(({ specifier }) => specifier);
}

/** The packages that are loaded with a file. */
function packagesOf(path: string): string[] {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const source = sources.get(file);
    if (source === undefined) return;
    for (const specifier of loadedBy(source)) {
      const target = resolved(file, specifier);
      if (target !== undefined) visit(target);
      else if (!specifier.startsWith("node:")) packages.add(specifier.split("/")[0] ?? specifier);
    }
  };
  visit(path);
  return [...packages].sort();
}

const COMMANDS = [...sources.keys()].filter((path) => path.startsWith("src/cli/commands/"));
/** What a command cannot do without from its first moment on. */
const NEEDED: Readonly<Record<string, readonly string[]>> = { "src/cli/commands/messages/send.ts": ["yaml"] };

describe("the command line answers at once, for it loads no more than it needs:", () => {
  it("its entrance loads nothing", () => {
    expect(loadedBy(sources.get("src/cli/main.ts") as Source)).toEqual(["node:fs"]);
  });

  it("what is around every command loads the one package that reads arguments", () => {
    expect(packagesOf("src/cli/process.ts")).toEqual(["commander"]);
  });

  it.each(COMMANDS)("%s", (path) => {
    expect(packagesOf(path).filter((name) => name !== "commander")).toEqual(NEEDED[path] ?? []);
  });
});
