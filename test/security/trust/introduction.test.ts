import { describe, expect, it } from "vitest";
import { Identity, newSeeds } from "../../../src/security/keys/identity.ts";
import { isIntroduction, openIntroduction, sealIntroduction } from "../../../src/security/trust/introduction.ts";
import { TrustRoom } from "./parts.ts";

const codeOf = (act: () => unknown): string => {
  try {
    act();
    return "";
  } catch (error) {
    return (error as { code: string }).code;
  }
};

async function scene() {
  const room = await TrustRoom.make();
  const edge = room.newIdentity();
  const secret = room.random.bytes(16);
  const sealed = sealIntroduction(edge, room.identity.keys, { node: "ship1", secret }, room.random.bytes(32));
  return { room, edge, secret, ...sealed };
}

describe("an introduction", () => {
  it("proves both keys of its sender to central alone, and its answer comes from central alone", async () => {
    const { room, edge, secret, packet, openAnswer } = await scene();
    expect(isIntroduction(packet)).toBe(true);
    const { introduction, sealAnswer } = openIntroduction(room.identity, packet);
    expect(introduction).toEqual({ node: "ship1", keys: edge.keys, secret: Buffer.from(secret) });
    const answer = { standing: "pending", central: "central", reason: "wait" } as const;
    expect(openAnswer(sealAnswer(answer, room.random.bytes(12)))).toEqual(answer);
    const bytes = Buffer.from(sealAnswer({ standing: "accepted", central: "central" }, room.random.bytes(12)));
    bytes.writeUInt8(bytes.readUInt8(40) ^ 1, 40);
    expect(openAnswer(bytes)).toBeUndefined();
    expect(openAnswer(Buffer.from('{"standing":"accepted"}'))).toBeUndefined();
    expect(codeOf(() => openIntroduction(room.newIdentity(), packet))).toBe("introduction-invalid");
  });

  it("is opened with the pair of keys before as well, while central changes its keys", async () => {
    const { room, edge, packet } = await scene();
    const next = new Identity(newSeeds(room.random), room.identity);
    expect(openIntroduction(next, packet).introduction.keys).toEqual(edge.keys);
  });

  it("is refused when any bit of it was changed, and when it is cut", async () => {
    const { room, packet } = await scene();
    for (let at = 2; at < packet.length; at += 11) {
      const bytes = Buffer.from(packet);
      bytes.writeUInt8(bytes.readUInt8(at) ^ 4, at);
      expect(codeOf(() => openIntroduction(room.identity, bytes))).toBe("introduction-invalid");
      expect(codeOf(() => openIntroduction(room.identity, packet.subarray(0, at)))).toBe("introduction-invalid");
    }
  });

  it("cannot name a sealing key that its sender does not have", async () => {
    const { room, edge } = await scene();
    const victim = room.newIdentity();
    const thief = {
      keys: { sign: edge.keys.sign, seal: victim.keys.seal },
      sign: (bytes: Uint8Array) => edge.sign(bytes),
      agree: (raw: Uint8Array) => edge.agree(raw),
    } as unknown as Identity;
    const { packet } = sealIntroduction(
      thief,
      room.identity.keys,
      { node: "ship2", secret: undefined },
      room.random.bytes(32),
    );
    expect(codeOf(() => openIntroduction(room.identity, packet))).toBe("introduction-invalid");
  });
});
