import { describe, expect, it } from "vitest";
import { sourcesBelow } from "./parts/sources.ts";

/**
 * A decision stands in front of every method: the doors to its work (`run`, `prepare`, `answer`, `handle`) are on the full type of a
 * method alone, and a room on the road gets that from `Route.admit`, which decides. All others know `MethodFacts`.
 */
const sources = sourcesBelow("src");

/** Files that make methods, carry them to their routes unopened, or open them by `admit`. */
const MAKES = [
  /^src\/methods\//,
  /-method\.ts$/,
  /^src\/runtime\/daemon\/(methods|core|daemon|surroundings|road)\.ts$/,
];
const CARRIES = /^src\/runtime\/receive\/routes?\.ts$/;
const OPENS = ["subscriber", "event-batches"].map((file) => `src/runtime/execute/${file}.ts`);
const OPENS_AT_ONCE = "src/runtime/receive/transients.ts";

describe("the doors of a method", () => {
  it("are known only where methods are made, and where a decision opens them", () => {
    const know = sources
      .filter(({ text }) =>
        /import (?:type )?\{[^}]*\b(?:Method|CommandHandler|EventHandler)\b[^}]*\} from "[./\w-]*methods\/define\.ts"/.test(
          text,
        ),
      )
      .map(({ path }) => path)
      .filter((path) => !MAKES.some((place) => place.test(path)) && !CARRIES.test(path));
    expect(know.sort()).toEqual([...OPENS, OPENS_AT_ONCE].sort());
  });

  it("are opened by a decision alone", () => {
    const route = sources.find(({ path }) => path === "src/runtime/receive/route.ts")?.code ?? "";
    // The one place that gives them away, and the decision in the line before it.
    expect(route.match(/#doors/g)).toHaveLength(3);
    expect(route).toMatch(/this\.#permission\.insist\([^;]*;\s*return this\.#doors;/);
    for (const path of [...OPENS, OPENS_AT_ONCE])
      expect(sources.find((source) => source.path === path)?.code).toMatch(/route\.admit\(/);
  });

  it("are in no other room: nothing there runs or handles what a method does", () => {
    const calls = sources
      .filter(({ path }) => path.startsWith("src/runtime/") && ![...OPENS, OPENS_AT_ONCE].includes(path))
      .filter(({ code }) => /\b(?:handler|command|event|doors|method)\??\.(?:run|handle|prepare|answer)\(/.test(code))
      .map(({ path }) => path);
    expect(calls).toEqual([]);
  });
});
