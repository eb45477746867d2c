import { expect, test, vi } from "vitest";
import { startFleet } from "../harness/fleet/fleet.ts";

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

/** The last words of `steward run`, as somebody reads them whose node goes away in the middle. */
const LONG = ["sh", "-c", "echo begun; sleep 60"];
const OPEN = /→ come back with: steward message (\S+) --follow/;

test("a node whose daemon is killed or frozen while a command runs: unknown, with code 3, and what it means", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {}, ship2: {} } });
  const [ship1, ship2] = [fleet.node("ship1"), fleet.node("ship2")];
  const [killed, frozen] = [fleet.begin("run", "ship1", "--", ...LONG), fleet.begin("run", "ship2", "--", ...LONG)];
  await Promise.all([killed.saw(/begun/), frozen.saw(/begun/)]);
  await ship1.kill();
  ship2.freeze();
  const waits = fleet.begin("run", "ship2", "--deliver-by", "1h", "--", "true");
  for (const [run, node] of [
    [killed, "ship1"],
    [frozen, "ship2"],
  ] as const) {
    const end = await run.within(30_000);
    expect(end.code).toBe(3);
    expect(end.stderr).toContain(`${node} is offline now (no sign of life)\n`);
    expect(end.stderr).toMatch(
      new RegExp(
        `\\?  ${node}  unknown  offline since .*; the command began on ${node}; its outcome comes when ${node} is back\n`,
      ),
    );
    const [, id = ""] = OPEN.exec(end.stderr) ?? [];
    await fleet.steward("cancel", id);
  }
  const sent = await waits.within(30_000);
  expect(sent.code).toBe(3);
  expect(sent.stderr).toMatch(
    /→ {2}ship2 {2}sent {2}offline since .*; ship2 may not have the message yet; may wait 1 h more\n/,
  );

  // What is cancelled meanwhile ends as soon as its node is back.
  ship2.resume();
  await ship1.start();
  for (const run of [killed, frozen]) {
    const [, id = ""] = OPEN.exec(run.stderr) ?? [];
    const end = await fleet.steward("message", id, "--follow");
    expect(end).toMatchObject({ code: 4, stdout: "begun\n" });
    expect(end.stderr).toMatch(/⊘ {2}ship\d {2}cancelled .*ended on request while it ran\n$/);
  }
});

test("a node that is stopped says bye, and one whose runner died with it has interrupted its command: code 1", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const ship1 = fleet.node("ship1");
  const stopped = fleet.begin("run", "ship1", "--", "sh", "-c", `echo begun; sleep 60`);
  await stopped.saw(/begun/);
  const runner = ship1.runnerPid() ?? 0;
  await ship1.stop();
  const end = await stopped.within(30_000);
  expect(end.code).toBe(3);
  expect(end.stderr).toContain("ship1 is offline now (bye: it was stopped)\n");

  process.kill(runner, "SIGKILL");
  await ship1.start();
  const [, id = ""] = OPEN.exec(end.stderr) ?? [];
  const after = await fleet.steward("message", id, "--follow");
  expect(after.code).toBe(1);
  expect(after.stderr).toMatch(
    /✗ {2}ship1 {2}interrupted .*the process that ran it died, and nobody saw its end\n {2}→ interrupted: it may have run/,
  );
  const shown = await fleet.steward("message", id);
  expect(shown.stdout).toMatch(/heard late +.*; its state had been unknown\n/);
  expect(shown.stdout).toMatch(
    /\? unknown, says central \(ship1 was offline \(bye: it was stopped\), and back \d+ s later\)\n/,
  );
});

test("a daemon without its broker takes a command, does not wait, and ends with 5; so does one that is gone", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  await fleet.broker?.kill();
  await fleet.link("ship1", "late");
  const none = await fleet.steward("run", "ship1", "--", "true");
  expect(none.code).toBe(5);
  expect(none.stderr).toMatch(/no connection to a broker since/);
  expect(none.stderr).toMatch(/○ {2}ship1 {2}queued .*may wait 7 d more\n/);
  expect(none.stderr).toContain("the daemon has no broker and cannot hear any node; open messages go on\n");
  await fleet.central.kill();
  const gone = await fleet.steward("run", "ship1", "--", "true");
  expect(gone.code).toBe(5);
  expect(gone.stderr).toMatch(/^✗ error: no daemon answers/);
  await fleet.broker?.restart();
});
