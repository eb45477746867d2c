import { describe, expect, it } from "vitest";
import { invitationLogin, readToken, secretHash, type Token, tokenText } from "../../../src/security/trust/token.ts";
import { TrustRoom } from "./parts.ts";

const token = (room: TrustRoom): Token => ({
  central: "central",
  centralKeys: room.identity.keys,
  node: "ship1",
  secret: room.random.bytes(16),
  expiresAt: 1_900_000_000_000,
  servers: ["nats://10.0.0.1:4222"],
});

const codeOf = (text: string): string => {
  try {
    return readToken(text).node;
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe("a token's text", () => {
  it("comes back whole, also after a mail has broken its lines, and fits a QR code", async () => {
    const room = await TrustRoom.make();
    const made = token(room);
    const text = tokenText(made);
    expect(text.length).toBeLessThan(420);
    expect({ ...readToken(text.replace(/.{60}/g, "$&\r\n  ")), secret: null }).toEqual({ ...made, secret: null });
    expect(Buffer.from(readToken(text).secret)).toEqual(Buffer.from(made.secret));
    const full = { ...made, login: { user: "u", password: "p" }, ca: "-----BEGIN CERTIFICATE-----" };
    expect(readToken(tokenText(full))).toMatchObject({ login: full.login, ca: full.ca });
  });

  it("is told from a refused one when it was cut or mistyped anywhere", async () => {
    const text = tokenText(token(await TrustRoom.make()));
    for (let at = 0; at < text.length; at += 7) {
      const other = text[at] === "A" ? "B" : "A";
      expect(codeOf(`${text.slice(0, at)}${other}${text.slice(at + 1)}`)).toBe("token-damaged");
      expect(codeOf(text.slice(0, at))).toBe("token-damaged");
    }
    expect(codeOf(text)).toBe("ship1");
  });
});

it("the login of an invitation follows from its secret, and tells nothing of it", async () => {
  const room = await TrustRoom.make();
  const secret = room.random.bytes(16);
  const login = invitationLogin(secret);
  expect(invitationLogin(secret)).toEqual(login);
  expect(login.key).toMatch(/^U/);
  expect(login.seed).toMatch(/^SU/);
  expect(login.name).toBe(`-join-${secretHash(secret).slice(0, 12)}`);
  expect(invitationLogin(room.random.bytes(16)).key).not.toBe(login.key);
});
