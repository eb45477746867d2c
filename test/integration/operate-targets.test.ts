import { expect, test, vi } from "vitest";
import { eventuallySeen } from "../harness/eventually.ts";
import { startFleet } from "../harness/fleet/fleet.ts";

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

test("nodes are commanded by what they are: labels, facts of their hosts, facts of programs, groups", async () => {
  const program = ["sh", "-c", 'echo \'{"state": "ok", "disks": {"failed": 1}}\''];
  const fleet = await startFleet({
    nodes: {
      central: { config: { groups: { tankers: "class=tanker" } } },
      ship1: { config: { labels: { class: "tanker" }, facts: { raid: { run: program } } } },
      ship2: { config: { labels: { class: "tug" } } },
    },
  });
  const steward = async (...args: string[]) => await fleet.steward(...args);
  const told = async (key: string) => (await steward("facts", "ship1")).stdout.includes(key);
  await eventuallySeen(
    "facts of host and program",
    async () => (await told("kernel")) && (await told("raid.disks.failed")),
  );

  const dry = await steward("run", "@tankers", "--dry-run", "--", "true");
  expect([dry.code, dry.stdout]).toEqual([0, "ship1\n"]);
  const run = await steward("run", "raid.disks.failed>0 and uptime>1s", "--", "echo", "hi");
  expect([run.code, run.stdout]).toEqual([0, "hi\n"]);
  expect(run.stderr).toContain("raid.disks.failed>0 and uptime>1s means 1 node: ship1\n");

  const given = await steward("label", "ship*", "fleet=north");
  expect([given.code, given.stderr]).toEqual([0, ""]);
  const both = await steward("run", "fleet=north and not @tankers", "--", "echo", "tug");
  expect([both.code, both.stdout]).toEqual([0, "tug\n"]);
  const columns = await steward("nodes", "--columns", "node,labels,steward", "--filter", "class=tug");
  expect(columns.stdout).toMatch(/^NODE {3}LABELS {18}STEWARD\nship2 {2}class=tug, fleet=north {2}\d/);

  await fleet.node("central").kill();
  await fleet.node("central").start();
  const kept = await steward("label", "ship1");
  expect(kept.stdout).toMatch(/ship1 +fleet +north +central/);
  const nobody = await steward("run", "class=bulker", "--", "true");
  expect([nobody.code, nobody.stderr]).toMatchObject([2, expect.stringContaining("means no node")]);
});
