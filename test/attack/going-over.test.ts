import { expect, test, vi } from "vitest";
import { eventuallySeen } from "../harness/eventually.ts";
import { startFleet } from "../harness/fleet/fleet.ts";

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000 });

const without = ({ security: _off, ...config }: Record<string, unknown>): Record<string, unknown> => config;

test("a fleet without keys goes over to sealed packets node by node, and what waited in its journals arrives", async () => {
  const off = { config: { security: "off" } };
  const fleet = await startFleet({ nodes: { central: off, ship1: off, ship2: off }, unenrolled: true });
  const { central } = fleet;
  const ship1 = fleet.node("ship1");
  expect((await fleet.steward("run", "all", "--", "echo", "before")).code).toBe(0);
  const command = (node: string, word: string) => ({
    subject: `${node}.command.shellcommand.operatingsystem`,
    data: ["echo", word],
  });
  await ship1.stop();
  await fleet.link("ship1", "offline");
  const [waits] = await central.api.submit([command("ship1", "meanwhile")]);

  // Central is sealed first: nodes that are not do not understand it, and keep what they have.
  await central.stop();
  await central.reconfigure(without);
  await central.start();
  const [other] = await central.api.submit([command("ship2", "later")]);
  await eventuallySeen("ship2 is not understood", async () => (await fleet.steward("node", "ship2")).stdout.length > 0);
  expect((await central.api.message(other?.id ?? "")).final).toBe(false);

  for (const [node, id] of [
    [ship1, waits?.id ?? ""],
    [fleet.node("ship2"), other?.id ?? ""],
  ] as const) {
    const { stdout, code } = await fleet.steward("invite", node.name, "--address", "127.0.0.1");
    expect(code).toBe(0);
    const token = stdout.trim().split("\n")[0] ?? "";
    if (node.name === "ship2") await node.stop();
    await node.reconfigure(without);
    const joined = await node.steward("join", token);
    expect(joined).toMatchObject({ code: 0, stdout: expect.stringContaining("is enrolled at central") });
    await node.start();
    await central.message(id, "succeeded", 30_000);
  }
  expect((await fleet.steward("run", "all", "--", "echo", "after")).code).toBe(0);
});
