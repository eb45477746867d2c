import { expect, test } from "vitest";
import { world } from "../../world.ts";

test("mute says how long and why, and lists what is muted; unmute ends it", async () => {
  const w = await world();
  const { code, out } = await w.run(["mute", "ship1", "2d", "dry dock"]);
  expect([code, out]).toEqual([0, expect.stringContaining("ship1  0 ms   in 2 d  central  dry dock")]);
  const endsAt = w.ops.clock.now() + 2 * 86_400_000;
  expect(w.ops.callsOf("mute")[0]?.args[0]).toEqual({ to: "ship1", most: 1, endsAt, note: "dry dock" });
  expect((await w.run(["mute"])).out).toBe(out);
  expect((await w.run(["unmute", "ship1,ship2"])).out).toBe("1 node unmuted: ship1\n");
  expect((await w.run(["mute"])).err).toBe("no node is muted\n");
  expect((await w.run(["mute", "ship1", "some day"])).err).toContain('"some" is not understood');
});

test("alerts shows what the rules have found below its list, and sends tests", async () => {
  const w = await world();
  const now = w.ops.clock.now();
  const found = { rule: "away", text: "ship2 is offline", since: now - 7_200_000, to: ["pager", "office"] };
  w.ops.openAlertList = [
    { ...found, node: "ship2", toldAt: now - 3_600_000 },
    { ...found, node: "ship3", muted: true },
  ];
  const { out, err } = await w.run(["alerts"]);
  expect(err).toBe("no alerts\n");
  expect(out).toContain("RULE  NODE   SINCE    TOLD     TO             WHAT");
  expect(out).toContain("away  ship2  2 h ago  1 h ago  pager, office  ship2 is offline");
  expect(out).toContain("away  ship3  2 h ago  muted");
  expect((await w.run(["alerts", "test", "pager"])).out).toBe(
    "a test is on its way to pager; steward errands shows what waits\n",
  );
  expect(w.ops.callsOf("testAlert")[0]?.args[0]).toEqual({ to: ["pager"] });
});

test("errands lists what waits and why, tries it again, or gives it up", async () => {
  const w = await world();
  const now = w.ops.clock.now();
  const errand = { to: "pager", about: "alert" as const, madeAt: now - 60_000, attempts: 3, dueAt: now + 20_000 };
  w.ops.errandList = [{ id: "E1", ...errand, text: "away: ship2 is offline", fault: "example.org answered 500" }];
  expect((await w.run(["errands"])).out).toContain(
    "E1   pager  1 min ago      3  in 20 s  away: ship2 is offline  example.org answered 500",
  );
  expect((await w.run(["errands", "retry", "all"])).out).toBe("1 errand tried again\n");
  expect(await w.run(["errands", "drop", "E9"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("no errand has the id E9"),
  });
  expect((await w.run(["errands", "drop", "E1"])).out).toBe("1 errand given up\n");
  expect((await w.run(["errands"])).err).toBe("no errands wait\n");
  expect((await w.run(["errands", "drop"])).code).toBe(2);
});

test("queue shows what waits for a node, and run --reply names destinations", async () => {
  const w = await world();
  const { out, err } = await w.run(["queue", "ship2"]);
  expect(out).toMatch(
    /^ID +STATE +SIZE +DEADLINE +EXPECTED +WHAT +WHY\n\w{26} +○ queued +120 B .* the node is offline\n$/,
  );
  expect(err).toBe("1 message, 120 B\n");
  expect((await w.run(["queue", "ship3"])).err).toBe("nothing waits for ship3\n");
  await w.run(["run", "ship1", "--no-wait", "--reply", "log", "--reply", "pager", "--", "uptime"]);
  expect(w.ops.callsOf("submit")[0]?.args[0]).toMatchObject([{ reply: ["log", "pager"] }]);
});

test("an errand is meant by the beginning of its key, where that fits no other one", async () => {
  const w = await world();
  const now = w.ops.clock.now();
  const errand = { to: "hook", about: "alert", text: "x", attempts: 1, madeAt: now, dueAt: now } as const;
  w.ops.errandList = ["01M8A-hook", "01M8B-hook"].map((id) => ({ ...errand, id }));
  expect(await w.run(["errands", "drop", "01m8"])).toMatchObject({
    code: 2,
    err: expect.stringContaining("01m8 is the beginning of 2 keys: write more of it"),
  });
  expect((await w.run(["errands", "drop", ""])).err).toContain("no errand has the id");
  expect((await w.run(["errands", "drop", "01M8B"])).out).toBe("1 errand given up\n");
  expect(w.ops.errandList.map(({ id }) => id)).toEqual(["01M8A-hook"]);
});
