import { describe, expect, it } from "vitest";
import type { Json, Message } from "../../../src/message/message.ts";
import { decodeItem, encodeItem, messageFault, messageOf, type WireItem } from "../../../src/message/wire/frame.ts";
import { Identity, newSeeds } from "../../../src/security/keys/identity.ts";
import { CommandSignatures } from "../../../src/security/operators/command-signatures.ts";
import { OperatorDirectory } from "../../../src/security/operators/directory.ts";
import type { OperatorRecord } from "../../../src/security/operators/operator-record.ts";
import { StatementSigner } from "../../../src/security/operators/statement.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { seededRandom } from "../../harness/random.ts";

const random = seededRandom(21);
const ann = new Identity(newSeeds(random));
const eve = new Identity(newSeeds(random));
const HOUR = 3_600_000;
const ID = "01K00000000000000000000000";
const SUBJECT = "ship1.command.shellcommand.nginx";

function scene(change: Partial<OperatorRecord> = {}) {
  const clock = new SimulatedClock();
  const record: OperatorRecord = {
    name: "ann",
    key: ann.keys.sign,
    role: "operator",
    standing: "accepted",
    since: 1,
    by: "central",
    ...change,
  };
  const operators = new OperatorDirectory(() => ({ operators: [record as unknown as Json] }));
  const signatures = new CommandSignatures(operators, clock);
  const until = clock.now() + HOUR;
  const message = (signer = ann, name = "ann"): Message => {
    const stated = { id: ID, subject: SUBJECT, data: ["nginx", "-t"] as Json };
    const statement = new StatementSigner(signer, name).sign(stated, until);
    const times = { createdAt: clock.now(), deliverBy: until, timeout: null };
    return { ...stated, ...times, origin: "central", operator: { name, statement } };
  };
  const judge = (judged: Message, arrives = true): string | undefined => {
    try {
      return signatures.operatorOf(judged, arrives);
    } catch (error) {
      return String((error as { details: { fault: string } }).details.fault);
    }
  };
  return { clock, message, judge, until };
}

const FALSE = "it is not on this command, for this node";

describe("a command that an operator signed", () => {
  it("is that operator's at its node, also after it has travelled", () => {
    const { message, judge } = scene();
    const sent = message();
    expect(judge(sent)).toBe("ann");
    expect(messageFault(sent)).toBeUndefined();
    const wire = JSON.parse(encodeItem(sent)) as WireItem;
    const item = decodeItem(wire);
    expect("data" in item && messageOf(item, SUBJECT, "central")).toEqual(sent);
    expect("data" in item && judge(messageOf(item, SUBJECT, "central"))).toBe("ann");
  });

  it("is refused on another node, subject, content, id or time, and in the name or with the key of somebody else", () => {
    const { message, judge } = scene();
    const sent = message();
    for (const change of [
      { subject: SUBJECT.replace("ship1", "ship2") },
      { subject: SUBJECT.replace("nginx", "apache") },
      { subject: SUBJECT.replace("command", "event") },
      { data: ["nginx", "-s", "stop"] },
      { id: "01K00000000000000000000001" },
    ])
      expect(judge({ ...sent, ...change }), JSON.stringify(change)).toBe(FALSE);
    const statement = sent.operator?.statement as { until: number; signature: string };
    expect(judge({ ...sent, operator: { name: "ann", statement: { ...statement, until: statement.until + 1 } } })).toBe(
      FALSE,
    );
    const signature = `${statement.signature.startsWith("A") ? "B" : "A"}${statement.signature.slice(1)}`;
    expect(judge({ ...sent, operator: { name: "ann", statement: { ...statement, signature } } })).toBe(FALSE);
    expect(judge(message(eve, "ann"))).toBe(FALSE);
    expect(judge({ ...message(ann, "bob"), operator: { name: "ann", statement } })).toBe("ann");
  });

  it("is nobody's where the name is not known, or nothing was signed: the policy decides then", () => {
    const { message, judge } = scene();
    expect(judge(message(eve, "eve"))).toBeUndefined();
    expect(judge({ ...message(), operator: { name: "ann" } })).toBeUndefined();
  });

  it("is refused once its time is over, by the clock of the node, but not while it waits there", async () => {
    const { clock, message, judge } = scene();
    const sent = message();
    await clock.advance(HOUR + 299_000);
    expect(judge(sent)).toBe("ann");
    await clock.advance(2_000);
    expect(judge(sent)).toMatch(/^it held until .*, and the clock here shows /);
    expect(judge(sent, false)).toBe("ann");
  });

  it("is refused of one who was removed, only looks, has other methods, or has another key since", () => {
    const sent = scene().message();
    expect(scene({ standing: "removed" }).judge(sent)).toBe("ann is no operator any more");
    expect(scene({ standing: "removed" }).judge(sent, false)).toBe("ann is no operator any more");
    expect(scene({ role: "viewer" }).judge(sent)).toContain("role viewer");
    expect(scene({ methods: ["ping", "shellcommand.apache"] }).judge(sent)).toContain("the methods of ann are");
    expect(scene({ methods: ["shellcommand"] }).judge(sent)).toBe("ann");
    const former = [{ key: ann.keys.sign, signature: "" }];
    expect(scene({ key: eve.keys.sign, former }).judge(sent)).toContain("a key that ann has changed since");
  });

  it("reads the same to every reader: the order of keys in its data makes no difference", () => {
    const { message, judge } = scene();
    const stated = { id: ID, subject: SUBJECT, data: { b: 1, a: [{ d: 1, c: 2 }] } as Json };
    const statement = new StatementSigner(ann, "ann").sign(stated, 9e15 - 1);
    const data = { a: [{ c: 2, d: 1 }], b: 1 } as Json;
    expect(judge({ ...message(), ...stated, data, operator: { name: "ann", statement } })).toBe("ann");
  });
});
