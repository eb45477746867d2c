import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { world } from "../world.ts";

const MINIMAL = `node: ship1\ncentral: central\nbroker: {servers: ["nats://127.0.0.1:4222"]}\ndata: ./d\n`;

test("init writes a file that passes the check, and does not overwrite it without --force", async () => {
  const w = await world();
  const made = await w.run(["init"]);
  expect(made.code).toBe(0);
  expect(made.out).toBe(`wrote ${join(w.directory, "steward.yaml")} for node central\n`);
  expect(made.err).toContain("then: steward up\n");
  expect((await w.run(["config", "check"])).out).toMatch(
    /^✓ ok .*steward\.yaml: node central, management station central/,
  );
  const again = await w.run(["init"]);
  expect(again.code).toBe(2);
  expect(again.err).toContain("exists already; --force overwrites it");
  expect((await w.run(["init", "--force"])).code).toBe(0);
});

test("init with another node's name writes an edge node's file where --config says", async () => {
  const w = await world();
  const { code, err } = await w.run([
    "init",
    "ship1",
    "--central",
    "hq",
    "--broker",
    "nats://10.0.0.1:4222",
    "--config",
    "sub/ship1.yaml",
  ]);
  expect(code).toBe(0);
  expect(err).toContain("--config");
  const text = await readFile(join(w.directory, "sub", "ship1.yaml"), "utf8");
  expect(text).toContain("node: ship1\ncentral: hq\n");
  expect((await w.run(["config", "check", "sub/ship1.yaml"])).code).toBe(0);
  expect((await w.run(["init", "ship1", "--broker", "nats://10.0.0.1:4222", "--print"])).out).toContain(
    "node: ship1\n",
  );
  expect((await w.run(["init", "no.dots"])).code).toBe(2);
});

test("config check tells all faults with line and column", async () => {
  const w = await world();
  await writeFile(join(w.directory, "steward.yaml"), "node: a b\nhello: soon\n");
  const { code, err } = await w.run(["config", "check"]);
  expect(code).toBe(2);
  expect(err).toMatch(/steward\.yaml:1:\d+ node/);
  expect(err).toMatch(/steward\.yaml:2:\d+ hello/);
  const json = await w.run(["config", "check", "--json"]);
  expect(json.code).toBe(2);
  expect(JSON.parse(json.out).faults.length).toBeGreaterThanOrEqual(2);
});

test("config reference prints a file that passes the check; schema prints a JSON Schema", async () => {
  const w = await world();
  const { out } = await w.run(["config", "reference"]);
  await writeFile(join(w.directory, "steward.yaml"), out);
  expect((await w.run(["config", "check"])).code).toBe(0);
  expect(JSON.parse((await w.run(["config", "schema"])).out)).toMatchObject({ title: "steward.yaml", type: "object" });
});

test("config diff shows what changes and what needs a restart", async () => {
  const w = await world();
  await writeFile(join(w.directory, "old.yaml"), MINIMAL);
  await writeFile(join(w.directory, "steward.yaml"), MINIMAL.replace("./d", "./e"));
  const { code, out } = await w.run(["config", "diff", "old.yaml"]);
  expect(code).toBe(1);
  expect(out).toMatch(/^data: .*\/d → .*\/e ! needs a restart of the daemon$/m);
  expect(await w.run(["config", "diff", "old.yaml", "old.yaml"])).toEqual({
    code: 0,
    out: "",
    err: "the files mean the same\n",
  });
});
