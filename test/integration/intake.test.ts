import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "nats";
import { expect, onTestFinished, test, vi } from "vitest";
import { eventuallySeen } from "../harness/eventually.ts";
import { type Fleet, startFleet } from "../harness/fleet/fleet.ts";

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

async function lines(file: string): Promise<string[]> {
  return (await readFile(file, "utf8").catch(() => "")).split("\n").filter((line) => line !== "");
}

/** A message file whose command writes a word into the ledger. */
function fileFor(fleet: Fleet, to: string, word: string): string {
  const data = JSON.stringify(["sh", "-c", `echo ${word} >> ${fleet.file("ledger")}`]);
  return `{to: ${to}, command: shellcommand, domain: operatingsystem, data: ${data}}\n`;
}

test("message files are taken once, those that lay there before the start too, and bad ones are set aside with the cause", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} }, away: ["central"] });
  const { data } = fleet.central;
  const inbox = join(data, "inbox");
  await mkdir(inbox, { recursive: true });
  await writeFile(join(inbox, "1.yaml"), fileFor(fleet, "ship1", "before"));
  await writeFile(
    join(inbox, "2.json"),
    '{"to": "ship1", "command": "shellcommand", "domain": "bad one", "data": ["true"]}',
  );
  await writeFile(join(data, "inmsg.txt"), fileFor(fleet, "ship1", "inmsg-before"));
  await fleet.central.start();
  await fleet.link("ship1", "online");
  const ledger = fleet.file("ledger");
  await eventuallySeen("what lay there has run", async () => (await lines(ledger)).length === 2);
  await eventuallySeen("it is put away", () => existsSync(join(inbox, "done/1.yaml")));
  const fault = () => readFile(join(inbox, "rejected/2.json.error"), "utf8");
  expect(await eventuallySeen("the bad one is put away", fault)).toMatch(/domain.*" " is not allowed/);

  // Half written, left alone until it is whole.
  await writeFile(join(inbox, "3.yaml.part"), fileFor(fleet, "ship1", "while"));
  await rename(join(inbox, "3.yaml.part"), join(inbox, "3.yaml"));
  await writeFile(join(data, "inmsg.txt"), fileFor(fleet, "ship1", "inmsg-while"));
  await eventuallySeen("what came has run", async () => (await lines(ledger)).length === 4);
  expect((await lines(ledger)).sort()).toEqual(["before", "inmsg-before", "inmsg-while", "while"]);
  const ids = () => lines(join(inbox, "done/3.yaml.ids"));
  const [id = ""] = await eventuallySeen("its id is noted", async () => (await ids()).length === 1 && (await ids()));
  await fleet.central.message(id, "succeeded");

  await fleet.central.kill();
  await fleet.central.start();
  expect((await fleet.steward("run", "ship1", "--wait", "20s", "--", "true")).code).toBe(0);
  expect(await lines(ledger)).toHaveLength(4);
});

test("a link in place of done/ leads no file out of the drop folder, and is told until it is gone", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} }, away: ["central"] });
  const inbox = join(fleet.central.data, "inbox");
  const outside = fleet.file("outside");
  await mkdir(inbox, { recursive: true });
  await mkdir(outside);
  await symlink(outside, join(inbox, "done"));
  await writeFile(join(inbox, "1.yaml"), fileFor(fleet, "ship1", "once"));
  await fleet.central.start();
  await eventuallySeen("its message has run", async () => (await lines(fleet.file("ledger"))).length === 1);
  const told = async () => (await fleet.steward("ps")).stdout.includes("it is a link");
  await eventuallySeen("the link is told", told);
  expect(await readdir(outside)).toEqual([]);
  await rm(join(inbox, "done"));
  await eventuallySeen("it is put away", () => existsSync(join(inbox, "done/1.yaml")));
  expect(await lines(fleet.file("ledger"))).toEqual(["once"]);
});

test("a plain NATS publisher is taken where the configuration says so, and refused and counted elsewhere", async () => {
  const subscribe = [
    { subject: "command.shellcommand.operatingsystem", from: ["central"] },
    { subject: "command.shellcommand.open", from: ["central"], foreign: true },
  ];
  const fleet = await startFleet({ nodes: { central: {}, ship1: { config: { subscribe } } } });
  const ship1 = fleet.node("ship1");
  const nats = await connect({ servers: fleet.broker?.url ?? "" });
  onTestFinished(() => nats.close());
  const ask = async (domain: string, body: unknown) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const answer = await nats.request(`ship1.command.shellcommand.${domain}`, text, { timeout: 10_000 });
    return answer.json<{ id?: string; error?: { code: string } }>();
  };
  const data = ["sh", "-c", `echo "$STEWARD_RUN" >> ${fleet.file("ledger")}`];

  const { id = "" } = await ask("open", { data });
  await ship1.message(id, "succeeded");
  expect(await lines(fleet.file("ledger"))).toEqual([id]);

  expect((await ask("operatingsystem", { data })).error?.code).toBe("foreign-refused");
  expect((await ask("open", "not JSON")).error?.code).toBe("data-invalid");
  expect((await ask("open", { data: [] })).error?.code).toBe("data-invalid");
  nats.publish("ship1.no.such.subject", "SW\u0001\u0000garbage");
  nats.publish("ship1.command.shellcommand.open", new Uint8Array([0x53, 0x57, 1, 1, 0xff]));
  nats.publish("ship1.no.such.subject", "SW\u0002\u0000garbage");
  nats.publish("ship1.command.shellcommand.open", new Uint8Array([0x53, 0x57, 2, 1, 0xff]));
  const metrics = async () => await ship1.api.metrics();
  // What claims to be a packet in the clear is refused unread where packets are sealed.
  await eventuallySeen("all are counted", async () => /reason="frame-malformed"} 2/.test(await metrics()));
  expect(await metrics()).toMatch(/steward_refused_total\{reason="clear-refused"} 2/);
  expect(await metrics()).toMatch(/steward_refused_total\{reason="foreign-refused"} 1/);
  expect(await metrics()).toMatch(/steward_refused_total\{reason="foreign-invalid"} 2/);
  expect(await lines(fleet.file("ledger"))).toEqual([id]);
  expect((await fleet.steward("run", "ship1", "--", "true")).code).toBe(0);
});
