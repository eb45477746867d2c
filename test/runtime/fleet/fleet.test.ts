import { describe, expect, it, onTestFinished } from "vitest";
import type { LinkProfile } from "../../../src/config/config.ts";
import { type Journal, openJournal } from "../../../src/journal/journal.ts";
import type { Hello } from "../../../src/methods/hello.ts";
import { Fleet } from "../../../src/runtime/fleet/fleet.ts";
import type { NodeChange } from "../../../src/runtime/fleet/known-node.ts";
import { ackOf, message, sendAll } from "../../contract/journal.ts";
import { memoryHost } from "../../contract/store.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { seededRandom } from "../../harness/random.ts";

const START = Date.UTC(2030, 0, 1);
const HELLO = 10_000;
const LATE = 25_000;
const OFFLINE = 45_000;
/** A deadline is noticed within that time, ms. */
const SLOT = 1000;
const profile: LinkProfile = {
  name: "lan",
  hello: HELLO,
  late: LATE,
  offline: OFFLINE,
  ping: 1,
  ackTimeout: 1,
  frameBytes: 1,
  windowBytes: 1,
  framesInFlight: 1,
  compressFrom: null,
};

function helloOf(clock: SimulatedClock, more: Partial<Hello> = {}): Hello {
  return {
    version: "1.0.0",
    epoch: "e1",
    life: "l1",
    startedAt: 5,
    now: clock.now(),
    storage: "ok",
    methods: ["ping"],
    every: HELLO,
    ...more,
  };
}

class Station {
  readonly clock = new SimulatedClock(START);
  readonly changes: NodeChange[] = [];
  readonly #host = memoryHost();
  readonly #self: string;
  journal: Journal;
  fleet: Fleet;

  constructor(self = "central") {
    this.#self = self;
    this.journal = this.#openJournal();
    this.fleet = this.#open();
    onTestFinished(async () => {
      this.fleet.stop();
      expect(this.clock.armed).toBe(0);
    });
  }

  #openJournal(): Journal {
    return openJournal(this.#host.open(), {
      node: this.#self,
      path: "test",
      clock: this.clock,
      random: seededRandom(1),
    });
  }

  #open(): Fleet {
    return new Fleet({
      node: this.#self,
      central: "central",
      config: () => ({ link: profile }),
      clock: this.clock,
      inspector: { transition: () => undefined, failed: (_actor, _role, error) => expect.fail(String(error)) },
      journal: this.journal,
      happenings: { emit: (happening) => void (happening.type === "node" && this.changes.push(happening)) },
    });
  }

  /** The daemon ends and starts again some time later, with its link to the broker still down. */
  async restart(after = 0, { cut = false } = {}): Promise<void> {
    this.fleet.stop();
    expect(this.clock.armed).toBe(0);
    if (cut) await this.#host.crash();
    else await this.journal.close();
    await this.clock.advance(after);
    this.changes.length = 0;
    this.journal = this.#openJournal();
    this.fleet = this.#open();
  }

  hello(name: string, more: Partial<Hello> = {}): void {
    this.fleet.hello(name, helloOf(this.clock, more));
  }

  links(): string[] {
    return this.changes
      .filter(({ region }) => region === "link")
      .map(({ name, to, cause }) => `${name} ${to}: ${cause}`);
  }
}

/** A station that is connected and has heard of ship1. */
function station(): Station {
  const it = new Station();
  it.fleet.ownLink(true);
  it.hello("ship1");
  it.changes.length = 0;
  return it;
}

describe("the fleet", () => {
  it("knows whom it expects and whom it heard of, and not itself", () => {
    const { fleet, clock } = new Station();
    for (const name of ["central", "ship1", "ship1"]) fleet.expect(name);
    fleet.alive("ship2", "a frame");
    fleet.hello("ship3", helloOf(clock));
    for (const touch of [
      () => fleet.alive("central", "x"),
      () => fleet.accept("central"),
      () => fleet.hello("central", helloOf(clock)),
    ])
      touch();
    for (const stranger of ["ship8", "ship9"]) {
      fleet.bye(stranger, "bye");
      fleet.absent(stranger);
      fleet.work(stranger, 3);
    }
    expect([...fleet.names()]).toEqual(["ship1", "ship2", "ship3"]);
    expect([fleet.has("ship1"), fleet.has("central"), fleet.has("ship8")]).toEqual([true, false, false]);
    expect([fleet.link("ship1"), fleet.link("ship2"), fleet.link("ship8")]).toEqual([
      "neverSeen",
      "online",
      "neverSeen",
    ]);
    expect(fleet.describe("ship8")).toBeUndefined();
  });

  it("shows itself online when its own link is up", () => {
    const { fleet } = new Station();
    expect(fleet.link("central")).toBe("offline");
    fleet.ownLink(true);
    expect(fleet.link("central")).toBe("online");
    fleet.ownLink(false);
    expect(fleet.link("central")).toBe("offline");
  });
});

describe("a node that falls silent", () => {
  it("is late, then offline, each within its bound, and online at its first sign of life", async () => {
    const it = station();
    await it.clock.advance(LATE - 1);
    expect(it.fleet.link("ship1")).toBe("online");
    await it.clock.advance(1 + SLOT);
    expect(it.fleet.link("ship1")).toBe("late");
    await it.clock.advance(OFFLINE - LATE - SLOT - 1);
    expect(it.fleet.link("ship1")).toBe("late");
    await it.clock.advance(1 + SLOT);
    expect(it.fleet.link("ship1")).toBe("offline");
    await it.clock.advance(86_400_000);
    it.fleet.alive("ship1", "an ACK");
    expect(it.links()).toEqual([
      "ship1 late: no sign of life",
      "ship1 offline: no sign of life",
      "ship1 online: an ACK",
    ]);
    expect(it.fleet.describe("ship1")).toMatchObject({
      session: "resyncing",
      cause: "an ACK",
      linkSince: it.clock.now(),
    });
    it.fleet.agreed("ship1");
    expect(it.fleet.describe("ship1")?.session).toBe("live");
  });

  it("is never late while there is any sign of life, be it a hello, a frame or an ACK", async () => {
    const it = station();
    for (let i = 0; i < 50; i++) {
      await it.clock.advance(LATE - SLOT);
      if (i % 2 === 0) it.fleet.alive("ship1", "a frame");
      else it.hello("ship1");
    }
    expect(it.changes).toEqual([]);
  });

  it("hears nothing of its deadlines when the wall clock jumps", async () => {
    const it = station();
    it.clock.jump(10 * 365 * 86_400_000);
    await it.clock.advance(LATE - 1);
    it.clock.jump(-40 * 365 * 86_400_000);
    await it.clock.advance(0);
    expect(it.changes).toEqual([]);
    await it.clock.advance(1 + SLOT);
    expect(it.fleet.link("ship1")).toBe("late");
  });

  it("is judged by its own interval, by no more than a day's, and never as late within a moment", async () => {
    const it = station();
    it.hello("ship1", { every: 60_000 });
    await it.clock.advance(6 * LATE - 1);
    expect(it.fleet.link("ship1")).toBe("online");
    await it.clock.advance(1 + SLOT);
    expect(it.fleet.link("ship1")).toBe("late");
    it.hello("ship2", { every: 1e300 });
    await it.clock.advance((86_400_000 / HELLO) * OFFLINE + SLOT);
    expect(it.fleet.link("ship2")).toBe("offline");
    it.hello("ship3", { every: 1 });
    await it.clock.advance(Math.min(LATE, 2_500) - 1);
    expect(it.fleet.link("ship3")).toBe("online");
    await it.clock.advance(1 + SLOT);
    expect(it.fleet.link("ship3")).toBe("late");
  });
});

describe("a node that says bye", () => {
  it("is offline at once, with its reason, without deadlines, until it is heard again", async () => {
    const it = station();
    it.fleet.bye("ship1", "bye: it was stopped");
    expect(it.links()).toEqual(["ship1 offline: bye: it was stopped"]);
    expect(it.fleet.describe("ship1")?.session).toBe("none");
    await it.clock.advance(OFFLINE * 3);
    expect(it.links()).toHaveLength(1);
    it.hello("ship1");
    expect(it.fleet.link("ship1")).toBe("online");
    await it.clock.advance(LATE + SLOT);
    expect(it.fleet.link("ship1")).toBe("late");
  });
});

describe("a node that is not subscribed at the broker", () => {
  it("is late at once and offline only when its time is up", async () => {
    const it = station();
    await it.clock.advance(5000);
    it.fleet.absent("ship1");
    it.fleet.absent("ship1");
    expect(it.links()).toEqual(["ship1 late: not subscribed at the broker"]);
    await it.clock.advance(OFFLINE - 5000 - 1);
    expect(it.fleet.link("ship1")).toBe("late");
    await it.clock.advance(1 + SLOT);
    expect(it.fleet.link("ship1")).toBe("offline");
  });

  it("is not thought to be there because of it", () => {
    const it = new Station();
    it.fleet.ownLink(true);
    it.fleet.expect("ship3");
    it.fleet.absent("ship3");
    expect([it.fleet.link("ship3"), it.changes]).toEqual(["neverSeen", []]);
  });
});

describe("while its own link is down a station", () => {
  it("calls nobody offline, however long, and says why they are late", async () => {
    const it = station();
    it.fleet.ownLink(false);
    await it.clock.advance(7 * 86_400_000);
    expect(it.links()).toEqual(["ship1 late: this node has no broker"]);
  });

  it("gives everyone a full grace period when it is back", async () => {
    const it = station();
    it.hello("ship2");
    await it.clock.advance(LATE - 1000);
    it.fleet.ownLink(false);
    await it.clock.advance(OFFLINE);
    it.fleet.ownLink(true);
    await it.clock.advance(OFFLINE - 1);
    expect([it.fleet.link("ship1"), it.fleet.link("ship2")]).toEqual(["late", "late"]);
    it.hello("ship2");
    await it.clock.advance(1 + SLOT);
    expect([it.fleet.link("ship1"), it.fleet.link("ship2")]).toEqual(["offline", "online"]);
  });

  it("leaves those offline who were offline before", async () => {
    const it = station();
    await it.clock.advance(OFFLINE + SLOT);
    it.changes.length = 0;
    it.fleet.ownLink(false);
    it.fleet.ownLink(true);
    await it.clock.advance(OFFLINE * 2);
    expect(it.changes).toEqual([]);
    expect(it.fleet.link("ship1")).toBe("offline");
  });
});

describe("after a restart a station", () => {
  it("calls nobody offline before one full grace period, counted from when its link is up", async () => {
    const it = station();
    it.hello("ship2");
    await it.restart(86_400_000);
    expect([it.fleet.link("ship1"), it.fleet.link("ship2")]).toEqual(["online", "online"]);
    await it.clock.advance(86_400_000);
    expect(it.changes).toEqual([]);
    it.fleet.ownLink(true);
    await it.clock.advance(OFFLINE - 1);
    expect(it.links().filter((line) => line.includes("offline"))).toEqual([]);
    it.fleet.alive("ship2", "a frame");
    await it.clock.advance(1 + SLOT);
    expect([it.fleet.link("ship1"), it.fleet.link("ship2")]).toEqual(["offline", "online"]);
  });

  it("knows again what it knew: regions, since when and why, the changes, and how often a node says hello", async () => {
    const it = station();
    it.hello("ship1", { storage: "low", every: 60_000 });
    it.fleet.accept("ship1");
    await it.clock.advance(1000);
    it.hello("ship2");
    it.fleet.bye("ship2", "bye: stopped");
    const before = ["ship1", "ship2"].map((name) => it.fleet.describe(name));
    await it.journal.flushed();
    await it.restart(5000, { cut: true });
    for (const known of before) {
      if (known === undefined) throw new Error("it was not known");
      const { name, link, linkSince, cause, session, trust, storage, changes } = known;
      expect(it.fleet.describe(name)).toMatchObject({ name, link, linkSince, cause, session, trust, storage, changes });
    }
    it.fleet.ownLink(true);
    await it.clock.advance(6 * LATE - 1);
    expect(it.fleet.link("ship1")).toBe("online");
  });

  it("does not wait for nodes that it never heard of", async () => {
    const it = new Station();
    it.fleet.expect("ship3");
    await it.restart();
    it.fleet.expect("ship3");
    it.fleet.ownLink(true);
    await it.clock.advance(OFFLINE * 3);
    expect([it.fleet.link("ship3"), it.changes]).toEqual(["neverSeen", []]);
  });
});

describe("an edge", () => {
  it("expects central to be heard, though central says no hello", async () => {
    const it = new Station("ship1");
    it.fleet.expect("central");
    it.fleet.ownLink(true);
    it.fleet.alive("central", "an ACK");
    await it.clock.advance(LATE + SLOT);
    expect(it.fleet.link("central")).toBe("late");
    await it.clock.advance(OFFLINE);
    expect(it.fleet.link("central")).toBe("offline");
  });
});

describe("what is shown of a node", () => {
  it("is what its latest hello said, with the skew of its clock, as of now", async () => {
    const it = station();
    it.hello("ship1", {
      now: it.clock.now() + 90_000,
      storage: "full",
      version: "2.0.0",
      methods: ["a", "b"],
      startedAt: 77,
    });
    await it.clock.advance(3000);
    expect(it.fleet.describe("ship1")).toMatchObject({
      name: "ship1",
      link: "online",
      session: "resyncing",
      storage: "full",
      version: "2.0.0",
      epoch: "e1",
      startedAt: 77,
      methods: ["a", "b"],
      clockSkew: 90_000,
      lastSeenAt: it.clock.now() - 3000,
      asOf: it.clock.now(),
    });
    it.fleet.alive("ship1", "an ACK");
    expect(it.fleet.describe("ship1")?.lastSeenAt).toBe(it.clock.now());
  });

  it("has nothing that only a hello can say before there was one", () => {
    const it = new Station();
    it.fleet.expect("ship3");
    const shown = it.fleet.describe("ship3");
    expect(shown).toMatchObject({ link: "neverSeen", lastSeenAt: null, cause: "never heard of it" });
    expect(Object.keys(shown ?? {})).not.toEqual(expect.arrayContaining(["version"]));
  });

  it("has its latest changes, a hundred at most, each with its cause", async () => {
    const it = station();
    for (let i = 0; i < 80; i++) {
      it.fleet.bye("ship1", `bye ${i}`);
      it.hello("ship1");
    }
    const changes = it.fleet.describe("ship1")?.changes ?? [];
    expect(changes).toHaveLength(100);
    expect(changes.filter(({ region }) => region === "link").at(-2)).toMatchObject({
      from: "online",
      to: "offline",
      cause: "bye 79",
    });
    await it.restart();
    expect(it.fleet.describe("ship1")?.changes).toEqual(changes);
  });

  it("is trusted once it was verified", () => {
    const it = station();
    it.fleet.accept("ship1");
    it.fleet.accept("ship1");
    expect(it.changes.map(({ region, from, to }) => `${region} ${from} ${to}`)).toEqual(["trust pending accepted"]);
  });
});

describe("the work of a node", () => {
  it("is shown at once, and is one change once it has lasted, however many commands come in it", async () => {
    const it = station();
    const changes = () => it.changes.filter(({ region }) => region === "work").map(({ to }) => to);
    it.fleet.work("ship1", 1);
    expect(it.fleet.describe("ship1")?.work).toBe("busy");
    it.fleet.work("ship1", 0);
    expect(it.fleet.describe("ship1")?.work).toBe("idle");
    await it.clock.advance(30_000);
    expect(changes()).toEqual([]);
    for (let i = 0; i < 120; i++) {
      it.fleet.work("ship1", 1);
      it.fleet.work("ship1", 2);
      it.fleet.work("ship1", 0);
      await it.clock.advance(100);
    }
    expect(changes()).toEqual(["busy"]);
    expect(it.fleet.describe("ship1")?.work).toBe("busy");
    await it.clock.advance(2000);
    expect(changes()).toEqual(["busy", "idle"]);
    await it.clock.advance(4000);
    it.fleet.work("ship1", 0);
    await it.clock.advance(4000);
    expect(changes()).toHaveLength(2);
  });

  it("is after a restart what the journal says, not what it was", async () => {
    const it = station();
    it.fleet.work("ship1", 1);
    it.hello("ship1", { storage: "low" });
    it.hello("ship2");
    const command = message(1, "ship2.command.shellcommand.os");
    it.journal.outbox.enqueue([command], true);
    sendAll(it.journal, command.subject);
    it.journal.outbox.acknowledge(command.subject, ackOf(it.journal, 1, { node: "ship2" }), START);
    await it.restart();
    await it.clock.advance(2000);
    expect([it.fleet.describe("ship1")?.work, it.fleet.describe("ship2")?.work]).toEqual(["idle", "busy"]);
  });
});
