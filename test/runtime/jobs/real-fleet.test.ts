import { expect, test } from "vitest";
import { eventuallySeen } from "../../harness/eventually.ts";
import { startFleet } from "../../harness/fleet/fleet.ts";

const NODES = 2_000;

test("a job over two thousand nodes of a real broker goes on where it was when central is killed in the middle of each wave", {
  timeout: 240_000,
}, async () => {
  const config = { security: "off", limits: { targets: 10_000 } };
  const fleet = await startFleet({ nodes: { central: { config } }, unenrolled: true });
  const { central } = fleet;
  const nodes = central.begin("simulate-fleet", String(NODES), "--hello", "30s", "--json");
  const heard = async (): Promise<number> => (await central.api.resolve({ to: "online and name=sim*" })).nodes.length;
  await eventuallySeen("all nodes are heard", async () => (await heard()) === NODES, 90_000);

  const order = { to: "name=sim*", most: NODES, subject: "command.echo.bench", data: { n: 1 } };
  const { id } = await central.api.createJob({ ...order, waves: "1,10%,50%,100%", soak: 500, rate: 60_000 });
  for (const [wave, before] of [0, 1, 200, 1_000].entries()) {
    await eventuallySeen(
      `wave ${wave + 1} is out`,
      async () => {
        const now = await central.api.job(id);
        return now.wave >= wave && NODES - now.counts.held > before;
      },
      60_000,
    );
    await central.kill();
    await central.start();
    const listed = await eventuallySeen("it answers", () => central.api.jobNodes(id), 60_000);
    expect(new Set(listed.map(({ node }) => node)).size).toBe(NODES);
  }
  await eventuallySeen("the job is done", async () => (await central.api.job(id)).state === "done", 90_000);
  const { counts } = await eventuallySeen("it answers", () => central.api.job(id), 60_000);
  expect(counts).toMatchObject({ succeeded: NODES, held: 0, failed: 0, expired: 0 });
  const all = await eventuallySeen("it answers", () => central.api.jobNodes(id, { state: "succeeded" }), 60_000);
  expect(new Set(all.map(({ node }) => node)).size).toBe(NODES);

  const answered = (): number => {
    const last = nodes.stdout.trim().split("\n").at(-1) ?? "";
    return (JSON.parse(last) as { commands: number }).commands;
  };
  await eventuallySeen("the nodes have answered", () => answered() >= NODES);
  await nodes.end("SIGINT");
  // No node was given it twice.
  expect(answered()).toBe(NODES);
});
