import { chmod, readFile } from "node:fs/promises";
import { expect, it, vi } from "vitest";
import { eventuallySeen } from "../harness/eventually.ts";
import { startFleet } from "../harness/fleet/fleet.ts";

/** People with keys of their own, at the real command line and over real daemons. */

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000 });

const OS = "command.shellcommand.operatingsystem";

it("an operator signs, is named on both ends, is held to role and bounds, and is refused once removed", async () => {
  const subscribe = [{ subject: OS, from: ["central"], signed: true }];
  const fleet = await startFleet({
    nodes: {
      central: { config: { approvals: [{ subject: OS, nodes: 2 }] } },
      ship1: { config: { subscribe } },
      ship2: { config: { subscribe } },
    },
  });
  const { central } = fleet;
  const steward = (...words: string[]) => central.steward(...words);
  const key = async (name: string): Promise<string> => {
    const made = await steward("operator", "key", name, "--file", fleet.file(`${name}.nk`));
    expect(made.code).toBe(0);
    return made.stdout.trim();
  };
  const as = (name: string, ...words: string[]) => steward("--as", fleet.file(`${name}.nk`), ...words);
  for (const node of ["ship1", "ship2"]) await fleet.link(node, "online");

  // Nobody knows the key yet, and an unsigned command is refused by the node.
  const ann = await key("ann");
  expect(await as("ann", "nodes")).toMatchObject({ code: 1, stderr: expect.stringContaining(`--key ${ann}`) });
  expect((await steward("run", "ship1", "--", "echo", "x")).stderr).toContain("signed is true");
  expect((await steward("label", "ship1", "class=tanker")).code).toBe(0);
  expect((await steward("operator", "add", "ann", "--on", "class=tanker", "--key", ann)).code).toBe(0);
  expect((await steward("operator", "add", "bob", "--key", await key("bob"))).code).toBe(0);
  expect((await steward("operator", "add", "eve", "--role", "viewer", "--key", await key("eve"))).code).toBe(0);
  expect((await as("ann", "whoami")).stdout).toMatch(
    /^ann@central, known by a signature with your key\nrole +operator/,
  );

  // The list that names her is on its way to the node by itself.
  await eventuallySeen(
    "ann runs a command",
    async () => (await as("ann", "run", "ship1", "--", "echo", "by", "ann")).code === 0,
  );
  const [message] = JSON.parse((await steward("messages", "--json", "--limit", "1")).stdout);
  expect(message).toMatchObject({ state: "succeeded", operator: "ann@central", signed: true });
  expect((await steward("messages")).stdout).toMatch(/ann@central +echo by ann/);
  expect((await fleet.node("ship1").steward("audit", "--by", "ann@central")).stdout).toContain("echo");

  // Bounds and roles.
  expect((await as("ann", "run", "ship2", "--", "true")).stderr).toContain("the nodes are those of class=tanker");
  expect((await as("ann", "operator", "add", "x", "--key", ann)).stderr).toContain(
    "the role operator, and this needs the role admin",
  );
  expect((await as("eve", "run", "ship1", "--", "true")).stderr).toContain(
    "the role viewer, and this needs the role operator",
  );
  expect((await as("eve", "nodes")).code).toBe(0);

  // Two people for two nodes.
  expect((await steward("operator", "add", "ann", "--replace")).code).toBe(0);
  const asked = await as("ann", "run", "ship1,ship2", "--", "echo", "both");
  expect(asked).toMatchObject({
    code: 3,
    stderr: expect.stringContaining("another operator than ann@central has to approve it"),
  });
  const [{ id }] = JSON.parse((await steward("approvals", "--json")).stdout);
  expect((await as("ann", "approve", id)).stderr).toContain("somebody else has to approve it");
  expect((await steward("approve", id)).code).toBe(1);
  await eventuallySeen("bob approves", async () => (await as("bob", "approve", id)).code === 0);
  await central.message(id, "succeeded");

  // A job carries a signature for each node; one that a rule names waits for the other operator, and so does its next attempt.
  const job = await as("ann", "run", "ship1", "--job", "--", "sh", "-c", "echo ran >> ran.txt; exit 7");
  expect(job).toMatchObject({ code: 1, stderr: expect.stringContaining("job ") });
  const [{ id: one }] = JSON.parse((await steward("jobs", "--json", "--limit", "1")).stdout);
  const attempt = await as("ann", "job", "retry", one, "--failed");
  expect(attempt.stderr).toContain("signed for 1 node: sh -c");
  expect((await steward("job", one, "--jsonl")).stdout).toContain('"kind":"failed"');
  const [again] = JSON.parse((await steward("messages", "--json", "--limit", "1")).stdout);
  expect(again).toMatchObject({ state: "failed", operator: "ann@central", signed: true });
  expect((await steward("job", "retry", one, "--failed", "--no-wait")).code).toBe(0);
  await eventuallySeen("an attempt without a signature is rejected", async () =>
    (await steward("job", one, "--jsonl")).stdout.includes("signed is true"),
  );
  const both = await as("ann", "run", "ship1,ship2", "--waves", "1,100%", "--detach", "--", "echo", "wave");
  expect(both.code).toBe(0);
  expect((await as("ann", "approve", both.stdout.trim())).stderr).toContain("somebody else has to approve it");
  expect((await steward("approvals")).stdout).toContain("echo wave");
  expect((await as("bob", "approve", both.stdout.trim())).code).toBe(0);
  expect(await as("bob", "job", both.stdout.trim(), "--follow", "--wait", "60s")).toMatchObject({ code: 0 });
  const later = await as("ann", "run", "ship1", "--every", "every day at 04:00", "--detach", "--", "true");
  expect(later.stderr).toMatch(/signed for (29|30) times, 1d apart at least, the first not before .*, until /);
  const far = await as("ann", "run", "ship1", "--at", "in 40d", "--detach", "--", "true");
  expect(far.stderr).toContain("a signature holds 30 days at most: it goes without one");

  // A key that others may read is not used.
  await chmod(fleet.file("ann.nk"), 0o644);
  expect(await as("ann", "whoami")).toMatchObject({ code: 2, stderr: expect.stringContaining("chmod 600") });
  await chmod(fleet.file("ann.nk"), 0o600);

  // Another key, which the present one signs; then the end.
  const next = await as("ann", "operator", "rekey", "ann", "--file", fleet.file("ann2.nk"));
  expect(next.code).toBe(0);
  expect((await as("ann", "whoami")).stderr).toContain("has another key since");
  await eventuallySeen(
    "the next key runs a command",
    async () => (await as("ann2", "run", "ship1", "--", "true")).code === 0,
  );
  const watching = as("ann2", "watch");
  expect((await as("ann2", "run", "ship1", "--", "true")).code).toBe(0);
  expect((await steward("operator", "remove", "ann")).code).toBe(0);
  expect((await watching).stderr).toContain("the operator was removed");
  expect((await as("ann2", "run", "ship1", "--", "true")).stderr).toContain("the operator was removed");
  expect((await readFile(fleet.file("ann2.nk"), "utf8")).trim()).toMatch(/^SU/);
  expect((await steward("operator", "list")).stdout).toMatch(/ann +removed/);
});
