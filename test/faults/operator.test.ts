import { readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { type Fleet, startFleet } from "../harness/fleet/fleet.ts";
import type { Program } from "../harness/fleet/program.ts";
import { processesOfRun } from "../harness/fleet/runner.ts";
import type { TestNode } from "../harness/fleet/test-node.ts";
import { end } from "../harness/leftovers.ts";
import { ledgerOf } from "./scene/ledger.ts";

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

/** `steward run` while something happens to its node: it ends by itself, in a true state, in words for an operator. */

const ID = /\b[0-9A-HJKMNP-TV-Z]{26}\b/;

interface Begun {
  readonly fleet: Fleet;
  readonly run: Program;
  readonly id: string;
  /** Lets the command come to its end. */
  release(): Promise<void>;
}

/** A command that has printed its first word and waits for its release. */
async function begun(hello = "250ms"): Promise<Begun> {
  const fleet = await startFleet({ nodes: { central: {}, ship1: { proxied: true } }, hello });
  const ledger = ledgerOf(fleet);
  const gate = fleet.file("gate");
  const { data } = ledger.draft("ship1", { after: `echo first; while [ ! -e ${gate} ]; do sleep 0.02; done` });
  const run = fleet.begin("run", "ship1", "--", ...(data as string[]));
  await run.saw(/first\n/);
  const id = ID.exec(run.stderr)?.[0] ?? "";
  return { fleet, run, id, release: () => writeFile(gate, "") };
}

/** The words that a `run` ends with when nobody can tell how its command ends. */
async function endsOpen({ run, id }: Begun): Promise<void> {
  const { code, stderr } = await run.within(20_000);
  expect(code).toBe(3);
  expect(stderr).toMatch(/\? +ship1 +unknown .*offline since/);
  expect(stderr).toContain(`come back with: steward message ${id} --follow`);
}

/** What the operator sees who comes back. */
async function endsWell({ fleet, id }: Begun): Promise<void> {
  const follow = await fleet.begin("message", id, "--follow").within(40_000);
  expect(follow).toMatchObject({ code: 0, stdout: expect.stringMatching(/first\ndone\n$/) });
  expect(await ledgerOf(fleet).ran()).toEqual([id]);
}

test("a node that is killed: the state is unknown and the node offline; what ran on is brought home when it is back", async () => {
  const scene = await begun();
  await scene.fleet.node("ship1").kill();
  await endsOpen(scene);
  await scene.release();
  await scene.fleet.node("ship1").start();
  await endsWell(scene);
});

test("a node whose host is lost and comes back: interrupted, with the reason, and exit code 1", async () => {
  // Back before anybody calls it offline.
  const { fleet, run, id } = await begun("5s");
  await fleet.node("ship1").killWithRunner();
  await fleet.node("ship1").start();
  const { code, stderr } = await run.within(20_000);
  expect(code).toBe(1);
  expect(stderr).toMatch(/✗ +ship1 +interrupted .*\S/);
  expect(await ledgerOf(fleet).ran()).toEqual([id]);
});

test("a node that is cut off: the state is unknown and the node offline; the late outcome counts", async () => {
  const scene = await begun();
  const { proxy } = scene.fleet.node("ship1");
  proxy.blackhole();
  await endsOpen(scene);
  await scene.release();
  await proxy.heal();
  await endsWell(scene);
});

test("a node that is frozen: the state is unknown and the node offline; it goes on where it stood", async () => {
  const scene = await begun();
  const ship1 = scene.fleet.node("ship1");
  ship1.freeze();
  await endsOpen(scene);
  await scene.release();
  ship1.resume();
  await endsWell(scene);
});

/** Installs a node anew: its keys and its trust list are put back, and nothing else. */
async function loseDisk({ data }: TestNode): Promise<void> {
  const kept = ["identity", "trust.json"];
  const lost = (await readdir(data)).filter((name) => !kept.includes(name));
  await Promise.all(lost.map((name) => rm(join(data, name), { recursive: true })));
}

test("a node that is reinstalled: the run ends by itself and says that the node lost what it had", async () => {
  // Back before anybody calls it offline.
  const { fleet, run, id } = await begun("5s");
  const ship1 = fleet.node("ship1");
  await ship1.killWithRunner();
  processesOfRun(id).forEach(end);
  await loseDisk(ship1);
  await ship1.start();
  const { code, stderr } = await run.within(20_000);
  expect(code).toBe(1);
  expect(stderr).toMatch(/✗ +ship1 +interrupted .*ship1 has lost its record of it: whether it ran cannot be proved/);
  expect(await ledgerOf(fleet).ran()).toEqual([id]);
});

test("a node that is reinstalled runs nothing again, and takes what is new", async () => {
  const { fleet, run, id } = await begun();
  const ship1 = fleet.node("ship1");
  await ship1.killWithRunner();
  processesOfRun(id).forEach(end);
  await loseDisk(ship1);
  await ship1.start();
  expect((await fleet.steward("run", "ship1", "--wait", "20s", "--", "true")).code).toBe(0);
  expect(await ledgerOf(fleet).ran()).toEqual([id]);
  await run.end("SIGINT");
});
