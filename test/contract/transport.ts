import { describe, expect, it } from "vitest";
import type { LinkStatus, Packet, Transport } from "../../src/broker/transport.ts";
import { StewardError } from "../../src/message/errors.ts";

/** One broker and links to it, real or in memory; made for one test and cleaned up after it. */
export interface TransportWorld {
  /** A new link; it need not be connected yet. */
  connect(name: string): Transport;
  brokerDies(): Promise<void>;
  /** On the same address, having forgotten everything. */
  brokerReturns(): Promise<void>;
}

/** What every transport promises. */
export function transportContract(name: string, makeWorld: () => Promise<TransportWorld>): void {
  describe(`${name} as a transport`, () => {
    async function pair(): Promise<{ world: TransportWorld; a: Transport; b: Transport }> {
      const world = await makeWorld();
      const [a, b] = [world.connect("a"), world.connect("b")];
      await Promise.all([reaches(a, "connected"), reaches(b, "connected")]);
      return { world, a, b };
    }

    it("carries bytes, subject and reply to the subscriber, in a later turn", async () => {
      const { a, b } = await pair();
      const inbox = collect(b, "b.command.test.os");
      await b.flush();
      let sameTurn = true;
      const first = inbox.next().then((packet) => ({ packet, sameTurn }));
      expect(a.publish("b.command.test.os", bytes("héllo\0\n"), "a.reply")).toBe(true);
      sameTurn = false;
      expect(await first).toMatchObject({
        packet: { subject: "b.command.test.os", reply: "a.reply", noResponders: false },
        sameTurn: false,
      });
      expect(text(inbox.all[0])).toBe("héllo\0\n");
    });

    it("carries an empty payload, which is not the answer of a subject without subscriber", async () => {
      const { a, b } = await pair();
      const inbox = collect(b, "x");
      await b.flush();
      a.publish("x", new Uint8Array(0));
      expect(await inbox.next()).toMatchObject({ noResponders: false });
      expect("reply" in (inbox.all[0] as Packet)).toBe(false);
    });

    it("keeps the order of one sender, through many packets of one turn", async () => {
      const { a, b } = await pair();
      const inbox = collect(b, "x.>");
      await b.flush();
      const count = 5_000;
      for (let i = 0; i < count; i++) expect(a.publish(`x.${i % 3}`, bytes(String(i)))).toBe(true);
      await inbox.count(count);
      expect(inbox.all.map(text)).toEqual(Array.from({ length: count }, (_, i) => String(i)));
    });

    it("routes wildcards: * is one token, > the rest", async () => {
      const { a, b } = await pair();
      const one = collect(b, "b.*.m.d");
      const rest = collect(b, "b.event.>");
      const end = collect(b, "done");
      await b.flush();
      for (const subject of [
        "b.event.m.d",
        "b.command.m.d",
        "b.event",
        "b.event.x",
        "b.event.m.d.e",
        "c.event.m.d",
        "done",
      ]) {
        a.publish(subject, bytes(subject));
      }
      await end.count(1);
      await a.flush();
      expect(one.all.map(text)).toEqual(["b.event.m.d", "b.command.m.d"]);
      expect(rest.all.map(text)).toEqual(["b.event.m.d", "b.event.x", "b.event.m.d.e"]);
    });

    it("gives a packet to each of several subscriptions, also to the sender's own", async () => {
      const { a, b } = await pair();
      const inboxes = [collect(a, "x"), collect(b, "x"), collect(b, "x")];
      await Promise.all([a.flush(), b.flush()]);
      a.publish("x", bytes("1"));
      await Promise.all(inboxes.map((inbox) => inbox.count(1)));
    });

    it("answers a request to a subject without subscriber with noResponders", async () => {
      const { a } = await pair();
      const inbox = collect(a, `${a.inbox}.*`);
      await a.flush();
      a.publish("nobody.command.test.os", bytes("?"), `${a.inbox}.7`);
      expect(await inbox.next()).toMatchObject({ subject: `${a.inbox}.7`, noResponders: true, payload: { length: 0 } });
    });

    it("brings replies to the link that asked, and to no other", async () => {
      const { a, b } = await pair();
      expect(a.inbox).not.toBe(b.inbox);
      const mine = collect(a, `${a.inbox}.*`);
      const other = collect(b, `${b.inbox}.*`);
      b.subscribe("b.ask", ({ reply }) => void b.publish(reply ?? "", bytes("answer")));
      await b.flush();
      await a.flush();
      a.publish("b.ask", bytes("?"), `${a.inbox}.1`);
      expect(text(await mine.next())).toBe("answer");
      await b.flush();
      expect(other.all).toEqual([]);
    });

    it("delivers nothing to a subscription that was ended", async () => {
      const { a, b } = await pair();
      const ended: Packet[] = [];
      const subscription = b.subscribe("x", (packet) => {
        ended.push(packet);
        subscription.end();
      });
      const still = collect(b, "x");
      await b.flush();
      a.publish("x", bytes("1"));
      a.publish("x", bytes("2"));
      await still.count(2);
      expect(ended).toHaveLength(1);
    });

    it("survives listeners that throw", async () => {
      const { a, b } = await pair();
      b.onStatus(() => {
        throw new Error("from a status listener");
      });
      b.subscribe("x", () => {
        throw new Error("from a listener");
      });
      const inbox = collect(b, "x");
      await b.flush();
      a.publish("x", bytes("1"));
      a.publish("x", bytes("2"));
      await inbox.count(2);
      expect(b.status().state).toBe("connected");
    });

    it("takes a payload of exactly the limit, and refuses a larger one without harm to the connection", async () => {
      const { a, b } = await pair();
      const inbox = collect(b, "x");
      await b.flush();
      const limit = a.maxPayload();
      expect(limit).toBeGreaterThanOrEqual(1_048_576);
      a.publish("x", new Uint8Array(limit).fill(7));
      expect((await inbox.next()).payload).toHaveLength(limit);
      expect(() => a.publish("x", new Uint8Array(limit + 1))).toThrow(
        new StewardError("message-too-large", { subject: "x", bytes: limit + 1, limit }),
      );
      a.publish("x", bytes("after"));
      await inbox.count(2);
      expect(text(inbox.all[1])).toBe("after");
    });

    it("says that the broker died, refuses to publish and to flush, and says it again when it is back", async () => {
      const { world, a } = await pair();
      const seen: string[] = [];
      a.onStatus(({ state }) => void seen.push(state));
      await world.brokerDies();
      const lost = await reaches(a, "disconnected");
      expect(lost).toMatchObject({ fault: expect.stringMatching(/./) });
      expect(a.publish("x", bytes("gone"))).toBe(false);
      await expect(a.flush()).rejects.toMatchObject({ code: "broker-unreachable" });
      expect(a.maxPayload()).toBeGreaterThan(0);
      await world.brokerReturns();
      await reaches(a, "connected");
      expect(a.publish("x", bytes("back"))).toBe(true);
      await a.flush();
      expect(seen.filter((state, i) => state !== seen[i - 1])).toEqual(["disconnected", "connected"]);
    });

    it("keeps its subscriptions through the broker's death, those made meanwhile too, and none twice", async () => {
      const { world, a, b } = await pair();
      const before = collect(b, "before");
      const dropped = collect(b, "dropped");
      await b.flush();
      await world.brokerDies();
      await Promise.all([reaches(a, "disconnected"), reaches(b, "disconnected")]);
      const meanwhile = collect(b, "meanwhile");
      dropped.end();
      await world.brokerReturns();
      await Promise.all([reaches(a, "connected"), reaches(b, "connected")]);
      await b.flush();
      for (const subject of ["before", "dropped", "meanwhile"]) a.publish(subject, bytes(subject));
      await Promise.all([before.count(1), meanwhile.count(1)]);
      await a.flush();
      await b.flush();
      expect([before.all.length, meanwhile.all.length, dropped.all.length]).toEqual([1, 1, 0]);
    });

    it("starts without a broker, and connects when there is one", async () => {
      const world = await makeWorld();
      await world.brokerDies();
      const a = world.connect("a");
      const inbox = collect(a, "x");
      expect(a.status().state).toBe("connecting");
      expect(a.publish("x", bytes("too early"))).toBe(false);
      await expect(a.flush()).rejects.toMatchObject({ code: "broker-unreachable" });
      await world.brokerReturns();
      await reaches(a, "connected");
      a.publish("x", bytes("now"));
      expect(text(await inbox.next())).toBe("now");
    });

    it("sends what was published before it is closed, and nothing after", async () => {
      const { a, b } = await pair();
      const inbox = collect(b, "x");
      await b.flush();
      a.publish("x", bytes("last"));
      const closed = a.close();
      expect(a.publish("x", bytes("too late"))).toBe(false);
      await closed;
      expect(a.status()).toEqual({ state: "closed" });
      await inbox.count(1);
      await b.flush();
      expect(inbox.all.map(text)).toEqual(["last"]);
      await a.close();
      expect(a.publish("x", bytes("too late"))).toBe(false);
      await expect(a.flush()).rejects.toMatchObject({ code: "broker-unreachable" });
    });

    it("closes while there is no broker, and stays closed when one comes", async () => {
      const world = await makeWorld();
      await world.brokerDies();
      const a = world.connect("a");
      await a.close();
      expect(a.status()).toEqual({ state: "closed" });
      await world.brokerReturns();
      const b = world.connect("b");
      await reaches(b, "connected");
      expect(a.status()).toEqual({ state: "closed" });
    });

    it("tells a status listener no more once it has gone", async () => {
      const { world, a } = await pair();
      const seen: LinkStatus[] = [];
      a.onStatus((status) => void seen.push(status))();
      await world.brokerDies();
      await reaches(a, "disconnected");
      expect(seen).toEqual([]);
    });
  });
}

/** Resolves with the status when `transport` has, or gets, this state. */
export function reaches(transport: Transport, state: LinkStatus["state"]): Promise<LinkStatus> {
  const now = transport.status();
  if (now.state === state) return Promise.resolve(now);
  return new Promise((resolve) => {
    const end = transport.onStatus((status) => {
      if (status.state !== state) return;
      end();
      resolve(status);
    });
  });
}

interface Collection {
  readonly all: Packet[];
  next(): Promise<Packet>;
  /** Resolves when so many have come. */
  count(count: number): Promise<void>;
  end(): void;
}

/** Subscribes and keeps what comes. */
export function collect(transport: Transport, subject: string): Collection {
  const all: Packet[] = [];
  const waiting = new Set<() => void>();
  const subscription = transport.subscribe(subject, (packet) => {
    all.push(packet);
    for (const look of waiting) look();
  });
  const count = (wanted: number): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (all.length < wanted) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
    });
  return {
    all,
    count,
    next: async () => {
      const wanted = all.length + 1;
      await count(wanted);
      return all[wanted - 1] as Packet;
    },
    end: () => subscription.end(),
  };
}

export function bytes(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

export function text(packet: Packet | undefined): string {
  return new TextDecoder().decode(packet?.payload);
}
