import { describe, expect, it } from "vitest";
import { idMaker } from "../../../src/message/id.ts";
import { type Ack, decodeFrame } from "../../../src/message/wire/frame.ts";
import type { FactsTold } from "../../../src/methods/facts.ts";
import type { Disk, HostFacts, HostReading } from "../../../src/platform/host/host-facts.ts";
import { bootTime, fullness } from "../../../src/runtime/fleet/facts/coarse-figures.ts";
import { FactTeller } from "../../../src/runtime/fleet/facts/fact-teller.ts";
import { ClearEnvelope } from "../../../src/security/seal/clear-envelope.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { seededRandom } from "../../harness/random.ts";
import { settled } from "../../harness/world/sound.ts";
import { createWorld, type World } from "../../harness/world/world.ts";

const MINUTE = 60_000;
const FACTS = "central.event.facts.steward";

/** A host that a test arranges. */
class Host implements HostFacts {
  facts: HostReading["facts"] = { os: "debian", "os.version": "12", addresses: ["10.0.0.5"] };
  disks: Disk[] = [{ path: "/", size: 1000, used: 400, free: 600 }];

  async read(): Promise<HostReading> {
    return { facts: this.facts, uptime: undefined, disks: this.disks };
  }
}

const factsOf = (world: World, node = "ship1", at = "central") => world.daemon(at).operations.facts(node);
const valuesOf = (world: World, node = "ship1", at = "central") =>
  Object.fromEntries(factsOf(world, node, at).list.map(({ key, value }) => [key, value]));

/** The facts that left nodes: their data, as it went. */
function watched(world: World): unknown[] {
  const told: unknown[] = [];
  world.broker.connect("listener").subscribe(FACTS, ({ payload }) => void told.push(payload.length));
  return told;
}

describe("the facts of a node", () => {
  it("are told once, when central has heard it, and again only when they change, with what changed and when", async () => {
    const host = new Host();
    const world = await createWorld({ hosts: { ship1: host } });
    const told = watched(world);
    await settled(world);
    expect(valuesOf(world)).toMatchObject({ os: "debian", addresses: ["10.0.0.5"], "disk./.full": 40 });
    expect(factsOf(world).changes).toEqual([]);
    await world.advance(60 * MINUTE);
    expect(told).toHaveLength(1);

    host.facts = { os: "debian", "os.version": "12.1" };
    await world.advance(6 * MINUTE);
    expect(told).toHaveLength(2);
    expect(told[1]).toBeLessThan((told[0] as number) - 50);
    expect(valuesOf(world)).toMatchObject({ "os.version": "12.1" });
    expect(valuesOf(world)).not.toHaveProperty("addresses");
    const { changes, list } = factsOf(world);
    expect(changes).toMatchObject([
      { key: "addresses", from: ["10.0.0.5"], to: null },
      { key: "os.version", from: "12", to: "12.1" },
    ]);
    const since = (key: string) => list.find((fact) => fact.key === key)?.since ?? 0;
    expect(since("os.version")).toBeGreaterThan(since("os") + 50 * MINUTE);
  });

  it("that changed while central was out of reach come when it is heard again, with the times of their changes", async () => {
    const host = new Host();
    const world = await settled(await createWorld({ hosts: { ship1: host } }));
    world.cut("ship1");
    await world.advance(10 * MINUTE);
    const before = world.time.now();
    host.facts = { ...host.facts, "os.version": "13" };
    await world.advance(60 * MINUTE);
    expect(valuesOf(world)).toMatchObject({ "os.version": "12" });
    world.heal("ship1");
    await world.advance(2 * MINUTE);
    expect(valuesOf(world)).toMatchObject({ "os.version": "13" });
    const [change] = factsOf(world).changes;
    expect((change?.at ?? 0) - before).toBeLessThan(6 * MINUTE);
  });

  it("are known to central after its restart, and are told anew to its next life without a change", async () => {
    const host = new Host();
    const world = await settled(await createWorld({ hosts: { ship1: host, central: new Host() } }));
    const told = watched(world);
    const first = factsOf(world);
    world.cut("ship1");
    await world.stop("central");
    await world.start("central");
    expect(valuesOf(world)).toMatchObject({ os: "debian" });
    expect(
      world
        .daemon("central")
        .operations.nodes({ filter: "os=debian" })
        .map(({ name }) => name),
    ).toEqual(["central", "ship1"]);
    world.heal("ship1");
    await world.advance(2 * MINUTE);
    expect(told).toHaveLength(1);
    expect(factsOf(world).list).toEqual(first.list);
    expect(factsOf(world).changes).toEqual([]);
  });

  it("are told again until central has acknowledged them, and a late ACK of older ones settles nothing", async () => {
    const clock = new SimulatedClock();
    const facts = new Map<string, readonly [value: string, since: number]>([["os", ["debian", 1]]]);
    const sent: { readonly reply: string; readonly data: FactsTold }[] = [];
    const teller = new FactTeller({
      ...{ node: "ship1", central: "central", epoch: "e1", life: "l1", clock, own: { facts } },
      newId: idMaker(clock, seededRandom(1)),
      envelope: new ClearEnvelope(),
      transport: {
        inbox: "_I",
        publish: (subject: string, payload: Uint8Array, reply: string) => {
          const [item] = decodeFrame(subject, payload).items;
          sent.push({ reply, data: (item as { data: unknown }).data as FactsTold });
        },
      } as never,
    });
    const ack = (receiverLife: string): Ack => ({ receiverLife }) as Ack;
    teller.changed();
    expect(sent).toEqual([]);
    teller.greeted(ack("c1"));
    expect(sent.at(-1)).toMatchObject({ reply: `_I.${FACTS}.1`, data: { all: true, set: { os: ["debian", 1] } } });
    facts.set("kernel", ["6.1", 2]);
    teller.greeted(ack("c1"));
    expect(sent).toHaveLength(1);
    await clock.advance(60_000);
    teller.greeted(ack("c1"));
    teller.acknowledged(1, ack("c1"));
    await clock.advance(60_000);
    teller.greeted(ack("c1"));
    expect(sent.at(-1)?.data.set).toEqual({ os: ["debian", 1], kernel: ["6.1", 2] });
    teller.acknowledged(3, ack("c1"));
    teller.greeted(ack("c1"));
    expect(sent).toHaveLength(3);
    facts.delete("os");
    teller.greeted(ack("c1"));
    expect(sent.at(-1)?.data).toMatchObject({ set: {}, gone: ["os"] });
    // An ACK of an earlier life of central says nothing about the present one.
    teller.greeted(ack("c2"));
    teller.acknowledged(4, ack("c1"));
    teller.greeted(ack("c2"));
    expect(sent.at(-1)?.data).toMatchObject({ all: true, set: { kernel: ["6.1", 2] } });
  });

  it("of programs under `facts:` come as those print them; a program that fails is told, and its facts keep their time", async () => {
    let output = '{"state":"ok","disks":{"failed":0},"members":["sda","sdb"],"spare":null}';
    const world = await settled(
      await createWorld({
        hosts: { ship1: new Host() },
        nodes: {
          ship1: { facts: { raid: { run: ["raid"], every: "1m" }, lines: { run: ["print", "a = 1\nb=x y"] } } },
        },
        programs: {
          raid: async ({ print }) => {
            if (output === "") return 1;
            print(output);
            return 0;
          },
        },
      }),
    );
    await world.advance(MINUTE);
    const alerts = () =>
      world
        .daemon("ship1")
        .operations.alerts()
        .map(({ text, state }) => `${state}: ${text}`)
        .join();
    const raid = { "raid.state": "ok", "raid.disks.failed": 0, "raid.members": ["sda", "sdb"] };
    expect(valuesOf(world)).toMatchObject({ ...raid, "lines.a": "1", "lines.b": "x y" });
    expect(valuesOf(world)).not.toHaveProperty("raid.spare");

    output = "";
    await world.advance(3 * MINUTE);
    await world.until(() => alerts().includes("the facts of raid cannot be read: exit code 1"), "it is told");
    expect(valuesOf(world)).toMatchObject(raid);
    output = "no json";
    await world.advance(3 * MINUTE);
    await world.until(() => alerts().includes('expected key=value, got "no json"'), "it is told");
    output = "state=degraded";
    await world.advance(3 * MINUTE);
    expect(valuesOf(world)).toMatchObject({ "raid.state": "degraded" });
    expect(valuesOf(world)).not.toHaveProperty("raid.members");
    await world.until(() => alerts().startsWith("over: "), "it is over");

    await world.reload("ship1", { facts: {} });
    await world.advance(MINUTE);
    expect(Object.keys(valuesOf(world)).filter((key) => /^(raid|lines)/.test(key))).toEqual([]);
    expect(world.host("ship1").runs.size).toBe(0);
  });
});

describe("a number that moves all the time", () => {
  const at = (percent: number, told?: number) => fullness({ used: percent, free: 100 - percent }, told);

  it("is told in steps, and a step back and forth at its edge is none", () => {
    expect([0, 4.9, 5, 42, 94.9, 95, 97.5, 100].map((percent) => at(percent))).toEqual([0, 0, 5, 40, 90, 95, 97, 100]);
    let told = at(44);
    const said = [told];
    for (let i = 0; i < 200; i++) {
      const next = at(45 + Math.sin(i), told);
      if (next !== told) said.push(next);
      told = next;
    }
    expect(said.length).toBeLessThanOrEqual(2);
  });

  it("never says that a full disk has room, nor hides a change of a whole step", () => {
    let told: number | undefined;
    for (const percent of [10, 17, 30, 96, 99, 100, 94, 92, 50, 49, 44, 43]) {
      told = at(percent, told);
      expect(Math.abs(told - percent)).toBeLessThanOrEqual(percent >= 95 ? 2 : 6);
    }
    expect(at(100, 97)).toBe(100);
  });

  it("of the boot moves with another boot, not with a clock that is set by some seconds", () => {
    const booted = bootTime(10_000_000, 5_000_000, undefined);
    expect(bootTime(10_030_000, 5_000_000, booted)).toBe(booted);
    expect(bootTime(20_000_000, 60_000, booted)).toBe(19_940_000);
  });
});
