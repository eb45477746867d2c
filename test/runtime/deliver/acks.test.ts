import { describe, expect, it } from "vitest";
import { listenForAcks } from "../../../src/broker/acks.ts";
import { StewardError } from "../../../src/message/errors.ts";
import type { Opened } from "../../../src/message/wire/envelope.ts";
import type { Ack } from "../../../src/message/wire/frame.ts";
import { Acks } from "../../../src/runtime/deliver/acks.ts";
import { ClearEnvelope } from "../../../src/security/seal/clear-envelope.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { seededRandom } from "../../harness/random.ts";
import { MemoryBroker } from "../../twins/memory-broker.ts";

const LANE = "ship1.command.shellcommand.os";
const OWN = "central.command.shellcommand.os";
const HELLO = "central.event.hello.steward";
const FACTS = "central.event.facts.steward";
const ACK: Ack = {
  node: "ship1",
  receiverEpoch: "e1",
  epoch: "c1",
  sentAt: 5,
  last: 3,
  started: 0,
  upTo: 3,
  credit: 9,
  verdicts: [],
};
const clear = new ClearEnvelope();

/** An envelope that believes nothing of some kind. */
class Doubting extends ClearEnvelope {
  readonly #kind: Opened["kind"];

  constructor(kind: Opened["kind"]) {
    super();
    this.#kind = kind;
  }

  override open(subject: string, payload: Uint8Array): Opened {
    const opened = super.open(subject, payload);
    if (opened.kind !== this.#kind) return opened;
    throw new StewardError("signature-invalid", { origin: "somebody", fault: "it is forged" });
  }
}

/** What follows from answers that come back at the inbox of a real link of the broker's twin. */
async function followed(
  envelope: ClearEnvelope,
  answers: readonly (readonly [lane: string, first: number, payload: Uint8Array])[],
  fleet: { doubled?: boolean; other?: boolean } = {},
): Promise<string[]> {
  const clock = new SimulatedClock();
  const broker = new MemoryBroker({ clock, random: seededRandom(1) });
  const link = broker.connect("central");
  const done: string[] = [];
  const acks = new Acks({
    envelope,
    counters: { refuse: (code) => void done.push(`refused ${code}`) },
    fleet: {
      isKnown: (node) => node === "ship1" || node === "central",
      isDoubled: () => fleet.doubled === true,
      isOther: () => fleet.other === true,
    },
    links: {
      acknowledged: ({ node }) => void done.push(`${node} lives`),
      refused: (node) => void done.push(`${node} lives`),
    },
    presence: {
      subject: HELLO,
      answered: () => void done.push("presence"),
      sealAgain: (subject) => void done.push(`${subject} sealed again`),
    },
    vouching: { sealAgain: () => undefined },
    factTeller: {
      subject: FACTS,
      greeted: () => undefined,
      acknowledged: (no) => void done.push(`facts ${no} are known`),
    },
    publishers: {
      answered: (subject, { last }) => void done.push(`${subject} up to ${last}`),
      refused: (subject, first, { code }) => void done.push(`${subject} ${first}: ${code}`),
      sealAgain: (subject, first) => void done.push(`${subject} ${first} sealed again`),
      unheard: (subject, first) => void done.push(`${subject} ${first} unheard`),
    },
    repair: { doubt: (node) => void done.push(`${node} is asked again`) },
  });
  await clock.advance(0);
  listenForAcks(link, acks);
  const other = broker.connect("ship1");
  await clock.advance(0);
  for (const [lane, first, payload] of answers) other.publish(`${link.inbox}.${lane}.${first}`, payload);
  await clock.advance(10);
  return done;
}

const ack = (change: Partial<Ack> = {}, subject = LANE): Uint8Array =>
  clear.sealAck("ship1", subject, { ...ACK, ...change });
const refusal = (node: string, subject = LANE): Uint8Array =>
  clear.sealRefusal("ship1", subject, new StewardError("frame-too-large", { subject, limit: 1 }), {
    node,
    receiverEpoch: "e1",
    sentAt: 5,
  });

const otherLife = (node: string, subject: string): Uint8Array =>
  clear.sealRefusal(node, subject, new StewardError("session-unknown", { origin: "central", subject }), {
    node,
    receiverEpoch: "e1",
    sentAt: 5,
  });

/** An envelope that holds no refusal for proved. */
class Unproved extends ClearEnvelope {
  override open(subject: string, payload: Uint8Array): Opened {
    const opened = super.open(subject, payload);
    return opened.kind === "refusal" ? { kind: "hint", refusal: opened.refusal } : opened;
  }
}

describe("an answer", () => {
  it("that names another life of its receiver has the frame, or the hello, sealed again", async () => {
    expect(await followed(clear, [[LANE, 7, otherLife("ship1", LANE)]])).toEqual([`${LANE} 7 sealed again`]);
    expect(await followed(clear, [[HELLO, 0, otherLife("central", HELLO)]])).toEqual([`${HELLO} sealed again`]);
    expect(await followed(clear, [[LANE, 7, otherLife("ship2", LANE)]])).toEqual([]);
  });

  it("that nobody proves is told and moves nothing", async () => {
    const answers: [string, number, Uint8Array][] = [
      [LANE, 7, refusal("ship1")],
      [LANE, 7, otherLife("ship1", LANE)],
    ];
    expect(await followed(new Unproved(), answers)).toEqual(["refused unproved-refusal", "refused unproved-refusal"]);
  });

  it.each<[string, string, number, Uint8Array, string[]]>([
    ["an ACK moves its lane", LANE, 1, ack(), ["ship1 lives", `${LANE} up to 3`]],
    ["an ACK that another node gives", LANE, 1, ack({ node: "ship2" }), ["refused ack-misplaced"]],
    ["an ACK for another subject", "ship1.command.other.os", 1, ack(), ["refused frame-misdirected"]],
    ["an ACK of facts", FACTS, 3, ack({ node: "central" }, FACTS), ["central lives", "facts 3 are known"]],
    ["an ACK of a hello", HELLO, 0, ack({ node: "central" }, HELLO), ["central lives", "presence"]],
    ["a refusal holds its lane", LANE, 7, refusal("ship1"), ["ship1 lives", `${LANE} 7: frame-too-large`]],
    ["a refusal of another node", LANE, 7, refusal("ship2"), []],
    ["a refusal of this node itself", OWN, 7, refusal("central", OWN), ["central lives", `${OWN} 7: frame-too-large`]],
    [
      "a frame",
      LANE,
      7,
      clear.seal(LANE, { origin: "a", epoch: "b", sentAt: 1, first: 1, acked: 0 }, [], null),
      ["refused frame-malformed"],
    ],
    ["plain text", LANE, 7, Buffer.from("hello"), ["refused frame-malformed"]],
  ])("that is %s: what follows is said once", async (_what, lane, first, payload, expected) => {
    expect(await followed(clear, [[lane, first, payload]])).toEqual(expected);
  });

  it("of a journal other than the known one has its node asked again", async () => {
    expect(await followed(clear, [[LANE, 1, ack()]], { other: true })).toEqual([
      "ship1 lives",
      `${LANE} up to 3`,
      "ship1 is asked again",
    ]);
  });

  it("of a name that two nodes have greets nobody", async () => {
    const hello = ack({ node: "central" }, HELLO);
    expect(await followed(clear, [[HELLO, 0, hello]], { doubled: true })).toEqual(["central lives"]);
  });

  it.each<[Opened["kind"], Uint8Array]>([
    ["ack", ack()],
    ["refusal", refusal("ship1")],
  ])("that cannot be proved is no sign of life and moves nothing: %s", async (kind, payload) => {
    const three = [1, 1, 1].map((first) => [LANE, first, payload] as const);
    expect(await followed(new Doubting(kind), three)).toEqual(Array(3).fill("refused signature-invalid"));
  });
});
