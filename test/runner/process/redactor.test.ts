import { describe, expect, test } from "vitest";
import { Redactor } from "../../../src/runner/process/redactor.ts";
import { seededRandom } from "../../harness/random.ts";

const SECRET = "correct-horse/battery+staple";

/** What comes out when the output comes in pieces that end at these places. */
function inPieces(redactor: Redactor, output: Buffer, cuts: readonly number[]): string {
  const stream = redactor.stream();
  const ends = [...cuts, output.length];
  const parts = ends.map((end, i) => stream.push(output.subarray(ends[i - 1] ?? 0, end)));
  return Buffer.concat([...parts, stream.end()]).toString();
}

const redactor = (secrets: Record<string, string>): Redactor => new Redactor(new Map(Object.entries(secrets)));

describe("the output of a program that has a secret", () => {
  const bytes = Buffer.from(SECRET);
  const spellings = [
    SECRET,
    bytes.toString("hex"),
    bytes.toString("hex").toUpperCase(),
    encodeURIComponent(SECRET),
    bytes.toString("base64").slice(0, -2),
  ];

  test.each(spellings)("does not show it, wherever its pieces end: %s", (spelling) => {
    const output = Buffer.from(`before ${spelling} ${spelling}${spelling} after`);
    const whole = inPieces(redactor({ db: SECRET }), output, []);
    expect(whole).toMatch(/^before \[secret:db\]\S* \[secret:db\]\S*\[secret:db\]\S* after$/);
    for (let cut = 0; cut <= output.length; cut++)
      expect(inPieces(redactor({ db: SECRET }), output, [cut]), `cut at ${cut}`).toBe(whole);
    const byByte = Array.from(output.keys());
    expect(inPieces(redactor({ db: SECRET }), output, byByte)).toBe(whole);
  });

  test("shows no part of a secret that overlaps another one, or that another one begins with", () => {
    const two = redactor({ first: "abcdefghij", second: "ghijklmnop", third: "abcdefghijXYZ" });
    const cases = {
      "<abcdefghijklmnop>": "<[secret:first][secret:second]>",
      "<abcdefghijXYZ>": "<[secret:third]>",
      "<abcdefghijXY>": "<[secret:first]XY>",
      "<ghijklmnopabcdefghijklmnop>": "<[secret:second][secret:first][secret:second]>",
    };
    for (const [output, shown] of Object.entries(cases))
      for (let cut = 0; cut <= output.length; cut++)
        expect(inPieces(two, Buffer.from(output), [cut]), `${output} cut at ${cut}`).toBe(shown);
    const itself = inPieces(redactor({ waves: "abcabcab" }), Buffer.from("<abcabcabcabcabcabx>"), [4, 9, 14]);
    expect(itself).toBe("<[secret:waves]x>");
  });

  test("is whole where it only looks like the beginning of one", () => {
    const random = seededRandom(11);
    const one = redactor({ aab: "aabaabaaab", tail: "baabaa" });
    for (let i = 0; i < 300; i++) {
      const output = Buffer.from(Array.from(random.bytes(60), (byte) => "ab"[byte % 2]).join(""));
      const cuts = Array.from(random.bytes(5), (byte) => byte % 60).sort((a, b) => a - b);
      const whole = inPieces(one, output, []);
      expect(inPieces(one, output, cuts)).toBe(whole);
      expect(whole).not.toMatch(/aabaabaaab|baabaa/);
    }
    expect(inPieces(one, Buffer.from("aabaabaa"), [3])).toBe("aabaabaa".replace("baabaa", "[secret:tail]"));
  });
});
