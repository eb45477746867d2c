import { X509Certificate } from "node:crypto";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { open } from "lmdb";
import { expect, test } from "vitest";
import { certificates } from "../../../src/cli/doctor/certificates.ts";
import { TABLES } from "../../../src/journal/store/store.ts";
import { lockDirectory } from "../../../src/runtime/daemon/lock.ts";
import { goldenAt } from "../../golden/record.ts";
import { authority } from "../../harness/certificates.ts";
import { atTestEnd } from "../../harness/temp.ts";
import { type World, world } from "../world.ts";

/** A command line beside a daemon that does not run, and its journal. */
async function atRest(
  node = "central",
): Promise<{ readonly w: World; readonly data: string; readonly journal: string }> {
  const w = await world();
  await w.down();
  const data = join(w.directory, "d");
  const journal = join(data, "journal");
  await mkdir(data);
  goldenAt(journal);
  const broker = `broker: {servers: ["nats://10.0.0.1:4222"]}`;
  await writeFile(join(w.directory, "steward.yaml"), `node: ${node}\n${broker}\ndata: ./d\n`);
  return { w, data, journal };
}

async function damage(journal: string, rows: number): Promise<void> {
  const env = open({ path: journal, maxDbs: TABLES.length + 2, encoding: "string" });
  const nodes = env.openDB<string, string>({ name: "nodes" });
  for (let n = 0; n < rows; n++) await nodes.put(`node${n}`, "\u001b[2J");
  await env.close();
}

test("doctor says what is in a journal that is sound, though no daemon runs", async () => {
  const { w, journal } = await atRest();
  const { code, out, err } = await w.run(["doctor"]);
  expect(out).toContain(
    `✓ ok    journal      ${journal} is sound: 10 messages to deliver (6 to ship1, 4 to ship2); 1 command without outcome; `,
  );
  expect(out).toContain("from other nodes 7 to do (3 begun) and 2 done; 2 dead letters; ");
  expect([code, err]).toEqual([5, ""]);
});

test("doctor does not take keys for absent that it cannot look for", async () => {
  const { w } = await atRest();
  await symlink("loop", join(w.directory, "loop"));
  const broker = `broker: {servers: ["nats://10.0.0.1:4222"]}`;
  await writeFile(join(w.directory, "steward.yaml"), `node: central\n${broker}\ndata: ./loop\n`);
  const { out } = await w.run(["doctor"]);
  expect(out).toContain("! warn  identity     it cannot be seen whether this node has its keys: ELOOP");
  expect(out).not.toContain("are made at the first start");
});

test("doctor names what is wrong with a journal by table and key, what to do next, and fails", async () => {
  const { w, journal } = await atRest();
  await damage(journal, 25);
  const before = await readFile(join(journal, "data.mdb"));
  const { code, out } = await w.run(["doctor"]);
  expect(code).toBe(1);
  expect(out).toContain(`✗ fail  journal      ${journal} is damaged, in 25 places:\n`);
  expect(out).toContain(`    nodes "node0": it is no JSON: "\\u001b[2J"\n`);
  expect(out.match(/it is no JSON/g)).toHaveLength(20);
  expect(out).toContain(`    and 5 more\n        → Keep a copy of ${journal}, then start the daemon: `);
  const { checks } = JSON.parse((await w.run(["doctor", "--json"])).out) as { checks: Record<string, unknown>[] };
  expect(checks.find(({ check }) => check === "journal")).toMatchObject({
    verdict: "fail",
    details: { wrong: 25, owner: "central", version: 2, counts: { owed: { ship1: 6, ship2: 4 }, dead: 2 } },
  });
  expect(before.equals(await readFile(join(journal, "data.mdb")))).toBe(true);
});

test("doctor tells of rows that only take room, and does not fail for them", async () => {
  const { w, journal } = await atRest();
  const env = open({ path: journal, maxDbs: TABLES.length + 2, encoding: "string" });
  const key = ["01Q3DCBD340000000000000999", "stdout", 0];
  await env.openDB<string, typeof key>({ name: "output" }).put(key, `{"stream":"stdout","offset":0,"text":""}`);
  await env.close();
  const { code, out } = await w.run(["doctor"]);
  expect(out).toMatch(
    /! warn {2}journal {6}the journal has 1 row that no message needs:\n {4}output .*: there is no such command\n/,
  );
  expect(code).toBe(5);
});

test("doctor tells a journal of another node", async () => {
  const { w, journal } = await atRest("ship1");
  const { code, out } = await w.run(["doctor"]);
  expect(code).toBe(1);
  expect(out).toContain(`✗ fail  journal      ${journal} belongs to node central, and this node is ship1\n`);
});

test("doctor tells a journal that cannot be opened at all", async () => {
  const { w, journal } = await atRest();
  await writeFile(join(journal, "data.mdb"), "no database");
  const { code, out } = await w.run(["doctor"]);
  expect(code).toBe(1);
  expect(out).toMatch(
    /✗ fail {2}journal .* is damaged, in \d+ places?:\n {4}files: data\.mdb was damaged \(its page 0 /,
  );
  expect(out).toMatch(/\n {8}→ Keep a copy of /);
});

test("doctor leaves a journal alone while a daemon has it", async () => {
  const { w, data, journal } = await atRest();
  await damage(journal, 1);
  const lock = lockDirectory(data);
  atTestEnd(async () => lock.release(), lock.release);
  const { code, out } = await w.run(["doctor"]);
  expect(out).not.toMatch(/^. \w+ +journal /m);
  expect(code).toBe(5);
  lock.release();
  expect((await w.run(["doctor"])).code).toBe(1);
});

test("doctor shows how far it is on a terminal, and nowhere else", async () => {
  const { w, journal } = await atRest();
  const env = open({ path: journal, maxDbs: TABLES.length + 2, encoding: "string" });
  const nodes = env.openDB<string, string>({ name: "nodes" });
  for (let n = 0; n < 10_000; n++) void nodes.put(`node${n}`, "{}");
  await env.flushed;
  await env.close();
  expect((await w.run(["doctor"])).err).toBe("");
  expect((await w.run(["doctor"], { columns: 100 })).err).toBe("\rjournal: 10000 rows looked at\r\u001b[K");
});

test("doctor asks a running daemon what it has to do", async () => {
  const w = await world();
  const { out } = await w.run(["doctor"]);
  expect(out).toMatch(
    /✓ ok {4}messages {5}.*ship2: \d+ messages? not acknowledged.*1 dead letter \(`steward dead`\)\n/,
  );
});

test("a secret that only the service has is no fault of the configuration", async () => {
  const w = await world();
  const password = ["$", "{STEWARD_BROKER_PASSWORD}"].join("");
  const broker = `broker: {servers: ["nats://10.0.0.1:4222"], user: steward, password: "${password}"}`;
  await writeFile(join(w.directory, "steward.yaml"), `node: ship1\n${broker}\ndata: ./d\n`);
  const without = await w.run(["doctor"]);
  expect(without.out).toMatch(/! warn {2}config .*node ship1.*STEWARD_BROKER_PASSWORD is not set here/);
  expect(without.out).toContain("nats-server");
  const withIt = await w.run(["doctor"], { env: { STEWARD_BROKER_PASSWORD: "x" } });
  expect(withIt.out).toMatch(/✓ ok {4}config .*node ship1, management station central/);
  await writeFile(join(w.directory, "steward.yaml"), `node: ship1\n${broker}\ndata: ./d\nlink: lam\n`);
  expect((await w.run(["doctor"])).out).toMatch(/✗ fail {2}config/);
});

test("doctor promises that no message is lost on a lane, and no line at a port that nobody listens at", async () => {
  const w = await world();
  const since = w.ops.clock.now() - 60_000;
  const stuck = (subject: string) => [{ subject, since, reason: "busy", waiting: 0 }];
  const [ship1] = w.ops.nodeList.filter(({ name }) => name === "ship1");
  if (ship1 === undefined) throw new Error("no ship1");
  const told = async (subject: string): Promise<string> => {
    w.ops.nodeList.splice(0, w.ops.nodeList.length, { ...ship1, stuck: stuck(subject) } as never);
    return (await w.run(["doctor"])).out;
  };
  const lane = "central.event.syslogforwarding.nginx";
  expect(await told(lane)).toMatch(/ship1, central\S+ stands still.*\n.*No message is lost meanwhile/);
  const source = await told(`source ${lane}`);
  expect(source).toMatch(/ship1, source central\S+ stands still.*\n.*a syslog port that nobody listens at is lost/);
  expect(source).not.toContain("No message is lost");
});

test("doctor names nodes that are held without an end, and destinations that do not take what they are sent", async () => {
  const w = await world();
  const now = w.ops.clock.now();
  w.ops.healthNow = { ...w.ops.healthNow, held: [{ node: "ship2", since: now - 7_200_000, endsAt: now + 3_600_000 }] };
  expect((await w.run(["doctor"])).out).toMatch(/✓ ok {4}maintenance {2}ship2 is held since 2 h, until 20/);
  w.ops.healthNow = { ...w.ops.healthNow, held: [{ node: "ship2", since: now - 7_200_000, endsAt: null }] };
  const errand = { to: "chat", about: "alert", text: "offline: ship2", attempts: 3, dueAt: now } as const;
  w.ops.errandList = [
    { ...errand, id: "1", madeAt: now - 3_600_000, fault: "it answered 500" },
    { ...errand, id: "2", madeAt: now, attempts: 0 },
  ];
  const { out } = await w.run(["doctor"]);
  expect(out).toContain("! warn  maintenance  ship2 is held since 2 h, without an end\n        → Nothing is delivered");
  expect(out).toContain("! warn  errands      chat did not take 1 errand, the oldest since 1 h: it answered 500\n");
});

test("doctor says until when the certificates of a node hold, warns before their end, and fails after it", async () => {
  const { cert: file, key } = (await authority()).issue("hub");
  const tls = { certificate: file, key };
  const config = { broker: { embedded: null, tls: null }, page: { tls } } as unknown as Parameters<
    typeof certificates
  >[0];
  const { validTo } = new X509Certificate(await readFile(file));
  const at = async (daysBefore: number) => {
    const [found] = await certificates(config, Date.parse(validTo) - daysBefore * 86_400_000);
    return [found?.verdict, found?.text];
  };
  const until = new Date(validTo).toISOString();
  expect(await at(30)).toEqual(["ok", `that of the page, ${file}, holds until ${until}`]);
  expect(await at(2)).toEqual(["warn", `that of the page, ${file}, holds until ${until}, for 2 d more`]);
  expect(await at(-1)).toEqual(["fail", `that of the page, ${file}, has expired at ${until}: connections are refused`]);
  await writeFile(file, "none");
  expect((await at(30))[0]).toBe("fail");
});
