import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { errorsMarkdown } from "../../scripts/docs/errors.ts";
import { CATALOGUE, type ErrorCode } from "../../src/message/errors.ts";
import { closingOf, placeOf, ROOT, type Source, sourcesBelow } from "./parts/sources.ts";

const sources = sourcesBelow("src");

interface Thrown {
  readonly place: string;
  readonly code: string;
  /** Names of the details; `undefined` when they are not written out here. */
  readonly details: readonly string[] | undefined;
}

/** Every `new StewardError("…"` with a code that is written out. */
function thrown(source: Source): Thrown[] {
  return [...source.code.matchAll(/new StewardError\(\s*"/g)].map((match) => {
    const open = source.code.indexOf("(", match.index);
    const quote = match.index + match[0].length - 1;
    const code = source.text.slice(quote + 1, source.text.indexOf('"', quote + 1));
    const second = source.code.slice(quote + code.length + 2, closingOf(source.code, open)).replace(/^\s*,?\s*/, "");
    return { place: placeOf(source, match.index), code, details: detailNames(second) };
  });
}

/** The keys of an object that is written out; `undefined` when it is anything else or spreads another. */
function detailNames(argument: string): string[] | undefined {
  if (argument === "") return [];
  if (!argument.startsWith("{")) return undefined;
  const inside = argument.slice(1, closingOf(argument, 0));
  const names: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i <= inside.length; i++) {
    const character = inside.charAt(i);
    if ("([{".includes(character) && character !== "") depth++;
    else if (")]}".includes(character) && character !== "") depth--;
    else if ((character === "," && depth === 0) || i === inside.length) {
      const part = inside.slice(start, i).trim();
      start = i + 1;
      if (part.startsWith("...")) return undefined;
      const name = /^(\w+)/.exec(part)?.[1];
      if (name !== undefined) names.push(name);
    }
  }
  return names;
}

describe("the catalogue of errors", () => {
  it("is what docs/errors.md says", () => {
    expect(readFileSync(join(ROOT, "docs/errors.md"), "utf8")).toBe(errorsMarkdown());
  });

  it("has no code that nothing raises", () => {
    const raised = sources
      .filter(({ path }) => path !== "src/message/errors.ts")
      .map(({ text }) => text)
      .join("\n");
    // `internal` is what `normalise` makes of a defect.
    const unused = Object.keys(CATALOGUE).filter(
      (code) => code !== "internal" && !new RegExp(`["'\`]${code}["'\`]`).test(raised),
    );
    expect(unused).toEqual([]);
  });

  it("is given every detail that its sentences need", () => {
    const lacking = sources.flatMap(thrown).flatMap(({ place, code, details }) => {
      const entry = CATALOGUE[code as ErrorCode];
      if (entry === undefined) return [`${place}: ${code} is not in the catalogue`];
      if (details === undefined) return [];
      const needed = [...`${entry.sentence} ${entry.remedy}`.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");
      const missing = needed.filter((name) => !details.includes(name));
      return missing.length === 0 ? [] : [`${place}: ${code} lacks ${missing.join(", ")}`];
    });
    expect(lacking).toEqual([]);
  });

  it("is checked through every way of writing the details", () => {
    expect(detailNames("{ a, b: f({ x: 1 }, [2]), c }")).toEqual(["a", "b", "c"]);
    expect(detailNames("{ ...rest, a }")).toBeUndefined();
    expect(detailNames("details")).toBeUndefined();
    expect(detailNames("")).toEqual([]);
  });
});
