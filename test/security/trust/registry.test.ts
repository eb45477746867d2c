import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fingerprint, keyId } from "../../../src/security/keys/public-keys.ts";
import { registryPath } from "../../../src/security/trust/registry-file.ts";
import { codeOf, TrustRoom, texts } from "./parts.ts";

const thrown = (act: () => unknown): { code?: string; message?: string } => {
  try {
    act();
  } catch (error) {
    return error as { code: string };
  }
  return {};
};

describe("a token", () => {
  it("enrols one machine: a second one is told which machine used it, and the first may ask again", async () => {
    const room = await TrustRoom.make();
    const secret = room.invite("ship1");
    const [first, second] = [room.newIdentity(), room.newIdentity()];
    expect(codeOf(room.registry.introduce("ship1", first.keys, secret))).toBe("accepted");
    const refused = room.registry.introduce("ship1", second.keys, secret);
    expect(codeOf(refused)).toBe("token-spent");
    expect(refused.kind === "refused" && refused.error.message).toContain(fingerprint(first.keys));
    expect(codeOf(room.registry.introduce("ship1", first.keys, secret))).toBe("accepted");
    expect(room.registry.peer("ship1")?.keys).toEqual(first.keys);
  });

  it("stays spent after a restart of central", async () => {
    const room = await TrustRoom.make();
    const secret = room.invite("ship1");
    room.registry.introduce("ship1", room.newIdentity().keys, secret);
    const registry = room.open();
    expect(codeOf(registry.introduce("ship1", room.newIdentity().keys, secret))).toBe("token-spent");
  });

  it("is refused once it has expired, for another node, and when nobody made it", async () => {
    const room = await TrustRoom.make();
    const secret = room.invite("ship1", 60_000);
    const { keys } = room.newIdentity();
    expect(codeOf(room.registry.introduce("ship2", keys, secret))).toBe("token-other-node");
    expect(codeOf(room.registry.introduce("ship1", keys, new Uint8Array(16)))).toBe("token-unknown");
    await room.clock.advance(60_001);
    expect(codeOf(room.registry.introduce("ship1", keys, secret))).toBe("token-expired");
    expect(room.registry.holder(keyId(keys))).toBeUndefined();
  });

  it("is not made for a name that is taken, unless the machine takes its place: then the old keys are revoked", async () => {
    const room = await TrustRoom.make();
    const before = room.enrolled("ship1");
    expect(thrown(() => room.invite("ship1")).code).toBe("node-enrolled");
    const after = room.newIdentity();
    const secret = room.invite("ship1", 60_000, true);
    expect(codeOf(room.registry.introduce("ship1", after.keys, secret))).toBe("accepted");
    expect(room.registry.holder(keyId(before.keys))?.standing).toBe("revoked");
    expect(codeOf(room.registry.introduce("ship1", before.keys, undefined))).toBe("machine-refused");
  });

  it("gives a login at the broker, also while it is used or expired: its bearer is told so; the node has its own", async () => {
    const room = await TrustRoom.make();
    const secret = room.invite("ship1", 60_000);
    const logins = (): string[] => room.registry.list().map((one) => (one.kind === "node" ? one.node : one.kind));
    expect(logins()).toEqual(["central", "invitation"]);
    let told = 0;
    room.registry.onChange(() => told++);
    room.registry.introduce("ship1", room.newIdentity().keys, secret);
    expect(logins()).toEqual(["central", "ship1", "invitation"]);
    expect(told).toBe(1);
    await room.clock.advance(8 * 86_400_000);
    room.registry.revoke("ship1", "ann");
    expect(logins()).toEqual(["central"]);
  });
});

describe("a machine without a token", () => {
  it("waits with its fingerprint until it is accepted", async () => {
    const room = await TrustRoom.make();
    const { keys } = room.newIdentity();
    expect(room.registry.introduce("ship1", keys, undefined)).toEqual({
      kind: "pending",
      fingerprint: fingerprint(keys),
      isNew: true,
    });
    expect(room.registry.holder(keyId(keys))?.standing).toBe("pending");
    expect(room.registry.peer("ship1")).toBeUndefined();
    room.registry.accept("ship1", {}, "ann");
    expect(room.registry.peer("ship1")?.keys).toEqual(keys);
    expect(room.registry.pending.all()).toEqual([]);
    expect(codeOf(room.registry.introduce("ship1", keys, undefined))).toBe("accepted");
  });

  it("is rejected by its keys: it does not come back, and the name stays free", async () => {
    const room = await TrustRoom.make();
    const { keys } = room.newIdentity();
    room.registry.introduce("ship1", keys, undefined);
    room.registry.reject("ship1", {}, "ann");
    expect(codeOf(room.registry.introduce("ship1", keys, undefined))).toBe("machine-refused");
    expect(codeOf(room.registry.introduce("ship1", room.newIdentity().keys, undefined))).toBe("pending");
  });

  it("is not accepted by a guess where two claim one name", async () => {
    const room = await TrustRoom.make();
    const [honest, other] = [room.newIdentity(), room.newIdentity()];
    for (const { keys } of [other, honest]) room.registry.introduce("ship1", keys, undefined);
    expect(thrown(() => room.registry.accept("ship1", {}, "ann")).code).toBe("pending-ambiguous");
    expect(thrown(() => room.registry.accept("ship1", { fingerprint: "AAAA-AAAA" }, "ann")).code).toBe(
      "fingerprint-differs",
    );
    room.registry.accept("ship1", { fingerprint: fingerprint(honest.keys).toLowerCase() }, "ann");
    expect(room.registry.peer("ship1")?.keys).toEqual(honest.keys);
    expect(room.registry.holder(keyId(other.keys))?.standing).toBe("pending");
  });

  it("cannot take a name that is enrolled, nor fill the memory of central", async () => {
    const room = await TrustRoom.make();
    const before = room.enrolled("ship1");
    room.registry.introduce("ship1", room.newIdentity().keys, undefined);
    expect(thrown(() => room.registry.accept("ship1", {}, "ann")).code).toBe("node-enrolled");
    expect(room.registry.peer("ship1")?.keys).toEqual(before.keys);
    const codes = Array.from({ length: 120 }, (_, i) =>
      codeOf(room.registry.introduce(`node${i}`, room.newIdentity().keys, undefined)),
    );
    expect(codes.filter((code) => code === "pending-full")).toHaveLength(21);
    await room.clock.advance(31 * 60_000);
    expect(room.registry.pending.all()).toEqual([]);
  });

  it("cannot claim the sealing key of another node with a signing key of its own", async () => {
    const room = await TrustRoom.make();
    const victim = room.enrolled("ship1");
    const mixed = { sign: room.newIdentity().keys.sign, seal: victim.keys.seal };
    expect(codeOf(room.registry.introduce("ship1", mixed, undefined))).toBe("machine-refused");
    expect(room.registry.holder(keyId(victim.keys))?.keys).toEqual(victim.keys);
  });
});

describe("the registry", () => {
  it("revokes in the same turn, tells those that trust the node, and takes it back only when it is accepted again", async () => {
    const room = await TrustRoom.make();
    const one = room.enrolled("ship1");
    room.enrolled("ship2");
    room.enrolled("ship3");
    room.registry.introducePeers("ship1", "ship2");
    const touched: string[][] = [];
    room.registry.onChange((names) => touched.push([...names]));
    room.registry.revoke("ship1", "ann");
    expect(touched).toEqual([["ship2"]]);
    expect(room.registry.peer("ship1")).toBeUndefined();
    expect(room.registry.holder(keyId(one.keys))?.standing).toBe("revoked");
    expect(room.list("ship2").body.peers).toEqual([{ node: "ship1", keys: texts(one.keys), standing: "revoked" }]);
    room.open();
    expect(room.registry.holder(keyId(one.keys))?.standing).toBe("revoked");
    room.registry.accept("ship1", {}, "ann");
    expect(room.list("ship2").body.peers[0]?.standing).toBe("accepted");
  });

  it("frees the name of a decommissioned node, and never takes its keys again", async () => {
    const room = await TrustRoom.make();
    const before = room.enrolled("ship1");
    room.enrolled("ship2");
    room.registry.introducePeers("ship1", "ship2");
    expect(room.registry.decommission("ship1", "ann")).toBe(true);
    expect(room.list("ship2").body.peers).toEqual([]);
    expect(codeOf(room.registry.introduce("ship1", before.keys, room.invite("ship1")))).toBe("machine-refused");
    expect(room.enrolled("ship1").keys).not.toEqual(before.keys);
  });

  it("gives each list a version above all that its node had before, also after it was taken out and came back", async () => {
    const room = await TrustRoom.make();
    room.enrolled("ship1");
    room.enrolled("ship2");
    const versions = [room.list("ship1").body.version];
    room.registry.introducePeers("ship1", "ship2");
    versions.push(room.list("ship1").body.version);
    room.registry.revoke("ship2", "ann");
    versions.push(room.list("ship1").body.version);
    room.registry.decommission("ship1", "ann");
    room.enrolled("ship1");
    versions.push(room.list("ship1").body.version);
    expect(versions).toEqual([...versions].sort((a, b) => a - b));
    expect(new Set(versions).size).toBe(4);
  });

  it("accepts both pairs of keys of a node while they change, and the newest alone afterwards", async () => {
    const room = await TrustRoom.make();
    const before = room.enrolled("ship1");
    const after = room.newIdentity();
    room.registry.rekey("ship1", after.keys, "ann");
    expect(room.registry.peer("ship1")?.keys).toEqual(after.keys);
    expect(room.registry.holder(keyId(before.keys))?.standing).toBe("accepted");
    expect(room.list("ship1").body.own).toEqual(texts(after.keys, before.keys));
    room.registry.settle("ship1");
    expect(room.registry.holder(keyId(before.keys))?.standing).toBe("revoked");
    expect(room.registry.holder(keyId(after.keys))?.standing).toBe("accepted");
  });

  it("is refused when it was changed by hand, cut short, or signed by another node", async () => {
    const room = await TrustRoom.make();
    room.enrolled("ship1");
    const path = registryPath(room.data);
    const text = readFileSync(path, "utf8");
    for (const changed of [text.replace("accepted", "revoked"), text.slice(0, 200), "{}", "null"]) {
      writeFileSync(path, changed);
      expect(thrown(() => room.open()).code).toBe("registry-damaged");
    }
    writeFileSync(path, text);
    expect(thrown(() => room.open(room.newIdentity())).code).toBe("registry-damaged");
    expect(room.open().peer("ship1")?.node).toBe("ship1");
  });

  it("changes nothing when the change cannot be written", async () => {
    const room = await TrustRoom.make();
    room.enrolled("ship1");
    const path = registryPath(room.data);
    writeFileSync(`${path}.new`, "", { mode: 0o600 });
    const { rmSync, mkdirSync } = await import("node:fs");
    rmSync(`${path}.new`);
    mkdirSync(`${path}.new`);
    expect(thrown(() => room.registry.revoke("ship1", "ann")).code).toBe("file-unwritable");
    expect(room.registry.peer("ship1")?.standing).toBe("accepted");
  });
});
