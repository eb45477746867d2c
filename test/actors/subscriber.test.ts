import { describe, expect, it } from "vitest";
import { startRoot } from "../../src/actors/root.ts";
import { type SubscriberEvent, subscriberMachine } from "../../src/actors/subscriber.ts";
import { SimulatedClock } from "../harness/clock.ts";

describe("the subscriber", () => {
  const table: [SubscriberEvent["type"][], string][] = [
    [[], "idle"],
    [["work"], "working"],
    [["work", "work"], "working"],
    [["work", "drained"], "idle"],
    [["drained"], "idle"],
    [["work", "drained", "work"], "working"],
  ];
  it.each(table)("after %j is %s", (events, state) => {
    const actor = startRoot(subscriberMachine, {
      actor: "ship1.command.m.d",
      role: "subscriber",
      clock: new SimulatedClock(),
      inspector: { transition: () => undefined, failed: (_a, _r, error) => expect.fail(String(error)) },
    });
    for (const type of events) actor.send({ type });
    expect(actor.getSnapshot().value).toBe(state);
  });
});
