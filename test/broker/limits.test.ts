import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pino } from "pino";
import { expect, it, onTestFinished } from "vitest";
import { openNatsTransport } from "../../src/broker/nats.ts";
import type { Address } from "../../src/broker/nats-dial.ts";
import type { Refusal, Transport } from "../../src/broker/transport.ts";
import type { Clock } from "../../src/message/clock.ts";
import { systemClock, systemRandom } from "../../src/platform/system-clock.ts";
import { bytes, collect, reaches } from "../contract/transport.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { startBroker } from "../harness/fleet/broker.ts";
import { tempDir } from "../harness/temp.ts";

const HURRY = 50;
/** Pauses of minutes are over in seconds. */
const hurried: Clock = {
  ...systemClock,
  monotonic: () => systemClock.monotonic() * HURRY,
  setTimeout: (fn, ms) => systemClock.setTimeout(fn, ms / HURRY),
};

function open(url: string, broker: Partial<Address> = {}, lines: object[] = []): Transport {
  const transport = openNatsTransport({
    broker: { servers: [url], auth: { kind: "none" }, tls: null, ...broker },
    name: "ship1",
    pingMs: 500_000,
    clock: hurried,
    random: systemRandom,
    log: pino({ level: "warn" }, { write: (line: string) => void lines.push(JSON.parse(line) as object) }),
  });
  onTestFinished(() => transport.close());
  return transport;
}

/** A broker that reads what it is given while its connections go on. */
async function brokerWith(text: string) {
  const file = join(await tempDir(), "broker.conf");
  await writeFile(file, text);
  const broker = await startBroker({ args: ["-c", file] });
  return {
    url: broker.url,
    reload: async (next: string) => {
      await writeFile(file, next);
      broker.reload();
    },
  };
}

it("is asked what it takes, on the same connection, and grows with a broker whose limit was raised by reload", async () => {
  const { url, reload } = await brokerWith("max_payload: 4096\n");
  const transport = open(url);
  await reaches(transport, "connected");
  expect(transport.maxPayload()).toBe(4096);
  let lost = 0;
  transport.onStatus(() => lost++);
  await reload("max_payload: 65536\n");
  await eventuallySeen("the new limit is known", () => {
    transport.askLimits();
    return transport.maxPayload() === 65_536;
  });
  const inbox = collect(transport, "x");
  await transport.flush();
  transport.publish("x", bytes("x".repeat(60_000)));
  expect((await inbox.next()).payload.length).toBe(60_000);
  expect(lost).toBe(0);
});

it("hears of it when the broker permits what it has refused, publishing and subscribing", async () => {
  const user = (deny: string): string =>
    `authorization { users [{ user: "a", password: "p", permissions: { publish: { deny: [${deny}] }, subscribe: { deny: [${deny}] } } }] }\n`;
  const { url, reload } = await brokerWith(user('"x"'));
  const transport = open(url, { auth: { kind: "user", user: "a", password: "p" } });
  await reaches(transport, "connected");
  const heard: Refusal[] = [];
  transport.onRefusal((refusal) => void heard.push(refusal));
  const inbox = collect(transport, "x");
  transport.publish("x", bytes("1"));
  await eventuallySeen("both are refused", () => heard.length === 2);
  await reload(user('"y"'));
  await eventuallySeen("both are permitted", () => {
    if (transport.status().state === "connected") transport.publish("x", bytes("2"));
    return heard.filter(({ over }) => over === true).length === 2 || inbox.all.length > 0;
  });
  await inbox.next();
});

it.each<[string, string, Partial<Address>, object]>([
  [
    "no room for another connection",
    "max_connections: 1\n",
    {},
    { code: "broker-full", fault: "the broker says: maximum connections exceeded" },
  ],
  [
    "another password",
    'authorization { user: "a", password: "b" }\n',
    { auth: { kind: "user", user: "a", password: "c" } },
    { code: "broker-auth", fault: expect.stringMatching(/Authorization Violation/i) },
  ],
  ["no TLS", "", { tls: {} }, { code: "broker-tls" }],
])(
  "with %s the broker's own words and the kind of the fault are told, and it is warned of once",
  async (_name, conf, settings, told) => {
    const { url } = await brokerWith(conf);
    if (conf.startsWith("max_connections")) await reaches(open(url), "connected");
    const lines: { msg?: string }[] = [];
    const transport = open(url, settings, lines);
    await eventuallySeen("the fault is told", () => {
      const status = transport.status();
      return "code" in status && status.code === (told as { code: string }).code;
    });
    expect(transport.status()).toMatchObject(told);
    await eventuallySeen("it is warned", () => lines.length > 0);
    expect(lines.filter(({ msg }) => msg?.startsWith("the broker refuses the connection"))).toHaveLength(1);
  },
);
