import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { expect, test, vi } from "vitest";
import { built } from "../harness/built.ts";
import { eventuallySeen } from "../harness/eventually.ts";
import { type Fleet, startFleet } from "../harness/fleet/fleet.ts";
import { processesOfRun } from "../harness/fleet/runner.ts";

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const ID = /\b[0-9A-HJKMNP-TV-Z]{26}\b/;

/** A script that prints `first`, waits until a file is there, prints `last`. */
function gated(gate: string): string {
  return `echo first; while [ ! -e ${gate} ]; do sleep 0.02; done; echo last`;
}

function idIn(text: string): string {
  const found = ID.exec(text)?.[0];
  if (found === undefined) throw new Error(`there is no id in ${JSON.stringify(text)}`);
  return found;
}

async function ledger(fleet: Fleet): Promise<string[]> {
  return (await readFile(fleet.file("ledger"), "utf8").catch(() => "")).split("\n").filter((line) => line !== "");
}

test("a command for all runs once on each edge node, and each line says where it comes from", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {}, ship2: {} } });
  const end = await fleet.steward("run", "all", "--", "uname", "-s");
  expect(end.stdout.split("\n").sort()).toEqual(["", "ship1 │ Linux", "ship2 │ Linux"]);
  expect(end.stderr).toMatch(/2 messages: ✓ 2 succeeded/);
  expect(end.code).toBe(0);
  const script = `echo "$STEWARD_RUN" >> ${fleet.file("ledger")}`;
  const accepted = (await fleet.steward("run", "all", "--json", "--script", "--", script)).stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { type: string; id: string })
    .filter(({ type }) => type === "accepted");
  expect((await ledger(fleet)).sort()).toEqual(accepted.map(({ id }) => id).sort());
});

test("the exit code of run says what became of the command: 0, 1, 2, 3, 4 or 5", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {}, ship3: {} }, away: ["ship3"] });
  const code = async (...args: string[]) => (await fleet.steward("run", ...args)).code;
  const gate = fleet.file("never");
  const endless = fleet.begin("run", "ship1", "--script", "--", gated(gate));
  const codes = await Promise.all([
    code("ship1", "--", "true"),
    code("ship1", "--", "sh", "-c", "exit 7"),
    code("ship1", "--", "no-such-program"),
    code("ship1,ship3", "--", "false"),
    code("ship1"),
    code("nowhere", "--", "true"),
    code("ship3", "--", "true"),
    code("ship1,ship3", "--", "true"),
    fleet
      .node("ship3")
      .steward("run", "ship1", "--", "true")
      .then((end) => end.code),
  ]);
  expect(codes).toEqual([0, 1, 1, 1, 2, 2, 3, 3, 5]);
  await endless.saw(/first/);
  await fleet.steward("cancel", idIn(endless.stderr));
  expect((await endless.within(20_000)).code).toBe(4);
});

test("a command for a node that is away runs once when it comes, though central and the broker were restarted between", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship3: {} }, away: ["ship3"] });
  const { central, broker } = fleet;
  const ship3 = fleet.node("ship3");
  const script = `echo "$STEWARD_RUN" >> ${fleet.file("ledger")}`;
  const sent = await fleet.steward("run", "ship3", "--no-wait", "--script", "--", script);
  const id = idIn(sent.stdout);
  expect(sent.stdout).toMatch(/never seen.*queued, waits until/);

  expect((await central.stop()).code).toBe(0);
  await central.start();
  await broker?.restart();
  await central.kill();
  await central.start();
  // `sent`, if central was killed before the broker's word that nobody was there: then only ship3 can tell.
  const state = expect.stringMatching(/^(queued|sent)$/);
  expect(await central.api.message(id)).toMatchObject({ state, final: false, reason: "ship3 was never seen" });

  await ship3.start();
  await central.message(id, "succeeded");
  expect(await ledger(fleet)).toEqual([id]);

  // Everybody forgets what can be forgotten: nothing runs again.
  await Promise.all([central.kill(), ship3.kill(), broker?.restart()]);
  await Promise.all([central.start(), ship3.start()]);
  const after = await fleet.steward("run", "ship3", "--script", "--", script);
  expect(after.code).toBe(0);
  expect(await ledger(fleet)).toEqual([id, idIn(after.stderr)]);
});

test("what was sent while the broker was away is delivered once when an empty one is there again", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const script = `echo "$STEWARD_RUN" >> ${fleet.file("ledger")}`;
  await fleet.broker?.kill();
  const sent = await fleet.steward("run", "ship1", "--no-wait", "--script", "--", script);
  const id = idIn(sent.stdout);
  await fleet.broker?.restart();
  await fleet.central.message(id, "succeeded");
  expect(await ledger(fleet)).toEqual([id]);
});

test("output arrives while the command still runs", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const gate = fleet.file("gate");
  const run = fleet.begin("run", "ship1", "--script", "--", gated(gate));
  await run.saw(/first\n/);
  const id = idIn(run.stderr);
  expect((await fleet.central.api.message(id)).state).toBe("running");
  await writeFile(gate, "");
  const end = await run.within(15_000);
  expect(end).toMatchObject({ code: 0, stdout: "first\nlast\n" });
});

test("Ctrl-C detaches from a command, which goes on, and message --follow comes back to it", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const gate = fleet.file("gate");
  const run = fleet.begin("run", "ship1", "--script", "--", gated(gate));
  await run.saw(/first\n/);
  const detached = await run.end("SIGINT");
  const id = idIn(detached.stderr);
  expect(detached.code).toBe(3);
  expect(detached.stderr).toContain(`steward message ${id} --follow`);
  expect(processesOfRun(id)).not.toEqual([]);

  const follow = fleet.begin("message", id, "--follow");
  await follow.saw(/first\n/);
  await writeFile(gate, "");
  expect(await follow.within(15_000)).toMatchObject({ code: 0, stdout: "first\nlast\n" });
  expect((await fleet.steward("message", id, "--output")).stdout).toBe("first\nlast\n");
});

test("cancelling a command ends its whole process group, also what ignores SIGTERM", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const script = `trap "" TERM; sleep 1000 & (sleep 1001 & sh -c 'sleep 1002; :' & wait) & echo ready; wait`;
  const run = fleet.begin("run", "ship1", "--script", "--", script);
  await run.saw(/ready\n/);
  const id = idIn(run.stderr);
  await eventuallySeen("all of the group run", () => processesOfRun(id).length >= 5);
  const cancelled = await fleet.steward("cancel", id);
  expect(cancelled.stdout).toContain("requested");
  const end = await run.within(20_000);
  expect(end.code).toBe(4);
  expect(processesOfRun(id)).toEqual([]);
  const detail = await fleet.central.api.message(id);
  expect(detail).toMatchObject({ state: "cancelled", final: true });
  expect(detail.history.map(({ state }) => state)).toEqual(
    expect.arrayContaining(["queued", "received", "running", "cancelled"]),
  );
  expect((await fleet.steward("cancel", id)).stdout).toContain("already");
});

test("standard input and scripts reach the command whole, or are refused with the reason; a silent pipe holds up nothing", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: { config: { limits: { outputBytes: "64KB" } } } } });
  const { central } = fleet;
  const script = fleet.file("fix.sh");
  await writeFile(script, `#!/bin/bash\n[[ $1 == "a b" ]] && cat && echo "$0"\n#${"x".repeat(160_000)}\n`);
  const open = spawn(
    process.execPath,
    [(await built()).main, "--config", central.config, "run", "ship1", "--", "cat"],
    {
      stdio: ["pipe", "ignore", "ignore"],
    },
  );
  const silent = new Promise<number | null>((resolve) => open.once("exit", resolve));
  try {
    const refused = await central.stewardWith("hello\n", "run", "ship1", "--", "cat");
    expect(refused).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("add --stdin") });
    const passed = await central.stewardWith("hello\n", "run", "ship1", "--stdin", "--script", script, "a b");
    expect(passed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^hello\n\/.*\/script\n$/) });
    const cut = await fleet.steward("run", "ship1", "--", "head", "-c", "100000", "/dev/zero");
    expect(cut).toMatchObject({ code: 1, stderr: expect.stringContaining("of the output of ship1 are missing above") });
    expect(await silent).toBe(0);
  } finally {
    open.kill("SIGKILL");
  }
});

test("the sender's default limits a command that says nothing, the node's limit any other, and `message` says whose it was", async () => {
  const fleet = await startFleet({
    nodes: {
      central: { config: { defaults: { timeout: "2s" } } },
      ship1: { config: { defaults: { timeout: "1s" }, limits: { timeout: "3s" } } },
    },
  });
  const file = async (name: string, timeout: string): Promise<string> => {
    await writeFile(
      fleet.file(name),
      `{to: ship1, command: shellcommand, domain: operatingsystem, data: [sleep, "60"]${timeout}}\n`,
    );
    return fleet.file(name);
  };
  const ways = [
    ["2 s", "its timeout", ["run", "ship1", "--", "sleep", "60"]],
    ["2 s", "its timeout", ["send", await file("plain.yaml", "")]],
    ["30 s", "limits.timeout of ship1", ["run", "ship1", "--timeout", "30s", "--", "sleep", "60"]],
    ["30 s", "limits.timeout of ship1", ["send", await file("longer.yaml", ", timeout: 30s")]],
  ] as const;
  await Promise.all(
    ways.map(async ([asked, whose, words]) => {
      const said = await fleet.steward(...words);
      const id = idIn(said.stdout + said.stderr);
      await fleet.steward("message", id, "--follow");
      const { stdout } = await fleet.steward("message", id);
      const seconds = whose === "its timeout" ? 2 : 3;
      expect(stdout).toMatch(new RegExp(`timeout +${asked}, says central\\n`));
      expect(stdout).toContain(`ended after ${seconds} s, ${whose}`);
    }),
  );
});
