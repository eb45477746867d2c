import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Assertion,
  fold,
  isFinal,
  isFinalState,
  type Life,
  STATES,
  type State,
} from "../../src/message/lifecycle.ts";

const ORIGIN = "central";
const NODE = "ship1";
const states = Object.keys(STATES) as State[];

const origin = (state: State, at: number, reason?: string): Assertion => ({
  state,
  at,
  by: ORIGIN,
  ...(reason ? { reason } : {}),
});
const node = (state: State, at: number, reason?: string): Assertion => ({
  state,
  at,
  by: NODE,
  ...(reason ? { reason } : {}),
});

function lifeOf(assertions: readonly Assertion[], start?: Life): Life {
  let life = start;
  for (const assertion of assertions) life = fold(life, assertion, ORIGIN);
  if (life === undefined) throw new Error("nothing was asserted");
  return life;
}

/** Few times and reasons, so that ties are common; a second node, as a clone would be. */
const assertion: fc.Arbitrary<Assertion> = fc.record(
  {
    state: fc.constantFrom(...states),
    at: fc.integer({ min: 0, max: 3 }),
    by: fc.constantFrom(ORIGIN, NODE, "clone"),
    reason: fc.constantFrom("a", "b"),
  },
  { requiredKeys: ["state", "at", "by"] },
);

describe("the fold", () => {
  it("ends in the same life for any order of the same assertions", () => {
    const orders = fc
      .array(assertion, { minLength: 1, maxLength: 8 })
      .chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })));
    fc.assert(
      fc.property(orders, ([all, shuffled]) => {
        expect(lifeOf(shuffled)).toEqual(lifeOf(all));
      }),
      { numRuns: 5000 },
    );
  });

  it("ends in the same life for any repetition of the same assertions", () => {
    const repeated = fc
      .array(assertion, { minLength: 1, maxLength: 6 })
      .chain((all) => fc.tuple(fc.constant(all), fc.array(fc.constantFrom(...all), { maxLength: 10 })));
    fc.assert(
      fc.property(repeated, ([all, more]) => {
        const life = lifeOf(all);
        const again = lifeOf(more, life);
        expect(again).toEqual(life);
      }),
      { numRuns: 5000 },
    );
  });

  it("gives back the very same object when nothing is new, so that a caller sees that nothing changed", () => {
    fc.assert(
      fc.property(fc.array(assertion, { minLength: 1, maxLength: 8 }), (all) => {
        const life = lifeOf(all);
        for (const known of life.history) expect(fold(life, { ...known }, ORIGIN)).toBe(life);
      }),
    );
  });

  it("keeps a message that is final for its node final, whatever comes later", () => {
    fc.assert(
      fc.property(
        fc.array(assertion, { minLength: 1, maxLength: 8 }),
        fc.array(assertion, { maxLength: 8 }),
        (before, after) => {
          const life = lifeOf(before);
          if (isFinalState(life.state)) expect(isFinalState(lifeOf(after, life).state)).toBe(true);
        },
      ),
    );
  });

  it("never changes a node's final state by anything that was said later", () => {
    const later = assertion.map((said) => ({ ...said, at: said.at + 10 }));
    const final = fc.constantFrom(...states.filter(isFinalState));
    fc.assert(
      fc.property(final, fc.array(later, { maxLength: 8 }), (state, more) => {
        expect(lifeOf([node(state, 5), ...more]).state).toBe(state);
      }),
    );
  });

  it("names each fact once in its history, in the order of the road", () => {
    fc.assert(
      fc.property(fc.array(assertion, { minLength: 1, maxLength: 8 }), (all) => {
        const { history } = lifeOf(all);
        expect(new Set(history.map((said) => `${said.state} ${said.by}`)).size).toBe(history.length);
        const ranks = history.map((said) => STATES[said.state].rank);
        expect(ranks).toEqual([...ranks].sort((a, b) => a - b));
        expect(history.filter((said) => isFinalState(said.state)).length).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe("a message's state", () => {
  it.each<[string, Assertion[], State]>([
    ["the furthest that was said", [origin("queued", 1), node("received", 3), origin("sent", 2)], "received"],
    ["running although received arrives after it", [node("running", 4), node("received", 3)], "running"],
    [
      "unknown when contact was lost after received",
      [origin("queued", 1), node("received", 3), origin("unknown", 9)],
      "unknown",
    ],
    [
      "what the node says once contact is back",
      [node("received", 3), origin("unknown", 9), node("running", 12)],
      "running",
    ],
    ["unknown when the node's word is older than the loss", [origin("unknown", 9), node("running", 5)], "unknown"],
    [
      "unknown again when contact is lost again",
      [node("received", 3), origin("unknown", 9), node("running", 12), origin("unknown", 20)],
      "unknown",
    ],
    [
      "a late outcome, though contact was lost",
      [node("received", 3), origin("unknown", 9), node("succeeded", 5)],
      "succeeded",
    ],
    [
      "the node's outcome, though the origin had given it up before",
      [origin("expired", 2), node("succeeded", 5)],
      "succeeded",
    ],
    [
      "the node's outcome, though the origin gave it up afterwards",
      [node("failed", 5), origin("cancelled", 1)],
      "failed",
    ],
    ["the origin's word when the node never had it", [origin("queued", 1), origin("expired", 9)], "expired"],
    [
      "the outcome on the origin itself",
      [origin("received", 1), origin("running", 2), origin("succeeded", 3)],
      "succeeded",
    ],
    [
      "running on, when the node's clock was set back in between",
      [node("received", 100), node("running", 7)],
      "running",
    ],
    [
      "what runs, when the node's clock was set back and contact is back",
      [node("received", 100), origin("unknown", 50), node("running", 7)],
      "running",
    ],
  ])("is %s", (_, said, state) => {
    expect(lifeOf(said).state).toBe(state);
    expect(lifeOf([...said].reverse()).state).toBe(state);
  });

  it("keeps the first of two outcomes of the node and shows the second as a conflict", () => {
    const life = lifeOf([node("failed", 7), node("succeeded", 5), node("timedOut", 9)]);
    expect(life).toEqual({ state: "succeeded", history: [node("succeeded", 5)], conflict: node("failed", 7) });
  });

  it("is no conflict when the origin gave up and the node had run it", () => {
    expect(lifeOf([origin("expired", 1), origin("cancelled", 2)]).conflict).toEqual(origin("cancelled", 2));
    expect(lifeOf([origin("expired", 1), origin("cancelled", 2), node("succeeded", 5)])).not.toHaveProperty("conflict");
  });

  it("keeps the earliest word of a state, and the latest where it may come again", () => {
    const said = [
      node("running", 5, "second"),
      node("running", 4, "first"),
      origin("sent", 1, "attempt 1"),
      origin("sent", 2, "attempt 2"),
    ];
    expect(lifeOf(said).history).toEqual([origin("sent", 2, "attempt 2"), node("running", 4, "first")]);
    expect(lifeOf([origin("held", 1, "schedule"), origin("held", 2, "maintenance")]).history).toEqual([
      origin("held", 2, "maintenance"),
    ]);
  });
});

describe("finality", () => {
  it("ends an event's road when its receiver has it, and a command's only with an outcome", () => {
    expect(isFinal("event", "received")).toBe(true);
    expect(isFinal("command", "received")).toBe(false);
    for (const state of ["held", "queued", "sent", "unknown"] as const) {
      expect(isFinal("event", state)).toBe(false);
      expect(isFinal("command", state)).toBe(false);
    }
    for (const state of states.filter(isFinalState)) {
      expect(isFinal("event", state)).toBe(true);
      expect(isFinal("command", state)).toBe(true);
    }
  });

  it("is the node's to say: every end that the origin gave gives way to every end of the node, in either order", () => {
    const finals = states.filter(isFinalState);
    expect(finals.length).toBeGreaterThan(1);
    for (const guessed of finals) {
      for (const state of finals) {
        for (const at of [1, 9]) {
          const said = [origin(guessed, 5), node(state, at)];
          expect(lifeOf(said)).toEqual({ state, history: [node(state, at)] });
          expect(lifeOf(said.reverse())).toEqual({ state, history: [node(state, at)] });
        }
      }
    }
  });
});
