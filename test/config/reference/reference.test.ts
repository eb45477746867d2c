import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { initConfig } from "../../../src/config/reference/init.ts";
import { jsonSchema } from "../../../src/config/reference/json-schema.ts";
import { referenceMarkdown } from "../../../src/config/reference/markdown.ts";
import { referenceYaml } from "../../../src/config/reference/yaml.ts";
import { everyPlace } from "../../../src/config/schema/schema-tree.ts";
import { schema } from "../../../src/config/schema/settings.ts";
import { isToken } from "../../../src/message/subject.ts";
import { configOf, DESIGN_EXAMPLE, faultsOf, minimal } from "../samples.ts";

const root = new URL("../../../", import.meta.url);
const committed = (file: string): string => readFileSync(new URL(file, root), "utf8");

describe("the reference file", () => {
  it("is valid as it stands, and holds the defaults", () => {
    const { subscribe, publish, written: _w, ...reference } = configOf(referenceYaml());
    const { subscribe: _s, publish: _p, written: _d, ...defaults } = configOf(minimal());
    expect(reference).toEqual(defaults);
    expect([subscribe.length, publish.length]).toEqual([1, 1]);
  });

  it("shows every setting", () => {
    const text = referenceYaml();
    // A mapping that is written on one line has its settings in docs/config.md.
    const onOneLine = [
      "approvals[].",
      "broker.embedded.",
      "policy[].",
      "policies[].",
      "subscribe[].allow[].",
      "subscribe[].deny[].",
    ];
    const shown = everyPlace(schema).filter(({ path }) => !onOneLine.some((place) => path.startsWith(place)));
    expect(shown.filter((place) => !new RegExp(`^[\\s#-]*${place.key}:`, "m").test(text))).toEqual([]);
    expect(shown.filter((place) => place.about.description === "")).toEqual([]);
  });

  it("takes each of its settings that are not in effect", () => {
    const lines = referenceYaml().split("\n");
    // One way to log in, one source an entry: these stand beside another that has to go.
    const instead: Record<string, RegExp> = { tail: /^ {4}syslog:/, source: /^ {4}syslog:/ };
    const together = [
      ["user", "password", "ca", "cert", "certificate", "key", "tls", ""],
      ["run", "user", "group", "directory", "environment", "umask", "secrets", "limits", "together", "cpu", "memory"],
    ];
    const off = lines.flatMap((line, i) => (/^\s*#[^\s#]/.test(line) ? [i] : []));
    const indentOf = (line: string): number => line.search(/\S/);
    const keyOf = (line: string): string => /^\s*#\s*(\w+):/.exec(line)?.[1] ?? "";
    expect(off.length).toBeGreaterThan(10);
    for (const i of off) {
      const key = keyOf(lines[i] ?? "");
      const indent = indentOf(lines[i] ?? "");
      const others = together[indent === 4 ? 1 : 0] ?? [];
      const text = lines
        .map((line, j) => {
          const uncommented =
            j === i ||
            (others.includes(key) &&
              indentOf(line) === indent &&
              /^\s*#(?=\S|(?: {2})+\w)/.test(line) &&
              others.includes(keyOf(line)));
          return uncommented ? line.replace("#", "") : line;
        })
        .filter((line) => !instead[key]?.test(line));
      expect(faultsOf(text.join("\n"), { STEWARD_BROKER_PASSWORD: "p", STEWARD_BROKER_TOKEN: "t" }), key).toEqual([]);
    }
  });
});

describe("the file to begin with", () => {
  it("makes a central that runs its own broker and commands itself", () => {
    const config = configOf(initConfig({ role: "central", node: "hq" }));
    expect(config).toMatchObject({
      node: "hq",
      central: "hq",
      data: "/etc/steward/var/hq",
      broker: { embedded: { port: 4222 } },
    });
    expect(config.subscribe[0]).toMatchObject({ subject: "command.shellcommand.operatingsystem", from: ["hq"] });
  });

  it("makes an edge node that takes commands from central", () => {
    const config = configOf(
      initConfig({
        role: "edge",
        node: "ship1",
        central: "hq",
        broker: "nats://10.0.0.1:4222",
        data: "/var/lib/steward",
      }),
    );
    expect(config).toMatchObject({
      node: "ship1",
      central: "hq",
      data: "/var/lib/steward",
      broker: { servers: ["nats://10.0.0.1:4222"], embedded: null },
    });
    expect(config.subscribe[0]?.from).toEqual(["hq"]);
  });

  it.each(["123", "true", "null", "1e3"])("quotes a name that YAML would take for something else: %s", (node) => {
    expect(configOf(initConfig({ role: "central", node })).node).toBe(node);
    expect(configOf(initConfig({ role: "edge", node })).node).toBe(node);
  });

  it.each([
    [{ node: "ship 1" }, "not a name"],
    [{ node: "a\nb: c" }, "not a name"],
    [{ node: "a", broker: "http://h" }, "nats://"],
    [{ node: "a", data: "~/x" }, "~ is not expanded"],
  ])("refuses what cannot be written into one: %j", (options, text) => {
    expect(() => initConfig({ role: "edge", ...options })).toThrowError(
      expect.objectContaining({ code: "usage", message: expect.stringContaining(text) }),
    );
  });
});

describe("the JSON Schema", () => {
  const editor = z.fromJSONSchema(jsonSchema() as Parameters<typeof z.fromJSONSchema>[0]);
  const accepts = (text: string): boolean => editor.safeParse(parse(text)).success;

  it.each([
    ["the design's example", DESIGN_EXAMPLE],
    ["the reference file", referenceYaml()],
    ["a central to begin with", initConfig({ role: "central", node: "central" })],
    ["an edge to begin with", initConfig({ role: "edge", node: "ship1" })],
    ["what is off", minimal("metrics: off\ndefaults: {deliverBy: never}\nintake: {file: null}\n")],
    ["empty sections", minimal("nodes:\nlimits:\n")],
  ])("accepts %s", (_, text) => {
    expect(accepts(text)).toBe(true);
    expect(faultsOf(text)).toEqual([]);
  });

  it.each([
    "nods: [a]",
    "hello: 10",
    "hello: 10 s",
    "link: wifi",
    "nodes: [a b]",
    "nodes: a",
    "log: {level: loud}",
    "limits: {messageBytes: 64}",
    "supervision: {intensity: -1}",
    "subscribe: [{from: [a]}]",
    "subscribe: [{subject: ship1.command.a.b}]",
    'subscribe: [{subject: command.a.b, foreign: "false"}]',
    "subscribe: [{subject: command.a.b, concurrency: 0}]",
    "subscribe: [{subject: command.a.b, allow: }]",
    "publish: [{subject: c.event.a.b}]",
    "publish: [{subject: c.event.a.b, tail: x, syslog: 'udp://h:1'}]",
    "publish: [{subject: c.command.a.b, tail: x}]",
    "publish: [{subject: c.event.a.b, syslog: h}]",
  ])("refuses what the daemon refuses: %s", (more) => {
    expect(accepts(minimal(more))).toBe(false);
    expect(faultsOf(minimal(more))).not.toEqual([]);
  });

  it("agrees with the daemon about names", () => {
    for (const name of ["a", "A-1_b", "-a", "a.b", "", "ä", "a".repeat(63), "a".repeat(64)]) {
      expect(accepts(`node: ${JSON.stringify(name)}\nbroker: {servers: [h]}\ndata: x\n`)).toBe(isToken(name));
    }
  });

  it("describes every setting", () => {
    const bare: string[] = [];
    const walk = (node: unknown, path: string): void => {
      if (typeof node !== "object" || node === null) return;
      for (const [key, inner] of Object.entries(node)) {
        if (key === "properties")
          for (const [name, field] of Object.entries(inner as object))
            if (!("description" in field)) bare.push(`${path}.${name}`);
        if (key !== "oneOf") walk(inner, `${path}.${key}`);
      }
    };
    walk(jsonSchema(), "");
    expect(bare).toEqual([]);
  });
});

describe("what is generated and committed", () => {
  it.each([
    ["docs/config.md", () => referenceMarkdown()],
    ["docs/steward.schema.json", () => `${JSON.stringify(jsonSchema(), null, 2)}\n`],
    ["steward.yaml", () => initConfig({ role: "central", node: "central", schema: "./docs/steward.schema.json" })],
  ])("%s is up to date", (file, generate) => {
    expect(committed(file)).toBe(generate());
  });

  it("names every setting in docs/config.md", () => {
    const text = referenceMarkdown();
    expect(everyPlace(schema).filter((place) => !text.includes(`| \`${place.key}\` |`))).toEqual([]);
  });
});
