import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { eventuallySeen } from "../../harness/eventually.ts";
import { startFleet } from "../../harness/fleet/fleet.ts";
import type { TestNode } from "../../harness/fleet/test-node.ts";

const NGINX = "command.shellcommand.nginx";
const OS = "command.shellcommand.operatingsystem";

async function reconfigure(node: TestNode, change: Parameters<TestNode["reconfigure"]>[0]): Promise<void> {
  const from = node.daemon.stderr.length;
  await node.reconfigure(change);
  node.daemon.signal("SIGHUP");
  await node.daemon.saw(/^configuration reloaded:/m, { stream: "stderr", from });
}

it("a node says who may send what and which line decides, and central's signed policies make it stricter", async () => {
  const subscribe = [{ subject: NGINX, from: ["central"], allow: ["echo *", ["true"]] }, { subject: OS }];
  const fleet = await startFleet({ nodes: { central: {}, ship1: { config: { subscribe } } } });
  const { central } = fleet;
  const ship1 = fleet.node("ship1");
  await fleet.link("ship1", "online");
  const may = async (node: TestNode, ...command: string[]) => {
    const { code, stdout } = await node.steward("may", "central", "ship1", NGINX, "--", ...command);
    return `${code} ${stdout}`;
  };

  const yes = await may(central, "echo", "a b");
  expect(yes).toMatch(
    /^0 yes: central may send command.shellcommand.nginx to ship1\n {2}✓ {2}steward.yaml:\d+ \(allow echo \*\)\n$/,
  );
  expect(await may(ship1, "echo", "a b")).toBe(yes);
  const no = await may(central, "echo", "a", "b");
  expect(no).toMatch(/^1 no: .*\n {2}✗ {2}steward.yaml:\d+: \["echo","a","b"\] matches no pattern of allow/);
  // The same words reach whoever tries.
  const tried = await fleet.steward("run", "ship1", "--domain", "nginx", "--", "echo", "a", "b");
  expect([tried.code, tried.stderr]).toEqual([
    1,
    expect.stringMatching(/matches no pattern of allow.*\(steward.yaml:\d+\)/),
  ]);
  expect((await fleet.steward("run", "ship1", "--domain", "nginx", "--", "echo", "a b")).stdout).toContain("a b");

  // A policy of central travels with the signed trust list, also to a node that is away.
  await ship1.stop();
  const policies = [
    { name: "quiet", nodes: ["group:all-ships"], rules: [{ subject: "command.shellcommand.*", deny: ["echo ..."] }] },
  ];
  await reconfigure(central, (config) => ({ ...config, policies, groups: { "all-ships": ["ship1"] } }));
  await ship1.start();
  await eventuallySeen("the policy has come", async () => (await may(ship1, "echo", "a")).startsWith("1"));
  expect(await may(central, "/bin/echo", "x")).toMatch(/^1 no/);
  expect(await may(central, "echo", "a")).toMatch(
    /\n {2}✓ {2}steward.yaml:\d+ \(allow echo \*\)\n {2}✗ {2}trust list version \d+, policy quiet, rule 1: \["echo","a"\] matches the pattern echo \.\.\. of deny/,
  );
  expect(await may(central, "true")).toMatch(/^0 yes/);
  // It survives a restart of the node, and is gone when central takes it back.
  await ship1.stop();
  await ship1.start();
  expect(await may(ship1, "echo", "a")).toMatch(/^1 no/);
  await reconfigure(central, (config) => ({ ...config, policies: [] }));
  await eventuallySeen("the policy is gone", async () => (await may(ship1, "echo", "a")).startsWith("0"));

  // Both ends have recorded it: who asked for what, for which nodes, what was decided, and why.
  const audited = async (node: TestNode, ...options: string[]) =>
    JSON.parse((await node.steward("audit", "--json", ...options)).stdout) as Record<string, unknown>[];
  expect(await audited(central, "--what", "submit", "--subject", "nginx")).toMatchObject([
    { by: "local", nodes: ["ship1"], arguments: ["echo", "a", "b"] },
    { by: "local", nodes: ["ship1"], arguments: ["echo", "a b"] },
  ]);
  const [record] = await audited(central, "--what", "submit", "--subject", "nginx", "--limit", "1");
  const [id = ""] = (record?.ids ?? []) as string[];
  // The sender and the receiver know the message by the same id, whole or its beginning, in whatever case it is typed.
  for (const node of [central, ship1])
    for (const typed of [id, id.slice(0, -1).toLowerCase()])
      expect(await audited(node, "--message", typed)).toMatchObject([{ ids: [id] }]);
  const [before] = await audited(central, "--before", String(record?.no), "--limit", "1");
  expect(before?.no).toBe(Number(record?.no) - 1);
  expect((await central.steward("audit", "--before", "5", "--follow")).code).toBe(2);
  expect(await audited(central, "--what", "policy")).toMatchObject([{ policies: ["quiet"] }, { policies: [] }]);
  expect(await audited(ship1, "--subject", NGINX)).toMatchObject([
    { what: "decision", by: "central", allowed: false, why: expect.stringContaining("matches no pattern of allow") },
    {
      what: "decision",
      by: "central",
      allowed: true,
      why: expect.stringMatching(/^steward.yaml:\d+ \(allow echo \*\)$/),
    },
  ]);
  expect((await audited(ship1, "--what", "trust")).map(({ policies: names }) => names)).toContainEqual(["quiet"]);
  expect((await ship1.steward("audit", "--refused")).stdout).toMatch(
    /✗ decision {2}central {2}command.shellcommand.nginx/,
  );

  // The chain is whole, over restarts and crashes, until somebody changes it.
  await ship1.kill();
  await ship1.start();
  expect(await ship1.steward("audit", "verify")).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^the chain is whole: \d+ records, 1 to/),
  });
  const directory = join(ship1.data, "audit");
  const file = join(directory, (await readdir(directory))[0] ?? "");
  await writeFile(file, (await readFile(file, "utf8")).replace('"allowed":false', '"allowed":true'));
  expect(await ship1.steward("audit", "verify")).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/^✗ 000000000001.jsonl:\d+: record \d+ was changed\nthe chain is broken/),
  });
}, 120_000);
