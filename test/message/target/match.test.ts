import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { orderOfVersions } from "../../../src/message/target/compare.ts";
import { parseExpression } from "../../../src/message/target/expression.ts";
import { expressionMatches } from "../../../src/message/target/match.ts";
import { nodeWith } from "./node-with.ts";

const values = {
  class: "tanker",
  site: "rotterdam",
  priority: "10",
  os: "debian",
  "os.version": "11",
  memory: 2 * 1024 ** 3,
  uptime: 40 * 86_400_000,
  "raid.ok": true,
  addresses: ["10.0.0.5", "192.168.1.7"],
  "disk./.full": 95,
  "disk./var.full": 20,
};
const node = nodeWith({ values });
const groups = new Map([
  ["north", parseExpression("site=rotterdam")],
  ["loop", parseExpression("@loop")],
]);
const holds = (text: string, of = node) => expressionMatches(text, of, groups);

describe("an expression", () => {
  it.each([
    "ship1",
    "ship*",
    "*1",
    "all",
    "online",
    "class=tanker",
    "class==tanker",
    "class=tan*",
    "site=*",
    "class=tanker and not site=hamburg",
    "os.version<12",
    "os.version<=11",
    "os.version<11.1",
    "priority>9",
    "memory>=2GB",
    "memory<3GB",
    "uptime>30d",
    "raid.ok=true",
    "addresses=10.0.0.5",
    "addresses=192.168.*",
    "disk./.full>90",
    "disk./.full>=95%",
    "disk.*.full>90",
    "@north",
    "@north and ship1",
    "ship9, ship1",
    "not (class=bulker or offline)",
    "colour!=red",
    "not colour=red",
  ])("holds: %s", (text) => expect(holds(text)).toBe(true));

  it.each([
    "ship2",
    "self",
    "away",
    "class=Tanker",
    "class='tan*'",
    "class!=tanker",
    "os.version>9.10 and os.version<10",
    "os.version<9",
    "memory>2GB",
    "memory<much",
    "uptime<30d",
    "disk./var.full>90",
    "@loop",
    "colour=red",
    "colour=*",
    "colour<5",
    "os<12",
  ])("does not hold: %s", (text) => expect(holds(text)).toBe(false));

  it("knows who is away: a node that is offline or was never seen, not one that is late", () => {
    const away = (["neverSeen", "online", "late", "offline"] as const).filter((link) =>
      holds("away", nodeWith({ link })),
    );
    expect(away).toEqual(["neverSeen", "offline"]);
    expect(holds("self", nodeWith({ isSelf: true }))).toBe(true);
  });

  it("holds for a node, or its negation does, never both", () => {
    const part = fc.constantFrom("class=tanker", "colour=red", "os.version<12", "colour<5", "@loop", "away", "ship*");
    fc.assert(
      fc.property(part, part, fc.constantFrom("and", "or"), (a, b, joined) => {
        const text = `(${a} ${joined} ${b})`;
        expect(holds(`not ${text}`)).toBe(!holds(text));
      }),
    );
  });
});

describe("the order of versions", () => {
  it.each([
    ["9", "10"],
    ["1.9", "1.10"],
    ["12-rc1", "12"],
    ["12~beta", "12"],
    ["12", "12.1"],
    ["6.1.0-18-amd64", "6.1.0-20-amd64"],
    ["6.1.0", "6.1.0-18-amd64"],
    ["22.04", "24.04"],
    ["2026-03-01", "2026-11-30T10:00:00Z"],
    ["007", "8"],
    ["99999999999999999999", "100000000000000000000"],
  ])("%s is before %s", (a, b) => {
    expect([orderOfVersions(a, b), orderOfVersions(b, a)]).toEqual([-1, 1]);
  });

  it("is none between a number and a word", () => {
    expect(orderOfVersions("12", "testing")).toBeUndefined();
  });

  it("is an order: the same both ways round, and never in a circle", () => {
    const part = fc.constantFrom("0", "1", "9", "10", "rc1", "beta", "a", "x", ".", "-", "~", "01");
    const version = fc.array(part, { maxLength: 6 }).map((parts) => `1${parts.join("")}`);
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        const order = (x: string, y: string): number => orderOfVersions(x, y) ?? Number.NaN;
        expect(order(a, b) + order(b, a)).toBe(0);
        if (order(a, b) <= 0 && order(b, c) <= 0) expect(order(a, c)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 2000 },
    );
  });
});
