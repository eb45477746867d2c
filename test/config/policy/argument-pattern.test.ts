import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  globOf,
  patternFault,
  readPattern,
  scriptDigest,
  type WrittenPattern,
} from "../../../src/config/policy/argument-pattern.ts";
import type { Json } from "../../../src/message/message.ts";
import { partsMatch } from "../../../src/message/text/wildcard.ts";
import type { Vector } from "../../../src/methods/define.ts";
import { parseCommand, vectorOf } from "../../../src/methods/shellcommand-data.ts";
import { isAllowedBy, isDeniedBy } from "../../../src/security/policy/vector.ts";

const vector = (data: Json): Vector => vectorOf(parseCommand(data));
const allows = (pattern: WrittenPattern, data: Json) => isAllowedBy(readPattern(pattern, ""), vector(data));
const denies = (pattern: WrittenPattern, data: Json) => isDeniedBy(readPattern(pattern, ""), vector(data));
const DIGEST = scriptDigest("ls | wc -l");

describe("a pattern of allow", () => {
  it.each<[WrittenPattern, Json, boolean]>([
    ["nginx -t", ["nginx", "-t"], true],
    ["nginx -t", ["nginx"], false],
    ["nginx -t", ["nginx", "-t", "-c", "/tmp/x"], false],
    ["nginx -t", ["nginx -t"], false],
    ["nginx -t", [" nginx", "-t"], false],
    ["systemctl * nginx", ["systemctl", "reload", "nginx"], true],
    ["systemctl * nginx", ["systemctl", "", "nginx"], true],
    ["systemctl * nginx", ["systemctl", "nginx"], false],
    // A star never stands for a further argument, nor does a blank in one argument make two.
    ["systemctl * nginx", ["systemctl", "stop", "sshd", "nginx"], false],
    ["systemctl * nginx", ["systemctl", "stop sshd nginx"], false],
    ["systemctl * nginx", ["systemctl", "a b", "nginx"], true],
    ["apt-get install ...", ["apt-get", "install", "a", "b"], true],
    ["apt-get install ...", ["apt-get", "install"], true],
    ["apt-get install ...", ["apt-get", "remove", "a"], false],
    ["...", ["anything", "at", "all"], true],
    ["ls '...'", ["ls", "..."], true],
    ["ls '...'", ["ls", "a"], false],
    ["grep 'a *' /var/log/*.log", ["grep", "a *", "/var/log/x.log"], true],
    ["grep 'a *' /var/log/*.log", ["grep", "a b", "/var/log/x.log"], false],
    ['echo ""', ["echo", ""], true],
    [["rm", "a b", "*"], ["rm", "a b", "c d"], true],
    [["rm", "..."], ["rm"], true],
    [["rm", "\\..."], ["rm", "..."], true],
    [["rm", "\\..."], ["rm", "a"], false],
    // Directory, environment and input are judged as well: a pattern that does not speak of one lets none pass.
    ["ls", { argv: ["ls"], cwd: "/srv" }, false],
    ["ls", { argv: ["ls"], env: { LD_PRELOAD: "/x.so" } }, false],
    ["ls", { argv: ["ls"], env: {} }, true],
    ["sh", { argv: ["sh"], input: "reboot" }, false],
    [{ argv: "ls", cwd: "/srv/*" }, { argv: ["ls"], cwd: "/srv/www" }, true],
    [{ argv: "ls", cwd: "/srv/*" }, { argv: ["ls"], cwd: "/etc" }, false],
    [{ argv: "ls", cwd: "/srv/*" }, ["ls"], true],
    [{ argv: "ls", env: { LANG: "*" } }, { argv: ["ls"], env: { LANG: "C" } }, true],
    [{ argv: "ls", env: { LANG: "*" } }, { argv: ["ls"], env: { LANG: "C", PATH: "/x" } }, false],
    [{ argv: "ls", env: {} }, { argv: ["ls"], env: { toString: "x" } }, false],
    [{ argv: ["psql", "..."], input: "select *" }, { argv: ["psql"], input: "select 1" }, true],
    [{ argv: ["psql", "..."], input: "select *" }, { argv: ["psql"], input: "drop x" }, false],
    [{ argv: "tar x", input: "*" }, { argv: ["tar", "x"], input: { base64: "/w==" } }, true],
    [{ argv: "tar x", input: "a*" }, { argv: ["tar", "x"], input: { base64: "/w==" } }, false],
    [{ argv: "wc", input: scriptDigest("a") }, { argv: ["wc"], input: { base64: "YQ==" } }, true],
    [{ argv: "wc", input: scriptDigest("a") }, { argv: ["wc"], input: "a" }, true],
    [{ argv: "wc", input: scriptDigest("a") }, { argv: ["wc"], input: "b" }, false],
    // A script is known by its digest, or not at all.
    ["...", { script: "ls | wc -l" }, false],
    [{ script: DIGEST }, { script: "ls | wc -l" }, true],
    [{ script: DIGEST }, { script: "ls | wc -l " }, false],
    [{ script: DIGEST }, ["ls | wc -l"], false],
    [{ script: DIGEST }, { script: "ls | wc -l", args: ["a"] }, false],
    [{ script: DIGEST, args: "..." }, { script: "ls | wc -l", args: ["a"] }, true],
    [{ script: DIGEST }, { script: "ls | wc -l", shell: "/tmp/sh" }, false],
    [{ script: DIGEST, shell: "/bin/bash" }, { script: "ls | wc -l", shell: "/bin/bash" }, true],
    [{ script: DIGEST }, { script: "ls | wc -l", env: { PATH: "/tmp" } }, false],
  ])("%j on %j: %s", (pattern, data, expected) => {
    expect(patternFault(pattern)).toBeUndefined();
    expect(allows(pattern, data)).toBe(expected);
  });

  it("never lets a vector pass that differs in the number or the text of its literal arguments", () => {
    const word = fc.string({ unit: fc.constantFrom("a", " ", "*", "\\", "'", '"', "."), minLength: 1 });
    const argv = fc.array(word, { minLength: 1, maxLength: 4 });
    const literal = (list: readonly string[]) =>
      list.map((each) => each.replace(/[*\\]/g, "\\$&").replace(/^\.\.\.$/, "\\..."));
    fc.assert(
      fc.property(argv, argv, (one, other) => {
        expect(allows(literal(one), [...one])).toBe(true);
        if (JSON.stringify(one) !== JSON.stringify(other)) expect(allows(literal(one), [...other])).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("a pattern of deny", () => {
  it.each<[WrittenPattern, Json, boolean]>([
    ["reboot ...", ["reboot"], true],
    ["reboot ...", ["/sbin/reboot", "-f"], true],
    ["/sbin/reboot", ["reboot"], false],
    ["systemctl stop ...", ["systemctl", "start", "nginx"], false],
    // Settings of the command that it does not speak of may be anything.
    ["reboot ...", { argv: ["reboot"], cwd: "/", env: { A: "b" }, input: "x" }, true],
    [{ argv: "...", env: { LD_PRELOAD: "*" } }, { argv: ["ls"], env: { LD_PRELOAD: "/x.so" } }, true],
    [{ argv: "...", env: { LD_PRELOAD: "*" } }, ["ls"], false],
    [{ argv: "...", cwd: "/etc*" }, { argv: ["ls"], cwd: "/etc/nginx" }, true],
    [{ script: DIGEST }, { script: "ls | wc -l" }, true],
    [{ script: DIGEST }, { script: "ls" }, false],
  ])("%j on %j: %s", (pattern, data, expected) => {
    expect(denies(pattern, data)).toBe(expected);
  });
});

describe("a pattern with a fault", () => {
  it.each<[WrittenPattern, string]>([
    ["'a", "a quote ' is not closed"],
    [" ", "it is empty"],
    [[], "it is empty"],
    ["a ... b", "so it comes last"],
    [{}, "write either argv, for a program, or script"],
    [{ argv: "a", script: DIGEST }, "write either argv, for a program, or script"],
    [{ argv: "a", args: "b" }, "shell and args go with script"],
    [{ script: "ls" }, "by its digest, `sha256:` and 64 hex digits"],
    // Patterns of earlier versions, with the text that takes their place.
    ["script: ls | wc -l", `write {script: ${DIGEST}}`],
    ["script: ls *", "write {script: sha256:…}"],
    ["script(/bin/bash): ls", "write {script: sha256:…}"],
  ])("%j says what to write: %s", (pattern, fault) => {
    expect(patternFault(pattern)).toContain(fault);
  });
});

describe("the pattern of one argument", () => {
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
    ["\\*", "*", true],
    ["\\*", "anything", false],
    ["\\\\*", "\\anything", true],
    ["a\\b", "a\\b", true],
    ["\\...", "...", true],
    ["A", "a", false],
  ])("%j on %j: %s", (pattern, text, expected) => {
    expect(partsMatch(globOf(pattern), text)).toBe(expected);
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
          expect(partsMatch(globOf(pattern), text)).toBe(new RegExp(`^${escaped}$`).test(text));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("is decided quickly, whatever stars and repetitions somebody sends", () => {
    expect(partsMatch(globOf(`${"*a".repeat(2000)}*b`), "a".repeat(100_000))).toBe(false);
  });
});
