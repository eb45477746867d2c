import fc from "fast-check";
import { expect, test } from "vitest";
import { createActor } from "xstate";
import { type NodeEvent, nodeMachine } from "../../src/actors/node.ts";
import { NodeState } from "../../src/actors/node-state.ts";

const PLAIN = [
  "alive",
  "agreed",
  "late",
  "silent",
  "bye",
  "absent",
  "busy",
  "idle",
  "accept",
  "revoke",
] as const satisfies readonly NodeEvent["type"][];

const event: fc.Arbitrary<Omit<NodeEvent, "at">> = fc.oneof(
  fc.record({ type: fc.constantFrom(...PLAIN), cause: fc.string() }),
  fc.record({
    type: fc.constant("hello" as const),
    cause: fc.string(),
    storage: fc.constantFrom("ok" as const, "low" as const, "full" as const),
    anew: fc.boolean(),
  }),
);

test("a remembered decision is that of an actor, whatever came before it", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const actor = createActor(nodeMachine, { input: { name: "ship1", at: 0 } });
      actor.start();
      let state = NodeState.first;
      let context: { linkSince: number; linkCause: string } = { linkSince: 0, linkCause: "never heard of it" };
      events.forEach((each, i) => {
        const next = { ...each, at: i + 1 } as NodeEvent;
        const before = state.value;
        const { to, changed, isReason } = state.after(next);
        state = to;
        if (isReason) context = { linkSince: next.at, linkCause: next.cause };
        actor.send(next);
        const { value, context: wanted } = actor.getSnapshot();
        expect(state.value).toEqual(value);
        expect(changed).toEqual(
          (Object.keys(value) as (keyof typeof value)[]).filter((region) => value[region] !== before[region]),
        );
        expect(context).toEqual({ linkSince: wanted.linkSince, linkCause: wanted.linkCause });
      });
      actor.stop();
    }),
  );
});

test("all nodes in one state share it", () => {
  const heard: NodeEvent = { type: "alive", at: 1, cause: "an ACK" };
  const { to } = NodeState.first.after(heard);
  expect(NodeState.of({ ...to.value })).toBe(to);
});
