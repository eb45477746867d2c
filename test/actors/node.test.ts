import { describe, expect, it } from "vitest";
import { type NodeEvent, nodeMachine, type Region } from "../../src/actors/node.ts";
import { startRoot } from "../../src/actors/root.ts";
import { SimulatedClock } from "../harness/clock.ts";

type Regions = Record<Region, string>;
type Type = NodeEvent["type"];

const FIRST: Regions = { link: "neverSeen", session: "none", work: "idle", trust: "pending", storage: "ok" };

function start(snapshot?: unknown): {
  send: (type: Type, more?: { at?: number; cause?: string; storage?: "ok" | "low" | "full"; anew?: boolean }) => void;
  now: () => Regions;
  actor: ReturnType<typeof startRoot<typeof nodeMachine>>;
  clock: SimulatedClock;
} {
  const clock = new SimulatedClock();
  const options = {
    actor: "ship1",
    role: "node",
    clock,
    inspector: {
      transition: () => undefined,
      failed: (_: string, __: string, error: unknown) => expect.fail(String(error)),
    },
    input: { name: "ship1", at: 100 },
  };
  const actor = startRoot(nodeMachine, snapshot === undefined ? options : { ...options, snapshot: snapshot as never });
  return {
    actor,
    clock,
    send: (type, { at = 200, cause = "test", storage = "ok", anew = false } = {}) =>
      actor.send(type === "hello" ? { type, at, cause, storage, anew } : { type, at, cause }),
    now: () => actor.getSnapshot().value as Regions,
  };
}

const region = (name: Region, events: Type[]): string => {
  const node = start();
  for (const type of events) node.send(type);
  return node.now()[name];
};

/** The events that lead to a state, and what each further event makes of it. */
function tableOf(
  name: Region,
  ways: Record<string, Type[]>,
  changes: Record<string, Partial<Record<Type, string>>>,
): [string, Type, string, Type[]][] {
  const types: Type[] = [
    "alive",
    "hello",
    "late",
    "silent",
    "bye",
    "absent",
    "busy",
    "idle",
    "accept",
    "revoke",
    "agreed",
  ];
  return Object.entries(ways).flatMap(([state, way]) => {
    expect(region(name, way)).toBe(state);
    return types.map((type): [string, Type, string, Type[]] => [state, type, changes[state]?.[type] ?? state, way]);
  });
}

describe("the link of a node", () => {
  it.each(
    tableOf(
      "link",
      { neverSeen: [], online: ["alive"], late: ["alive", "late"], offline: ["alive", "silent"] },
      {
        neverSeen: { alive: "online", hello: "online", bye: "offline" },
        online: { late: "late", absent: "late", silent: "offline", bye: "offline" },
        late: { alive: "online", hello: "online", silent: "offline", bye: "offline" },
        offline: { alive: "online", hello: "online" },
      },
    ),
  )("%s, %s → %s", (_from, type, to, way) => {
    expect(region("link", [...way, type])).toBe(to);
  });

  it("says since when and why, as of its last change and no later", () => {
    const node = start();
    const linked = (): unknown => {
      const { linkSince, linkCause } = node.actor.getSnapshot().context;
      return [linkSince, linkCause];
    };
    expect(linked()).toEqual([100, "never heard of it"]);
    node.send("hello", { at: 300, cause: "hello" });
    expect(linked()).toEqual([300, "hello"]);
    node.send("hello", { at: 400, cause: "another" });
    node.send("alive", { at: 400, cause: "a frame" });
    node.send("busy", { at: 400, cause: "1 running" });
    node.send("accept", { at: 400, cause: "verified" });
    expect(linked()).toEqual([300, "hello"]);
    node.send("silent", { at: 500, cause: "no sign of life" });
    expect(linked()).toEqual([500, "no sign of life"]);
  });
});

describe("the session with a node", () => {
  it.each(
    tableOf(
      "session",
      { none: [], resyncing: ["alive"], live: ["alive", "agreed"] },
      {
        none: { alive: "resyncing", hello: "resyncing" },
        resyncing: { agreed: "live", bye: "none", silent: "none" },
        live: { bye: "none", silent: "none" },
      },
    ),
  )("%s, %s → %s", (_from, type, to, way) => {
    expect(region("session", [...way, type])).toBe(to);
  });

  it("begins anew when its daemon or its journal is another one", () => {
    const node = start();
    node.send("hello");
    node.send("agreed");
    node.send("hello", { anew: true });
    expect(node.now().session).toBe("resyncing");
  });
});

describe("the work of a node", () => {
  it.each(tableOf("work", { idle: [], busy: ["busy"] }, { idle: { busy: "busy" }, busy: { idle: "idle" } }))(
    "%s, %s → %s",
    (_from, type, to, way) => {
      expect(region("work", [...way, type])).toBe(to);
    },
  );
});

describe("the trust in a node", () => {
  it.each(
    tableOf(
      "trust",
      { pending: [], accepted: ["accept"], revoked: ["accept", "revoke"] },
      {
        pending: { accept: "accepted", revoke: "revoked" },
        accepted: { revoke: "revoked" },
        revoked: { accept: "accepted" },
      },
    ),
  )("%s, %s → %s", (_from, type, to, way) => {
    expect(region("trust", [...way, type])).toBe(to);
  });
});

describe("the storage of a node", () => {
  const levels = ["ok", "low", "full"] as const;
  it.each(levels.flatMap((from) => levels.map((to): [string, string] => [from, to])))(
    "%s, a hello that says %s",
    (from, to) => {
      const node = start();
      node.send("hello", { storage: from as "ok" });
      expect(node.now().storage).toBe(from);
      node.send("hello", { storage: to as "ok" });
      expect(node.now().storage).toBe(to);
      for (const type of ["alive", "late", "silent", "bye", "busy", "accept"] as const) node.send(type);
      expect(node.now().storage).toBe(to);
    },
  );
});

describe("the regions of a node", () => {
  it("begin as nothing is known", () => {
    expect(start().now()).toEqual(FIRST);
  });

  it("change independently of each other", () => {
    const node = start();
    node.send("hello", { storage: "low" });
    node.send("busy");
    node.send("agreed");
    node.send("accept");
    node.send("late");
    expect(node.now()).toEqual({ link: "late", session: "live", work: "busy", trust: "accepted", storage: "low" });
    node.send("bye");
    expect(node.now()).toEqual({ link: "offline", session: "none", work: "busy", trust: "accepted", storage: "low" });
  });

  it("come back from a snapshot that went through JSON, in every one of their states, without a timer", () => {
    const lives: Type[][] = [
      [],
      ["alive"],
      ["hello", "busy", "accept"],
      ["hello", "late"],
      ["hello", "silent", "revoke"],
      ["bye"],
    ];
    for (const life of lives) {
      const before = start();
      for (const type of life) before.send(type, { at: 777, storage: "full" });
      const after = start(JSON.parse(JSON.stringify(before.actor.getPersistedSnapshot())));
      expect(after.now()).toEqual(before.now());
      expect(after.actor.getSnapshot().context).toEqual(before.actor.getSnapshot().context);
      expect(after.clock.armed).toBe(0);
      after.send("alive");
      expect(after.now().link).toBe("online");
    }
  });
});
