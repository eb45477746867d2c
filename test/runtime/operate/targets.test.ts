import { describe, expect, it } from "vitest";
import { groupsOf } from "../../../src/message/target/groups.ts";
import type { HostFacts } from "../../../src/platform/host/host-facts.ts";
import { resolveTarget, type TargetWorld } from "../../../src/runtime/operate/fleet/targets.ts";
import { settled } from "../../harness/world/sound.ts";
import { createWorld, type World } from "../../harness/world/world.ts";
import { nodeWith } from "../../message/target/node-with.ts";

const host = (version: string): HostFacts => ({
  read: async () => ({ facts: { os: "debian", "os.version": version }, uptime: 5_000, disks: [] }),
});

async function fleet(): Promise<World> {
  const world = await createWorld({
    nodes: {
      ship1: { labels: { class: "tanker", site: "rotterdam" } },
      ship2: { labels: { class: "tanker" } },
      tug1: { labels: { class: "tug", site: "hamburg" } },
    },
    hosts: { ship1: host("11"), ship2: host("12") },
  });
  world.configure("central", {
    nodes: ["ship9"],
    groups: { north: "site=hamburg or ship9", mine: ["tug1", "class=tanker and not @north"] },
  });
  return await settled(world);
}

describe("a target", () => {
  it("means the nodes for which it holds, each once; central only where it is named", async () => {
    const world = await fleet();
    const { operations } = world.daemon("central");
    const meant = (to: string) => operations.resolve({ to }).nodes;
    expect(meant("all")).toEqual(["ship1", "ship2", "ship9", "tug1"]);
    expect(meant("*")).toEqual(["ship1", "ship2", "ship9", "tug1"]);
    expect(meant("tug1, ship*,ship1")).toEqual(["tug1", "ship1", "ship2", "ship9"]);
    expect(meant("class=tanker and not site=rotterdam")).toEqual(["ship2"]);
    expect(meant("os.version<12")).toEqual(["ship1"]);
    expect(meant("online and os.version<=12")).toEqual(["ship1", "ship2"]);
    expect(meant("uptime<1h")).toEqual(["ship1", "ship2"]);
    expect(meant("@north")).toEqual(["ship9", "tug1"]);
    expect(meant("@mine")).toEqual(["ship1", "ship2", "tug1"]);
    expect(meant("self,ship1")).toEqual(["central", "ship1"]);
    expect(meant("central or away")).toEqual(["central", "ship9"]);
    expect(meant("name=central or tug1")).toEqual(["tug1"]);
    expect(meant("session=live and class!=tug")).toEqual(["ship1", "ship2"]);
  });

  it("is shown with how many are away and what they lack", async () => {
    const { operations } = (await fleet()).daemon("central");
    expect(operations.resolve({ to: "not site=rotterdam", data: ["uname"] })).toMatchObject({
      nodes: ["ship2", "ship9", "tug1"],
      away: 1,
      lacking: [{ key: "site", nodes: 2 }],
      most: 50,
      bytes: 129,
    });
  });

  it.each([
    ["class=tug and away", "target-empty", "none of the 4 nodes"],
    ["tug*,nosuch*", "target-empty", "nosuch* means no node"],
    ["not shp2", "node-unknown", "shp2"],
    ["@nort", "target-invalid", "at character 1: there is no group @nort; did you mean @north?"],
    ["not clas=tanker", "target-invalid", "at character 5: no node has a label or a fact clas; did you mean class?"],
    ["disk.*.full>90", "target-invalid", "at character 1: no node has a label or a fact disk.*.full"],
    ["class=tanker and", "target-invalid", "at character 17: expected a node"],
  ])("%s is refused: a slip must not choose other nodes", async (to, code, text) => {
    const { operations } = (await fleet()).daemon("central");
    expect(() => operations.resolve({ to })).toThrow(expect.objectContaining({ code }));
    expect(() => operations.resolve({ to })).toThrow(text);
  });

  it("is resolved as a message is submitted, and sends nothing where it means too many nodes or none", async () => {
    const world = await fleet();
    const { operations } = world.daemon("central");
    const submit = (to: string, most?: number) => {
      const order = { to, subject: "command.work.os", data: {}, ...(most === undefined ? {} : { most }) };
      return world.drive(operations.submit([order]));
    };
    expect((await submit("class=tanker")).map(({ node }) => node)).toEqual(["ship1", "ship2"]);
    const before = operations.messages({ limit: 100 }).length;
    await expect(submit("class=tanker", 1)).rejects.toMatchObject({ code: "target-large", exit: 2 });
    await world.reload("central", { limits: { targets: 1 } });
    await expect(submit("ship1,ship2")).rejects.toMatchObject({ code: "target-large", details: { count: 2, most: 1 } });
    await expect(submit("class=tug and away")).rejects.toMatchObject({ code: "target-empty", exit: 2 });
    expect(operations.messages({ limit: 100 })).toHaveLength(before);
    expect(await submit("class=tanker", 2)).toHaveLength(2);
    await world.allEnded();
  });

  it("reads the facts of each node once, and of none where names alone are given", () => {
    let reads = 0;
    const names = Array.from({ length: 10_000 }, (_, i) => `ship${i}`);
    const nodes = new Map(
      names.map((name, i) => {
        const values = { class: i % 2 === 0 ? "tanker" : "tug", "os.version": String(10 + (i % 3)) };
        const node = nodeWith({ name, values });
        const value = (key: string) => {
          reads++;
          return node.value(key);
        };
        return [name, { ...node, value }];
      }),
    );
    const world: TargetWorld = {
      self: "central",
      groups: groupsOf({ old: "os.version<12" }),
      edges: () => names,
      isKnown: (name) => nodes.has(name),
      nodesOfJob: () => [],
      node: (name) => nodes.get(name) ?? nodeWith({ name }),
    };
    expect(resolveTarget(names.join(","), world).names).toHaveLength(10_000);
    expect(resolveTarget("ship1*", world).names.length).toBeGreaterThan(1_000);
    expect(reads).toBe(0);
    const { names: found } = resolveTarget("class=tanker and @old", world);
    expect(found.length).toBeGreaterThan(3_000);
    // One look at each comparison of each node, those of the chosen ones for what they lack, and one for each key that is named.
    expect(reads).toBeLessThanOrEqual(10_000 + 5_000 + 2 * found.length + 2);
  });
});
