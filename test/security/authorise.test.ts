import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { SubscribeConfig } from "../../src/config/config.ts";
import type { StewardError } from "../../src/message/errors.ts";
import type { Json } from "../../src/message/message.ts";
import type { Method } from "../../src/methods/define.ts";
import { authorise, matches } from "../../src/security/authorise.ts";

const SUBJECT = "ship1.command.shellcommand.nginx";
const shell: Method = {
  name: "shellcommand",
  summary: "",
  command: {
    check: () => undefined,
    run: async () => ({ state: "succeeded" }),
    describe: (data) => (Array.isArray(data) ? data.join(" ") : String((data as { script: string }).script)),
  },
};
const mute: Method = {
  name: "echo",
  summary: "",
  command: { check: () => undefined, run: async () => ({ state: "succeeded" }) },
};

function config(from: string[], allow: string[] | null = null): SubscribeConfig {
  return {
    subject: "command.shellcommand.nginx",
    kind: "command",
    method: "shellcommand",
    domain: "nginx",
    from,
    allow,
    concurrency: 1,
    queue: 10,
    foreign: false,
    run: null,
  };
}

function verdict(origin: string, data: Json, settings: SubscribeConfig, method = shell): string {
  try {
    authorise(origin, SUBJECT, data, settings, method);
    return "yes";
  } catch (error) {
    const { code, details } = error as StewardError;
    expect(code).toBe("permission-denied");
    expect(details).toMatchObject({ origin, subject: SUBJECT });
    return String(details.fault);
  }
}

describe("who may send", () => {
  it.each<[string, string[], boolean]>([
    ["central", ["central"], true],
    ["central", ["office", "central"], true],
    ["ship2", ["central"], false],
    ["Central", ["central"], false],
    ["central2", ["central"], false],
    ["centra", ["central"], false],
    ["anyone", ["*"], true],
    ["central", [], false],
    ["central", ["cent*"], false],
    ["constructor", ["central"], false],
  ])("%s, from %j: %s", (origin, from, allowed) => {
    expect(verdict(origin, ["ls"], config(from)) === "yes").toBe(allowed);
  });

  it("is told what is configured", () => {
    expect(verdict("ship2", ["ls"], config(["central", "office"]))).toBe("from is [central, office]");
  });
});

describe("what may be sent", () => {
  const rules = ["systemctl * nginx", "nginx -t"];

  it.each<[Json, boolean]>([
    [["nginx", "-t"], true],
    [["systemctl", "reload", "nginx"], true],
    [["systemctl", "restart", "nginx"], true],
    [["systemctl", "restart", "apache2"], false],
    [["nginx", "-T"], false],
    [["nginx"], false],
    [["nginx", "-t", "-c", "/tmp/x"], false],
    [[" nginx", "-t"], false],
    [["reboot"], false],
    [{ script: "nginx -t" }, true],
    [{ script: "nginx -t; reboot" }, false],
  ])("%j: %s", (data, allowed) => {
    expect(verdict("central", data, config(["central"], rules)) === "yes").toBe(allowed);
  });

  it("is everything when nothing is said, and nothing when the list is empty", () => {
    expect(verdict("central", ["rm", "-rf", "/"], config(["central"], null))).toBe("yes");
    expect(verdict("central", ["ls"], config(["central"], []))).toContain("matches no pattern");
  });

  it("does not help an origin that may not send at all", () => {
    expect(verdict("ship2", ["nginx", "-t"], config(["central"], rules))).toContain("from is");
  });

  it("is nothing at all for a method that cannot show its data as a line", () => {
    expect(verdict("central", ["x"], config(["central"], ["*"]), mute)).toBe("allow cannot be used with echo");
  });
});

describe("a pattern", () => {
  it.each<[string, string, boolean]>([
    ["", "", true],
    ["", "a", false],
    ["*", "", true],
    ["*", "anything at all\nand more", true],
    ["**", "", true],
    ["a*", "a", true],
    ["a*", "ab", true],
    ["a*", "ba", false],
    ["*a", "ba", true],
    ["*a", "ab", false],
    ["a*a", "a", false],
    ["a*a", "aa", true],
    ["ab*ba", "aba", false],
    ["ab*ba", "abba", true],
    ["a*b*c", "abc", true],
    ["a*b*c", "a--b--c", true],
    ["a*b*c", "acb", false],
    ["a*b*b", "ab", false],
    ["a*bc*c", "abc", false],
    ["*b*", "abc", true],
    ["a.c", "abc", false],
    ["a?c", "abc", false],
    ["[a]", "a", false],
    ["(a|b)*", "(a|b)x", true],
    ["^a$", "a", false],
    ["\\*", "\\anything", true],
    ["A", "a", false],
  ])("%j on %j: %s", (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected);
  });

  it("means what its regular expression means", () => {
    const piece = fc.constantFrom("a", "b", "ab", "*", ".", "\n");
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 8 }),
        fc.array(fc.constantFrom("a", "b", "ab", ".", "\n"), { maxLength: 10 }),
        (pieces, texts) => {
          const [pattern, text] = [pieces.join(""), texts.join("")];
          const escaped = pattern
            .split("*")
            .map((part) => part.replace(/[.]/g, "\\."))
            .join("[^]*");
          expect(matches(pattern, text)).toBe(new RegExp(`^${escaped}$`).test(text));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("is decided quickly, whatever stars and repetitions somebody sends", () => {
    expect(matches(`${"*a".repeat(2000)}*b`, "a".repeat(100_000))).toBe(false);
  });
});
