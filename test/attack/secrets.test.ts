import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, it, vi } from "vitest";
import { startFleet } from "../harness/fleet/fleet.ts";

/** A secret of a node, and every place where somebody without rights to it could look for it. */

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000 });

const SECRET = "Tr0ub4dor+horse/battery";
const SECOND = "battery-staple-9";

/** Every file below a directory that holds one of the texts; those of the secrets themselves are left out. */
function holders(directory: string, texts: readonly string[], own: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.parentPath !== own)
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => texts.some((text) => readFileSync(path).includes(text)));
}

it("a secret that a program prints, in pieces, on stderr, or that keeps it from starting, stands nowhere", async () => {
  const port = await freePort();
  const log = { level: "trace" };
  const fleet = await startFleet({
    nodes: {
      central: { config: { log, page: { listen: `127.0.0.1:${port}` } } },
      ship1: { config: { log, secrets: { directory: "./secrets" } } },
    },
    away: ["ship1"],
  });
  const { central } = fleet;
  const ship1 = fleet.node("ship1");
  const own = join(ship1.directory, "secrets");
  mkdirSync(own);
  writeFileSync(join(own, "db"), `${SECRET}\n`, { mode: 0o600 });
  writeFileSync(join(own, "second"), SECOND, { mode: 0o600 });
  await ship1.start();
  await fleet.link("ship1", "online");

  const said: string[] = [];
  const run = async (...words: string[]) => {
    const end = await fleet.steward("run", "ship1", ...words);
    said.push(end.stdout, end.stderr);
    return end;
  };
  // As it is, and as an argument.
  expect(await run("--", "echo", "secret:db")).toMatchObject({ code: 0, stdout: "[secret:db]\n" });
  expect((await run("--", "sh", "-c", 'echo "--password=$1"; ps -o args= -p $$', "sh", "secret:db")).code).toBe(0);
  // In two writes, with time between them, on both streams; the second half never comes.
  const halves = 'half=$(printf %s "$P" | cut -c1-9); rest=$(printf %s "$P" | cut -c10-)';
  const pieces = `${halves}; printf %s "$half"; sleep 0.3; echo "$rest"; printf %s "$half" >&2; sleep 0.3; echo "$rest" >&2`;
  const split = await run("--env", "P=secret:db", "--", "sh", "-c", pieces);
  expect(split.stdout).toBe("[secret:db]\n");
  expect(split.stderr).toContain("[secret:db]");
  const whole = 'i=0; while [ $i -lt 4000 ]; do printf "%s0123456789" "$P"; i=$((i+1)); done; exit 3';
  expect((await run("--env", "P=secret:db", "--", "sh", "-c", whole)).code).toBe(1);
  // A program that cannot be started, for three reasons.
  expect((await run("--", "secret:db")).stderr).toContain("program not found: secret:db");
  expect((await run("--", "/secret:db/x")).stderr).toContain("program not found: /secret:db/x");
  expect((await run("--cwd", "/secret:db", "--", "true")).code).toBe(1);
  // A shell that names what it could not run.
  expect((await run("--script", "--", "set -x; secret:second secret:db")).code).toBe(1);
  // A command that is ended while it holds the beginning of a secret back.
  expect(
    (await run("--timeout", "1s", "--env", "P=secret:db", "--", "sh", "-c", `${halves}; printf %s "$half"; sleep 60`))
      .code,
  ).toBe(1);

  // All that is told of it: to the command line, the page, the metrics, the audit.
  const { stdout: token } = await fleet.steward("token", "--role", "admin");
  const authorization = `Bearer ${token.trim()}`;
  const page = async (path: string): Promise<string> =>
    await (await fetch(`http://127.0.0.1:${port}${path}`, { headers: { authorization } })).text();
  const messages = await central.api.messages({ limit: 100 });
  expect(messages.length).toBeGreaterThanOrEqual(9);
  for (const { id } of messages) {
    said.push(await page(`/v1/messages/${id}`), (await fleet.steward("message", id, "--json")).stdout);
    said.push((await ship1.steward("message", id)).stdout);
  }
  for (const path of ["/v1/messages?limit=100", "/v1/audit", "/v1/alerts", "/v1/nodes/ship1", "/metrics", "/v1/dead"])
    said.push(await page(path));
  for (const node of [central, ship1])
    for (const words of [["audit", "--json"], ["ps"], ["alerts"], ["doctor"], ["nodes", "--json"]])
      said.push((await node.steward(...words)).stdout);
  expect(said.join("\n")).toContain("[secret:db]");
  said.push(central.daemon.stdout, ship1.daemon.stdout, central.daemon.stderr, ship1.daemon.stderr);
  await ship1.stop();
  said.push(ship1.daemon.stdout);
  const texts = [SECRET, Buffer.from(SECRET).toString("hex"), SECOND];
  for (const text of texts) expect(said.filter((one) => one.includes(text))).toEqual([]);
  // In no file of either node: journals, logs, records of runs, audit.
  expect(holders(fleet.directory, texts, own)).toEqual([]);
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
