import { mkdirSync, writeFileSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { eventuallySeen } from "../harness/eventually.ts";
import { type Fleet, startFleet } from "../harness/fleet/fleet.ts";
import { processesOfRun } from "../harness/fleet/runner.ts";

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

/** What becomes of commands while their daemon is down: what it had noted, its runner, its clock and its host go on. */
const SHELL = "ship1.command.shellcommand.operatingsystem";

async function ledger(fleet: Fleet): Promise<string[]> {
  return (await readFile(fleet.file("ledger"), "utf8").catch(() => "")).split("\n").filter((line) => line !== "");
}

const recorded = (fleet: Fleet, then = ""): string =>
  `echo "$STEWARD_RUN" >> ${fleet.file("ledger")}; echo begun; ${then}`;

async function submit(fleet: Fleet, script: string, more: object = {}): Promise<string> {
  const [accepted] = await fleet.central.api.submit([{ subject: SHELL, data: ["sh", "-c", script], ...more }]);
  return accepted?.id ?? "";
}

/** Accepts a command that ship1 has, and that its runner, which stands still, never hears of; kills both. */
async function killedBetween(fleet: Fleet, script: string, more: object = {}): Promise<string> {
  const ship1 = fleet.node("ship1");
  expect((await fleet.steward("run", "ship1", "--", "true")).code).toBe(0);
  const runner = ship1.runnerPid() ?? 0;
  process.kill(runner, "SIGSTOP");
  const id = await submit(fleet, script, more);
  // Not `running`: nobody has begun it.
  await fleet.central.message(id, "received");
  await ship1.kill();
  process.kill(runner, "SIGKILL");
  return id;
}

test("a command that was about to begin and that nobody began runs once when the daemon is back", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const id = await killedBetween(fleet, recorded(fleet));
  expect(await ledger(fleet)).toEqual([]);
  await fleet.node("ship1").start();
  expect(await fleet.central.message(id, "succeeded")).toMatchObject({ outcome: { code: 0 } });
  expect(await ledger(fleet)).toEqual([id]);
});

test("a command that nobody began expires when the daemon comes back after its deadline", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const id = await killedBetween(fleet, recorded(fleet), { deliverBy: 5_000 });
  const { deliverBy } = await fleet.central.api.message(id);
  await eventuallySeen("its deadline passes", () => Date.now() > (deliverBy ?? 0) + 500);
  await fleet.node("ship1").start();
  expect((await fleet.central.message(id, "expired")).reason).toContain("deadline");
  expect(await ledger(fleet)).toEqual([]);
});

test.each([
  ["its folder is removed", (runs: string, id: string) => rm(join(runs, id), { recursive: true })],
  ["all that is recorded of runs is removed", (runs: string) => rm(runs, { recursive: true })],
])("a command that runs is interrupted and not begun again when daemon and runner die and %s", async (_, remove) => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const ship1 = fleet.node("ship1");
  const id = await submit(fleet, recorded(fleet, "sleep 100"));
  await fleet.central.message(id, "running");
  await ship1.killWithRunner();
  await remove(join(ship1.data, "runs"), id);
  await ship1.start();
  expect((await fleet.central.message(id, "interrupted")).reason).toContain("whether it ran cannot be proved");
  expect((await fleet.steward("run", "ship1", "--", "true")).code).toBe(0);
  expect(await ledger(fleet)).toEqual([id]);
  for (const pid of processesOfRun(id)) process.kill(pid, "SIGKILL");
});

test.each([
  ["its daemon", (daemon: number) => [daemon]],
  ["its runner", (_: number, runner: number) => [runner]],
  ["daemon and runner", (daemon: number, runner: number) => [daemon, runner]],
])("a command that ends while %s stands still, longer than all its limits, is told as it ended", async (_, which) => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: { config: { shell: { grace: "0s" } } } } });
  const ship1 = fleet.node("ship1");
  const id = await submit(fleet, recorded(fleet, "sleep 1"), { timeout: 2_000 });
  await fleet.central.message(id, "running");
  const still = which(ship1.daemon.pid, ship1.runnerPid() ?? 0);
  for (const pid of still) process.kill(pid, "SIGSTOP");
  const since = performance.now();
  // Its timeout and all that is waited for after it.
  await eventuallySeen("all its limits have passed", () => performance.now() - since > 12_000, 20_000);
  for (const pid of still) process.kill(pid, "SIGCONT");
  expect(await fleet.central.message(id, "succeeded")).toMatchObject({ outcome: { code: 0 } });
  expect(await ledger(fleet)).toEqual([id]);
});

test("a command that is cancelled while its daemon is down goes on until it is back, and is ended then", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const ship1 = fleet.node("ship1");
  const runs = await submit(fleet, recorded(fleet, "sleep 100"));
  await eventuallySeen("it runs", async () => (await fleet.central.api.message(runs)).output.length > 0);
  await ship1.kill();
  await fleet.link("ship1", "offline");
  expect(await fleet.central.api.cancel(runs)).toMatchObject({ kind: "requested" });
  expect(processesOfRun(runs)).not.toEqual([]);
  await ship1.start();
  await fleet.central.message(runs, "cancelled");
  expect(processesOfRun(runs)).toEqual([]);
});

test("a command's timeout holds while its daemon is down, and its outcome says when it ended", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const ship1 = fleet.node("ship1");
  const id = await submit(fleet, recorded(fleet, "trap '' TERM; sleep 100 & sleep 100"), { timeout: 2_000 });
  await eventuallySeen("it runs", async () => (await fleet.central.api.message(id)).output.length > 0);
  await ship1.kill();
  await eventuallySeen("it is ended", () => processesOfRun(id).length === 0);
  const over = Date.now();
  await fleet.link("ship1", "offline");
  await ship1.start();
  const { outcome } = await fleet.central.message(id, "timedOut");
  expect(outcome?.at).toBeLessThanOrEqual(over + 1_000);
  expect((outcome?.at ?? 0) - (outcome?.startedAt ?? 0)).toBeLessThan(5_000);
});

test("a command whose end could not be written, for the disk was full, is told all the same", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const id = await submit(fleet, recorded(fleet, `while [ ! -e ${fleet.file("gate")} ]; do sleep 0.02; done; exit 3`));
  await eventuallySeen("it runs", async () => (await fleet.central.api.message(id)).output.length > 0);
  // In the way of the file that the runner writes first; root writes into a directory without permission.
  mkdirSync(join(fleet.node("ship1").data, "runs", id, "end.json.tmp"));
  writeFileSync(fleet.file("gate"), "");
  expect(await fleet.central.message(id, "failed")).toMatchObject({ outcome: { code: 3 } });
});

test("a second daemon on the same directory is refused, and takes nothing from the first", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const id = await submit(fleet, recorded(fleet, `while [ ! -e ${fleet.file("gate")} ]; do sleep 0.02; done`));
  await eventuallySeen("it runs", async () => (await fleet.central.api.message(id)).output.length > 0);
  const second = await fleet.node("ship1").steward("up");
  expect(second.code).not.toBe(0);
  expect(second.stderr).toContain("already uses");
  writeFileSync(fleet.file("gate"), "");
  await fleet.central.message(id, "succeeded");
  expect(await ledger(fleet)).toEqual([id]);
});
