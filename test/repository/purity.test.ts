import { describe, expect, it } from "vitest";
import { placeOf, type Source, sourcesBelow } from "./parts/sources.ts";

interface Rule {
  readonly what: string;
  readonly pattern: RegExp;
  /** A file, or a folder when it ends in `/`. */
  readonly allowed: readonly string[];
}

const CLOCK = "src/platform/system-clock.ts";
/** A program of its own that outlives the daemon: it has its own time and its own end. */
const RUNNER = "src/runner/";
const CLI = "src/cli/";
/** The page has a clock of its own: that of the browser. */
const BROWSER = "src/dashboard/store/browser.ts";

const RULES: readonly Rule[] = [
  {
    what: "reads the wall clock",
    pattern: /\bDate\.now\b|\bnew Date\(\s*\)|(?<!new )(?<![.\w])Date\(\)/g,
    allowed: [CLOCK, RUNNER, BROWSER],
  },
  { what: "measures time", pattern: /\bperformance\b|\bprocess\.hrtime\b/g, allowed: [CLOCK, RUNNER] },
  { what: "rolls dice", pattern: /\bMath\.random\b/g, allowed: [CLOCK, RUNNER] },
  {
    what: "arms a timer",
    pattern: /(?<![.\w])(?:globalThis\.)?set(?:Timeout|Interval)\(|\bAbortSignal\.timeout\b/g,
    allowed: [CLOCK, RUNNER, BROWSER],
  },
  { what: "loads real timers", pattern: /\bfrom "node:timers(?:\/promises)?"/g, allowed: [CLOCK, RUNNER] },
  { what: "ends the process", pattern: /\bprocess\.(?:exit|abort|reallyExit)\b/g, allowed: [RUNNER, CLI] },
  { what: "prints", pattern: /(?<![.\w])console\b|\bprocess\.std(?:out|err)\b/g, allowed: [RUNNER, CLI] },
];

/** A member or method of that name that is declared, not the global one that is called. */
const DECLARATION = /^\s*(?:async\s+)?set(?:Timeout|Interval)\(\s*(?:\w+\s*\??:|[\w\s,]*\)\s*\{)/;

function offences(rule: Rule, source: Source): string[] {
  if (rule.allowed.some((place) => (place.endsWith("/") ? source.path.startsWith(place) : source.path === place)))
    return [];
  // Module names stand in strings, which are blank in the code.
  const text = rule.what === "loads real timers" ? source.text : source.code;
  return [...text.matchAll(rule.pattern)]
    .filter((match) => {
      const line = text.slice(text.lastIndexOf("\n", match.index) + 1).split("\n", 1)[0] ?? "";
      return !DECLARATION.test(line);
    })
    .map((match) => `${placeOf(source, match.index)}: ${match[0]}`);
}

const sources = sourcesBelow("src");

describe("outside its one file, no source", () => {
  it.each(RULES)("$what", (rule) => {
    expect(sources.flatMap((source) => offences(rule, source))).toEqual([]);
  });

  it.each([
    ["reads the wall clock", "const a = Date.now();"],
    ["reads the wall clock", "const a = new Date();"],
    ["rolls dice", "Math.random()"],
    ["arms a timer", "  setTimeout(() => done(), 5);"],
    ["arms a timer", "globalThis.setInterval(x)"],
    ["measures time", "performance.now()"],
    ["loads real timers", 'import { setTimeout } from "node:timers/promises";'],
    ["ends the process", "process.exit(1)"],
    ["prints", "console.log(1)"],
    ["prints", "process.stdout.write(x)"],
  ])("%s unseen: %s", (what, text) => {
    const rule = RULES.find((candidate) => candidate.what === what);
    expect(rule && offences(rule, { path: "src/actors/x.ts", text, code: text })).toHaveLength(1);
  });

  it.each([
    "clock.setTimeout(fn, 5)",
    "new Date(at)",
    "  setTimeout(fn: () => void, ms: number): Timer;",
    "clock.now()",
  ])("is accused of %s", (text) => {
    const source = { path: "src/actors/x.ts", text, code: text };
    expect(RULES.flatMap((rule) => offences(rule, source))).toEqual([]);
  });
});
