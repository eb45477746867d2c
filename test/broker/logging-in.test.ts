import { generateKeyPairSync } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { nkeys } from "nats";
import { pino } from "pino";
import { describe, expect, it, onTestFinished } from "vitest";
import { startEmbeddedBroker } from "../../src/broker/embedded.ts";
import { openNatsTransport } from "../../src/broker/nats.ts";
import type { Address } from "../../src/broker/nats-dial.ts";
import type { Transport } from "../../src/broker/transport.ts";
import { systemClock, systemRandom } from "../../src/platform/system-clock.ts";
import { bytes, collect, reaches } from "../contract/transport.ts";
import { authority } from "../harness/certificates.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { startBroker } from "../harness/fleet/broker.ts";
import { nkeyPair } from "../harness/intruder.ts";
import { tempDir } from "../harness/temp.ts";

const quiet = pino({ level: "silent" });

function open(url: string, broker: Partial<Address>, name = "ship1"): Transport {
  const transport = openNatsTransport({
    broker: { servers: [url], auth: { kind: "none" }, tls: null, ...broker },
    name,
    pingMs: 10_000,
    clock: systemClock,
    random: systemRandom,
    log: quiet,
  });
  onTestFinished(() => transport.close());
  return transport;
}

async function fileWith(name: string, text: string | Uint8Array): Promise<string> {
  const file = join(await tempDir(), name);
  await writeFile(file, text);
  return file;
}

async function brokerWith(text: string): Promise<string> {
  return (await startBroker({ args: ["-c", await fileWith("broker.conf", text)] })).url;
}

async function faultOf(transport: Transport, code: string): Promise<string> {
  return await eventuallySeen(`the fault is ${code}`, () => {
    const status = transport.status();
    return "fault" in status && "code" in status && status.code === code && status.fault;
  });
}

describe("the node's own key as its login", () => {
  const identity = async (seed: Uint8Array) =>
    ({ kind: "identity", seedFile: await fileWith("sign.nk", seed) }) as const;

  it("lets it in where the broker knows the key, and nowhere else", async () => {
    const [own, other] = [nkeyPair(), nkeyPair()];
    const url = await brokerWith(`authorization { users: [{ nkey: ${own.key} }] }`);
    await reaches(open(url, { auth: await identity(own.seed) }), "connected");
    expect(await reaches(open(url, { auth: await identity(other.seed) }), "denied")).toMatchObject({
      code: "broker-auth",
    });
  });

  it("is told to no broker that does not ask for one, and is not needed there", async () => {
    const { url, said } = await listener({});
    const seed = nkeyPair();
    await reaches(open(url, { auth: await identity(seed.seed) }), "connected");
    expect(said()).not.toContain(seed.key);
    await reaches(open(url, { auth: { kind: "identity", seedFile: "/absent/sign.nk" } }), "connected");
  });

  // The same key signs lists of trust: a broker that could have them signed would rule the fleet.
  it.each([
    ["a list of trust", 'steward:trust-list:1\n{"node":"ship1"}'],
    ["a word of a protocol", "steward:x"],
    ["a line", "abc\n"],
    ["more than any challenge holds", "a".repeat(65)],
  ])("signs challenges alone, not %s that a hostile broker sends in place of one", async (_what, nonce) => {
    const seed = nkeyPair();
    const { url, said } = await listener({ nonce, auth_required: true });
    for (const kind of ["identity", "nkey"] as const) {
      const transport = open(url, { auth: { ...(await identity(seed.seed)), kind } });
      expect(await faultOf(transport, "broker-auth")).toContain("no challenge of a login");
      await transport.close();
    }
    expect(said()).not.toContain('"sig"');
  });

  it("signs the challenge that a nats-server makes", async () => {
    const seed = nkeyPair();
    const { url, said } = await listener({ nonce: "c6kRfpVFwBlcXA0", auth_required: true });
    await reaches(open(url, { auth: await identity(seed.seed) }), "connected");
    const { nkey, sig } = JSON.parse(/CONNECT (\{.*\})/.exec(said())?.[1] ?? "{}") as { nkey: string; sig: string };
    expect(nkey).toBe(seed.key);
    const verifier = nkeys.fromPublic(seed.key);
    expect(verifier.verify(bytes("c6kRfpVFwBlcXA0"), Buffer.from(sig, "base64"))).toBe(true);
  });
});

describe("a login by JWT (creds)", () => {
  it("lets the user of an account in, until its JWT has expired", async () => {
    const operator = nkeys.createOperator();
    const account = nkeys.createAccount();
    const user = nkeys.createUser();
    const accountJwt = jwt(operator, account, "account", { limits: UNLIMITED });
    const url = await brokerWith(
      `operator: ${jwt(operator, operator, "operator", {})}\nresolver: MEMORY\nresolver_preload: { ${account.getPublicKey()}: ${accountJwt} }\n`,
    );
    const creds = (expires?: number) =>
      fileWith("ship1.creds", credsOf(jwt(account, user, "user", { subs: -1, data: -1, payload: -1 }, expires), user));
    await reaches(open(url, { auth: { kind: "creds", file: await creds() } }), "connected");
    expect(await reaches(open(url, { auth: { kind: "creds", file: await creds(1_000) } }), "denied")).toMatchObject({
      code: "broker-auth",
    });
    expect(await reaches(open(url, {}), "denied")).toMatchObject({ code: "broker-auth" });
  });
});

describe("certificates", () => {
  it("are asked of clients by an embedded broker with an authority for them, beside the login by key", async () => {
    const [ours, theirs] = [await authority(), await authority()];
    const [server, ship, foreign] = [ours.issue("broker"), ours.issue("ship1"), theirs.issue("ship1")];
    const own = nkeyPair();
    const broker = await startEmbeddedBroker({
      host: "127.0.0.1",
      port: 0,
      directory: join(await tempDir(), "broker"),
      log: quiet,
      clock: systemClock,
      tls: { ...server, ca: ours.ca },
      access: () => ({
        kind: "logins",
        central: "central",
        logins: [{ kind: "node", node: "ship1", key: own.key, peers: [] }],
        publishers: [],
        newcomers: false,
      }),
    });
    onTestFinished(() => broker.stop());
    const auth = { kind: "identity", seedFile: await fileWith("sign.nk", own.seed) } as const;
    const ship1 = open(broker.url, { auth, tls: { ca: ours.ca, ...ship } });
    await reaches(ship1, "connected");
    const inbox = collect(ship1, `${ship1.inbox}.>`);
    await ship1.flush();
    expect(inbox.all).toEqual([]);
    await faultOf(open(broker.url, { auth, tls: { ca: ours.ca } }), "broker-tls");
    await faultOf(open(broker.url, { auth, tls: { ca: ours.ca, ...foreign } }), "broker-tls");
    await faultOf(open(broker.url, { auth, tls: { ca: theirs.ca, ...ship } }), "broker-tls");
    // The certificate is no login: another key is refused.
    const other = { kind: "identity", seedFile: await fileWith("sign.nk", nkeyPair().seed) } as const;
    await faultOf(open(broker.url, { auth: other, tls: { ca: ours.ca, ...ship } }), "broker-auth");
  });

  it("are checked although the broker says that it speaks no TLS", async () => {
    const { url, said } = await listener({ tls_required: false, tls_available: false });
    await faultOf(
      open(url.replace("nats:", "tls:"), { auth: { kind: "user", user: "a", password: "secret" } }),
      "broker-tls",
    );
    expect(said()).not.toContain("secret");
  });
});

const UNLIMITED = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };

type KeyPair = ReturnType<typeof nkeys.createUser>;

/** A JWT of NATS, version 2, as `nsc` makes it. */
function jwt(issuer: KeyPair, subject: KeyPair, type: string, claims: object, exp?: number): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const { publicKey } = generateKeyPairSync("ed25519");
  const jti = Buffer.from(publicKey.export({ type: "spki", format: "der" })).toString("hex");
  const body = {
    jti,
    iat: 1_700_000_000,
    iss: issuer.getPublicKey(),
    name: type,
    sub: subject.getPublicKey(),
    ...(exp === undefined ? {} : { exp }),
    nats: { ...claims, type, version: 2 },
  };
  const text = `${part({ typ: "JWT", alg: "ed25519-nkey" })}.${part(body)}`;
  return `${text}.${Buffer.from(issuer.sign(bytes(text))).toString("base64url")}`;
}

function credsOf(token: string, user: KeyPair): string {
  const block = (name: string, text: string): string => `-----BEGIN ${name}-----\n${text}\n------END ${name}------\n`;
  return block("NATS USER JWT", token) + block("USER NKEY SEED", Buffer.from(user.getSeed()).toString());
}

/** Speaks as much of the protocol as a login needs, and writes down what it is told. */
async function listener(info: object): Promise<{ url: string; said: () => string }> {
  const sockets = new Set<Socket>();
  let said = "";
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.write(
      `INFO ${JSON.stringify({ server_id: "x", version: "2.10.0", proto: 1, max_payload: 1024, ...info })}\r\n`,
    );
    socket.on("data", (data) => {
      said += data.toString();
      if (data.toString().includes("PING\r\n")) socket.write("PONG\r\n");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return { url: `nats://127.0.0.1:${typeof address === "object" ? address?.port : 0}`, said: () => said };
}
