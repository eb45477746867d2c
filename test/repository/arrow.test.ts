import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { importsOf, ROOT, resolved, type Source, sourcesBelow } from "./parts/sources.ts";

const sources = sourcesBelow("src");

/** What every room may use: the words, and the shape of a compiled configuration. */
const WORDS = ["message", "platform", "config"];
/** The organs: each knows the words and what is named beside it, and none of them knows the road. */
const ORGANS: Readonly<Record<string, readonly string[]>> = {
  message: [],
  platform: ["message"],
  actors: ["message"],
  methods: WORDS,
  config: ["message", "platform"],
  journal: WORDS,
  broker: [...WORDS, "actors"],
  runner: [...WORDS, "methods"],
  security: [...WORDS, "methods"],
  observe: [...WORDS, "actors"],
  errands: [...WORDS, "methods"],
};
/** The rooms of the road, each of which may use the ones behind it and every organ. */
const ROAD = [
  "upkeep",
  "fleet",
  "resync",
  "deliver",
  "submit",
  "jobs",
  "schedules",
  "receive",
  "execute",
  "enrol",
  "operate",
  "daemon",
].map((room) => `runtime/${room}`);
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  ...ORGANS,
  ...Object.fromEntries(ROAD.map((room, i) => [room, [...Object.keys(ORGANS), ...ROAD.slice(0, i)]])),
  // The composition root puts all of it together.
  "runtime/daemon": [...Object.keys(ORGANS), ...ROAD, "api", "intake"],
  api: [...WORDS, "observe", "runtime/operate"],
  intake: [...WORDS, "runtime/operate"],
  cli: [
    "api",
    "intake",
    "actors",
    "journal",
    "broker",
    "methods",
    "security",
    "runtime/enrol",
    "runtime/operate",
    "runtime/daemon",
    ...WORDS,
  ],
  // Types alone, and the words that both print; see below.
  dashboard: ["runtime/operate", "message"],
};

/** Packages that one place alone may import; a path that ends in `/` means all files below. */
const ONLY_IN: Readonly<Record<string, readonly string[]>> = {
  commander: ["src/cli/"],
  lmdb: ["src/journal/"],
  "ordered-binary": ["src/journal/store/row-text.ts"],
  nats: ["src/broker/"],
  "@nats-io/nkeys": ["src/security/keys/", "src/broker/"],
  xstate: ["src/actors/", "src/observe/", "src/cli/"],
  hono: ["src/api/"],
  "prom-client": ["src/observe/"],
  pino: ["src/observe/"],
  "pino-pretty": ["src/observe/", "src/cli/"],
  yaml: ["src/message/text/yaml-reader.ts", "src/config/reference/yaml.ts"],
  uqr: ["src/cli/"],
  zod: ["src/config/", "src/api/", "src/runtime/operate/"],
  "p-queue": ["src/runtime/execute/", "src/methods/"],
  preact: ["src/dashboard/"],
  "@preact/signals": ["src/dashboard/"],
  "@tanstack/virtual-core": ["src/dashboard/parts/virtual-rows.tsx"],
  "@dagrejs/dagre": ["src/dashboard/chart/"],
};

/** The one file whose values the page shares with the daemon: pure text, which imports nothing. */
const SHARED_WITH_THE_PAGE = "src/message/text/figures.ts";

/** The words of the wire that the envelope alone reads and writes: what passes beside it is neither sealed nor proved. */
const BY_THE_ENVELOPE_ALONE = /\b(packFrame|encodeFrame|decodeFrame|encodeAck|decodeAck|encodeRefusal|decodeRefusal)\b/;
const MAY_OPEN = /^src\/(message\/wire\/|security\/seal\/)/;

/** The files that put everything together: the command line, the daemon and the road. */
const COMPOSE = ["src/cli/program.ts", "src/runtime/daemon/daemon.ts", "src/runtime/daemon/road.ts"];
/** Other files whose code one may use; the types of collaborators are no part of it. */
const MOST_USED = 25;

/** Packages whose types are a contract inside the daemon. */
const TYPES_ANYWHERE = new Set(["xstate", "pino"]);

const roomOf = (path: string): string =>
  path
    .split("/")
    .slice(1, path.startsWith("src/runtime/") ? 3 : 2)
    .join("/");
const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

/** The members of each group of files that import each other in a circle (Tarjan's strongly connected components). */
function circles(files: readonly Source[]): string[][] {
  const edges = new Map(
    files.map((file) => [file.path, importsOf(file).flatMap(({ specifier }) => resolved(file.path, specifier) ?? [])]),
  );
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (path: string): void => {
    index.set(path, index.size);
    low.set(path, index.get(path) ?? 0);
    stack.push(path);
    for (const target of edges.get(path) ?? []) {
      if (!edges.has(target)) continue;
      if (!index.has(target)) {
        visit(target);
        low.set(path, Math.min(low.get(path) ?? 0, low.get(target) ?? 0));
      } else if (stack.includes(target)) low.set(path, Math.min(low.get(path) ?? 0, index.get(target) ?? 0));
    }
    if (low.get(path) !== index.get(path)) return;
    const members = stack.splice(stack.indexOf(path));
    if (members.length > 1 || edges.get(path)?.includes(path)) found.push(members.sort());
  };
  for (const path of edges.keys()) if (!index.has(path)) visit(path);
  return found;
}

describe("imports", () => {
  it("follow the list of arrows between rooms", () => {
    const against = sources.flatMap((source) =>
      importsOf(source).flatMap(({ specifier }) => {
        const target = resolved(source.path, specifier);
        if (target === undefined || roomOf(target) === roomOf(source.path)) return [];
        return MAY_IMPORT[roomOf(source.path)]?.includes(roomOf(target)) === true ? [] : [`${source.path} → ${target}`];
      }),
    );
    expect(against).toEqual([]);
  });

  it("stay inside src, end in .ts and lead to a file", () => {
    const wrong = sources.flatMap((source) =>
      importsOf(source).flatMap(({ specifier }) => {
        const target = resolved(source.path, specifier);
        if (target === undefined) return [];
        // package.json is the one source of the version.
        if (target === "package.json") return [];
        return target.startsWith("src/") && /\.tsx?$/.test(target) && existsSync(join(ROOT, target))
          ? []
          : [`${source.path} → ${specifier}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  it("of the page are types or pure text where they leave it, and nothing of Node", () => {
    const wrong = sources
      .filter((source) => roomOf(source.path) === "dashboard")
      .flatMap((source) =>
        importsOf(source).flatMap(({ specifier, typeOnly }) => {
          const target = resolved(source.path, specifier);
          const isInside = target === undefined || roomOf(target) === "dashboard" || target === SHARED_WITH_THE_PAGE;
          const isNode = specifier.startsWith("node:");
          return isNode || (!isInside && !typeOnly) ? [`${source.path} → ${specifier}`] : [];
        }),
      );
    expect(wrong).toEqual([]);
    expect(sources.filter(({ path }) => path === SHARED_WITH_THE_PAGE).flatMap(importsOf)).toEqual([]);
  });

  it("never run in a circle, types included", () => {
    expect(circles(sources)).toEqual([]);
  });

  it("of code are few in a file, but where everything is put together", () => {
    const used = (source: Source) =>
      new Set(importsOf(source).flatMap(({ specifier, typeOnly }) => (typeOnly ? [] : [specifier])));
    const many = sources.filter((source) => used(source).size > MOST_USED);
    expect(many.map(({ path }) => path).sort()).toEqual(COMPOSE);
  });

  it("of a package stand in its one place", () => {
    const astray = sources.flatMap((source) =>
      importsOf(source).flatMap(({ specifier, typeOnly }) => {
        if (specifier.startsWith(".") || specifier.startsWith("node:")) return [];
        if (typeOnly && TYPES_ANYWHERE.has(specifier)) return [];
        const places = ONLY_IN[packageOf(specifier)];
        return places?.some((place) => source.path.startsWith(place)) === true ? [] : [`${source.path} → ${specifier}`];
      }),
    );
    expect(astray).toEqual([]);
  });

  it("let every packet pass the envelope", () => {
    const beside = sources.filter(({ path, code }) => !MAY_OPEN.test(path) && BY_THE_ENVELOPE_ALONE.test(code));
    expect(beside.map(({ path }) => path)).toEqual([]);
  });

  it("find circles when there are some", () => {
    const file = (path: string, target: string) => ({
      path,
      text: `import "${target}";`,
      code: `import "${" ".repeat(target.length)}";`,
    });
    expect(circles([file("src/a.ts", "./b.ts"), file("src/b.ts", "./c.ts"), file("src/c.ts", "./b.ts")])).toEqual([
      ["src/b.ts", "src/c.ts"],
    ]);
  });
});
