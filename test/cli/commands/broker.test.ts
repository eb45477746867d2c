import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startBroker } from "../../harness/fleet/broker.ts";
import { intruder, isDenied, nkeyPair, withSeed } from "../../harness/intruder.ts";
import { world } from "../world.ts";

const CENTRAL = "node: central\nbroker: {servers: ['nats://b:4222']}\ndata: ./data\n";

test("broker config writes a configuration with which a nats-server lets the nodes of the fleet in, and nobody else", async () => {
  const w = await world();
  const [central, ship1, other] = [nkeyPair(), nkeyPair(), nkeyPair()];
  w.ops.loginList = [
    { kind: "node", node: "central", key: central.key, peers: [] },
    { kind: "node", node: "ship1", key: ship1.key, peers: [] },
    { kind: "invitation", name: "-join-1", key: other.key },
  ];
  const publishers = "{weather: {password: 'p w', subjects: [ship1.event.syslogforwarding.nginx]}}";
  const config = join(w.directory, "central.yaml");
  await writeFile(config, CENTRAL.replace("}", `, publishers: ${publishers}}`));
  const out = join(w.directory, "nats.conf");
  const wrote = await w.run(["broker", "config", "--config", config, "--listen", "127.0.0.1:4222", "--out", out]);
  expect(wrote).toMatchObject({ code: 0, out: "", err: expect.stringContaining("2 nodes, 1 other login") });
  expect((await stat(out)).mode & 0o777).toBe(0o600);
  const text = await readFile(out, "utf8");
  expect((await w.run(["broker", "config", "--config", config, "--listen", "127.0.0.1:4222"])).out).toBe(text);
  expect(text).toContain('host: "127.0.0.1"\nport: 4222\n');

  // The port of the command line goes before that of the file.
  const { url } = await startBroker({ args: ["-c", out] });
  const [c, s] = [await intruder(url, withSeed(central)), await intruder(url, withSeed(ship1))];
  await s.listen("ship1.>");
  await c.publish("ship1.command.shellcommand.operatingsystem");
  await s.nats.flush();
  expect(s.heard).toEqual(["ship1.command.shellcommand.operatingsystem"]);
  await intruder(url, { user: "weather", pass: "p w" });
  await isDenied(url, withSeed(nkeyPair()));
});

test("broker config writes the logins alone, for a configuration of the operator's own", async () => {
  const w = await world();
  const { key } = nkeyPair();
  w.ops.loginList = [{ kind: "node", node: "central", key, peers: [] }];
  const config = join(w.directory, "central.yaml");
  await writeFile(config, CENTRAL);
  const { out } = await w.run(["broker", "config", "--config", config, "--users", "--no-newcomers"]);
  expect(out).toMatch(/^authorization \{\n {2}users = \[\n/);
  expect(out).toContain(key);
  expect(out).not.toContain("no_auth_user");
});

test("broker config says why it writes nothing, and what to type", async () => {
  const w = await world();
  const config = join(w.directory, "central.yaml");
  await writeFile(config, CENTRAL);
  const run = (...words: string[]) => w.run(["broker", "config", "--config", config, ...words]);
  expect(await run()).toMatchObject({ code: 2, err: expect.stringContaining("security: off") });
  w.ops.loginList = [{ kind: "node", node: "central", key: nkeyPair().key, peers: [] }];
  for (const [words, fault] of [
    [["--tls-cert", "a"], "--tls-cert and --tls-key are given together"],
    [["--listen", "4222"], "--listen takes <host>:<port>, not 4222"],
    [["--out", join(w.directory, "absent", "n.conf")], "absent/n.conf"],
  ] as const)
    expect(await run(...words)).toMatchObject({ out: "", err: expect.stringContaining(fault) });
  await writeFile(config, CENTRAL.replace("central", "ship1"));
  expect(await run()).toMatchObject({ code: 2, err: expect.stringContaining("only the management station, central") });
});
