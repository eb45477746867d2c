import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { nkeyAuthenticator } from "nats";
import { expect, it, vi } from "vitest";
import { encodeItem, type FrameHead } from "../../src/message/wire/frame.ts";
import { systemRandom } from "../../src/platform/system-clock.ts";
import { openIdentity } from "../../src/security/keys/identity-files.ts";
import { SealedEnvelope } from "../../src/security/seal/sealed-envelope.ts";
import { RECONNECTS } from "../faults/scene/checker.ts";
import { ledgerOf } from "../faults/scene/ledger.ts";
import { metric } from "../faults/scene/metric.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { type Fleet, startFleet } from "../harness/fleet/fleet.ts";
import { intruder, isDenied } from "../harness/intruder.ts";
import { PinnedTrust } from "../twins/pinned-trust.ts";
import { type HostileBroker, startHostileBroker } from "./scene/hostile-broker.ts";

/**
 * ship1 was stolen: the thief has its disk, and so its keys, and knows everybody's public keys and the format of each
 * packet. The thief is ship1 until it is revoked, and nobody else at any time.
 */

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 });

const SHELL = "command.shellcommand.operatingsystem";
const REPORT = "central.event.shellcommand.operatingsystem";
const ID = "01K00000000000000000000000";

/** Speaks to the fleet with the keys of ship1, over a broker that hinders nothing. */
class Thief {
  readonly envelope: SealedEnvelope;
  readonly #hostile: HostileBroker;

  constructor(fleet: Fleet, hostile: HostileBroker) {
    const peers = fleet.nodes.map(({ name, data }) => {
      const { keys } = openIdentity(data, systemRandom);
      return { node: name, keys, standing: "accepted" as const };
    });
    const identity = openIdentity(fleet.node("ship1").data, systemRandom);
    this.#hostile = hostile;
    this.envelope = new SealedEnvelope({
      node: "ship1",
      keys: { identity },
      trust: new PinnedTrust(peers),
      random: systemRandom,
    });
  }

  /** Sends one message in the name of `origin`; a receiver that asks for it is sent the packet again, in its session. */
  async send(subject: string, origin: string, data: unknown, more: object = {}): Promise<void> {
    const now = Date.now();
    const head: FrameHead = { origin, epoch: "thief0123456789a", sentAt: now, first: 1, acked: 0 };
    const item = { id: ID, createdAt: now, deliverBy: null, timeout: null, data: data as never, ...more };
    const sealed = (): Buffer => Buffer.from(this.envelope.seal(subject, head, [encodeItem(item)], null));
    const known = this.#hostile.answers.length;
    await this.#hostile.inject({ subject, payload: sealed() });
    const answer = await eventuallySeen(`an answer on ${subject}`, () => this.#hostile.answers[known]);
    try {
      this.envelope.open(subject, answer.payload);
    } catch {
      return;
    }
    await this.#hostile.inject({ subject, payload: sealed() });
  }
}

it("with its keys nobody else is played: neither central, nor another ship, nor the end of another ship's command", async () => {
  const hostile = await startHostileBroker();
  const fleet = await startFleet({ nodes: { central: {}, ship1: {}, ship2: {} }, broker: hostile.broker });
  const { central } = fleet;
  const [ship1, ship2, ledger] = [fleet.node("ship1"), fleet.node("ship2"), ledgerOf(fleet)];
  const gate = fleet.file("gate");
  const [waiting] = await central.api.submit([
    ledger.draft("ship2", { after: `until test -e ${gate}; do sleep 0.05; done` }),
  ]);
  const id = waiting?.id ?? "";
  await central.message(id, "running", RECONNECTS);
  const thief = new Thief(fleet, hostile);
  const evil = ["sh", "-c", `echo ${ID} ran >> ${fleet.file("ledger")}`];
  const refused = async (node: typeof central, code: string): Promise<number> =>
    metric(node, "steward_refused_total", `reason="${code}"`);

  for (const [code, node, subject, origin, data, more] of [
    // Another ship does not know it at all, whatever it calls itself.
    ["sender-unknown", ship2, `ship2.${SHELL}`, "central", evil, {}],
    ["sender-unknown", ship2, `ship2.${SHELL}`, "ship1", evil, {}],
    // It may not command anybody, itself and central included.
    ["signature-invalid", ship1, `ship1.${SHELL}`, "central", evil, {}],
    ["permission-denied", central, `central.${SHELL}`, "ship1", evil, {}],
    ["signature-invalid", central, `central.${SHELL}`, "central", evil, {}],
    // The reports of a command come from its node alone.
    ["signature-invalid", central, REPORT, "ship2", { state: "succeeded", code: 0 }, { inReplyTo: id }],
  ] as const) {
    const known = await refused(node, code);
    await thief.send(subject, origin, data, more);
    await eventuallySeen(`${code} on ${subject}, as ${origin}`, async () => (await refused(node, code)) > known);
  }
  // In its own name a report of another ship's command is taken as a message, and proves nothing.
  await thief.send(REPORT, "ship1", { state: "succeeded", code: 0, startedAt: 1, endedAt: 2 }, { inReplyTo: id });
  const [next] = await central.api.submit([ledger.draft("ship2", { domain: "operatingsystem" })]);
  await central.message(next?.id ?? "", "succeeded", RECONNECTS);
  expect(await central.api.message(id)).toMatchObject({ state: "running", final: false });
  expect(await ledger.ran()).not.toContain(ID);

  // All that passed between central and ship2, with the keys of ship1: nothing of it opens.
  const others = hostile.sent.filter(({ by, subject }) => by === "ship2" || `${subject}.`.includes("ship2."));
  expect(others.length).toBeGreaterThan(2);
  for (const { subject, payload } of others) {
    const lanes = [subject, subject.split(".").slice(3, 7).join(".")];
    for (const lane of lanes) expect(() => thief.envelope.open(lane, payload)).toThrow();
  }
  await writeFile(gate, "");
  await central.message(id, "succeeded", RECONNECTS);
});

it("its login at the broker of central hears its own traffic alone, and ends with the revocation, as all of ship1 does", async () => {
  const port = await freePort();
  const fleet = await startFleet({ nodes: { central: {}, ship1: {}, ship2: {} }, embedded: port });
  const { central } = fleet;
  const [ship1, ledger] = [fleet.node("ship1"), ledgerOf(fleet)];
  const url = `nats://127.0.0.1:${port}`;
  const seed = (await readFile(join(ship1.data, "identity", "sign.nk"), "utf8")).trim();
  const login = { authenticator: nkeyAuthenticator(Buffer.from(seed)) };
  const thief = await intruder(url, login);
  const wished = [">", "*.>", "ship2.>", "central.>", "_INBOX.>", "_INBOX.central.>", "_INBOX.ship2.>", "-join.>"];
  for (const subject of wished) for (const queue of [undefined, "group"]) await thief.listen(subject, queue);
  await thief.listen("ship1.>");
  expect((await fleet.steward("run", "ship2", "--", "true")).code).toBe(0);
  expect((await fleet.steward("run", "ship1", "--", "true")).code).toBe(0);
  await eventuallySeen("its own traffic is heard", () => thief.heard.includes(`ship1.${SHELL}`));
  expect(thief.heard.filter((subject) => !subject.startsWith("ship1."))).toEqual([]);
  for (const subject of [`ship2.${SHELL}`, "ship2.event.vouch.steward", "_INBOX.ship2.x", "_INBOX.central.x.ship2.y"])
    await thief.publish(subject);
  await eventuallySeen(
    "its writing is refused",
    () => [...thief.refused].filter((one) => one.startsWith("publish")).length === 4,
  );

  const revoked = await fleet.steward("revoke", "ship1");
  expect(revoked).toMatchObject({ code: 0 });
  await eventuallySeen("the thief is thrown out", () => thief.isOut);
  await isDenied(url, login);
  await eventuallySeen("ship1 is denied", async () => (await ship1.api.health()).broker.state === "denied");
  // All others go on, and what is meant for it is kept from it.
  const [kept] = await central.api.submit([ledger.draft("ship1")]).catch(() => []);
  expect((await fleet.steward("run", "ship2", "--", "true")).code).toBe(0);
  if (kept !== undefined) expect((await central.api.message(kept.id)).final).toBe(false);
  expect(await ledger.ran()).toEqual([]);
  expect((await central.stop()).code).toBe(0);
});

it("a ship that was revoked while it was away is refused from its first packet on, over any broker", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const { central } = fleet;
  const [ship1, ledger] = [fleet.node("ship1"), ledgerOf(fleet)];
  await ship1.stop();
  await fleet.link("ship1", "offline");
  expect((await fleet.steward("revoke", "ship1")).code).toBe(0);
  await ship1.start();
  await eventuallySeen(
    "it is refused",
    async () => (await metric(central, "steward_refused_total", 'reason="sender-revoked"')) > 0,
  );
  const { link } = await central.api.node("ship1");
  expect(link).not.toBe("online");
  const [kept] = await central.api.submit([ledger.draft("ship1")]).catch(() => []);
  await central.api.submit([{ subject: "central.command.ping.steward", data: null }]);
  expect(await ledger.ran()).toEqual([]);
  if (kept !== undefined) expect((await central.api.message(kept.id)).final).toBe(false);
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}
