import { expect, it } from "vitest";
import { settled } from "../../harness/world/sound.ts";
import { createWorld, type World } from "../../harness/world/world.ts";

const labels = (world: World, node = "ship1") => world.daemon("central").operations.labels(node).list;
const label = (world: World, to: string, change: Record<string, string | null>) =>
  world.drive(world.daemon("central").operations.label({ to, labels: change }));
const found = (world: World, filter: string) =>
  world
    .daemon("central")
    .operations.nodes({ filter })
    .map(({ name }) => name);

it("a node's own labels come with its hello, those given at central count before them, and both are shown", async () => {
  const world = await settled(await createWorld({ nodes: { ship1: { labels: { class: "tanker" } }, ship2: {} } }));
  expect(labels(world)).toEqual([{ key: "class", value: "tanker", by: "ship1" }]);
  const [given] = await label(world, "ship1", { class: "bulker", site: "rotterdam" });
  expect(given?.list).toMatchObject([
    { key: "class", value: "bulker", by: "central", own: "tanker" },
    { key: "site", value: "rotterdam", by: "central" },
  ]);
  expect([found(world, "class=bulker"), found(world, "class=*")]).toEqual([["ship1"], ["ship1"]]);
  await label(world, "ship1", { class: null });
  expect(found(world, "class=tanker and site=rotterdam")).toEqual(["ship1"]);
  await world.reload("ship1", { labels: { class: "tug" } });
  await world.advance(15_000);
  expect(found(world, "class=tug")).toEqual(["ship1"]);
});

it("labels outlive central and the absence of their node", async () => {
  const world = await settled(await createWorld({ nodes: { ship1: { labels: { class: "tanker" } }, ship2: {} } }));
  await label(world, "ship1,ship2", { fleet: "north" });
  world.cut("ship1");
  world.crash("central");
  await world.start("central");
  expect(found(world, "fleet=north")).toEqual(["ship1", "ship2"]);
  expect(found(world, "class=tanker")).toEqual(["ship1"]);
});

it("labels that are not right are given to no node, and only central gives them", async () => {
  const world = await settled(await createWorld({ nodes: { ship1: { labels: { class: "tanker" } }, ship2: {} } }));
  const refusal = (to: string, change: Record<string, string | null>, at = "central") =>
    world
      .drive(world.daemon(at).operations.label({ to, labels: change }))
      .catch((error) => `${error.code}: ${error.message}`);
  expect(await refusal("ship1", { site: "new york" })).toMatch(/label-invalid.*"new york" is no value of label site/);
  expect(await refusal("ship1", { online: "yes" })).toMatch(/online is a word of the language of targets/);
  expect(await refusal("ship1", { class: null })).toMatch(
    /class=tanker stands under `labels:` in the steward.yaml of ship1/,
  );
  expect(await refusal("ship2,ship1", { fleet: "north", ok: "\u0000" })).toMatch(/label-invalid/);
  expect(await refusal("shp1", { a: "b" })).toMatch(/node-unknown/);
  expect(await refusal("ship1", { a: "b" }, "ship1")).toMatch(/labels are given at central/);
  await world.reload("central", { limits: { targets: 1 } });
  expect(await refusal("ship*", { a: "b" })).toMatch(/target-large: ship\* means 2 nodes, and 1 are allowed/);
  expect(labels(world, "ship2")).toEqual([]);
  // Names that objects have anyway are labels like all others.
  await label(world, "ship1", { constructor: "vulcan", __proto__x: "1" });
  expect(found(world, "constructor=vulcan")).toEqual(["ship1"]);
});
