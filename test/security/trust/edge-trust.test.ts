import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { keyId } from "../../../src/security/keys/public-keys.ts";
import { signBody } from "../../../src/security/keys/signed.ts";
import { EdgeTrust, trustPath } from "../../../src/security/trust/edge-trust.ts";
import { TRUST_LIST } from "../../../src/security/trust/trust-list.ts";
import { tempDir } from "../../harness/temp.ts";
import { TrustRoom } from "./parts.ts";

const codeOf = (act: () => unknown): string => {
  try {
    return String(act());
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe("the trust of an edge", () => {
  it("begins with the first list: before it, central is no peer and nobody is asked for", async () => {
    const room = await TrustRoom.make();
    const identity = room.enrolled("ship1");
    const data = await tempDir();
    const trust = room.edge("ship1", identity, data);
    expect(trust.peer("central")).toBeUndefined();
    expect(trust.take(room.list("ship1"))).toBe(true);
    expect(trust.peer("central")?.keys).toEqual(room.identity.keys);
    expect(room.edge("ship1", identity, data).peer("central")?.keys).toEqual(room.identity.keys);
  });

  it("takes no list that is older, for another node, signed by another key or for another purpose", async () => {
    const room = await TrustRoom.make();
    const identity = room.enrolled("ship1");
    room.enrolled("ship2");
    const older = room.list("ship1");
    room.registry.introducePeers("ship1", "ship2");
    const newer = room.list("ship1");
    const data = await tempDir();
    const trust = room.edge("ship1", identity, data);
    expect(trust.take(newer)).toBe(true);
    expect(trust.take(newer)).toBe(false);
    expect(codeOf(() => trust.take(older))).toBe("trust-list-older");
    // A restart reads the version from the file.
    expect(codeOf(() => room.edge("ship1", identity, data).take(older))).toBe("trust-list-older");
    expect(codeOf(() => trust.take(room.list("ship2")))).toBe("trust-list-invalid");
    const body = { ...newer.body, version: 99 };
    expect(codeOf(() => trust.take({ ...newer, body }))).toBe("trust-list-invalid");
    expect(codeOf(() => trust.take(signBody(room.newIdentity(), TRUST_LIST, body)))).toBe("trust-list-invalid");
    expect(codeOf(() => trust.take(signBody(room.identity, "policy", body)))).toBe("trust-list-invalid");
    expect(codeOf(() => trust.take(signBody(room.identity, TRUST_LIST, body)))).toBe("true");
  });

  it("refuses a revoked peer by its name, from the list that says so on", async () => {
    const room = await TrustRoom.make();
    const identity = room.enrolled("ship1");
    const other = room.enrolled("ship2");
    room.registry.introducePeers("ship1", "ship2");
    const trust = room.edge("ship1", identity, await tempDir());
    trust.take(room.list("ship1"));
    expect(trust.peer("ship2")?.keys).toEqual(other.keys);
    let told = 0;
    trust.onChange(() => told++);
    room.registry.revoke("ship2", "ann");
    trust.take(room.list("ship1"));
    expect(trust.peer("ship2")).toBeUndefined();
    expect(trust.holder(keyId(other.keys))).toEqual({ node: "ship2", keys: other.keys, standing: "revoked" });
    expect(told).toBe(1);
  });

  it("goes over to new keys of central by a list that the old key has signed, and then knows the new one alone", async () => {
    const room = await TrustRoom.make();
    const identity = room.enrolled("ship1");
    const trust = room.edge("ship1", identity, await tempDir());
    trust.take(room.list("ship1"));
    const next = room.newIdentity();
    room.registry.announce(next.keys);
    const announced = room.list("ship1");
    expect(announced.by).toBe(room.identity.keys.sign);
    trust.take(announced);
    expect(trust.peer("central")?.keys).toEqual(next.keys);
    expect(trust.holder(keyId(room.identity.keys))?.standing).toBe("accepted");
    room.registry.rekeyed(next);
    room.registry.announce(undefined);
    trust.take(room.list("ship1"));
    expect(trust.holder(keyId(room.identity.keys))).toBeUndefined();
    const old = signBody(room.identity, TRUST_LIST, { ...room.list("ship1").body, version: 99 });
    expect(codeOf(() => trust.take(old))).toBe("trust-list-invalid");
  });

  it("asks once for a node that it does not know, and never before it is enrolled", async () => {
    const room = await TrustRoom.make();
    const identity = room.enrolled("ship1");
    const trust = room.edge("ship1", identity, await tempDir());
    const asked: string[] = [];
    trust.askBy((node) => asked.push(node));
    trust.peer("ship2");
    expect(asked).toEqual([]);
    trust.take(room.list("ship1"));
    trust.peer("ship2");
    trust.peer("ship2");
    expect(asked).toEqual(["ship2"]);
  });

  it("is made again from the pin of the configuration when its file is damaged, and refused without one", async () => {
    const room = await TrustRoom.make();
    const identity = room.enrolled("ship1");
    const data = await tempDir();
    room.edge("ship1", identity, data).take(room.list("ship1"));
    const path = trustPath(data);
    const text = readFileSync(path, "utf8");
    const unpinned = (): EdgeTrust =>
      new EdgeTrust({ data, node: "ship1", central: "central", pin: undefined, identity });
    expect(unpinned().version).toBe(room.list("ship1").body.version);
    for (const damage of [text.slice(0, 300), text.replace('"version":', '"version":1'), "[]"]) {
      writeFileSync(path, damage);
      expect(codeOf(unpinned)).toBe("trust-damaged");
      expect(room.edge("ship1", identity, data).isEnrolled).toBe(false);
    }
  });

  it("forgets the list of another central when the configuration pins a new one", async () => {
    const room = await TrustRoom.make();
    const identity = room.enrolled("ship1");
    const data = await tempDir();
    room.edge("ship1", identity, data).take(room.list("ship1"));
    expect(room.edge("ship1", identity, data, room.newIdentity().keys).isEnrolled).toBe(false);
  });
});
