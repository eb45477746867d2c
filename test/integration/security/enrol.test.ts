import { cp, rm } from "node:fs/promises";
import { expect, test, vi } from "vitest";
import { eventuallySeen } from "../../harness/eventually.ts";
import { startFleet } from "../../harness/fleet/fleet.ts";
import type { TestNode } from "../../harness/fleet/test-node.ts";

// Real processes, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000 });

const OS = { subject: "command.shellcommand.operatingsystem", from: ["central", "ship2"], concurrency: 4 };

const seen = (what: string, central: TestNode, node: string, standing: string) =>
  eventuallySeen(what, async () => {
    const { nodes } = await central.api.trust();
    return nodes.find((one) => one.node === node && one.standing === standing);
  });

test("a token enrols one machine, which then runs its first command; whoever shows it again is told who used it", async () => {
  const fleet = await startFleet({
    nodes: { central: {}, ship1: {}, ship2: { config: { node: "ship1" } } },
    away: ["ship1", "ship2"],
    unenrolled: true,
  });
  const [ship1, twin] = [fleet.node("ship1"), fleet.node("ship2")];
  const { stdout: token, code } = await fleet.steward("invite", "ship1", "--label", "class=tanker");
  expect(code).toBe(0);
  const early = await fleet.steward("run", "ship1", "--no-wait", "--", "echo", "early");
  expect([early.code, early.stdout]).toEqual([0, expect.stringContaining("has not joined yet")]);
  const damaged = await ship1.steward("join", token.trim().slice(0, -3));
  expect([damaged.code, damaged.stderr]).toEqual([2, expect.stringContaining("steward invite")]);
  const joined = await ship1.steward("join", token.trim());
  expect([joined.code, joined.stdout]).toEqual([0, expect.stringContaining("ship1 is enrolled at central")]);
  await ship1.start();
  await fleet.link("ship1", "online");
  expect((await fleet.steward("run", "ship1", "--", "echo", "here")).stdout).toBe("here\n");
  expect((await fleet.steward("messages", "--state", "succeeded")).stdout).toContain("echo early");
  const again = await twin.steward("join", token.trim());
  const { fingerprint } = await seen("ship1 is accepted", fleet.central, "ship1", "accepted");
  expect([again.code, again.stderr]).toEqual([1, expect.stringContaining(fingerprint)]);
  expect(again.stderr).toContain("steward revoke ship1");
});

test("an invited node is known before it joins: patterns mean it, its commands wait, and each view says what for, also after a restart and once its token has expired", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const { central } = fleet;
  expect((await fleet.steward("run", "ship9", "--no-wait", "--", "true")).code).toBe(2);
  expect((await fleet.steward("invite", "ship9", "--expires", "2s")).code).toBe(0);
  const why = /^invited by .+, and has not joined yet: its token (is good until|expired at) 20/;
  expect(await central.api.node("ship9")).toMatchObject({ link: "neverSeen", cause: expect.stringMatching(why) });
  expect((await fleet.steward("nodes")).stdout).toMatch(/ship9 .*never seen .*invited by/);
  expect((await fleet.steward("run", "ship*", "--dry-run", "--", "true")).stdout).toContain("ship9");
  const [sent] = await central.api.submit([{ subject: "ship9.command.ping.steward", data: null }]);
  expect(sent).toMatchObject({ link: "neverSeen", blocked: expect.stringMatching(why) });
  await central.stop();
  await central.start();
  const expired = await eventuallySeen("its token has expired", async () => {
    const { cause } = await central.api.node("ship9");
    return cause.includes("its token expired at") ? cause : undefined;
  });
  expect(expired).toMatch(/and `steward invite ship9` makes another$/);
  const waiting = await central.api.message(sent?.id ?? "");
  expect(waiting).toMatchObject({ state: "queued", reason: "ship9 was invited and has not joined yet" });
  expect((await fleet.steward("decommission", "ship9")).code).toBe(0);
  expect((await central.api.message(sent?.id ?? "")).state).toBe("cancelled");
  expect((await fleet.steward("run", "ship9", "--no-wait", "--", "true")).code).toBe(2);
});

test("a node without a token waits with its fingerprint; revoked, it is refused at once, and by the node that was away too", async () => {
  const fleet = await startFleet({
    nodes: { central: {}, ship1: { config: { subscribe: [OS] } }, ship2: {} },
    away: ["ship1", "ship2"],
    unenrolled: true,
  });
  const { central } = fleet;
  const [ship1, ship2] = [fleet.node("ship1"), fleet.node("ship2")];
  const { keys: centralKey = "" } = await central.api.trust();
  for (const node of [ship1, ship2]) {
    await node.reconfigure((config) => ({ ...config, centralKey }));
    await node.start();
    await seen(`${node.name} waits`, central, node.name, "pending");
    const { fingerprint } = await node.api.trust();
    expect((await fleet.steward("nodes")).stdout).toContain(`fingerprint ${fingerprint}`);
    expect((await fleet.steward("accept", node.name, "--fingerprint", "AAAA-AAAA-AAAA-AAAA")).code).toBe(2);
    expect((await fleet.steward("accept", node.name, "--fingerprint", fingerprint ?? "")).code).toBe(0);
    await fleet.link(node.name, "online");
  }
  // ship2 asks central for the keys of ship1, and each gets those of the other.
  const [sent] = await ship2.api.submit([
    { subject: "ship1.command.shellcommand.operatingsystem", data: ["echo", "from a neighbour"] },
  ]);
  await ship2.message(sent?.id ?? "", "succeeded");
  await ship1.stop();
  const known = (await central.api.trust()).nodes.find(({ node }) => node === "ship2");
  expect((await fleet.steward("revoke", "ship2")).stdout).toContain("told, now or when they are back: ship1");
  const refused = await central.api.submit([{ subject: "ship2.command.ping.steward", data: null, deliverBy: 500 }]);
  await central.message(refused[0]?.id ?? "", "expired");
  await ship1.start();
  await eventuallySeen("ship1 has heard of it", async () =>
    (await ship1.api.trust()).nodes.find(({ node, standing }) => node === "ship2" && standing === "revoked"),
  );
  expect((await ship1.api.trust()).nodes[0]?.fingerprint).toBe(known?.fingerprint);
  expect((await fleet.steward("decommission", "ship2")).stdout).toContain("its name is free");
  expect((await central.api.nodes()).map(({ name }) => name)).toEqual(["central", "ship1"]);
});

test("keys change while commands go on, also those of central; an older registry is not taken", async () => {
  const fleet = await startFleet({ nodes: { central: {}, ship1: {} } });
  const { central } = fleet;
  const ship1 = fleet.node("ship1");
  const old = fleet.file("registry.json");
  await cp(central.stored("registry.json"), old);
  const before = await seen("ship1 is accepted", central, "ship1", "accepted");
  expect((await fleet.steward("rekey", "ship1")).code).toBe(0);
  const changed = async () => {
    const own = await ship1.api.trust();
    const { nodes } = await central.api.trust();
    const there = nodes[0];
    return (
      own.fingerprint === there?.fingerprint && there?.changing === undefined && own.fingerprint !== before.fingerprint
    );
  };
  await eventuallySeen("ship1 has new keys", changed);
  expect((await fleet.steward("run", "ship1", "--", "echo", "one")).stdout).toBe("one\n");
  const { fingerprint: first } = await central.api.trust();
  expect((await fleet.steward("rekey")).code).toBe(0);
  await eventuallySeen("ship1 knows central's new keys", async () => {
    const { centralFingerprint, version } = await ship1.api.trust();
    const here = await central.api.trust();
    return centralFingerprint !== first && version === here.version && centralFingerprint === here.fingerprint;
  });
  expect((await fleet.steward("run", "ship1", "--", "echo", "two")).stdout).toBe("two\n");
  await central.stop();
  await central.start();
  await eventuallySeen("ship1 is heard by the new daemon", async () => {
    const { link, unheard } = await central.api.node("ship1");
    return link === "online" && unheard === undefined;
  });
  expect((await fleet.steward("run", "ship1", "--", "echo", "three")).stdout).toBe("three\n");
  await central.stop();
  await cp(old, central.stored("registry.json"));
  const refused = await central.launch().ended;
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("steward trust repair")]);
  await rm(old);
});
