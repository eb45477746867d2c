import { expect, test } from "vitest";
import { idMaker } from "../../../src/message/id.ts";
import { type Json, replySubject } from "../../../src/message/message.ts";
import { parseSubject } from "../../../src/message/subject.ts";
import { decodeFrame, encodeAck } from "../../../src/message/wire/frame.ts";
import { encodeFrame } from "../../harness/packets.ts";
import { createWorld, type World } from "../../harness/world/world.ts";
import type { MemoryLink } from "../../twins/memory-broker.ts";

/** A real central, and thousands of nodes that do no more than speak the wire. */
const NODES = 5_000;
const EVERY = 10_000;
const names = Array.from({ length: NODES }, (_, i) => `ship${i + 1}`);

/** What all of them saw together. `at`: when each frame came, ms of simulated time. */
interface Seen {
  readonly delivered: Map<string, string[]>;
  /** Frames that have come and are not answered, and the most there ever were. */
  inFlight: number;
  most: number;
  readonly at: number[];
}

/** How long a node takes to answer, ms. */
const TAKES = 100;

class Peer {
  readonly #world: World;
  readonly #name: string;
  readonly #seen: Seen;
  readonly #newId: () => string;
  #link: MemoryLink | undefined;
  readonly #last = new Map<string, number>();
  #sent = 0;

  constructor(world: World, name: string, seen: Seen, newId: () => string) {
    this.#world = world;
    this.#name = name;
    this.#seen = seen;
    this.#newId = newId;
  }

  connect(): void {
    this.#link = this.#world.broker.connect(this.#name);
    this.#link.subscribe(`${this.#name}.>`, ({ subject, payload, reply }) => this.#take(subject, payload, reply));
    this.#link.onStatus(({ state }) => {
      if (state === "connected") this.hello();
    });
  }

  leave(): void {
    this.#link?.disconnect();
    this.#link = undefined;
  }

  hello(): void {
    const now = this.#world.time.now();
    const life = { epoch: "e", life: "l", startedAt: 0 };
    const about = { version: "1", ...life, now, storage: "ok", methods: ["work"], every: EVERY };
    this.#publish("central.event.hello.steward", 0, undefined, about);
  }

  #take(subject: string, payload: Uint8Array, reply: string | undefined): void {
    const { origin, epoch, first, items } = decodeFrame(subject, payload);
    this.#seen.most = Math.max(this.#seen.most, ++this.#seen.inFlight);
    this.#seen.at.push(this.#world.time.monotonic());
    this.#world.time.setTimeout(() => {
      this.#seen.inFlight--;
      const last = this.#last.get(subject) ?? 0;
      for (const [i, item] of items.entries()) {
        if ("skip" in item || first + i <= last) continue;
        this.#seen.delivered.set(this.#name, [...(this.#seen.delivered.get(this.#name) ?? []), item.id]);
        const at = this.#world.time.now();
        const outcome = { state: "succeeded", at, startedAt: at };
        this.#publish(replySubject(parseSubject(subject), origin), ++this.#sent, item.id, outcome);
      }
      const upTo = first + items.length - 1;
      this.#last.set(subject, Math.max(last, upTo));
      const ack = { node: this.#name, receiverEpoch: "e", epoch, sentAt: this.#world.time.now(), last: upTo, upTo };
      if (reply !== undefined)
        this.#link?.publish(reply, encodeAck(subject, { ...ack, started: 0, credit: 1_000, verdicts: [] }));
    }, TAKES);
  }

  #publish(subject: string, first: number, inReplyTo: string | undefined, data: Json): void {
    const sentAt = this.#world.time.now();
    const item = { id: this.#newId(), createdAt: sentAt, deliverBy: null, timeout: null, data };
    const items = [inReplyTo === undefined ? item : { ...item, inReplyTo }];
    const frame = { origin: this.#name, epoch: "e", sentAt, first, acked: Math.max(0, first - 1), items };
    this.#link?.publish(subject, encodeFrame(subject, frame, null), `_INBOX.${this.#name}.${subject}.${first}`);
  }
}

test("thousands of nodes that come back in the same second: each has its command once, spread out, and none is called late", {
  timeout: 120_000,
}, async () => {
  const world = await createWorld({ sealed: false, nodes: { central: { nodes: names } } });
  await world.start();
  const seen: Seen = { delivered: new Map(), inFlight: 0, most: 0, at: [] };
  const newId = idMaker(world.time, world.random);
  const peers = names.map((name) => new Peer(world, name, seen, newId));
  for (const peer of peers) peer.connect();
  await world.advance(1_000);
  const links = (): Set<string> => {
    const nodes = world.daemon("central").operations.nodes();
    return new Set(nodes.flatMap(({ role, link }) => (role === "edge" ? [link] : [])));
  };
  expect(links()).toEqual(new Set(["online"]));
  for (const peer of peers) peer.leave();
  await world.advance(90_000);
  expect(links()).toEqual(new Set(["offline"]));
  const ids = await world.submit(names.map((name) => ({ subject: `${name}.command.work.os`, data: {} })));

  const back = world.time.monotonic();
  const changes = world.happenings("central", "node").length;
  for (const peer of peers) {
    const first = Math.floor(world.random.next() * 1_000);
    world.time.setTimeout(() => peer.connect(), first);
    world.time.setTimeout(() => peer.hello(), first + EVERY);
  }
  let steps = 0;
  while (await world.time.step(back + 1.5 * EVERY)) steps++;

  expect(seen.delivered.size).toBe(NODES);
  expect([...seen.delivered.values()].flat().toSorted()).toEqual(ids.toSorted());
  const messages = world.daemon("central").operations.messages({ limit: 2 * NODES });
  expect(messages).toHaveLength(NODES);
  expect(new Set(messages.map(({ state }) => state))).toEqual(new Set(["succeeded"]));
  expect(links()).toEqual(new Set(["online"]));
  const turnedTo = world
    .happenings("central", "node")
    .slice(changes)
    .flatMap(({ region, to }) => (region === "link" ? [to] : []));
  expect(new Set(turnedTo)).toEqual(new Set(["online"]));
  expect(turnedTo).toHaveLength(NODES);
  // Each frame once, and no more at a time than come in the time of an answer when they are spread over two seconds.
  expect(seen.at).toHaveLength(NODES);
  expect(seen.most).toBeLessThan((2 * NODES * TAKES) / 2_000);
  expect(Math.max(...seen.at) - Math.min(...seen.at)).toBeGreaterThan(1_500);
  // Few timers for each of them, and none goes round in a circle.
  expect(steps).toBeLessThan(20 * NODES);
  expect(await world.count("central", "steward_messages_resent_total")).toBe(0);
});
