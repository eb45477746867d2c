import { createServer } from "node:net";
import { expect, test, vi } from "vitest";
import { eventuallySeen } from "../harness/eventually.ts";
import { startFleet } from "../harness/fleet/fleet.ts";

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

test("the page of a real daemon: a link of the command line logs in, and the audit names who was there", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => taken.once("listening", resolve));
  const { port } = taken.address() as { port: number };
  const fleet = await startFleet({ nodes: { central: { config: { page: { listen: `127.0.0.1:${port}` } } } } });
  const { central } = fleet;
  try {
    // The port is another program's: the daemon runs, says so, and tries again.
    expect((await fleet.steward("open")).stderr).toContain("serves no page");
    const waiting = (await central.api.health()).waiting ?? [];
    expect(waiting.map(({ reason }) => reason).join()).toContain(`cannot listen at 127.0.0.1:${port}`);
  } finally {
    await new Promise((resolve) => taken.close(resolve));
  }
  const link = await eventuallySeen("the page listens", async () => {
    const { code, stdout } = await fleet.steward("open");
    return code === 0 && stdout.trim();
  });
  expect(link).toMatch(new RegExp(`^http://127\\.0\\.0\\.1:${port}/login/[\\w-]{43}$`));
  const entered = await fetch(link, { redirect: "manual" });
  expect(entered.status).toBe(303);
  const cookie = entered.headers.get("set-cookie")?.split(";", 1)[0] ?? "";
  const nodes = await fetch(new URL("/v1/nodes", link), { headers: { cookie } });
  expect(await nodes.json()).toEqual([expect.objectContaining({ name: "central" })]);
  expect((await fetch(link, { redirect: "manual" })).status).toBe(401);

  const { stdout: token } = await fleet.steward("token", "--role", "viewer");
  const authorization = `Bearer ${token.trim()}`;
  expect(await (await fetch(new URL("/metrics", link), { headers: { authorization } })).text()).toContain("steward_");

  // An open page goes on after a restart of the daemon.
  await central.stop();
  await central.start();
  const again = await eventuallySeen(
    "the page is back",
    async () => await fetch(new URL("/session", link), { headers: { cookie } }),
  );
  expect(await again.json()).toMatchObject({ by: "local", role: "admin", node: "central" });

  const records = await central.api.audit({});
  expect(records.filter(({ what }) => what === "login")).toEqual([
    expect.objectContaining({ allowed: true, from: "127.0.0.1" }),
    expect.objectContaining({ allowed: false, by: "unknown" }),
  ]);
  for (const secret of [new URL(link).pathname.split("/")[2] ?? "", cookie.split("=")[1] ?? "", token.trim()])
    expect(central.daemon.stdout).not.toContain(secret);
});
