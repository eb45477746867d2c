import { chown, mkdir, readdir, readFile, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readToken, type Token, tokenText } from "../../../src/security/trust/token.ts";
import { identityOf } from "../../harness/known-keys.ts";
import { type World, world } from "../world.ts";

/** A port at which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function tokenTo(port: number, more: Partial<Token> = {}): Promise<string> {
  const token = tokenText({
    central: "central",
    centralKeys: identityOf("central").keys,
    node: "ship1",
    secret: new Uint8Array(16).fill(7),
    expiresAt: Date.UTC(2100, 0, 1),
    servers: [`nats://127.0.0.1:${port}`],
    ...more,
  });
  expect(readToken(token).node).toBe("ship1");
  return token;
}

async function joining(
  w: World,
  more: Partial<Token> = {},
  ...words: string[]
): Promise<{ code: number; out: string; err: string }> {
  const token = await tokenTo(await closedPort(), more);
  const running = w.start(["join", token, "--data", join(w.directory, "d"), "--within", "50ms", ...words]);
  await w.until(() => w.ops.clock.armed > 0);
  await w.ops.clock.advance(50);
  return { code: await running.code, out: running.out(), err: running.err() };
}

test("a machine that joins while the station is out of reach is written all the same, and is told what follows", async () => {
  const w = await world();
  const { code, out, err } = await joining(w);
  expect([[3, 5].includes(code), out]).toEqual([true, `wrote ${join(w.directory, "steward.yaml")} for node ship1\n`]);
  const [first, ...rest] = err.trimEnd().split("\n");
  // Under load the first dialling may not have failed yet.
  expect(first).toMatch(/^! not enrolled yet: (?:cannot reach a broker at nats:|central did not answer)/);
  expect(rest).toEqual([
    "  → the token is kept: the daemon enrols ship1 once it reaches central",
    "  → start it: steward up",
    "  → then at central: steward run ship1 -- uptime",
  ]);
  expect(JSON.parse(await readFile(join(w.directory, "d", "trust.json"), "utf8"))).toHaveProperty("join.secret");
});

test.runIf(process.getuid?.() === 0)(
  "the superuser joins for the owner of the data directory: its daemon can use every file, enrolled or not, and doctor is content",
  async () => {
    const w = await world();
    const data = join(w.directory, "d");
    await mkdir(data, { mode: 0o700 });
    await chown(data, 12_345, 12_346);
    expect((await joining(w)).err).toContain("not enrolled yet");
    const files = await readdir(data, { recursive: true });
    expect(files).toEqual(
      expect.arrayContaining(["identity/seal.nk", "identity/sign.nk", "trust.json", "daemon.lock"]),
    );
    for (const file of files) expect([file, (await stat(join(data, file))).uid]).toEqual([file, 12_345]);
    expect((await w.run(["doctor"])).out).toMatch(/✓ ok {4}identity {5}fingerprint \w{4}-/);
    // A second token is tried with the keys that are there.
    expect((await joining(w)).err).toContain("not enrolled yet");
    await chown(join(data, "identity", "seal.nk"), 0, 0);
    expect((await w.run(["doctor"])).out).toContain(`chown 12345 ${join(data, "identity", "seal.nk")}`);
  },
);

test("the daemon of a service, another user, can read what it is started with, and nobody reads the password in it", async () => {
  const w = await world();
  const folder = join(w.directory, "etc");
  const before = process.umask(0o077);
  try {
    const login = { user: "fleet", password: "p w" };
    const config = join(folder, "steward.yaml");
    await joining(w, { login, ca: "PEM", servers: ["tls://127.0.0.1:1"] }, "--service", "--config", config);
  } finally {
    process.umask(before);
  }
  const modeOf = async (name: string) => ((await stat(join(folder, name))).mode & 0o777).toString(8);
  expect(await modeOf("")).toBe("755");
  expect(await modeOf("steward.yaml")).toBe("644");
  expect(await modeOf("broker-ca.pem")).toBe("644");
  expect(await modeOf("environment")).toBe("600");
  expect(await readFile(join(folder, "environment"), "utf8")).toBe('STEWARD_BROKER_PASSWORD="p w"\n');
  const text = await readFile(join(folder, "steward.yaml"), "utf8");
  expect(text).toContain("user: fleet");
  expect(text).not.toContain("p w");
});
