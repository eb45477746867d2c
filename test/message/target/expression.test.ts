import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Expression,
  formatExpression,
  parseExpression,
  parseTarget,
} from "../../../src/message/target/expression.ts";
import { expressionMatches, namedIn } from "../../../src/message/target/match.ts";
import { TargetFault } from "../../../src/message/target/tokens.ts";
import { nodeWith } from "./node-with.ts";

function faultOf(text: string): string {
  try {
    parseTarget(text);
  } catch (thrown) {
    if (thrown instanceof TargetFault) return thrown.message;
    throw thrown;
  }
  return "none";
}

const word = fc.constantFrom("ship1", "ship2", "tanker", "rotterdam", "12", "9.10", "andrea", "nothing");
const leaf: fc.Arbitrary<Expression> = fc.oneof(
  word.filter((text) => text !== "12" && !text.includes(".")).map((text) => ({ kind: "name" as const, text, at: 0 })),
  fc.constantFrom("ship*", "*", "*1").map((text) => ({ kind: "pattern" as const, text, at: 0 })),
  fc.constantFrom("north", "south").map((text) => ({ kind: "group" as const, text, at: 0 })),
  fc.constantFrom("all", "self", "online", "offline", "away").map((word) => ({
    kind: "state" as const,
    word: word as "all",
  })),
  fc
    .record({
      key: fc.constantFrom("class", "os.version", "disk./.full", "disk.*.full"),
      operator: fc.constantFrom("=" as const, "!=" as const, "<" as const, "<=" as const, ">" as const, ">=" as const),
      value: fc.oneof(word, fc.string({ maxLength: 8 })),
    })
    .map((rest) => ({ kind: "comparison" as const, ...rest, wild: false, at: 0 })),
);
const { expression } = fc.letrec<{ expression: Expression }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    leaf,
    fc.record({ kind: fc.constant("not" as const), of: tie("expression") }),
    fc
      .record({
        kind: fc.constantFrom("or" as const, "and" as const),
        parts: fc.array(tie("expression"), { minLength: 2, maxLength: 3 }),
      })
      .map((joined) => joined as Expression),
  ),
}));

/** The tree without the places of its leaves. */
function bare(tree: Expression): unknown {
  return JSON.parse(JSON.stringify(tree, (key, value: unknown) => (key === "at" ? undefined : value)));
}

describe("a target", () => {
  it("reads back as the tree that it was written from", () => {
    fc.assert(
      fc.property(expression, (tree) => {
        expect(bare(parseExpression(formatExpression(tree)))).toEqual(bare(tree));
      }),
      { numRuns: 1000 },
    );
  });

  it("means the same however it is written: spaces, capitals of its words, needless parentheses", () => {
    fc.assert(
      fc.property(expression, (tree) => {
        const node = nodeWith({ name: "ship1", values: { class: "tanker", "os.version": "12" } });
        const text = formatExpression(tree);
        // Values in quotes stay as they are.
        const loud = text.replace(/"(?:\\.|[^"\\])*"|\b(?:and|or|not)\b/g, (part) =>
          part.startsWith('"') ? part : ` ${part.toUpperCase()} `,
        );
        const groups = new Map([["north", parseExpression("ship1")]]);
        expect(expressionMatches(`( ( ${loud} ) )`, node, groups)).toBe(expressionMatches(tree, node, groups));
      }),
      { numRuns: 300 },
    );
  });

  it("is read or refused with a place inside it, whatever it is", () => {
    const piece = fc.constantFrom(
      ...["ship1", "ship*", "@north", "class", "=", "!=", "<", ">=", "(", ")", ",", "and", "or", "not", "online", " "],
      ...['"a b"', '"', "'", "\\", "&&", "!", "é", "\u0000", "\ud800", "1.2", "*", "-", ":"],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        const text = pieces.join("");
        try {
          expect(parseTarget(text).length).toBeGreaterThan(0);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(TargetFault);
          const { at, message } = thrown as TargetFault;
          expect(at).toBeGreaterThanOrEqual(0);
          expect(at).toBeLessThanOrEqual(text.length);
          expect(message).not.toMatch(/\n/);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it("binds not before and, and before or, or before a comma", () => {
    const parts = parseTarget("not ship1 and ship2 or ship3, ship4");
    expect(parts.map(formatExpression)).toEqual(["((not ship1 and ship2) or ship3)", "ship4"]);
  });

  it.each([
    ["", "at character 1: expected a node, a group, a comparison, not, or (, got the end"],
    ["ship1,", "at character 7: expected a node, a group, a comparison, not, or (, got the end"],
    ["ship 1", 'at character 6: expected and, or, a comma or the end, got "1"'],
    [
      "class=",
      "at character 7: expected a value after class=; one with special characters stands in quotes, got the end",
    ],
    ["class= and online", 'at character 12: expected and, or, a comma or the end, got "online"'],
    ["(ship1 or ship2", "at character 16: expected and, or, a comma, or the ) of the ( at character 1, got the end"],
    ["ship1)", 'at character 6: expected and, or, a comma or the end, got ")"'],
    ["class=tanker && online", "at character 14: & is not known here; write and"],
    ["!online", "at character 1: ! is not known here; write not"],
    ["site='new york", "at character 6: the text that begins here has no closing '"],
    [
      "os.version",
      "at character 1: \"os.version\" is no node: \".\" is not allowed; use letters, digits, '_' and '-'; a label or a fact needs =, <, > or the like behind it",
    ],
    ["ship1 and none", 'at character 11: expected a node, a group or a comparison, got "none"'],
    ["@", 'at character 1: "@" is no group: it is empty'],
    ["online=yes", "at character 1: online is a word of its own, and is not compared"],
    ["os.version<1*", "at character 12: a pattern is compared with = or !=, not with <"],
    ["uptime>30", 'at character 8: uptime is compared with a duration such as 30d, not with "30"'],
    [
      "sh\u001bip",
      "at character 1: \"sh\\u001bip\" is no node: \"\\u001b\" is not allowed; use letters, digits, '_' and '-'",
    ],
    [`${"(".repeat(101)}ship1`, "at character 101: more than 100 levels of parentheses and not"],
  ])("%j has its fault named with its place", (text, fault) => {
    expect(faultOf(text)).toBe(fault);
  });

  it("tells what it names, in groups and in groups of groups too, in circles once", () => {
    const groups = new Map([
      ["north", parseExpression("@far or class=tanker")],
      ["far", parseExpression("ship9 and not @north")],
    ]);
    const named = namedIn(parseExpression("@north and ship1, os.version<12"), groups);
    expect([[...named.names].sort(), [...named.keys].sort(), [...named.groups].sort()]).toEqual([
      ["ship1", "ship9"],
      ["class", "os.version"],
      ["far", "north"],
    ]);
  });
});
