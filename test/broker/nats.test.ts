import { writeFile } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { nkeys } from "nats";
import { pino } from "pino";
import { describe, expect, it, onTestFinished } from "vitest";
import { backoff, openNatsTransport } from "../../src/broker/nats.ts";
import type { Address } from "../../src/broker/nats-dial.ts";
import type { LinkStatus, Refusal, Transport } from "../../src/broker/transport.ts";
import { systemClock, systemRandom } from "../../src/platform/system-clock.ts";
import { bytes, collect, reaches, text, transportContract } from "../contract/transport.ts";
import { authority } from "../harness/certificates.ts";
import { startBroker } from "../harness/fleet/broker.ts";
import { startProxy } from "../harness/fleet/proxy.ts";
import { seededRandom } from "../harness/random.ts";
import { tempDir } from "../harness/temp.ts";

interface Options extends Partial<Address> {
  readonly pingMs?: number;
  readonly name?: string;
}

function open(url: string, { pingMs = 10_000, name = "ship1", ...broker }: Options = {}): Transport {
  const transport = openNatsTransport({
    broker: { servers: [url], auth: { kind: "none" }, tls: null, ...broker },
    name,
    pingMs,
    clock: systemClock,
    random: systemRandom,
    log: pino({ level: "silent" }),
  });
  onTestFinished(() => transport.close());
  return transport;
}

transportContract("NATS", async () => {
  const broker = await startBroker();
  return { connect: (name) => open(broker.url, { name }), brokerDies: broker.kill, brokerReturns: broker.restart };
});

describe("the NATS transport", () => {
  /** A broker with the given users, as its configuration writes them. */
  async function brokerWith(
    authorization: string,
  ): Promise<{ url: string; change: (authorization: string) => Promise<void> }> {
    const file = join(await tempDir(), "broker.conf");
    const write = (text: string): Promise<void> => writeFile(file, `authorization { ${text} }\n`);
    await write(authorization);
    const broker = await startBroker({ args: ["-c", file] });
    return {
      url: broker.url,
      change: async (text) => {
        await write(text);
        await broker.restart();
      },
    };
  }

  it("says that it is denied from the first attempt on, and connects once the broker takes the password", async () => {
    const { url, change } = await brokerWith('users [{ user: "ship1", password: "right" }]');
    const transport = open(url, { auth: { kind: "user", user: "ship1", password: "new" } });
    expect(await reaches(transport, "denied")).toMatchObject({ fault: expect.stringMatching(/authorization/i) });
    expect(transport.publish("x", bytes("1"))).toBe(false);
    await change('users [{ user: "ship1", password: "new" }]');
    await reaches(transport, "connected");
  });

  it("is denied when the password is changed behind a connection, and goes on trying", async () => {
    const { url, change } = await brokerWith('users [{ user: "ship1", password: "right" }]');
    const transport = open(url, { auth: { kind: "user", user: "ship1", password: "right" } });
    await reaches(transport, "connected");
    await change('users [{ user: "ship1", password: "other" }]');
    await reaches(transport, "denied");
    await change('users [{ user: "ship1", password: "right" }]');
    await reaches(transport, "connected");
  });

  it("takes a token", async () => {
    const { url } = await brokerWith('token: "s3cret"');
    await reaches(open(url, { auth: { kind: "token", token: "s3cret" } }), "connected");
  });

  it("takes an nkey from its seed file, and the new seed after the file was replaced", async () => {
    const [right, wrong] = [nkeys.createUser(), nkeys.createUser()];
    const { url } = await brokerWith(`users [{ nkey: ${right.getPublicKey()} }]`);
    const seedFile = join(await tempDir(), "ship1.nk");
    const transport = open(url, { auth: { kind: "nkey", seedFile } });
    expect(await reaches(transport, "denied")).toMatchObject({ fault: expect.stringContaining(seedFile) });
    await writeFile(seedFile, "not a seed");
    await faultOf(transport, /holds no nkey seed/);
    await writeFile(seedFile, wrong.getSeed());
    await faultOf(transport, /authorization/i);
    await writeFile(seedFile, `# seed of ship1\n${Buffer.from(right.getSeed())}\n`);
    await reaches(transport, "connected");
  });

  it("says that a creds file cannot be read", async () => {
    const broker = await startBroker();
    const file = join(await tempDir(), "absent.creds");
    const transport = open(broker.url, { auth: { kind: "creds", file } });
    expect(await reaches(transport, "denied")).toMatchObject({ fault: expect.stringContaining(file) });
  });

  it("reports a refused publish and a refused subscription with the subject, and goes on", async () => {
    const permissions = 'permissions: { publish: ["x", "_INBOX.>"], subscribe: ["x", "_INBOX.ship1.>"] }';
    const { url } = await brokerWith(`users [{ user: "ship1", password: "p", ${permissions} }]`);
    const transport = open(url, { auth: { kind: "user", user: "ship1", password: "p" } });
    const refusals: Refusal[] = [];
    const second = new Promise<void>((resolve) => {
      transport.onRefusal((refusal) => {
        refusals.push(refusal);
        if (refusals.length === 2) resolve();
      });
    });
    await reaches(transport, "connected");
    transport.publish("forbidden.publish", bytes("1"));
    transport.publish("forbidden.publish", bytes("2"));
    transport.subscribe("forbidden.subscribe", () => undefined);
    await second;
    expect(refusals).toEqual(
      expect.arrayContaining([
        { operation: "publish", subject: "forbidden.publish" },
        { operation: "subscribe", subject: "forbidden.subscribe" },
      ]),
    );
    const inbox = collect(transport, "x");
    const own = collect(transport, `${transport.inbox}.*`);
    transport.publish("x", bytes("still here"));
    transport.publish(`${transport.inbox}.1`, bytes("own inbox"));
    await Promise.all([inbox.count(1), own.count(1)]);
    expect([...inbox.all, ...own.all].map(text)).toEqual(["still here", "own inbox"]);
    expect(transport.status().state).toBe("connected");
  });

  it("asks for a refused subscription again after a reconnect", async () => {
    const user = (subscribe: string): string =>
      `users [{ user: "ship1", password: "p", permissions: { publish: ">", subscribe: "${subscribe}" } }]`;
    const { url, change } = await brokerWith(user("other"));
    const transport = open(url, { auth: { kind: "user", user: "ship1", password: "p" } });
    await reaches(transport, "connected");
    const refused = new Promise((resolve) => transport.onRefusal(resolve));
    const inbox = collect(transport, "x");
    expect(await refused).toEqual({ operation: "subscribe", subject: "x" });
    await change(user("x"));
    await reaches(transport, "connected");
    await transport.flush();
    transport.publish("x", bytes("allowed now"));
    expect(text(await inbox.next())).toBe("allowed now");
  });

  it("notices a half-open link within two ping intervals, and connects again once it is healed", async () => {
    const broker = await startBroker();
    const proxy = await startProxy(broker);
    const pingMs = 600;
    const transport = open(proxy.url, { pingMs });
    await reaches(transport, "connected");
    proxy.blackhole();
    const late = new Promise((resolve) => setTimeout(resolve, 2 * pingMs + 400, "later than two intervals"));
    expect(await Promise.race([reaches(transport, "disconnected"), late])).toEqual({
      state: "disconnected",
      fault: "the broker stopped answering",
      code: "broker-unreachable",
    });
    await proxy.heal();
    await reaches(transport, "connected");
  });

  it("connects through a link that is slow and narrow, and survives resets", async () => {
    const broker = await startBroker();
    const proxy = await startProxy(broker);
    proxy.delay(50);
    proxy.bandwidth(200_000);
    const transport = open(proxy.url);
    await reaches(transport, "connected");
    const inbox = collect(transport, "x");
    transport.publish("x", new Uint8Array(50_000).fill(1));
    expect((await inbox.next()).payload).toHaveLength(50_000);
    proxy.reset();
    await reaches(transport, "disconnected");
    await reaches(transport, "connected");
  });

  it("loses nothing while the link stands still, and says when it is refused", async () => {
    const broker = await startBroker();
    const proxy = await startProxy(broker);
    const transport = open(proxy.url);
    await reaches(transport, "connected");
    const inbox = collect(transport, "x");
    await transport.flush();
    proxy.freeze();
    transport.publish("x", bytes("kept"));
    const flushed = transport.flush();
    proxy.resume();
    await flushed;
    expect(inbox.all.map(text)).toEqual(["kept"]);
    await proxy.refuse();
    await faultOf(transport, /refused/);
    expect(proxy.connections).toBe(0);
    await proxy.heal();
    await reaches(transport, "connected");
    proxy.cut();
    await reaches(transport, "disconnected");
    await reaches(transport, "connected");
  });

  it("rejects a flush whose answer never comes, when the link is found dead", async () => {
    const broker = await startBroker();
    const proxy = await startProxy(broker);
    const transport = open(proxy.url, { pingMs: 150 });
    await reaches(transport, "connected");
    proxy.blackhole("toClient");
    await expect(transport.flush()).rejects.toMatchObject({ code: "broker-unreachable" });
  });

  it("closes within its bound although the link is dead", async () => {
    const broker = await startBroker();
    const proxy = await startProxy(broker);
    const transport = open(proxy.url);
    await reaches(transport, "connected");
    proxy.blackhole();
    await transport.close();
    expect(transport.status()).toEqual({ state: "closed" });
  });

  it("closes during an attempt on a peer that takes the connection and says nothing, and leaves no socket", async () => {
    const sockets = new Set<Socket>();
    let onAccept = (_socket: Socket): void => undefined;
    const arrived = new Promise<Socket>((resolve) => {
      onAccept = resolve;
    });
    const server = createServer((socket) => {
      sockets.add(socket);
      onAccept(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const transport = open(`nats://127.0.0.1:${port}`);
    const socket = await arrived;
    socket.resume();
    const ended = new Promise((resolve) => socket.once("close", resolve));
    await transport.close();
    await ended;
    expect(sockets.size).toBe(1);
  });

  it("is not given up while something comes from it, though its answers to pings wait behind that", async () => {
    const sockets = new Set<Socket>();
    let pings = 0;
    // Speaks as much of the protocol as is needed here: it answers the first ping, and no other.
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.write(`INFO ${JSON.stringify({ server_id: "x", version: "2.10.0", proto: 1, max_payload: 1024 })}\r\n`);
      socket.on("error", () => undefined);
      socket.on("data", (data) => {
        for (const line of data.toString().split("\r\n")) {
          const [verb, subject, sid] = line.split(" ");
          if (verb === "PING" && pings++ === 0) socket.write("PONG\r\n");
          if (verb === "SUB") {
            const timer = setInterval(() => socket.write(`MSG ${subject} ${sid} 2\r\nhi\r\n`), 20);
            socket.once("close", () => clearInterval(timer));
          }
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    const transport = open(`nats://127.0.0.1:${typeof address === "object" ? address?.port : 0}`, { pingMs: 60 });
    const states: string[] = [];
    transport.onStatus(({ state }) => void states.push(state));
    let heard = 0;
    await new Promise<void>((resolve) => {
      transport.subscribe("a", () => {
        heard++;
        if (pings > 12) resolve();
      });
    });
    expect(heard).toBeGreaterThan(0);
    expect(states).toEqual(["connected"]);
    for (const socket of sockets) socket.destroy();
    await transport.close();
    expect(sockets.size).toBe(1);
  });

  it("gives the reason why it cannot connect", async () => {
    const broker = await startBroker();
    await broker.kill();
    const transport = open(broker.url);
    await faultOf(transport, /connection refused/);
    expect(transport.status().state).toBe("connecting");
    const unnamed = open("nats://no-such-host.invalid:4222");
    await faultOf(unnamed, /no-such-host\.invalid/);
  });

  it("takes another of its servers when the first is away", async () => {
    const [one, two] = [await startBroker(), await startBroker()];
    const transport = open(one.url, { servers: [one.url, two.url] });
    const first = await reaches(transport, "connected");
    const taken = first.state === "connected" && first.server.endsWith(`:${one.port}`) ? one : two;
    const other = taken === one ? two : one;
    await taken.kill();
    await reaches(transport, "disconnected");
    expect(await reaches(transport, "connected")).toEqual({ state: "connected", server: `127.0.0.1:${other.port}` });
  });

  it("speaks TLS with a private authority, and refuses a broker without TLS or with a foreign certificate", async () => {
    const [ours, theirs] = [await authority(), await authority()];
    const { cert, key } = ours.issue("broker");
    const conf = join(await tempDir(), "tls.conf");
    await writeFile(conf, `tls { cert_file: "${cert}", key_file: "${key}" }\n`);
    const secure = await startBroker({ args: ["-c", conf] });
    const plain = await startBroker();

    await reaches(open(secure.url, { tls: { ca: ours.ca } }), "connected");
    await faultOf(open(secure.url, { tls: { ca: theirs.ca } }), /self-signed|certificate/);
    await faultOf(open(plain.url, { tls: { ca: ours.ca } }), /tls/);
    await faultOf(open(plain.url.replace("nats://", "tls://")), /tls/);
  });
});

describe("backoff", () => {
  it("stays between 200 ms and a bound that doubles up to 15 s, and differs from node to node", () => {
    const random = seededRandom(3);
    for (let failures = 0; failures < 50; failures++) {
      const ms = backoff(failures, random);
      expect(ms).toBeGreaterThanOrEqual(200);
      expect(ms).toBeLessThan(Math.min(15_000, 400 * 2 ** failures));
    }
    const fleet = new Set(Array.from({ length: 100 }, () => Math.round(backoff(6, random))));
    expect(fleet.size).toBeGreaterThan(90);
  });
});

/** Resolves when the fault that is told matches. */
function faultOf(transport: Transport, pattern: RegExp): Promise<void> {
  return new Promise((resolve) => {
    const look = (status: LinkStatus): void => {
      if (!("fault" in status) || status.fault === undefined || !pattern.test(status.fault)) return;
      end();
      resolve();
    };
    const end = transport.onStatus(look);
    look(transport.status());
  });
}
