import { describe, expect, it } from "vitest";
import { type PublisherEvent, publisherMachine } from "../../src/actors/publisher.ts";
import { startRoot, type Transition } from "../../src/actors/root.ts";
import { SimulatedClock } from "../harness/clock.ts";

const cause = "test";
const EVENTS: Record<PublisherEvent["type"], PublisherEvent> = {
  work: { type: "work" },
  drained: { type: "drained" },
  progress: { type: "progress" },
  noAck: { type: "noAck", cause },
  nodeAway: { type: "nodeAway", cause },
  noCredit: { type: "noCredit", cause },
  pause: { type: "pause", cause },
  resume: { type: "resume", cause },
};
type Type = keyof typeof EVENTS;

function start(chance = 0): {
  clock: SimulatedClock;
  effects: string[];
  transitions: Transition[];
  send: (...types: Type[]) => void;
  now: () => { value: string; attempt: number; reason: string };
  stop: () => void;
} {
  const clock = new SimulatedClock();
  const effects: string[] = [];
  const transitions: Transition[] = [];
  const actor = startRoot(publisherMachine, {
    actor: "ship1.command.m.d",
    role: "publisher",
    clock,
    inspector: {
      transition: (transition) => void transitions.push(transition),
      failed: (_a, _r, error) => expect.fail(String(error)),
    },
    input: {
      backoff: { min: 1000, max: 10_000, factor: 2 },
      open: (open) => void effects.push(open ? "pump" : "hold"),
      random: { next: () => chance, bytes: (length) => new Uint8Array(length) },
    },
  });
  return {
    clock,
    effects,
    transitions,
    send: (...types) => {
      for (const type of types) actor.send(EVENTS[type]);
    },
    now: () => {
      const { value, context } = actor.getSnapshot();
      return { value: value as string, attempt: context.attempt, reason: context.reason };
    },
    stop: () => void actor.stop(),
  };
}

const WAYS: Record<string, Type[]> = { idle: [], working: ["work"], backingOff: ["work", "noAck"], paused: ["pause"] };
/** What changes a state, and what is done; everything else leaves it as it is and does nothing. */
const CHANGES: Record<string, Partial<Record<Type, [to: string, ...effects: string[]]>>> = {
  idle: {
    work: ["working", "pump"],
    noAck: ["backingOff", "hold"],
    nodeAway: ["backingOff", "hold"],
    noCredit: ["backingOff", "hold"],
    pause: ["paused", "hold"],
  },
  working: {
    progress: ["working", "pump"],
    drained: ["idle", "pump"],
    noAck: ["backingOff", "hold"],
    nodeAway: ["backingOff", "hold"],
    noCredit: ["backingOff", "hold"],
    pause: ["paused", "hold"],
  },
  backingOff: {
    progress: ["working", "pump"],
    resume: ["working", "pump"],
    drained: ["idle", "pump"],
    pause: ["paused", "hold"],
  },
  paused: { resume: ["working", "pump"], pause: ["paused", "hold"] },
};

describe("the publisher", () => {
  const table = Object.keys(WAYS).flatMap((from) =>
    (Object.keys(EVENTS) as Type[]).map((type): [string, Type, string] => [
      from,
      type,
      CHANGES[from]?.[type]?.[0] ?? from,
    ]),
  );
  it.each(table)("%s, %s → %s", (from, type, to) => {
    const publisher = start();
    publisher.send(...(WAYS[from] ?? []));
    expect(publisher.now().value).toBe(from);
    publisher.effects.length = 0;
    publisher.send(type);
    expect(publisher.now().value).toBe(to);
    expect(publisher.effects).toEqual(CHANGES[from]?.[type]?.slice(1) ?? []);
  });

  it("waits longer each time nothing moves, up to a limit, and tries again by itself", async () => {
    const publisher = start();
    publisher.send("work");
    const waits: number[] = [];
    for (let i = 0; i < 6; i++) {
      publisher.send("noAck");
      const began = publisher.clock.monotonic();
      while (publisher.now().value === "backingOff") await publisher.clock.advance(500);
      waits.push(publisher.clock.monotonic() - began);
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  it("leaves the upper half of the wait to chance, so that many do not come back at once", async () => {
    for (const [chance, wait] of [
      [1, 500],
      [0.5, 750],
      [0, 1000],
    ] as const) {
      const publisher = start(chance);
      publisher.send("work", "noAck");
      await publisher.clock.advance(wait - 1);
      expect(publisher.now().value).toBe("backingOff");
      await publisher.clock.advance(1);
      expect(publisher.now().value).toBe("working");
    }
  });

  it("begins with the shortest wait again after progress", async () => {
    const publisher = start();
    publisher.send("work", "noAck", "progress");
    expect(publisher.now()).toEqual({ value: "working", attempt: 0, reason: "" });
    publisher.send("noAck");
    expect(publisher.now().attempt).toBe(1);
    await publisher.clock.advance(1000);
    expect(publisher.now().value).toBe("working");
  });

  it("says why nothing moves, as long as nothing does", async () => {
    const publisher = start();
    publisher.send("work");
    expect(publisher.now().reason).toBe("");
    publisher.send("nodeAway");
    expect(publisher.now().reason).toBe(cause);
    await publisher.clock.advance(1000);
    expect(publisher.now()).toEqual({ value: "working", attempt: 1, reason: "" });
    publisher.send("pause");
    expect(publisher.now().reason).toBe(cause);
    publisher.send("resume");
    expect(publisher.now()).toEqual({ value: "working", attempt: 0, reason: "" });
  });

  it("does not wake by itself while it is paused", async () => {
    const publisher = start();
    publisher.send("work", "noAck", "pause");
    expect(publisher.clock.armed).toBe(0);
    await publisher.clock.advance(3_600_000);
    publisher.send("work", "progress", "drained");
    expect(publisher.now().value).toBe("paused");
    expect(publisher.transitions.at(-1)).toMatchObject({ from: "backingOff", to: "paused", cause });
  });

  it("leaves no timer behind when it is stopped in its backoff", () => {
    const publisher = start();
    publisher.send("work", "noAck");
    expect(publisher.clock.armed).toBe(1);
    publisher.stop();
    expect(publisher.clock.armed).toBe(0);
  });
});
