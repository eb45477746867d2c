import { expect, test } from "vitest";
import { NodeNotes } from "../../../../src/journal/node-notes.ts";
import { NodeHistory } from "../../../../src/runtime/fleet/history/node-history.ts";
import type { NodeDescription } from "../../../../src/runtime/fleet/known-node.ts";
import { SimulatedClock } from "../../../harness/clock.ts";
import { openMemoryStore } from "../../../twins/memory-store.ts";

const MINUTE = 60_000;
const DAY = 1_440 * MINUTE;

const node = (name: string, link: NodeDescription["link"], linkSince: number): NodeDescription => ({
  ...{ name, link, linkSince, cause: "hello", session: "live", work: "idle", trust: "accepted", storage: "ok" },
  ...{ lastSeenAt: linkSince, asOf: linkSince, changes: [] },
});

/** Lives of a daemon over one store, in simulated time. */
function world(keep = { age: 30 * DAY, bytes: 1_000_000 }) {
  const clock = new SimulatedClock();
  const start = clock.now();
  const store = openMemoryStore();
  const open = (nodes: readonly NodeDescription[] = [], aliveAt = 0) => {
    const history = new NodeHistory({ journal: { notes: new NodeNotes(store) }, clock, keep: () => keep, aliveAt });
    history.open(nodes, (name) => name !== "gone");
    const change = (name: string, region: string, to: string, cause = "c") =>
      history.changed({ name, at: clock.now(), region, from: "", to, cause });
    const read = (more = {}) => history.read({ since: start, until: clock.now(), limit: 100, ...more });
    return { history, change, read };
  };
  return { clock, start, store, open, rows: () => [...new NodeNotes(store).history()] };
}

test("the states of a node are remembered across lives, and the time between two lives is not known", async () => {
  const { clock, start, open } = world();
  const first = open([node("ship1", "online", start - DAY)]);
  await clock.advance(10 * MINUTE);
  first.change("ship1", "link", "late", "no sign of life");
  await clock.advance(MINUTE);
  first.change("ship1", "link", "offline", "silence");
  await clock.advance(9 * MINUTE);
  first.history.end();
  await clock.advance(60 * MINUTE);

  const second = open([node("ship1", "offline", start + 11 * MINUTE)]);
  await clock.advance(10 * MINUTE);
  second.change("ship1", "link", "online", "hello");
  await clock.advance(10 * MINUTE);
  const { unknown, nodes, keptSince } = second.read({ node: "ship1" });
  expect(keptSince).toBe(start);
  expect(unknown).toEqual([[start + 20 * MINUTE, start + 80 * MINUTE]]);
  expect(nodes[0]?.regions.link).toEqual([
    [start - DAY, "online", "hello"],
    [start + 10 * MINUTE, "late", "no sign of life"],
    [start + 11 * MINUTE, "offline", "silence"],
    [start + 90 * MINUTE, "online", "hello"],
  ]);
  expect(Object.keys(nodes[0]?.regions ?? {}).sort()).toEqual(["link", "session", "storage", "trust", "work"]);
  // A part begins with the state that held at its begin, and nothing was known before the first life.
  const part = second.read({ node: "ship1", since: start + 15 * MINUTE, until: start + 85 * MINUTE, region: "link" });
  expect(part.nodes[0]?.regions.link).toEqual([[start + 11 * MINUTE, "offline", "silence"]]);
  expect(second.read({ since: start - DAY, until: start + MINUTE }).unknown).toEqual([[start - DAY, start]]);
  second.history.end();
  expect(clock.armed).toBe(0);
});

test("a region that has not changed since its node came is known across a restart from then on, and not from the restart", async () => {
  const { clock, start, open } = world();
  const first = open();
  await clock.advance(10 * MINUTE);
  first.change("ship1", "link", "online", "hello");
  await clock.advance(10 * MINUTE);
  first.history.end();
  await clock.advance(10 * MINUTE);
  const second = open([node("ship1", "online", start + 10 * MINUTE), node("ship2", "online", start + 30 * MINUTE)]);
  await clock.advance(MINUTE);
  const { unknown, nodes } = second.read();
  expect(nodes.map(({ name, regions }) => [name, regions.storage?.[0]?.[0]])).toEqual([
    ["ship1", start + 10 * MINUTE],
    ["ship2", start + 30 * MINUTE],
  ]);
  expect(unknown).toEqual([[start + 20 * MINUTE, start + 30 * MINUTE]]);
  second.history.end();
});

test("a daemon that was killed is not known to have been there beyond the last sign of it", async () => {
  const { clock, start, open, store } = world();
  const first = open([node("ship1", "online", start)]);
  await clock.advance(10 * MINUTE + 30_000);
  const rows = [...new NodeNotes(store).history()];
  await clock.advance(5 * MINUTE);
  first.history.end();
  for (const [no, record] of rows) new NodeNotes(store).setHistory(no, record);
  const second = open();
  expect(second.read().unknown).toEqual([[start + 10 * MINUTE, start + 15 * MINUTE + 30_000]]);
  second.history.end();
  for (const [no, record] of rows) new NodeNotes(store).setHistory(no, record);
  new NodeNotes(store).dropHistory(2);
  const third = open([], start + 13 * MINUTE);
  expect(third.read().unknown).toEqual([[start + 13 * MINUTE, start + 15 * MINUTE + 30_000]]);
  third.history.end();
});

test("work counts once a minute, and changes of one second are one row", async () => {
  const { clock, open, rows } = world();
  const { history, change, read } = open([node("ship1", "online", 0)]);
  await clock.advance(MINUTE);
  const before = JSON.stringify(rows()).length;
  for (let i = 0; i < 100; i++) change("ship1", "work", i % 2 === 0 ? "busy" : "idle");
  await clock.advance(MINUTE);
  expect(read().nodes[0]?.regions.work).toHaveLength(1);
  change("ship1", "work", "busy");
  await clock.advance(MINUTE);
  expect(read().nodes[0]?.regions.work?.map(([, state]) => state)).toEqual(["idle", "busy"]);
  expect(rows()).toHaveLength(1);
  expect(JSON.stringify(rows()).length).toBeLessThan(before + 100);
  history.end();
});

test("history is bounded by age and bytes; the last state of a node that never changes outlives both", async () => {
  const { clock, start, open, rows } = world({ age: DAY, bytes: 20_000 });
  const nodes = ["steady", "flaps", "gone"].map((name) => node(name, "online", start));
  const { history, change, read } = open(nodes);
  for (let i = 0; i < 2_000; i++) {
    change("flaps", "link", i % 2 === 0 ? "offline" : "online");
    await clock.advance(2 * MINUTE);
  }
  const { keptSince, nodes: kept } = read({ region: "link", since: 0 });
  expect(keptSince).toBeGreaterThanOrEqual(clock.now() - DAY - 120 * MINUTE);
  expect(JSON.stringify(rows()).length).toBeLessThan(60_000);
  expect(kept.find(({ name }) => name === "steady")?.regions.link).toEqual([[start, "online", "hello"]]);
  expect(kept.map(({ name }) => name)).toEqual(["flaps", "steady"]);
  history.end();
  const again = open();
  expect(again.read({ node: "steady", region: "link" }).nodes[0]?.regions.link).toEqual([[start, "online", "hello"]]);
  again.history.end();
});
