import { describe, expect, it } from "vitest";
import { startRoot } from "../../src/actors/root.ts";
import { type SubscriberEvent, subscriberMachine } from "../../src/actors/subscriber.ts";
import { SimulatedClock } from "../harness/clock.ts";

type Type = SubscriberEvent["type"];

function start(): { effects: string[]; send: (...types: Type[]) => void; now: () => string } {
  const effects: string[] = [];
  const machine = subscriberMachine.provide({
    actions: { halt: () => void effects.push("halt"), proceed: () => void effects.push("proceed") },
  });
  const actor = startRoot(machine, {
    actor: "ship1.command.m.d",
    role: "subscriber",
    clock: new SimulatedClock(),
    inspector: { transition: () => undefined, failed: (_a, _r, error) => expect.fail(String(error)) },
    input: { subject: "ship1.command.m.d", concurrency: 1 },
  });
  return {
    effects,
    send: (...types) => {
      for (const type of types) actor.send(type === "pause" || type === "resume" ? { type, cause: "test" } : { type });
    },
    now: () => actor.getSnapshot().value,
  };
}

describe("the subscriber", () => {
  const table: [Type[], string, string[]][] = [
    [[], "idle", []],
    [["work"], "working", []],
    [["work", "work"], "working", []],
    [["work", "drained"], "idle", []],
    [["drained"], "idle", []],
    [["resume"], "idle", []],
    [["pause"], "paused", ["halt"]],
    [["pause", "resume"], "idle", ["halt", "proceed"]],
    [["work", "pause"], "paused", ["halt"]],
    [["work", "pause", "resume"], "working", ["halt", "proceed"]],
    [["work", "pause", "drained", "resume"], "idle", ["halt", "proceed"]],
    [["pause", "work", "resume"], "working", ["halt", "proceed"]],
    [["pause", "work", "drained", "resume"], "idle", ["halt", "proceed"]],
    [["work", "pause", "drained", "work", "resume", "drained"], "idle", ["halt", "proceed"]],
    [["work", "pause", "resume", "pause", "resume"], "working", ["halt", "proceed", "halt", "proceed"]],
  ];
  it.each(table)("after %j is %s, having done %j", (events, state, effects) => {
    const subscriber = start();
    subscriber.send(...events);
    expect(subscriber.now()).toBe(state);
    expect(subscriber.effects).toEqual(effects);
  });

  it("lets its queue go on no sooner than it is told, however often it is paused", () => {
    const subscriber = start();
    subscriber.send("work", "pause", "pause");
    expect(subscriber.now()).toBe("paused");
    // Never more than one step ahead, and the queue stands still at the end.
    expect(subscriber.effects.at(-1)).toBe("halt");
    subscriber.send("resume");
    expect([subscriber.now(), subscriber.effects.at(-1)]).toEqual(["working", "proceed"]);
  });
});
