import { createUser, fromCurveSeed, fromPublic, fromSeed } from "@nats-io/nkeys";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Identity, newSeeds } from "../../../src/security/keys/identity.ts";
import { publicBytes, seedBytes } from "../../../src/security/keys/key-text.ts";
import { fingerprint, keyId, keysText, parseKeys } from "../../../src/security/keys/public-keys.ts";
import { canonical, isSignedBy, signBody } from "../../../src/security/keys/signed.ts";
import { seededRandom } from "../../harness/random.ts";

const random = seededRandom(7);
const seeds = newSeeds(random);
const own = new Identity(seeds);
const other = new Identity(newSeeds(random));
const utf8 = new TextEncoder();

describe("an identity", () => {
  it("has keys that NATS reads as a user's and as a curve key", () => {
    expect(own.keys.sign).toMatch(/^U[A-Z2-7]{55}$/);
    expect(own.keys.seal).toMatch(/^X[A-Z2-7]{55}$/);
    expect(fromSeed(utf8.encode(seeds.sign)).getPublicKey()).toBe(own.keys.sign);
    expect(fromCurveSeed(utf8.encode(seeds.seal)).getPublicKey()).toBe(own.keys.seal);
  });

  it("signs what NATS verifies, so that it can log in to a broker", () => {
    const nonce = utf8.encode("a nonce of the broker");
    expect(fromPublic(own.keys.sign).verify(nonce, own.sign(nonce))).toBe(true);
    const user = createUser();
    const made = new Identity({ sign: new TextDecoder().decode(user.getSeed()), seal: seeds.seal });
    expect(made.keys.sign).toBe(user.getPublicKey());
  });

  it("shares a secret with each other identity that both of them know", () => {
    expect(own.agree(other.sealKey)).toEqual(other.agree(own.sealKey));
    expect(() => own.agree(new Uint8Array(32))).toThrow();
  });

  it.each<[string, Partial<typeof seeds>]>([
    ["a seed of the other use", { sign: seeds.seal }],
    ["a public key", { sign: own.keys.sign }],
    ["a seed with a changed letter", { sign: seeds.sign.replace(/.$/, (last) => (last === "A" ? "B" : "A")) }],
    ["an empty text", { seal: "" }],
  ])("is not made of %s", (_, change) => {
    expect(() => new Identity({ ...seeds, ...change })).toThrow(RangeError);
  });
});

describe("public keys", () => {
  it("are one word, and the same keys again when it is read", () => {
    expect(keysText(own.keys)).toBe(`${own.keys.sign}.${own.keys.seal}`);
    expect(parseKeys(keysText(own.keys))).toEqual(own.keys);
  });

  it("are not read from a word with any one letter changed, nor with the keys swapped", () => {
    const text = keysText(own.keys);
    fc.assert(
      fc.property(fc.nat(text.length - 1), fc.constantFrom(..."ABCXYZ27.-"), (at, letter) => {
        fc.pre(text[at] !== letter);
        expect(parseKeys(`${text.slice(0, at)}${letter}${text.slice(at + 1)}`)).toBeUndefined();
      }),
    );
    expect(parseKeys(`${own.keys.seal}.${own.keys.sign}`)).toBeUndefined();
    expect(parseKeys(`${text}.${own.keys.sign}`)).toBeUndefined();
    expect(parseKeys("")).toBeUndefined();
  });

  it("have a fingerprint of four groups that names both keys", () => {
    expect(fingerprint(own.keys)).toMatch(/^[A-Z2-7]{4}(-[A-Z2-7]{4}){3}$/);
    expect(fingerprint(own.keys)).toBe(fingerprint({ ...own.keys }));
    expect(fingerprint({ ...own.keys, seal: other.keys.seal })).not.toBe(fingerprint(own.keys));
    expect(fingerprint({ ...own.keys, sign: other.keys.sign })).not.toBe(fingerprint(own.keys));
  });

  it("have an id of 16 hex digits for the sealing key", () => {
    expect(keyId(own.keys)).toMatch(/^[0-9a-f]{16}$/);
    expect(keyId({ ...own.keys, sign: other.keys.sign })).toBe(keyId(own.keys));
  });

  it("never pass for seeds, nor seeds for public keys", () => {
    expect(seedBytes("sign", own.keys.sign)).toBeUndefined();
    expect(publicBytes("sign", seeds.sign)).toBeUndefined();
    expect(publicBytes("seal", own.keys.sign)).toBeUndefined();
  });
});

describe("a signed body", () => {
  const body = { node: "ship1", version: 3, list: [1, null, "ü"], more: { b: 1, a: true } };

  it("is proved whatever the order of its keys", () => {
    const signed = signBody(own, "trust-list", body);
    expect(isSignedBy(own.keys.sign, "trust-list", signed)).toBe(true);
    const { more, ...rest } = body;
    const turned = { ...signed, body: { more: { a: more.a, b: more.b }, ...rest } };
    expect(isSignedBy(own.keys.sign, "trust-list", JSON.parse(JSON.stringify(turned)))).toBe(true);
  });

  it.each<[string, (signed: ReturnType<typeof signBody<typeof body>>) => boolean]>([
    ["another purpose", (signed) => isSignedBy(own.keys.sign, "policy", signed)],
    ["another signer's key", (signed) => isSignedBy(other.keys.sign, "trust-list", signed)],
    [
      "another signer's name",
      (signed) => isSignedBy(other.keys.sign, "trust-list", { ...signed, by: other.keys.sign }),
    ],
    [
      "a changed body",
      (signed) => isSignedBy(own.keys.sign, "trust-list", { ...signed, body: { ...body, version: 4 } }),
    ],
    ["no signature", (signed) => isSignedBy(own.keys.sign, "trust-list", { ...signed, signature: "" })],
    [
      "a second text of the signature",
      (signed) => isSignedBy(own.keys.sign, "trust-list", { ...signed, signature: `${signed.signature}=` }),
    ],
    ["a key that is none", (signed) => isSignedBy("UABC", "trust-list", { ...signed, by: "UABC" })],
  ])("is not proved for %s", (_, proved) => {
    expect(proved(signBody(own, "trust-list", body))).toBe(false);
  });

  it("is JSON with its keys in order", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const once = canonical(JSON.parse(text));
        expect(canonical(JSON.parse(once))).toBe(once);
        expect(JSON.parse(once)).toEqual(JSON.parse(JSON.stringify(JSON.parse(text))));
      }),
    );
    expect(canonical({ b: [{ d: 1, c: 2 }], a: "x" })).toBe('{"a":"x","b":[{"c":2,"d":1}]}');
  });
});
