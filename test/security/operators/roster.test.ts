import { describe, expect, it } from "vitest";
import { StewardError } from "../../../src/message/errors.ts";
import type { Json } from "../../../src/message/message.ts";
import type { Identity } from "../../../src/security/keys/identity.ts";
import { signBody } from "../../../src/security/keys/signed.ts";
import { OperatorDirectory } from "../../../src/security/operators/directory.ts";
import type { OperatorRecord } from "../../../src/security/operators/operator-record.ts";
import { Roster } from "../../../src/security/operators/roster.ts";
import { signSuccession } from "../../../src/security/operators/succession.ts";
import { TRUST_LIST } from "../../../src/security/trust/trust-list.ts";
import { tempDir } from "../../harness/temp.ts";
import { TrustRoom } from "../trust/parts.ts";

const codeOf = (act: () => unknown): string => {
  try {
    return String(act());
  } catch (error) {
    return error instanceof StewardError ? error.code : String(error);
  }
};

/** Central that decides on operators, and ship1, which was given a list after each decision. */
async function scene() {
  const room = await TrustRoom.make();
  const edge = room.edge("ship1", room.enrolled("ship1"), await tempDir());
  edge.take(room.list("ship1"));
  const operators = new OperatorDirectory(() => room.registry);
  const write = (records: readonly OperatorRecord[]): void =>
    room.registry.setOperators(records as unknown as readonly Json[]);
  const roster = new Roster({ operators, now: () => room.clock.now(), write });
  const atShip = new OperatorDirectory(() => edge);
  const tell = () => edge.take(room.list("ship1"));
  const add = (name: string, { keys }: Identity) => roster.add(name, { role: "operator", key: keys.sign }, "central");
  return { room, edge, operators, roster, atShip, tell, add };
}

describe("the operators of a fleet", () => {
  it("reach a node in its signed list, are there after a restart of central, and are removed by the next list", async () => {
    const { room, roster, operators, atShip, tell, add } = await scene();
    const ann = room.newIdentity();
    add("ann", ann);
    expect(operators.holder(ann.keys.sign)).toMatchObject({ name: "ann", role: "operator", standing: "accepted" });
    tell();
    expect(atShip.holder(ann.keys.sign)).toMatchObject({ name: "ann", standing: "accepted" });
    room.open();
    expect(operators.named("ann")).toMatchObject({ key: ann.keys.sign });
    roster.remove("ann", "bob@central");
    tell();
    expect(atShip.named("ann")).toMatchObject({ standing: "removed", by: "bob@central" });
    expect(codeOf(() => roster.remove("ann", "central"))).toBe("operator-absent");
  });

  it("are added once, with a key of their own; another role takes --replace, and another key never comes that way", async () => {
    const { room, roster, add } = await scene();
    const [ann, bob] = [room.newIdentity(), room.newIdentity()];
    add("ann", ann);
    expect(codeOf(() => add("ann", ann))).toBe("operator-exists");
    expect(codeOf(() => add("bob", ann))).toBe("usage");
    expect(codeOf(() => roster.add("ann", { role: "admin", key: bob.keys.sign, replace: true }, "central"))).toBe(
      "operator-key-differs",
    );
    expect(roster.add("ann", { role: "admin", replace: true }, "central")).toMatchObject({ key: ann.keys.sign });
    roster.remove("ann", "central");
    // The name of a removed operator is as good as taken: nodes know its key.
    expect(codeOf(() => add("ann", bob))).toBe("operator-key-differs");
    expect(add("ann", ann)).toMatchObject({ standing: "accepted" });
    for (const key of ["", "SUAKJ", ann.keys.seal])
      expect(codeOf(() => roster.add("x", { role: "viewer", key }, "c"))).toBe("usage");
    expect(codeOf(() => roster.add("x", { role: "viewer", on: "a=b", key: bob.keys.sign }, "c"))).toBe("usage");
    expect(codeOf(() => roster.add("x", { role: "operator", methods: ["a.b.c"], key: bob.keys.sign }, "c"))).toBe(
      "usage",
    );
  });

  it("change their key when the present one signs the next, through as many changes as a node has missed", async () => {
    const { room, roster, atShip, tell, add } = await scene();
    const keys = [room.newIdentity(), room.newIdentity(), room.newIdentity()] as const;
    add("ann", keys[0]);
    tell();
    const next = (from: Identity, to: Identity): unknown =>
      roster.rekey("ann", to.keys.sign, signSuccession(from, "ann", to.keys.sign), "ann@central");
    expect(codeOf(() => next(keys[1], keys[2]))).toBe("usage");
    next(keys[0], keys[1]);
    next(keys[1], keys[2]);
    tell();
    expect(atShip.holder(keys[2].keys.sign)?.name).toBe("ann");
    expect(atShip.holder(keys[0].keys.sign)).toBeUndefined();
    expect(atShip.formerHolder(keys[0].keys.sign)?.name).toBe("ann");
    // A key that somebody has had is nobody's next one.
    expect(codeOf(() => next(keys[2], keys[0]))).toBe("usage");
  });
});

describe("central's key in other hands", () => {
  it("gives the name of an operator no other key at a node that knows the operator, and does not make it forget one", async () => {
    const { room, edge, atShip, tell, add } = await scene();
    const [ann, eve] = [room.newIdentity(), room.newIdentity()];
    add("ann", ann);
    tell();
    const { body } = room.list("ship1");
    const [record] = body.operators as unknown as readonly OperatorRecord[];
    const forged = (operators: readonly unknown[], version: number) =>
      edge.take(signBody(room.identity, TRUST_LIST, { ...body, version, operators: operators as Json[] }));
    const other = { ...record, key: eve.keys.sign };
    const signature = signSuccession(eve, "ann", eve.keys.sign);
    for (const operators of [
      [other],
      [{ ...other, former: [{ key: ann.keys.sign, signature }] }],
      [{ ...other, former: [{ key: eve.keys.sign, signature }] }],
      [],
      [{ ...other, name: "eve" }],
      [record, other],
      [{ ...record, role: "king" }],
    ])
      expect(codeOf(() => forged(operators, body.version + 1))).toBe("trust-list-invalid");
    expect(atShip.named("ann")?.key).toBe(ann.keys.sign);
    // A new name is central's to give: policies that name their operators do not know it.
    expect(codeOf(() => forged([record, { ...other, name: "eve" }], body.version + 1))).toBe("true");
  });
});
