import { describe, expect, it } from "vitest";
import { assign, setup } from "xstate";
import { nodeMachine } from "../../src/actors/node.ts";
import { type Inspector, startRoot, type Transition } from "../../src/actors/root.ts";
import { SimulatedClock } from "../harness/clock.ts";

type Event = { type: "go"; cause?: string } | { type: "stay" } | { type: "break" } | { type: "again" };

const machine = setup({
  types: { context: {} as { count: number }, events: {} as Event, input: {} as { count: number } },
  actions: {
    count: assign({ count: ({ context }) => context.count + 1 }),
    break: () => {
      throw new Error("a defect");
    },
  },
}).createMachine({
  id: "test",
  context: ({ input }) => ({ count: input.count }),
  initial: "here",
  states: {
    here: { on: { go: "there", stay: { actions: "count" }, break: { actions: "break" } }, after: { 5000: "there" } },
    there: { on: { go: "here", again: { target: "there", reenter: true } } },
  },
});

function start(snapshot?: unknown): {
  clock: SimulatedClock;
  transitions: Transition[];
  failures: unknown[][];
  actor: ReturnType<typeof startRoot<typeof machine>>;
} {
  const transitions: Transition[] = [];
  const failures: unknown[][] = [];
  const inspector: Inspector = {
    transition: (transition) => void transitions.push(transition),
    failed: (...failure) => void failures.push(failure),
  };
  const clock = new SimulatedClock();
  const options = { actor: "one", role: "test", clock, inspector, input: { count: 3 } };
  const actor = startRoot(machine, snapshot === undefined ? options : { ...options, snapshot: snapshot as never });
  return { clock, transitions, failures, actor };
}

describe("a root actor", () => {
  it("reports each change of state with its event and cause, and nothing that changes no state", () => {
    const { transitions, actor } = start();
    actor.send({ type: "stay" });
    actor.send({ type: "go", cause: "because" });
    actor.send({ type: "again" });
    actor.send({ type: "stay" });
    actor.send({ type: "go" });
    expect(transitions).toEqual([
      { actor: "one", role: "test", event: "xstate.init", from: "", to: "here", cause: "" },
      { actor: "one", role: "test", event: "go", from: "here", to: "there", cause: "because" },
      { actor: "one", role: "test", event: "go", from: "there", to: "here", cause: "" },
    ]);
    expect(actor.getSnapshot().context.count).toBe(4);
  });

  it("takes its delays from the daemon's clock, and leaves no timer behind when it is stopped", async () => {
    const { clock, transitions, actor } = start();
    await clock.advance(4999);
    expect(actor.getSnapshot().value).toBe("here");
    await clock.advance(1);
    expect(actor.getSnapshot().value).toBe("there");
    expect(transitions.at(-1)?.event).toContain("after");
    actor.send({ type: "go" });
    expect(clock.armed).toBe(1);
    actor.stop();
    expect(clock.armed).toBe(0);
  });

  it("that throws is reported as a defect, and ends no one else", async () => {
    const { failures, actor } = start();
    const other = start();
    actor.send({ type: "break" });
    await new Promise((resolve) => setImmediate(resolve));
    expect(failures).toEqual([["one", "test", expect.objectContaining({ message: "a defect" })]]);
    expect(actor.getSnapshot().status).toBe("error");
    other.actor.send({ type: "go" });
    expect(other.actor.getSnapshot().value).toBe("there");
  });

  it("goes on from a snapshot that went through JSON", () => {
    const first = start();
    first.actor.send({ type: "stay" });
    first.actor.send({ type: "go" });
    const second = start(JSON.parse(JSON.stringify(first.actor.getPersistedSnapshot())));
    expect(second.actor.getSnapshot()).toMatchObject({ value: "there", context: { count: 4 } });
    second.actor.send({ type: "go" });
    expect(second.actor.getSnapshot().value).toBe("here");
  });
});

describe("a root actor with regions", () => {
  it("reports each region that changed, and only these", () => {
    const transitions: Transition[] = [];
    const actor = startRoot(nodeMachine, {
      actor: "ship1",
      role: "node",
      clock: new SimulatedClock(),
      inspector: { transition: (transition) => void transitions.push(transition), failed: () => undefined },
      input: { name: "ship1", at: 1 },
    });
    expect(transitions.map(({ to }) => to)).toEqual([
      "link.neverSeen",
      "session.none",
      "work.idle",
      "trust.pending",
      "storage.ok",
    ]);
    transitions.length = 0;
    actor.send({ type: "alive", at: 2, cause: "a frame" });
    const common = { actor: "ship1", role: "node", event: "alive", cause: "a frame" };
    expect(transitions).toEqual([
      { ...common, from: "link.neverSeen", to: "link.online" },
      { ...common, from: "session.none", to: "session.resyncing" },
    ]);
  });
});
