import { describe, expect, it } from "vitest";
import { blanked, importsOf } from "./parts/sources.ts";

const source = (text: string) => ({ path: "a.ts", text, code: blanked(text) });

describe("reading sources", () => {
  it.each([
    ["a(); // Date.now()", "a();              "],
    ["/* x */ b", "        b"],
    ['f("Date.now()")', 'f("          ")'],
    ["f('it\\'s')", "f('     ')"],
    ['x = /[/]"/.test(y)', "x = /    /.test(y)"],
    ["a / b / c", "a / b / c"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
    ["`x ${Date.now()} ${`y`} z`", "`  ${Date.now()} ${` `}  `"],
    ['"http://x"; b', '"        "; b'],
  ])("blanks %s", (text, code) => {
    expect(blanked(text)).toBe(code);
  });

  it("finds imports of every form, and none in comments and strings", () => {
    const text = [
      'import { a, type B, c as d } from "./x.ts";',
      'import type { E } from "./e.ts";',
      'import * as f from "f";',
      'import "./effect.ts";',
      "import {",
      "  g,",
      '} from "./g.ts";',
      'export { h } from "./h.ts";',
      'const i = await import("./i.ts");',
      '// import { j } from "./j.ts";',
      "const k = 'import { k } from \"./k.ts\"';",
    ].join("\n");
    expect(importsOf(source(text))).toEqual([
      { specifier: "./x.ts", names: ["a", "B", "c"], typeOnly: false },
      { specifier: "./e.ts", names: ["E"], typeOnly: true },
      { specifier: "f", names: ["*"], typeOnly: false },
      { specifier: "./g.ts", names: ["g"], typeOnly: false },
      { specifier: "./h.ts", names: ["h"], typeOnly: false },
      { specifier: "./effect.ts", names: [], typeOnly: false },
      { specifier: "./i.ts", names: ["*"], typeOnly: false },
    ]);
  });
});
