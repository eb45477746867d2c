import { describe, expect, it } from "vitest";
import type { LinkStatus } from "../../../src/broker/transport.ts";
import type { Config } from "../../../src/config/config.ts";
import type { Ack } from "../../../src/message/wire/frame.ts";
import type { Hello } from "../../../src/methods/hello.ts";
import { Links } from "../../../src/runtime/daemon/links.ts";
import { SimulatedClock } from "../../harness/clock.ts";

const HELLO: Hello = {
  version: "1.0.0",
  epoch: "e1",
  life: "l1",
  startedAt: 1,
  now: 2,
  storage: "ok",
  methods: [],
  every: 10_000,
};
const ACK: Ack = {
  node: "ship1",
  receiverEpoch: "e1",
  receiverLife: "l1",
  epoch: "c1",
  sentAt: 5,
  uptime: 7,
  last: 3,
  started: 0,
  upTo: 3,
  credit: 9,
  verdicts: [],
};
const UP: LinkStatus = { state: "connected", server: "nats://broker" };

/** What is known when something happens. */
interface State {
  /** This node; central in the usual case. */
  readonly self?: string;
  readonly broker?: LinkStatus;
  /** Two nodes have the name of ship1. */
  readonly doubled?: boolean;
  /** The daemon or the journal of ship1 is another one than before. */
  readonly anew?: boolean;
  /** Commands of ours that ship1 has. */
  readonly open?: number;
  readonly watched?: boolean;
}

/** The links of a node, and what they have done, one word for each call. */
function scene({ self = "central", broker = UP, doubled = false, anew = false, open = 0, watched = false }: State) {
  const done: string[] = [];
  const note = (text: string): void => void done.push(text);
  const clock = new SimulatedClock();
  const record = { message: { id: "c1" } } as never;
  const links = new Links({
    config: () => ({ node: self, central: "central", hello: 10_000 }) as Config,
    transport: { status: () => broker },
    fleet: {
      size: 1,
      link: () => "online",
      heldBack: () => (doubled ? "two nodes" : undefined),
      hold: (name, why) => note(why === undefined ? `release ${name}` : `hold ${name}`),
      ownLink: (up) => note(up ? "own link up" : "own link down"),
      alive: (name, cause, _epoch, age) => note(`${name} alive: ${cause}${age ? `, ${age} ms ago` : ""}`),
      isPast: (_name, age) => age > 40,
      accept: (name) => note(`${name} accepted`),
      isAnew: () => anew,
      hello: (name) => note(`${name} hello`),
      bye: (name, cause) => note(`${name} ${cause}`),
    },
    jobs: { linkChanged: () => undefined },
    publishers: {
      pause: (node, cause) => note(`pause ${node ?? "all"}: ${cause}`),
      resumeAfter: (_ms, node, cause) => note(`resume ${node}: ${cause}`),
      again: (node) => note(`send again to ${node}`),
      receivers: () => new Set(["ship1", "ship2"]),
    },
    presence: {
      begin: () => note("hellos begin"),
      tell: () => note("hello out of turn"),
      end: () => note("hellos end"),
    },
    deadlines: {
      heard: (node, { sentAt, uptime }) => {
        note(`clock of ${node}: ${sentAt} ${uptime}`);
        return 42;
      },
    },
    repair: {
      begin: () => note("questions begin"),
      forget: (node) => note(`forget questions to ${node}`),
      look: (node) => note(`compare with ${node}`),
    },
    vouching: {
      linked: (up) => note(up ? "vouching asks" : "vouching rests"),
      back: (origin) => note(`vouching asks ${origin}`),
      end: () => note("vouching ends"),
    },
    identities: { end: () => note("identities end") },
    losses: { heard: (node, epoch) => note(`journal of ${node}: ${epoch}`) },
    journal: {
      outbox: {
        openCount: () => open,
        openOn: function* () {
          if (open > 0) yield { lane: {} as never, record };
        },
        stateOf: () => "running",
      },
    },
    announce: { watched, tell: (_record, state, by) => note(`told: ${state} by ${by}`) },
    failures: {
      report: (code, _text, same) => note(`alert ${code}, ${same}`),
      over: (code, _text, same) => note(`over ${code}, ${same}`),
    },
    counters: { received: (node, bytes) => note(`${bytes} bytes of ${node}`) },
    clock,
    random: { next: () => 0.5 } as never,
    log: { warn: (_fields: object, text: string) => note(`log: ${text}`) } as never,
  });
  return { links, done, clock };
}

const change = (region: string, from: string, to: string) => ({
  name: "ship1",
  at: 1,
  region,
  from,
  to,
  cause: "silence",
});

describe("what follows when the broker or a node comes or goes", () => {
  it.each<[string, State, (links: Links) => void, string[]]>([
    [
      "the broker is there: hellos begin, questions are asked, lanes go on",
      {},
      (links) => links.linkChanged(UP),
      [
        "vouching asks",
        "questions begin",
        "own link up",
        "hellos begin",
        "resume ship1: the broker is back",
        "resume ship2: the broker is back",
      ],
    ],
    [
      "the broker was never reached yet: nobody is called late",
      {},
      (links) => links.linkChanged({ state: "connecting" }),
      ["vouching rests", "hellos end", "pause all: no broker"],
    ],
    [
      "the broker cannot be reached: no node is judged, all lanes wait",
      {},
      (links) => links.linkChanged({ state: "connecting", fault: "refused" }),
      ["vouching rests", "hellos end", "own link down", "pause all: no broker"],
    ],
    [
      "the broker is lost",
      {},
      (links) => links.linkChanged({ state: "disconnected", fault: "gone" }),
      ["vouching rests", "hellos end", "own link down", "pause all: no broker"],
    ],
    [
      "a node falls silent: its lanes wait, its commands are unknown",
      { open: 1, watched: true },
      (links) => links.nodeChanged(change("link", "late", "offline")),
      [
        "pause ship1: ship1 is offline",
        "log: ship1: what became of its commands is unknown",
        "told: unknown by central",
      ],
    ],
    [
      "a node without commands falls silent",
      { watched: true },
      (links) => links.nodeChanged(change("link", "late", "offline")),
      ["pause ship1: ship1 is offline"],
    ],
    [
      "a node is late: nothing follows yet",
      { open: 1 },
      (links) => links.nodeChanged(change("link", "online", "late")),
      [],
    ],
    [
      "a node is back: its commands are as they were, its lanes go on",
      { open: 1, watched: true },
      (links) => links.nodeChanged(change("link", "offline", "online")),
      [
        "log: ship1: its commands are no longer unknown",
        "told: running by central",
        "vouching asks ship1",
        "resume ship1: ship1 is back",
      ],
    ],
    [
      "a node is not of one mind with this one any more",
      {},
      (links) => links.nodeChanged(change("session", "live", "resyncing")),
      ["compare with ship1"],
    ],
    [
      "a frame or an ACK is proved: its time, its journal and its sender are noted",
      {},
      (links) => void links.alive("ship1", 100, { sentAt: 5, uptime: 7 }, "a frame", "e1"),
      [
        "clock of ship1: 5 7",
        "100 bytes of ship1",
        "journal of ship1: e1",
        "ship1 alive: a frame, 42 ms ago",
        "ship1 accepted",
      ],
    ],
    [
      "a frame that names no journal",
      {},
      (links) => void links.alive("ship1", 100, { sentAt: 5, uptime: 7 }, "a frame"),
      ["clock of ship1: 5 7", "100 bytes of ship1", "ship1 alive: a frame, 42 ms ago", "ship1 accepted"],
    ],
    [
      "an ACK of a name that two nodes have: nothing is concluded from its journal",
      { doubled: true },
      (links) => links.acknowledged(ACK, 100),
      ["clock of ship1: 5 7", "100 bytes of ship1", "ship1 alive: an ACK, 42 ms ago", "ship1 accepted"],
    ],
    [
      "an ACK",
      {},
      (links) => links.acknowledged(ACK, 100),
      [
        "clock of ship1: 5 7",
        "100 bytes of ship1",
        "journal of ship1: e1",
        "ship1 alive: an ACK, 42 ms ago",
        "ship1 accepted",
      ],
    ],
    ["a refusal: its node is there", {}, (links) => links.refused("ship1"), ["ship1 alive: a refusal"]],
    [
      "a hello of a node that is as before",
      {},
      (links) => links.hello("ship1", HELLO, 2),
      ["journal of ship1: e1", "ship1 hello", "compare with ship1"],
    ],
    [
      "a hello of a node that began anew: what was on the way is sent again",
      { anew: true },
      (links) => links.hello("ship1", HELLO, 2),
      ["journal of ship1: e1", "forget questions to ship1", "ship1 hello", "send again to ship1", "compare with ship1"],
    ],
    [
      "a hello of a name that two nodes have: neither is believed",
      { doubled: true },
      (links) => links.hello("ship1", HELLO, 2),
      ["journal of ship1: e1"],
    ],
    ["a hello of this node itself", {}, (links) => links.hello("central", HELLO, 2), ["journal of central: e1"]],
    ["a brief hello that nobody can complete", {}, (links) => links.hello("ship1", { life: "l9" }, 2), []],
    ["a bye", {}, (links) => links.bye("ship1", "it was stopped"), ["ship1 bye: it was stopped"]],
    [
      "two nodes have one name: nothing goes there",
      {},
      (links) => links.hold("ship1", "two nodes"),
      ["hold ship1", "pause ship1: two nodes", "alert node-cloned, node-cloned ship1"],
    ],
    [
      "another node has this one's name: its own lanes go on",
      {},
      (links) => links.hold("central", "two nodes"),
      ["hold central", "alert node-cloned, node-cloned central"],
    ],
    [
      "one of the two is gone",
      {},
      (links) => links.release("ship1", "one again"),
      ["release ship1", "log: one again", "over node-cloned, node-cloned ship1", "resume ship1: one again"],
    ],
    ["the daemon ends", {}, (links) => links.end(), ["identities end", "vouching ends"]],
  ])("%s", (_event, state, act, expected) => {
    const { links, done, clock } = scene(state);
    act(links);
    expect(done).toEqual(expected);
    links.end();
    expect(clock.armed).toBe(0);
  });

  it("a frame answers how long it was under way", () => {
    expect(scene({}).links.alive("ship1", 1, { sentAt: 5 }, "a frame")).toBe(42);
  });

  it("a sign of life is of the time when it was given, unless a clock that went back may tell a delay that there was not", () => {
    const { links, done } = scene({});
    links.alive("ship1", 1, { sentAt: 5 }, "a frame");
    expect(done).toContain("ship1 alive: a frame");
    expect(links.isOutdated("ship1", { sentAt: 5 }, 42)).toBe(false);
    expect(links.isOutdated("ship1", { sentAt: 5, uptime: 7 }, 42)).toBe(true);
    expect(links.isOutdated("ship1", { sentAt: 5, uptime: 7 }, 40)).toBe(false);
  });

  it("a brief hello stands for the whole one of its life", () => {
    const { links, done } = scene({});
    links.hello("ship1", HELLO, 2);
    done.length = 0;
    links.hello("ship1", { life: "l1" }, 3);
    expect(done).toEqual(["journal of ship1: e1", "ship1 hello", "compare with ship1"]);
  });

  it("two centrals of one name show an edge in the ACKs of its hellos: it sends nothing there", () => {
    const { links, done } = scene({ self: "ship1" });
    const ack = (epoch: string, sentAt: number): void =>
      links.acknowledged({ ...ACK, node: "central", receiverEpoch: epoch, sentAt, upTo: 0 }, 10);
    for (let i = 0; i < 6; i++) ack(i % 2 === 0 ? "e1" : "e2", i);
    expect(done.filter((text) => text.includes("hold") || text.includes("pause"))).toEqual([
      "hold central",
      expect.stringMatching(/^pause central: two nodes call themselves central/),
    ]);
  });

  it("a node that is lost again and again is told of once; one that is lost with this node's own broker is not", () => {
    const lose = (state: State): string[] => {
      const { links, done } = scene(state);
      for (let i = 0; i < 9; i++) links.nodeChanged(change("link", "online", "late"));
      links.end();
      return done.filter((text) => text.startsWith("alert"));
    };
    expect(lose({})).toEqual(["alert flapping, flapping ship1"]);
    expect(lose({ broker: { state: "disconnected", fault: "gone" } })).toEqual([]);
  });
});
