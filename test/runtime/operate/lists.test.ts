import { expect, test, vi } from "vitest";
import { Outbox } from "../../../src/journal/outbox.ts";
import type { MessageFilter } from "../../../src/runtime/operate/table/messages.ts";
import { LIMITS } from "../../../src/runtime/operate/table/shape.ts";
import { settled } from "../../harness/world/sound.ts";
import { createWorld, type World } from "../../harness/world/world.ts";

const WORK = "command.work.os";

/** All pages of a list of central's. */
function pages(world: World, filter: MessageFilter): string[][] {
  const { operations } = world.daemon("central");
  const found: string[][] = [];
  for (let before: string | undefined; ; ) {
    const page = operations.messages({ ...filter, ...(before === undefined ? {} : { before }) }).map(({ id }) => id);
    if (page.length === 0) return found;
    found.push(page);
    before = page.at(-1);
  }
}

test("messages come page by page, each once, the newest first", async () => {
  const world = await settled(await createWorld());
  const ids = await world.submit(Array.from({ length: 10 }, (_, n) => ({ subject: `ship1.${WORK}`, data: { n } })));
  await world.allEnded();
  const found = pages(world, { limit: 4, method: "work", direction: "out" });
  expect(found.map((page) => page.length)).toEqual([4, 4, 2]);
  expect(found.flat()).toEqual([...ids].sort().reverse());
});

test("open messages are found on their lanes: none that has ended is read for them", async () => {
  const world = await settled(await createWorld({ nodes: { ship1: {}, ship2: {} } }));
  const old = await world.send(`ship2.${WORK}`, { do: "never" }, { timeout: 86_400_000 });
  await world.until(() => world.state(old) === "running", "it runs");
  const ended = await world.submit(Array.from({ length: 100 }, (_, n) => ({ subject: `ship1.${WORK}`, data: { n } })));
  for (const id of ended) await world.ended(id);
  world.cut("ship2");
  const waits = await world.send(`ship2.${WORK}`, { n: 1 });
  const all = vi.spyOn(Outbox.prototype, "newest");
  try {
    expect(pages(world, { open: true, limit: 1 }).flat()).toEqual([waits, old]);
    expect(pages(world, { open: true, node: "ship2", direction: "out" }).flat()).toEqual([waits, old]);
    expect(pages(world, { open: true, node: "ship1" })).toEqual([]);
    expect(all).not.toHaveBeenCalled();
  } finally {
    all.mockRestore();
  }
});

test("messages of one node, method or domain are found on their lanes, page by page, before and after a restart", async () => {
  const world = await settled(await createWorld({ nodes: { ship1: {}, ship2: {} } }));
  const sent: string[] = [];
  for (let n = 0; n < 24; n++) {
    const nodes = n % 3 === 0 ? ["ship1"] : ["ship2", "ship1"];
    const subjects = nodes.map((node) => `${node}.command.${n % 2 === 0 ? "work" : "redo"}.os`);
    sent.push(...(await world.submit(subjects.map((subject) => ({ subject, data: { n } })))));
  }
  await world.allEnded();
  const subjectOf = new Map(sent.map((id) => [id, world.message(id).subject]));
  const listed = (meant: RegExp) =>
    [...sent]
      .filter((id) => meant.test(subjectOf.get(id) ?? ""))
      .sort()
      .reverse();
  const all = vi.spyOn(Outbox.prototype, "newest");
  try {
    for (const when of ["before", "after"]) {
      const found = (filter: MessageFilter) => pages(world, { limit: 3, direction: "out", ...filter }).flat();
      expect(found({ node: "ship2", domain: "os" }), when).toEqual(listed(/^ship2/));
      expect(found({ method: "redo" }), when).toEqual(listed(/redo/));
      expect(found({ node: "ship1", method: "work" }), when).toEqual(listed(/^ship1.*work/));
      expect(() => found({ node: "ship3" }), when).toThrow(expect.objectContaining({ code: "node-unknown" }));
      if (when === "before") {
        world.crash("central");
        await world.start("central");
      }
    }
    expect(all).not.toHaveBeenCalled();
  } finally {
    all.mockRestore();
  }
});

test("nodes come by name, from a name on, no more than were asked for", async () => {
  const world = await settled(await createWorld({ nodes: { ship1: {}, ship2: {}, ship3: {} } }));
  const { operations } = world.daemon("central");
  const names = operations.nodes().map(({ name }) => name);
  expect(names).toEqual(["central", "ship1", "ship2", "ship3"]);
  expect(operations.nodes({ limit: 2 }).map(({ name }) => name)).toEqual(["central", "ship1"]);
  expect(operations.nodes({ limit: 2, after: "ship1" }).map(({ name }) => name)).toEqual(["ship2", "ship3"]);
});

test("a target is resolved in the daemon: a message for each node that it means, all or none", async () => {
  const world = await settled(await createWorld({ nodes: { ship1: {}, ship2: {} } }));
  const { operations } = world.daemon("central");
  const submit = (to: string, data: object | string = { n: 1 }, most = 50) =>
    world.drive(operations.submit([{ to, most, subject: WORK, data: data as never, knownNodesOnly: true }]));
  const some = await submit("ship2, ship1,ship2");
  expect(some.map(({ subject, link }) => [subject, link])).toEqual([
    [`ship2.${WORK}`, "online"],
    [`ship1.${WORK}`, "online"],
  ]);
  expect((await submit("all")).map(({ node }) => node).sort()).toEqual(["ship1", "ship2"]);
  const count = operations.messages({ limit: 1_000 }).length;
  await expect(submit("ship1,shp2")).rejects.toMatchObject({
    code: "node-unknown",
    details: { node: "shp2 (did you mean ship2?)" },
  });
  await expect(submit("ship 1")).rejects.toMatchObject({ code: "target-invalid", exit: 2 });
  await expect(submit("all", "x".repeat(LIMITS.bodyBytes / 2))).rejects.toMatchObject({ code: "request-invalid" });
  const many = Array.from({ length: LIMITS.drafts + 1 }, (_, n) => `n${n}`).join(",");
  await expect(submit(many)).rejects.toMatchObject({ code: "target-large" });
  await expect(submit(many, {}, LIMITS.drafts + 1)).rejects.toMatchObject({ code: "message-invalid" });
  expect(operations.messages({ limit: 1_000 })).toHaveLength(count);
  await world.allEnded();
});

test("a name that nobody knows is refused at the station, whichever way the order came, unless the order says otherwise", async () => {
  const world = await createWorld({ nodes: { ship1: {} } });
  world.configure("central", { nodes: ["ship9"] });
  await settled(world);
  const send = (node: string, subject: string, more: object = {}) =>
    world.drive(world.daemon(node).operations.submit([{ subject, data: { n: 1 }, ...more }]));
  const before = world.daemon("central").operations.messages({ limit: 1_000 }).length;
  await expect(send("central", `shp1.${WORK}`)).rejects.toMatchObject({
    code: "node-unknown",
    message: "no node is called shp1 (did you mean ship1?)",
  });
  await expect(send("central", WORK, { to: "ship1,nosuch" })).rejects.toMatchObject({ code: "node-unknown" });
  // Files come this way.
  expect(() => world.daemon("central").operations.drafts([{ subject: `nosuch.${WORK}`, data: null }])).toThrow(
    expect.objectContaining({ code: "node-unknown" }),
  );
  expect(world.daemon("central").operations.messages({ limit: 1_000 })).toHaveLength(before);
  expect(
    world
      .daemon("central")
      .operations.nodes()
      .map(({ name }) => name),
  ).toEqual(["central", "ship1", "ship9"]);
  // A node that is expected, one that the order calls new, and a neighbour of an edge, which hears of no others.
  expect(await send("central", `ship9.${WORK}`)).toHaveLength(1);
  expect(await send("central", `ship3.${WORK}`, { knownNodesOnly: false })).toHaveLength(1);
  expect(await send("ship1", `ship4.${WORK}`)).toHaveLength(1);
});

test("a lane whose only message was taken back shows no deadline", async () => {
  const world = await createWorld({ nodes: { ship1: {} } });
  await world.start("central");
  const { operations } = world.daemon("central");
  const id = await world.send(`ship1.${WORK}`, {}, { deliverBy: 3_600_000 });
  const lane = () =>
    operations.node("ship1").lanes.map(({ waiting, nextDeliverBy }) => [waiting, nextDeliverBy !== null]);
  expect(lane()).toEqual([[1, true]]);
  await world.drive(operations.cancel(id));
  expect(lane()).toEqual([[0, false]]);
});
