import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { StewardError } from "../../../src/message/errors.ts";
import type { Envelope, Opened } from "../../../src/message/wire/envelope.ts";
import { type Ack, encodeItem, type FrameHead } from "../../../src/message/wire/frame.ts";
import { Identity, newSeeds } from "../../../src/security/keys/identity.ts";
import { publicBytes } from "../../../src/security/keys/key-text.ts";
import { context, decrypt, type End, sessionKey } from "../../../src/security/seal/cipher.ts";
import { ClearEnvelope } from "../../../src/security/seal/clear-envelope.ts";
import { WINDOW } from "../../../src/security/seal/replay-window.ts";
import { SealedEnvelope } from "../../../src/security/seal/sealed-envelope.ts";
import { HEADER_BYTES, readHeader } from "../../../src/security/seal/sealed-packet.ts";
import type { Peer, Standing } from "../../../src/security/trust/trust.ts";
import { seededRandom } from "../../harness/random.ts";
import { PinnedTrust } from "../../twins/pinned-trust.ts";

const LANE = "ship1.command.echo.os";
const random = seededRandom(3);
type Name = "central" | "ship1" | "ship2";
const seedsOf = { central: newSeeds(random), ship1: newSeeds(random), ship2: newSeeds(random) };
const identities: Record<Name, Identity> = {
  central: new Identity(seedsOf.central),
  ship1: new Identity(seedsOf.ship1),
  ship2: new Identity(seedsOf.ship2),
};

const peer = (node: Name, standing: Standing = "accepted"): Peer => ({ node, keys: identities[node].keys, standing });
const everybody = (): PinnedTrust => new PinnedTrust([peer("central"), peer("ship1"), peer("ship2")]);

/** One life of a node's daemon. */
function life(node: Name, trust = everybody(), identity = identities[node]): SealedEnvelope {
  return new SealedEnvelope({ node, keys: { identity }, trust, random });
}

const head = (origin: string, first = 1): FrameHead => ({ origin, epoch: "e1", sentAt: 5, first, acked: 0 });
const item = (text = "hello"): string =>
  encodeItem({ id: "01ARZ3NDEKTSV4RRFFQ69G5FAV", createdAt: 5, deliverBy: null, timeout: null, data: text });
const frame = (from: Envelope, origin: Name, subject = LANE, first = 1, text?: string): Uint8Array =>
  from.seal(subject, head(origin, first), [item(text)], null);
const ack = (node: string): Ack => ({
  node,
  receiverEpoch: "e2",
  epoch: "e1",
  sentAt: 6,
  last: 1,
  started: 0,
  upTo: 1,
  credit: 10,
  verdicts: [],
});
const OWN = { receiverEpoch: "e2", sentAt: 6 };

const outcome = (open: () => Opened): string => {
  try {
    const opened = open();
    return opened.kind === "hint" ? "hint" : `${opened.kind} of ${opened.from}`;
  } catch (error) {
    if (error instanceof StewardError) return error.code;
    throw error;
  }
};
const errorOf = (open: () => Opened): StewardError => {
  try {
    open();
  } catch (error) {
    return error as StewardError;
  }
  throw new Error("it was opened");
};

/** Lets `from` know the present life of `to`. */
function introduce(from: SealedEnvelope, origin: Name, to: SealedEnvelope, node: Name): void {
  const subject = `${node}.event.hello.steward`;
  const error = errorOf(() => to.open(subject, frame(from, origin, subject, 0)));
  expect(error.code).toBe("session-unknown");
  const answer = from.open(subject, to.sealRefusal(undefined, subject, error, { node, ...OWN }));
  expect(answer).toMatchObject({ kind: "refusal", from: node, refusal: { code: "session-unknown" } });
}

/** Central and ship1, each of which knows the other's present life. */
function pair(trusts: { central?: PinnedTrust; ship1?: PinnedTrust } = {}) {
  const central = life("central", trusts.central);
  const ship1 = life("ship1", trusts.ship1);
  introduce(central, "central", ship1, "ship1");
  expect(outcome(() => ship1.open(LANE, frame(central, "central")))).toBe("frame of central");
  return { central, ship1 };
}

describe("a sealed packet", () => {
  it("is opened by its receiver, and proves its sender", () => {
    const { central, ship1 } = pair();
    const opened = ship1.open(LANE, frame(central, "central", LANE, 7, "ünï"));
    expect(opened).toMatchObject({ kind: "frame", from: "central", frame: { first: 7, items: [{ data: "ünï" }] } });
    expect(central.open(LANE, ship1.sealAck("central", LANE, ack("ship1")))).toEqual({
      kind: "ack",
      from: "ship1",
      ack: ack("ship1"),
    });
    const error = new StewardError("frame-too-large", { subject: LANE, limit: 1 });
    const refusal = ship1.sealRefusal("central", LANE, error, { node: "ship1", ...OWN });
    expect(central.open(LANE, refusal)).toMatchObject({ kind: "refusal", from: "ship1", refusal: { lasting: true } });
  });

  it("has these bytes", () => {
    const fixed = (node: Name): SealedEnvelope =>
      new SealedEnvelope({ node, keys: { identity: identities[node] }, trust: everybody(), random: seededRandom(1) });
    const golden = Buffer.from(frame(fixed("central"), "central"));
    expect(golden.toString("hex")).toMatchInlineSnapshot(
      `"53570200adc404ccd4c37592a00087fbf7479cb80000000000000000000000000000d2808caf0a256ffde534608f389dedf2be99533767e793aa509ddf7037192f991d54629ae83377aa02850a421ede85bec3465fd959534d77a6710284e67a188665262f80594d9dfaaf80e36727c0b144e99c88b67e47567e0523fb1550c2b869c0d3241014311ee4df7ff79d4ebd6c6ca50bc4661c2967c507347ae7803db05b08dda45cd66fdf3bc9364bc9ca2b12ca50"`,
    );
  });

  it("needs a private key of its pair to be read: what everybody knows is not enough, nor are the keys of a third node", () => {
    const { central, ship1 } = pair();
    const packet = Buffer.from(frame(central, "central"));
    const { salt, receiverSalt, counter } = readHeader(packet);
    const end = (node: Name, its: string): End => {
      const sealKey = publicBytes("seal", identities[node].keys.seal);
      if (sealKey === undefined) throw new Error("it has no key");
      return { node, sealKey, salt: its };
    };
    const [from, to] = [end("central", salt), end("ship1", receiverSalt)];
    const aad = context(packet.subarray(0, HEADER_BYTES), LANE, "central", "ship1");
    const opened = (secret: Uint8Array): string | undefined =>
      decrypt(sessionKey(secret, from, to), counter, aad, packet.subarray(HEADER_BYTES))?.toString();
    const { central: origin, ship2: third } = identities;
    expect(opened(origin.agree(to.sealKey))).toContain("hello");
    for (const secret of [new Uint8Array(), new Uint8Array(32), third.agree(from.sealKey), third.agree(to.sealKey)])
      expect(opened(secret)).toBeUndefined();
    expect(outcome(() => ship1.open(LANE, packet))).toBe("frame of central");
  });

  it("shows nothing of its content", () => {
    const { central } = pair();
    const bytes = Buffer.from(frame(central, "central", LANE, 1, "a secret"));
    for (const word of ["secret", "central", "ship1", "echo"]) expect(bytes.includes(word)).toBe(false);
  });

  it("costs 50 bytes and spares the checksum, deflated or not", () => {
    const { central } = pair();
    const clear = new ClearEnvelope();
    for (const compressFrom of [null, 10]) {
      const items = [item("x".repeat(3_000))];
      const sealed = central.seal(LANE, head("central"), items, compressFrom);
      expect(sealed.length - clear.seal(LANE, head("central"), items, compressFrom).length).toBeLessThanOrEqual(60);
      if (compressFrom !== null) expect(sealed.length).toBeLessThan(400);
    }
  });

  it("costs at most 60 bytes of each kind: frames, what is outside the lanes, ACKs and refusals, small ones and the first of a session", () => {
    const { central, ship1 } = pair();
    const clear = new ClearEnvelope();
    const error = new StewardError("frame-too-large", { subject: LANE, limit: 1 });
    const verdicts = Array.from({ length: 200 }, (_, i) => ({ seq: i + 1, state: "rejected" as const, reason: "no" }));
    const costs = (of: (envelope: Envelope) => Uint8Array, sealed: Envelope): number =>
      of(sealed).length - of(clear).length;
    for (const from of [central, life("central")]) {
      for (const text of ["", "x".repeat(3_000)]) {
        expect(costs((it) => frame(it, "central", LANE, 1, text), from)).toBeLessThanOrEqual(60);
        expect(costs((it) => it.seal(LANE, head("central"), Array(50).fill(item(text)), 10), from)).toBeLessThanOrEqual(
          60,
        );
        for (const subject of ["ship1.event.hello.steward", "ship1.event.bye.steward", "ship1.event.vouch.steward"])
          expect(costs((it) => frame(it, "central", subject, 0, text), from)).toBeLessThanOrEqual(60);
      }
    }
    for (const from of [ship1, life("ship1")]) {
      expect(costs((it) => it.sealAck("central", LANE, ack("ship1")), from)).toBeLessThanOrEqual(60);
      expect(
        costs((it) => it.sealAck("central", LANE, { ...ack("ship1"), last: 200, verdicts }), from),
      ).toBeLessThanOrEqual(60);
      expect(
        costs((it) => it.sealRefusal("central", LANE, error, { node: "ship1", ...OWN }), from),
      ).toBeLessThanOrEqual(60);
    }
  });

  it("comes back as it was, whatever its text", () => {
    const { central, ship1 } = pair();
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.constantFrom(null, 1), (text, compressFrom) => {
        const packet = central.seal(LANE, head("central"), [item(text)], compressFrom);
        expect(ship1.open(LANE, packet)).toMatchObject({ kind: "frame", frame: { items: [{ data: text }] } });
      }),
      { numRuns: 50 },
    );
  });

  it("is refused with any one bit changed, and taken unchanged after that", () => {
    const { central, ship1 } = pair();
    const packet = frame(central, "central");
    for (let bit = 0; bit < packet.length * 8; bit++) {
      const changed = Uint8Array.from(packet);
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(outcome(() => ship1.open(LANE, changed))).not.toContain(" of ");
    }
    expect(outcome(() => ship1.open(LANE, packet))).toBe("frame of central");
  });

  it("is refused when it is cut anywhere, or made longer", () => {
    const { central, ship1 } = pair();
    const packet = frame(central, "central");
    for (let length = 0; length < packet.length; length++)
      expect(outcome(() => ship1.open(LANE, packet.subarray(0, length)))).not.toContain(" of ");
    expect(outcome(() => ship1.open(LANE, Buffer.concat([packet, Buffer.alloc(1)])))).toBe("seal-invalid");
  });

  it("is refused on another subject, on another node, and back at its sender", () => {
    const { central, ship1 } = pair();
    const ship2 = life("ship2");
    introduce(central, "central", ship2, "ship2");
    const packet = frame(central, "central");
    expect(outcome(() => ship1.open("ship1.command.echo.other", packet))).toBe("seal-invalid");
    expect(outcome(() => ship2.open("ship2.command.echo.os", packet))).toBe("seal-invalid");
    expect(outcome(() => ship2.open(LANE, packet))).toBe("seal-invalid");
    expect(outcome(() => central.open(LANE, packet))).toBe("seal-invalid");
    expect(outcome(() => ship1.open(LANE, packet))).toBe("frame of central");
  });

  it("is refused as an ACK of another lane, and as another kind of packet", () => {
    const { central, ship1 } = pair();
    const answer = ship1.sealAck("central", LANE, ack("ship1"));
    expect(outcome(() => central.open("ship1.command.other.os", answer))).toBe("seal-invalid");
    const turned = Uint8Array.from(answer);
    turned[3] = 4;
    expect(outcome(() => central.open(LANE, turned))).toBe("seal-invalid");
    expect(outcome(() => central.open(LANE, answer))).toBe("ack of ship1");
  });

  it("names the node that sealed it, or is refused", () => {
    const { central, ship1 } = pair();
    const forged = central.seal(LANE, head("ship2"), [item()], null);
    expect(outcome(() => ship1.open(LANE, forged))).toBe("signature-invalid");
    expect(outcome(() => central.open(LANE, ship1.sealAck("central", LANE, ack("ship2"))))).toBe("signature-invalid");
    const error = new StewardError("frame-too-large", { subject: LANE, limit: 1 });
    const refusal = ship1.sealRefusal("central", LANE, error, { node: "ship2", ...OWN });
    expect(outcome(() => central.open(LANE, refusal))).toBe("signature-invalid");
  });
});

describe("a packet that comes again", () => {
  it("is refused in the same life", () => {
    const { central, ship1 } = pair();
    const packets = Array.from({ length: 50 }, (_, i) => frame(central, "central", LANE, i + 1));
    for (const packet of packets) expect(outcome(() => ship1.open(LANE, packet))).toBe("frame of central");
    for (const packet of packets) expect(outcome(() => ship1.open(LANE, packet))).toBe("replayed");
    const answer = ship1.sealAck("central", LANE, ack("ship1"));
    expect(outcome(() => central.open(LANE, answer))).toBe("ack of ship1");
    expect(outcome(() => central.open(LANE, answer))).toBe("replayed");
  });

  it("is taken once in any order within the window, and never again", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30), { maxLength: 80 }), (order) => {
        const { central, ship1 } = pair();
        const packets = Array.from({ length: 31 }, (_, i) => frame(central, "central", LANE, i + 1));
        const taken = new Set<number>();
        for (const i of order) {
          const expected = taken.has(i) ? "replayed" : "frame of central";
          expect(outcome(() => ship1.open(LANE, packets[i] ?? new Uint8Array()))).toBe(expected);
          taken.add(i);
        }
      }),
      { numRuns: 20 },
    );
  });

  it("is refused when it is older than the window", () => {
    const { central, ship1 } = pair();
    const old = frame(central, "central");
    for (let i = 0; i <= WINDOW; i++) ship1.open(LANE, frame(central, "central"));
    expect(outcome(() => ship1.open(LANE, old))).toBe("replayed");
  });

  it("is refused outside the lanes as soon as a later one of its subject came", () => {
    const { central, ship1 } = pair();
    const hello = "central.event.hello.steward";
    const [first, second] = [frame(ship1, "ship1", hello, 0), frame(ship1, "ship1", hello, 0)];
    expect(outcome(() => central.open(hello, second))).toBe("frame of ship1");
    expect(outcome(() => central.open(hello, first))).toBe("replayed");
  });

  it("is refused in every later life of its receiver, also on a disk that was put back", () => {
    const { central, ship1 } = pair();
    const packet = frame(central, "central");
    expect(outcome(() => ship1.open(LANE, packet))).toBe("frame of central");
    const later = life("ship1");
    expect(outcome(() => later.open(LANE, packet))).toBe("session-unknown");
    introduce(central, "central", later, "ship1");
    expect(outcome(() => later.open(LANE, packet))).toBe("session-unknown");
    expect(outcome(() => later.open(LANE, frame(central, "central")))).toBe("frame of central");
  });

  it("is refused once its sender has had several lives since, whether it was taken or withheld", () => {
    const { central, ship1 } = pair();
    const taken = frame(central, "central");
    const withheld = frame(central, "central");
    ship1.open(LANE, taken);
    for (let i = 0; i < 6; i++) {
      const next = life("central");
      introduce(next, "central", ship1, "ship1");
      expect(outcome(() => ship1.open(LANE, frame(next, "central")))).toBe("frame of central");
      expect(outcome(() => ship1.open(LANE, taken))).toBe("replayed");
    }
    expect(outcome(() => ship1.open(LANE, withheld))).toBe("replayed");
  });

  it("is refused although hundreds of lives of its sender came since, and memory stays bounded", () => {
    const ship1 = life("ship1");
    const packets: Uint8Array[] = [];
    let renewed = 0;
    for (let i = 0; i < 270; i++) {
      const central = life("central");
      introduce(central, "central", ship1, "ship1");
      const packet = frame(central, "central");
      const got = outcome(() => ship1.open(LANE, packet));
      if (got === "frame of central") packets.push(packet);
      else renewed++;
    }
    expect(renewed).toBeLessThanOrEqual(1);
    for (const packet of packets) expect(outcome(() => ship1.open(LANE, packet))).toMatch(/replayed|session-unknown/);
  });
});

describe("the first packet of two lives", () => {
  it("is refused with the life that it needs, and sealed again it is taken", () => {
    const [central, ship1] = [life("central"), life("ship1")];
    const before = central.session("ship1");
    introduce(central, "central", ship1, "ship1");
    expect(central.session("ship1")).not.toBe(before);
    expect(outcome(() => ship1.open(LANE, frame(central, "central")))).toBe("frame of central");
    // The answer needs no further round: the taken packet has proved the life of its sender.
    expect(outcome(() => central.open(LANE, ship1.sealAck("central", LANE, ack("ship1"))))).toBe("ack of ship1");
  });

  it("changes no session when its refusal comes a second time, or in a later life of its sender", () => {
    const { central, ship1 } = pair();
    const restarted = life("ship1");
    const error = errorOf(() => restarted.open(LANE, frame(central, "central")));
    const refusal = restarted.sealRefusal(undefined, LANE, error, { node: "ship1", ...OWN });
    const again = restarted.sealRefusal(undefined, LANE, error, { node: "ship1", ...OWN });
    central.open(LANE, refusal);
    const session = central.session("ship1");
    expect(outcome(() => central.open(LANE, refusal))).toBe("replayed");
    central.open(LANE, again);
    expect(central.session("ship1")).toBe(session);
    expect(outcome(() => life("central").open(LANE, refusal))).toBe("session-unknown");
    expect(outcome(() => ship1.open(LANE, refusal))).not.toContain(" of ");
  });

  it("finds two machines that run as one node in turn, whichever of them answers next", () => {
    const [central, one, other] = [life("central"), life("ship1"), life("ship1")];
    const hello = "central.event.hello.steward";
    const strange = [frame(other, "ship1", hello, 0), frame(other, "ship1", hello, 0)];
    const answered = (packet: Uint8Array | undefined): string => {
      const error = errorOf(() => central.open(hello, packet ?? new Uint8Array()));
      const refusal = central.sealRefusal(undefined, hello, error, { node: "central", ...OWN });
      return outcome(() => other.open(hello, refusal));
    };
    introduce(central, "central", one, "ship1");
    expect(answered(strange[0])).toBe("refusal of central");
    introduce(central, "central", other, "ship1");
    expect(outcome(() => other.open(LANE, frame(central, "central")))).toBe("frame of central");
    introduce(central, "central", one, "ship1");
    expect(outcome(() => one.open(LANE, frame(central, "central")))).toBe("frame of central");
    expect(answered(strange[1])).toBe("refusal of central");
  });

  it("goes to the node itself without a round, and another machine with its keys is told", () => {
    const hello = "central.event.hello.steward";
    const [central, clone] = [life("central"), life("central")];
    expect(outcome(() => central.open(hello, frame(central, "central", hello, 0)))).toBe("frame of central");
    introduce(clone, "central", central, "central");
    expect(outcome(() => central.open(hello, frame(clone, "central", hello, 0)))).toBe("frame of central");
  });
});

describe("a sender", () => {
  it("is unknown without its key here, and gets a refusal in the clear that is a hint and no more", () => {
    const ship1 = life("ship1", new PinnedTrust([peer("ship2")]));
    const central = life("central");
    const error = errorOf(() => ship1.open(LANE, frame(central, "central")));
    expect(error.code).toBe("sender-unknown");
    const hint = ship1.sealRefusal(undefined, LANE, error, { node: "ship1", ...OWN });
    expect(central.open(LANE, hint)).toMatchObject({ kind: "hint", refusal: { code: "sender-unknown" } });
  });

  it.each<Standing>(["pending", "rejected", "revoked"])("that is %s is refused from the next packet on", (standing) => {
    const trust = everybody();
    const { central, ship1 } = pair({ ship1: trust });
    trust.replace([peer("central", standing), peer("ship2")]);
    expect(outcome(() => ship1.open(LANE, frame(central, "central")))).toBe("sender-revoked");
    expect(() => ship1.sealAck("central", LANE, ack("ship1"))).toThrow(
      expect.objectContaining({ code: "receiver-unknown" }),
    );
  });

  it("that was accepted again cannot be replayed from the time before", () => {
    const trust = everybody();
    const { central, ship1 } = pair({ ship1: trust });
    const packet = frame(central, "central");
    ship1.open(LANE, packet);
    trust.replace([peer("central", "revoked")]);
    trust.replace([peer("central")]);
    expect(outcome(() => ship1.open(LANE, packet))).toBe("replayed");
  });

  it("may not write in the clear", () => {
    const { ship1 } = pair();
    const clear = new ClearEnvelope();
    expect(outcome(() => ship1.open(LANE, frame(clear, "central")))).toBe("clear-refused");
    expect(outcome(() => ship1.open(LANE, clear.sealAck("ship1", LANE, ack("central"))))).toBe("clear-refused");
  });

  it("that seals is refused by a node that does not", () => {
    expect(outcome(() => new ClearEnvelope().open(LANE, frame(life("central"), "central")))).toBe("sealed-refused");
  });
});

describe("a change of keys", () => {
  const hello = "central.event.hello.steward";
  const seeds = newSeeds(random);
  const next = new Identity(seeds);
  /** Central has its present keys, and the next ones beside them, which it has announced. */
  const overlap = new Identity(seedsOf.central, new Identity(seeds));
  const both = (): PinnedTrust =>
    new PinnedTrust([peer("central"), { node: "central", keys: next.keys, standing: "accepted" }, peer("ship1")]);

  it("goes unnoticed by a node that knows the keys before alone", () => {
    const [central, ship1] = [life("central", both(), overlap), life("ship1")];
    introduce(central, "central", ship1, "ship1");
    expect(outcome(() => ship1.open(LANE, frame(central, "central")))).toBe("frame of central");
    expect(outcome(() => central.open(hello, frame(ship1, "ship1", hello, 0)))).toBe("frame of ship1");
  });

  it("has happened for a node once it seals for the next keys", () => {
    const trust = everybody();
    const [central, ship1] = [life("central", both(), overlap), life("ship1", trust)];
    introduce(ship1, "ship1", central, "central");
    trust.replace([{ node: "central", keys: next.keys, standing: "accepted" }]);
    expect(outcome(() => central.open(hello, frame(ship1, "ship1", hello, 0)))).toBe("frame of ship1");
    expect(outcome(() => ship1.open(LANE, frame(central, "central")))).toBe("frame of central");
  });

  it("takes effect under way, and what was taken before is not taken again", () => {
    const keys = { identity: new Identity(seedsOf.central) };
    const central = new SealedEnvelope({ node: "central", keys, trust: everybody(), random });
    const trust = everybody();
    const ship1 = life("ship1", trust);
    introduce(ship1, "ship1", central, "central");
    const before = frame(ship1, "ship1", hello, 1);
    expect(outcome(() => central.open(hello, before))).toBe("frame of ship1");
    keys.identity = overlap;
    expect(outcome(() => central.open(hello, before))).toBe("replayed");
    expect(outcome(() => central.open(hello, frame(ship1, "ship1", hello, 1)))).toBe("frame of ship1");
    trust.replace([{ node: "central", keys: next.keys, standing: "accepted" }]);
    expect(outcome(() => central.open(hello, frame(ship1, "ship1", hello, 1)))).toBe("frame of ship1");
    keys.identity = next;
    expect(outcome(() => ship1.open(LANE, frame(central, "central")))).toBe("frame of central");
    expect(outcome(() => central.open(hello, before))).toBe("replayed");
  });

  it("leaves packets for the keys before to nobody once these are gone", () => {
    const central = life("central", everybody(), new Identity(newSeeds(random)));
    expect(outcome(() => central.open(hello, frame(life("ship1"), "ship1", hello, 0)))).toBe("seal-invalid");
  });
});
