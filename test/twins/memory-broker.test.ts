import { describe, expect, it, onTestFinished } from "vitest";
import { bytes, collect, reaches, text, transportContract } from "../contract/transport.ts";
import { SimulatedClock } from "../harness/clock.ts";
import { seededRandom } from "../harness/random.ts";
import { MemoryBroker, type MemoryLink } from "./memory-broker.ts";
import { SubjectTree } from "./subject-tree.ts";

transportContract("MemoryBroker", async () => {
  const broker = new MemoryBroker({ clock: new SimulatedClock(), random: seededRandom(1) });
  return {
    connect: (name) => broker.connect(name),
    brokerDies: async () => broker.down(),
    brokerReturns: async () => broker.up(),
  };
});

describe("MemoryBroker", () => {
  async function world(): Promise<{ broker: MemoryBroker; clock: SimulatedClock; a: MemoryLink; b: MemoryLink }> {
    const clock = new SimulatedClock();
    const broker = new MemoryBroker({ clock, random: seededRandom(7) });
    const [a, b] = [broker.connect("a"), broker.connect("b")];
    onTestFinished(async () => {
      await Promise.all([a.close(), b.close()]);
    });
    await Promise.all([reaches(a, "connected"), reaches(b, "connected")]);
    return { broker, clock, a, b };
  }

  it("hands over copies: neither sender nor receiver can change what the other has", async () => {
    const { clock, a, b } = await world();
    const [one, two] = [collect(b, "x"), collect(b, "x")];
    const payload = bytes("before");
    a.publish("x", payload);
    payload.fill(0);
    await clock.advance(0);
    one.all[0]?.payload.fill(0);
    expect(text(two.all[0])).toBe("before");
  });

  it("cuts one link alone, and loses what was on its way to it", async () => {
    const { broker, clock, a, b } = await world();
    const inbox = collect(b, "x");
    b.setFaults({ in: { delay: 100 } });
    a.publish("x", bytes("lost"));
    await clock.advance(50);
    b.disconnect();
    expect(b.status()).toEqual({ state: "disconnected", fault: "the connection was cut" });
    broker.up();
    b.reconnect();
    await clock.advance(1_000);
    a.publish("x", bytes("arrives"));
    await clock.advance(1_000);
    expect(inbox.all.map(text)).toEqual(["arrives"]);
    expect(a.status().state).toBe("connected");
  });

  it("does not bring back a link that was cut for itself when the broker returns", async () => {
    const { broker, clock, a, b } = await world();
    b.disconnect();
    broker.down();
    broker.up();
    await clock.advance(0);
    expect([a.status().state, b.status().state]).toEqual(["connected", "disconnected"]);
  });

  it("rejects a flush when the connection is lost before it is answered", async () => {
    const { broker, a } = await world();
    const flushed = a.flush();
    broker.down();
    await expect(flushed).rejects.toMatchObject({ code: "broker-unreachable" });
  });

  it("makes a half-open link in one direction", async () => {
    const { clock, a, b } = await world();
    const [atA, atB] = [collect(a, "a"), collect(b, "b")];
    a.setFaults({ out: { drop: 1 } });
    expect(a.publish("b", bytes("vanishes"))).toBe(true);
    b.publish("a", bytes("arrives"));
    await clock.advance(0);
    expect([atA.all.length, atB.all.length]).toEqual([1, 0]);
  });

  it("loses, repeats, damages and reorders by the given shares, the same for the same seed", async () => {
    const run = async (): Promise<string[]> => {
      const { clock, a, b } = await world();
      const inbox = collect(b, "x");
      a.setFaults({ out: { drop: 0.1, duplicate: 0.3, flip: 0.01, delay: 5, reorder: { share: 0.5, within: 50 } } });
      for (let i = 0; i < 1_000; i++) a.publish("x", bytes(`n${i}`));
      await clock.advance(100);
      return inbox.all.map(text);
    };
    const [one, two] = [await run(), await run()];
    expect(one).toEqual(two);
    const sent = Array.from({ length: 1_000 }, (_, i) => `n${i}`);
    const distinct = new Set(one.filter((line) => sent.includes(line)));
    expect(distinct.size).toBeGreaterThan(850);
    expect(distinct.size).toBeLessThan(930);
    expect(one.length - new Set(one).size).toBeGreaterThan(200);
    expect(one.some((line) => !sent.includes(line))).toBe(true);
    expect(one).not.toEqual([...one].sort((x, y) => sent.indexOf(x) - sent.indexOf(y)));
  });

  it("refuses single subjects and says so, while the link goes on", async () => {
    const { clock, a, b } = await world();
    const inbox = collect(b, "allowed");
    const refusals: unknown[] = [];
    a.onRefusal((refusal) => void refusals.push(refusal));
    a.refuse({ operation: "publish", subject: "forbidden" });
    a.publish("forbidden", bytes("1"));
    a.publish("allowed", bytes("2"));
    await clock.advance(0);
    expect(refusals).toEqual([{ operation: "publish", subject: "forbidden" }]);
    expect(inbox.all.map(text)).toEqual(["2"]);
  });
});

describe("SubjectTree", () => {
  it("forgets a pattern that was removed and keeps its neighbours", () => {
    const tree = new SubjectTree<string>();
    tree.add("a.b.c", "exact");
    tree.add("a.*.c", "star");
    tree.add("a.>", "rest");
    expect(tree.match("a.b.c").sort()).toEqual(["exact", "rest", "star"]);
    tree.remove("a.b.c", "exact");
    tree.remove("never.added", "exact");
    expect(tree.match("a.b.c").sort()).toEqual(["rest", "star"]);
    expect(tree.match("a")).toEqual([]);
  });
});
