import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadConfig } from "../../../src/config/load.ts";
import { type World, world } from "../world.ts";

const modeOf = async (file: string): Promise<number> => (await stat(file)).mode & 0o777;
const service = (w: World) => ["--service", "--config", join(w.directory, "etc/steward.yaml")];

test("a station has a broker of its own that each node enters with its own keys: no password is made", async () => {
  const w = await world();
  const answer = await w.run(["init", "--listen", "0.0.0.0:4333"]);
  expect(answer.code).toBe(0);
  const { broker, security } = await loadConfig(join(w.directory, "steward.yaml"), { env: {} });
  expect(broker.embedded).toMatchObject({ host: "0.0.0.0", port: 4333 });
  expect([broker.auth.kind, security]).toEqual(["identity", "sealed"]);
  expect(answer.err).toContain("steward invite NAME");
  const other = await w.run(["init", "--listen", "[::]:4333", "--print"]);
  expect(other.out).toContain('host: "::"');
  expect((await w.run(["init", "--print"])).out).toContain("embedded: {host: 0.0.0.0, port: 4222}");
});

test("a password that is overwritten into a file which others could read closes it first", async () => {
  const w = await world();
  const file = join(w.directory, "steward.yaml");
  await writeFile(file, "");
  await chmod(file, 0o644);
  expect((await w.run(["init", "ship1", "--broker", "nats://me:p@h:4222", "--force"])).code).toBe(0);
  expect(await modeOf(file)).toBe(0o600);
});

// Not a template string: steward.yaml would take it for a variable.
const BRACED = ["a@b$", "{c}"].join("");

test("a relative data directory is the one seen from where the user is, also for a file elsewhere", async () => {
  const w = await world();
  const dataOf = async (file: string) => (await loadConfig(join(w.directory, file), { env: {} })).data;
  await w.run(["init", "--data", "d"]);
  expect(await dataOf("steward.yaml")).toBe(join(w.directory, "d"));
  await w.run(["init", "--data", "d", "--config", "etc/steward.yaml"]);
  expect(await dataOf("etc/steward.yaml")).toBe(join(w.directory, "d"));
});

test("an edge logs in as the address of its broker says", async () => {
  const w = await world();
  const file = join(w.directory, "steward.yaml");
  expect(
    (await w.run(["init", "ship1", "--broker", `nats://me:${BRACED.replace("@", "%40")}@10.0.0.1:4222`])).code,
  ).toBe(0);
  const { broker } = await loadConfig(file, { env: {} });
  expect(broker.servers).toEqual(["nats://10.0.0.1:4222"]);
  expect(broker.auth).toEqual({ kind: "user", user: "me", password: BRACED });
  expect(await modeOf(file)).toBe(0o600);
});

test("a user without a password has it in the environment of the daemon", async () => {
  const w = await world();
  const answer = await w.run(["init", "ship1", "--broker", "nats://me@10.0.0.1:4222"]);
  expect(answer.err).toContain("set STEWARD_BROKER_PASSWORD where the daemon is started");
  const { broker } = await loadConfig(join(w.directory, "steward.yaml"), { env: { STEWARD_BROKER_PASSWORD: "p" } });
  expect(broker.auth).toEqual({ kind: "user", user: "me", password: "p" });
});

test("a service has the password in a file of its own, and its socket where its group finds it", async () => {
  const w = await world();
  const answer = await w.run(["init", "ship1", "--broker", 'nats://me:p "w@10.0.0.1:4222', ...service(w)]);
  expect(answer.err).toContain("systemctl enable --now steward");
  const file = join(w.directory, "etc/steward.yaml");
  const environment = join(w.directory, "etc/environment");
  expect(await readFile(environment, "utf8")).toBe('STEWARD_BROKER_PASSWORD="p \\"w"\n');
  expect(await modeOf(environment)).toBe(0o600);
  expect(await modeOf(file)).toBe(0o644);
  expect(await readFile(file, "utf8")).not.toContain("p \\");
  expect(await loadConfig(file, { env: { STEWARD_BROKER_PASSWORD: "x" } })).toMatchObject({
    data: "/var/lib/steward",
    socket: "/run/steward/steward.sock",
    socketAccess: "group",
  });
});

test("a service can read its configuration, however careful the umask of who wrote it", async () => {
  const w = await world();
  const umask = process.umask(0o077);
  try {
    expect((await w.run(["init", "ship1", "--broker", "nats://me:p@h:4222", ...service(w)])).code).toBe(0);
  } finally {
    process.umask(umask);
  }
  expect(await modeOf(join(w.directory, "etc"))).toBe(0o755);
  expect(await modeOf(join(w.directory, "etc/steward.yaml"))).toBe(0o644);
  expect(await modeOf(join(w.directory, "etc/environment"))).toBe(0o600);
});

test("a new password takes the place of the one before, and other variables stay", async () => {
  const w = await world();
  const environment = join(w.directory, "etc/environment");
  const init = (password: string) => ["init", "ship1", "--broker", `nats://me:${password}@h:4222`, ...service(w)];
  expect((await w.run(init("one"))).code).toBe(0);
  await writeFile(environment, `# mine\nOTHER=1\n${await readFile(environment, "utf8")}`);
  expect((await w.run(init("two"))).code).toBe(2);
  await w.run([...init("two"), "--force"]);
  expect(await readFile(environment, "utf8")).toBe("# mine\nOTHER=1\nSTEWARD_BROKER_PASSWORD=two\n");
});

test.each([
  [["ship1", "--listen", "0.0.0.0:4222"], "an edge node takes --broker"],
  [["--listen", "0.0.0.0:4222", "--broker", "nats://h"], "leave one of the two out"],
  [["--listen", "4222"], "such as 0.0.0.0:4222"],
  [["--listen", "0.0.0.0:99999"], "65535"],
  [["ship1", "--broker", "nats://@h:4222"], "nats://USER:PASSWORD@HOST:PORT"],
])("init refuses %j", async (words, text) => {
  const w = await world();
  const answer = await w.run(["init", ...words]);
  expect(answer.code).toBe(2);
  expect(answer.err).toContain(text);
});
