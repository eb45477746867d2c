import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { connect as connectNats } from "nats";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { eventuallySeen } from "../harness/eventually.ts";
import { type Fleet, startFleet } from "../harness/fleet/fleet.ts";
import type { TestNode } from "../harness/fleet/test-node.ts";
import { RECONNECTS } from "./scene/checker.ts";
import { cpuMs } from "./scene/cpu.ts";
import { type Ledger, ledgerOf } from "./scene/ledger.ts";
import { metric } from "./scene/metric.ts";

/**
 * The failures of programs that did the same job before, each by its name and through the real entrance. Those of whom they
 * believed stand in `ancestors-trust.test.ts`, that of their file copy in `ancestors-files.test.ts`.
 */
const SHELL = "command.shellcommand.operatingsystem";
const digest = fileURLToPath(new URL("scene/poison-method.mjs", import.meta.url));

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

let fleet: Fleet;
let central: TestNode;
let ship1: TestNode;
let ship2: TestNode;
let ledger: Ledger;

beforeAll(async () => {
  const subscribe = [{ subject: SHELL, from: ["central"], concurrency: 4 }, { subject: "command.digest.food" }];
  const ship = { config: { methods: [digest], subscribe }, proxied: true };
  // ship3 is made and never started. A daemon that a test starts ends with that test, so none is started here again.
  fleet = await startFleet({ nodes: { central: {}, ship1: ship, ship2: ship, ship3: {} }, away: ["ship3"] });
  central = fleet.central;
  ship1 = fleet.node("ship1");
  ship2 = fleet.node("ship2");
  ledger = ledgerOf(fleet);
});

afterAll(async () => {
  await fleet.end();
  await Promise.all([ship1.proxy.close(), ship2.proxy.close(), fleet.broker?.kill()]);
  await rm(fleet.directory, { recursive: true, force: true });
});

it("a lost ACK ran the command twice", async () => {
  ship1.proxy.blackhole("toServer");
  const id = await submit(ledger.draft("ship1"));
  await eventuallySeen("it ran", async () => (await ledger.ran()).includes(id));
  await ship1.proxy.heal();
  await central.message(id, "succeeded", RECONNECTS);
  expect(await runsOf(id)).toBe(1);
});

it("one ACK satisfied every message in flight", async () => {
  ship2.proxy.blackhole();
  const [here, there] = await Promise.all([submit(ledger.draft("ship1")), submit(ledger.draft("ship2"))]);
  await central.message(here, "succeeded");
  expect(["queued", "sent"]).toContain((await central.api.message(there)).state);
  await ship2.proxy.heal();
  await central.message(there, "succeeded", RECONNECTS);
});

it("retries burnt in milliseconds while the node was away", async () => {
  const id = await submit(ledger.draft("ship3"));
  await otherThingsHappen();
  const detail = await central.api.message(id);
  expect(detail).toMatchObject({ state: "queued", final: false });
  expect(detail.attempts).toBeLessThanOrEqual(1);
  // Each try waits longer than the one before; what asks whether it is there counts as well.
  expect(await metric(central, "steward_frames_sent_total", "ship3")).toBeLessThanOrEqual(5);
});

it("a payload over the broker's limit span at 100 % CPU for ever", async () => {
  const before = cpuMs(central.daemon.pid);
  const refused = central.api.submit([{ subject: `ship1.${SHELL}`, data: ["echo", "x".repeat(2_000_000)] }]);
  await expect(refused).rejects.toMatchObject({ code: expect.stringMatching(/too-large/) });
  await otherThingsHappen();
  expect(cpuMs(central.daemon.pid) - before).toBeLessThan(600);
  expect(await central.api.messages({ node: "ship1", open: true })).toEqual([]);
});

it("pending messages lost at a restart", async () => {
  const own = await startFleet({ nodes: { central: {}, ship1: {} }, away: ["ship1"] });
  const records = ledgerOf(own);
  const [accepted] = await own.central.api.submit([records.draft("ship1")]);
  await own.central.kill();
  await own.central.start();
  await own.node("ship1").start();
  await own.central.message(accepted?.id ?? "", "succeeded");
});

it("files dropped before the start never read", async () => {
  const own = await startFleet({ nodes: { central: {} }, away: ["central"] });
  const inbox = join(own.central.data, "inbox");
  await mkdir(inbox, { recursive: true });
  const message = { to: "central", command: "shellcommand", domain: "operatingsystem", data: ["true"] };
  await writeFile(join(inbox, "early.json"), `${JSON.stringify(message)}\n`);
  await own.central.start();
  await eventuallySeen("it is taken", () => readFile(join(inbox, "done", "early.json"), "utf8"));
  await eventuallySeen(
    "it ran",
    async () => (await own.central.api.messages({ state: "succeeded", direction: "out" })).length === 1,
  );
});

it("one byte of garbage stopped a node", async () => {
  const nats = await connectNats({ servers: fleet.broker?.url ?? "" });
  const before = await metric(ship1, "steward_refused_total");
  for (let byte = 0; byte < 256; byte++) nats.publish(`ship1.${SHELL}`, Uint8Array.of(byte));
  await nats.flush();
  await eventuallySeen("all of it is counted", async () => {
    return (await metric(ship1, "steward_refused_total")) >= before + 256;
  });
  await nats.close();
  expect((await fleet.steward("run", "ship1", "--", "echo", "here")).stdout).toBe("here\n");
});

it("an unknown method stopped the whole fleet", async () => {
  const drafts = ["ship1", "ship2"].map((node) => ({ subject: `${node}.command.frobnicate.os`, data: null }));
  for (const { id } of await central.api.submit(drafts)) await central.message(id, "rejected");
  expect((await fleet.steward("run", "ship1,ship2", "--", "true")).code).toBe(0);
});

it("`schedule: [0, x]` crashed", async () => {
  const inbox = join(central.data, "inbox");
  await mkdir(inbox, { recursive: true });
  const message = "{to: ship1, command: shellcommand, domain: operatingsystem, data: ['true'], schedule: [0, x]}\n";
  await writeFile(join(inbox, "scheduled.yaml"), message);
  const sidecar = join(inbox, "rejected", "scheduled.yaml.error");
  expect(await eventuallySeen("it is rejected", () => readFile(sidecar, "utf8"))).toMatch(/schedule/);
  expect((await central.api.health()).ok).toBe(true);
});

it("permission checked for one method only", async () => {
  // ship1 takes commands of central alone, whatever they do.
  const subjects = [SHELL, "command.digest.food", "command.process.steward", "command.cancel.steward"];
  for (const subject of subjects) {
    const data = subject === SHELL ? ["true"] : subject.includes("digest") ? "bread" : {};
    const [accepted] = await ship2.api.submit([{ subject: `ship1.${subject}`, data }]).catch(() => []);
    // Refused where it is written, or by the node.
    if (accepted === undefined) continue;
    await ship2.message(accepted.id, "rejected");
  }
  expect(await ship1.api.messages({ direction: "in", state: "succeeded" })).not.toContainEqual(
    expect.objectContaining({ origin: "ship2" }),
  );
});

it("`..` and absolute paths in names", async () => {
  for (const name of ["../../etc", "/etc/passwd", "..", "ship1/..", "..\\..\\etc"]) {
    const { code, stderr } = await fleet.steward("run", name, "--new", "--", "true");
    expect({ name, code }).toEqual({ name, code: 2 });
    expect(stderr).toMatch(/is not allowed|is not a subject/);
  }
});

it("`$HOME` eaten out of scripts by a template", async () => {
  const script = `echo "$HOME" '$HOME' '\${x}' '{{y}}' '<%= z %>' "$(printf %s '$1')" '\`id\`'`;
  const { stdout } = await fleet.steward("run", "ship1", "--script", "--", script);
  expect(stdout).toMatch(/^\/\S+ \$HOME \$\{x\} \{\{y\}\} <%= z %> \$1 `id`\n$/);
});

it("socket input of more than one segment corrupted", async () => {
  const text = "錨⚓ü".repeat(12_000);
  const body = Buffer.from(JSON.stringify([{ subject: `ship1.${SHELL}`, data: ["printf", "%s", text] }]));
  const head = `POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
  const answer = await inSegments(central.socket, Buffer.concat([Buffer.from(head), body]), 4_099);
  const id = /"id":"(\w{26})"/.exec(answer)?.[1] ?? "";
  const { output } = await central.message(id, "succeeded");
  expect(output.map((part) => part.text).join("")).toBe(text);
});

it('boolean settings where "false" meant true', async () => {
  const ship3 = fleet.node("ship3");
  const before = await readFile(ship3.config, "utf8");
  await ship3.reconfigure((config) => ({ ...config, subscribe: [{ subject: SHELL, foreign: "false" }] }));
  const { code, stderr } = await ship3.steward("config", "check");
  await writeFile(ship3.config, before);
  expect(code).toBe(2);
  expect(stderr).toMatch(/foreign.*true or false/);
});

async function submit(draft: ReturnType<Ledger["draft"]>): Promise<string> {
  const [accepted] = await central.api.submit([draft]);
  if (accepted === undefined) throw new Error("nothing was accepted");
  return accepted.id;
}

/** Central hears hellos of ship1 for a second more: time in which whoever goes round in a circle has done so. */
async function otherThingsHappen(): Promise<void> {
  const heard = async (): Promise<number> => (await central.api.node("ship1")).lastSeenAt ?? 0;
  const before = await heard();
  await eventuallySeen("a second of hellos", async () => (await heard()) >= before + 1_000);
}

async function runsOf(id: string): Promise<number> {
  return (await ledger.ran()).filter((each) => each === id).length;
}

/** Sends bytes in pieces of this size, each in a packet of its own, and resolves with the whole answer. */
function inSegments(socket: string, bytes: Buffer, size: number): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const connection = connect(socket, () => {
      const next = (from: number): void => {
        if (from >= bytes.length) return;
        connection.write(bytes.subarray(from, from + size), () => setImmediate(next, from + size));
      };
      next(0);
    });
    connection.setEncoding("utf8").on("data", (text: string) => {
      answer += text;
    });
    connection.once("end", () => resolve(answer)).once("error", reject);
  });
}
