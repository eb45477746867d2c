import { describe, expect, test } from "vitest";
import { Identity, newSeeds } from "../../../src/security/keys/identity.ts";
import { CLOCK_TOLERANCE, RequestSignatures, signRequest } from "../../../src/security/operators/request-signature.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { seededRandom } from "../../harness/random.ts";

const random = seededRandom(3);
const ann = new Identity(newSeeds(random));
const eve = new Identity(newSeeds(random));
const BODY = Buffer.from('{"a":1}');
const POST = { method: "POST", url: "/v1/messages" };

function scene() {
  const clock = new SimulatedClock();
  const signatures = new RequestSignatures(() => "central", clock);
  const header = (request = POST, signer = ann, daemon = "central") =>
    signRequest(signer, daemon, request, BODY, clock, random);
  return { clock, signatures, header };
}

describe("a request that an operator signed", () => {
  test("is taken for its key and the digest of its body, once", () => {
    const { signatures, header } = scene();
    const text = header();
    expect(signatures.verify(text, POST)).toEqual({ key: ann.keys.sign, digest: text.split(" ")[5] });
    expect(signatures.verify(text, POST)).toBe("a request with this signature was taken already");
    expect(signatures.verify(header(), POST)).toMatchObject({ key: ann.keys.sign });
  });

  test("is refused on another method, path, query, time, nonce, digest or key", () => {
    const { signatures, header } = scene();
    const fault = "the signature does not fit the request";
    expect(signatures.verify(header(), { ...POST, method: "DELETE" })).toBe(fault);
    expect(signatures.verify(header(), { ...POST, url: "/v1/messages?x=1" })).toBe(fault);
    const swapped = (i: number, word: string): string =>
      header()
        .split(" ")
        .map((each, k) => (k === i ? word : each))
        .join(" ");
    expect(signatures.verify(swapped(1, eve.keys.sign), POST)).toBe(fault);
    expect(signatures.verify(swapped(2, "ship1"), POST)).toBe(fault);
    expect(signatures.verify(swapped(3, "1700000000001"), POST)).toBe(fault);
    expect(signatures.verify(swapped(4, "A".repeat(22)), POST)).toBe(fault);
    expect(signatures.verify(swapped(5, "A".repeat(43)), POST)).toBe(fault);
    expect(signatures.verify(swapped(6, "A".repeat(86)), POST)).toBe(fault);
  });

  test("is refused by another daemon than the one that it was signed for, also of the same name", () => {
    const { clock, signatures, header } = scene();
    const { sign } = new Identity(newSeeds(random)).keys;
    expect(signatures.verify(header(POST, ann, "ship1"), POST)).toBe(
      "it was signed for another daemon, ship1, and this one is central",
    );
    const keyed = new RequestSignatures(() => sign, clock);
    expect(keyed.verify(header(POST, ann, "central"), POST)).toContain("signed for another daemon, central");
    expect(keyed.verify(header(POST, ann, sign), POST)).toMatchObject({ key: ann.keys.sign });
  });

  test("is refused far from the daemon's clock, in both directions, and from before the daemon's start", async () => {
    const { clock, signatures, header } = scene();
    await clock.advance(10 * CLOCK_TOLERANCE);
    const old = header();
    await clock.advance(CLOCK_TOLERANCE + 1);
    expect(signatures.verify(old, POST)).toMatch(/^it was signed at .*, and the clock of the daemon shows /);
    const ahead = { now: () => clock.now() + CLOCK_TOLERANCE + 1 };
    expect(signatures.verify(signRequest(ann, "central", POST, BODY, ahead, random), POST)).toMatch(
      /^it was signed at /,
    );
    const before = header();
    await clock.advance(1);
    expect(new RequestSignatures(() => "central", clock).verify(before, POST)).toMatch(/before the daemon was started/);
  });

  test("is not taken again once its nonce is forgotten: its time has passed by then", async () => {
    const { clock, signatures, header } = scene();
    const text = header();
    expect(signatures.verify(text, POST)).toMatchObject({ key: ann.keys.sign });
    await clock.advance(2 * CLOCK_TOLERANCE + 1);
    expect(signatures.verify(header(), POST)).toMatchObject({ key: ann.keys.sign });
    expect(signatures.verify(text, POST)).toMatch(/^it was signed at /);
  });

  test("is refused in a form that is not known", () => {
    const { signatures, header } = scene();
    for (const text of ["", "v3 a b c", `${header()} more`, "x".repeat(1000), header().replace("v2", "v9")])
      expect(signatures.verify(text, POST)).toMatch(/^(the header|its time)/);
  });
});
