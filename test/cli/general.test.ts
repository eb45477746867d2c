import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { expect, test } from "vitest";
import { buildProgram } from "../../src/cli/program.ts";
import { world } from "./world.ts";

function allCommands(command: Command): Command[] {
  return command.commands.flatMap((child) => (child.name() === "help" ? [] : [child, ...allCommands(child)]));
}

const pathOf = (command: Command): string[] =>
  command.parent === null ? [] : [...pathOf(command.parent), command.name()];

const PROGRAM = await buildProgram(() => async () => undefined, "0.0.0");
const SHOWN = allCommands(PROGRAM).filter((command) => command.name() !== "__complete");

test("there are commands to look at", () => {
  expect(SHOWN.length).toBeGreaterThanOrEqual(26);
});

test.each(SHOWN.map((command) => [pathOf(command).join(" ")]))("%s has help with an example", async (path) => {
  const w = await world();
  const { code, out, err } = await w.run([...path.split(" "), "--help"]);
  expect([code, err]).toEqual([0, ""]);
  expect(out).toMatch(/\nExamples:\n {2}\$ .*steward /);
  expect(out).toContain("--config <file>");
});

test("without a command the help is shown, with the exit codes", async () => {
  const w = await world();
  const { code, out } = await w.run([]);
  expect(code).toBe(0);
  expect(out).toContain("Exit codes: 0 all succeeded, 1 some failed");
  expect(out).not.toContain("__complete");
});

test.each([
  [["doctr"], "unknown command 'doctr' (Did you mean doctor?)", "`steward --help`"],
  [["nodes", "--absolut"], "unknown option '--absolut' (Did you mean --absolute?)", "`steward nodes --help`"],
  [["node"], "missing required argument 'node'", "`steward node --help`"],
  [["nodes", "x"], "too many arguments", "`steward nodes --help`"],
])("%j is bad usage: exit code 2 and what to type next", async (argv, fault, next) => {
  const w = await world();
  const { code, out, err } = await w.run(argv);
  expect([code, out]).toEqual([2, ""]);
  expect(err).toContain(`✗ error: ${fault}`);
  expect(err).toContain(`→ See ${next}.`);
});

test("an error is one block, and with --json one object on standard error", async () => {
  const w = await world();
  await w.down();
  const human = await w.run(["nodes"]);
  expect(human).toEqual({
    code: 5,
    out: "",
    err: `✗ error: no daemon answers at ${w.socket}\n  → Start the daemon (a service: \`systemctl start steward\`, else \`steward up\`), or name its configuration with --config.\n`,
  });
  const { code, out, err } = await w.run(["nodes", "--json"]);
  expect([code, out]).toEqual([5, ""]);
  expect(JSON.parse(err)).toMatchObject({ error: { code: "no-daemon", exit: 5, details: { socket: w.socket } } });
  expect(JSON.parse((await w.run(["nods", "--json"])).err)).toMatchObject({ error: { code: "usage", exit: 2 } });
});

test("the daemon's own errors come through with their remedy", async () => {
  const w = await world();
  w.ops.failWith("nodes", new Error("broken"));
  const { code, err } = await w.run(["nodes"]);
  expect(code).toBe(1);
  expect(err).toMatch(/✗ error: .*\n {2}→ /);
});

test("the socket is that of --socket, of STEWARD_SOCKET, or of the configuration", async () => {
  const w = await world();
  const file = join(w.directory, "c.yaml");
  await writeFile(
    file,
    `node: central\nbroker: {servers: ["nats://127.0.0.1:4222"]}\ndata: ./d\nsocket: ${w.socket}\n`,
  );
  const env = { STEWARD_SOCKET: "" };
  expect((await w.run(["nodes", "--config", file], { env })).code).toBe(0);
  expect((await w.run(["nodes"], { env: { ...env, STEWARD_CONFIG: file } })).code).toBe(0);
  expect((await w.run(["nodes", "--socket", "s.sock"], { env })).code).toBe(0);
  expect((await w.run(["--socket", "other.sock", "nodes"])).code).toBe(5);
  const missing = await w.run(["nodes"], { env });
  expect(missing.code).toBe(2);
  expect(missing.err).toContain("make one with `steward init`");
});

test("colour is for terminals, and NO_COLOR, --no-color and TERM=dumb turn it off", async () => {
  const w = await world();
  const coloured = async (argv: string[], env: Record<string, string>, columns?: number): Promise<boolean> =>
    (await w.run(argv, { env, ...(columns === undefined ? {} : { columns }) })).out.includes("\u001b[32m");
  expect(await coloured(["nodes"], {}, 120)).toBe(true);
  expect(await coloured(["nodes"], {})).toBe(false);
  expect(await coloured(["nodes"], { FORCE_COLOR: "1" })).toBe(true);
  expect(await coloured(["nodes"], { NO_COLOR: "1", FORCE_COLOR: "1" }, 120)).toBe(false);
  expect(await coloured(["nodes", "--no-color"], {}, 120)).toBe(false);
  expect(await coloured(["nodes"], { TERM: "dumb" }, 120)).toBe(false);
});

test("machines prints each chart, or the one that is named", async () => {
  const w = await world();
  const charts = async () => [
    { name: "node", mermaid: "stateDiagram-v2\n  a --> b\n" },
    { name: "link", mermaid: "stateDiagram-v2\n" },
  ];
  const { out } = await w.run(["machines"], { reach: { charts } });
  expect(out).toBe("%% node\nstateDiagram-v2\n  a --> b\n\n%% link\nstateDiagram-v2\n");
  expect((await w.run(["machines", "link"], { reach: { charts } })).out).toBe("%% link\nstateDiagram-v2\n");
  const wrong = await w.run(["machines", "nod"], { reach: { charts } });
  expect([wrong.code, wrong.err.includes("there are node, link")]).toEqual([2, true]);
});

test("doctor says what is well, what is not and what to do, and exits with the first failure's code", async () => {
  const w = await world();
  await writeFile(
    join(w.directory, "steward.yaml"),
    `node: central\nbroker: {servers: ["nats://10.0.0.1:4222"]}\ndata: ./d\n`,
  );
  const well = await w.run(["doctor"]);
  expect(well.code).toBe(0);
  expect(well.out).toContain("✓ ok    daemon       central answers, version 0.1.0, started 1 d ago\n");
  expect(well.out).toContain(`✓ ok    data         ${join(w.directory, "d")} is created at the first start\n`);
  expect(well.out).toContain("✓ ok    nats-server  not needed on this machine: the broker is nats://10.0.0.1:4222\n");

  w.ops.healthNow = {
    ...w.ops.healthNow,
    broker: { state: "disconnected", since: w.ops.clock.now() - 60_000, fault: "refused" },
    quarantined: ["ship1.command.x.y"],
    waiting: [
      {
        role: "source",
        subject: "central.event.syslogforwarding.web",
        waitsSince: w.ops.clock.now() - 60_000,
        reason: "/var/log/web.log does not exist",
      },
    ],
  };
  const ill = await w.run(["doctor"]);
  expect(ill.code).toBe(5);
  expect(ill.out).toContain(
    "✗ fail  broker       cannot reach a broker at nats://10.0.0.1:4222: refused (disconnected for 1 min)\n        → Start nats-server there",
  );
  expect(ill.out).toContain("! warn  processes    quarantined: ship1.command.x.y\n");
  expect(ill.out).toContain(
    "✗ fail  processes    source central.event.syslogforwarding.web does not work since 1 min, and is tried again: /var/log/web.log does not exist\n        → Mend",
  );

  await w.down();
  const { code, out } = await w.run(["doctor", "--json"]);
  expect(code).toBe(5);
  expect(JSON.parse(out)).toMatchObject({ ok: false });
  expect(JSON.parse(out).checks.find((check: { check: string }) => check.check === "daemon")).toMatchObject({
    verdict: "fail",
  });
});

test("doctor tells of a data directory that cannot be one", async () => {
  const w = await world();
  await mkdir(join(w.directory, "x"));
  await writeFile(join(w.directory, "x", "file"), "");
  await writeFile(
    join(w.directory, "steward.yaml"),
    `node: central\nbroker: {servers: ["nats://10.0.0.1:4222"]}\ndata: ./x/file\n`,
  );
  const { out } = await w.run(["doctor"]);
  expect(out).toContain(`✗ fail  data         ${join(w.directory, "x", "file")} is not a directory\n`);
});

test("a command of several parts without one prints its help and no error; a help that does not exist is one", async () => {
  const w = await world();
  const config = await w.run(["config"]);
  expect(config.code).toBe(2);
  expect(config.err).toContain("Usage: steward config");
  expect(config.err + config.out).not.toContain("outputHelp");
  const nosuch = await w.run(["help", "nodse"]);
  expect([nosuch.code, nosuch.out]).toEqual([2, ""]);
  expect(nosuch.err).toContain("✗ error: unknown command 'nodse' (Did you mean nodes?)");
  expect((await w.run(["help", "nodes"])).code).toBe(0);
});
