import { readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { filesBelow, ROOT } from "./parts/sources.ts";

/** Put together here, so that this file does not contain what it looks for. */
const word = (...parts: string[]): string => parts.join("");

const FORBIDDEN: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  {
    what: "a path of one person's machine",
    pattern: new RegExp(word("(?:^|[\\s\"'`(=:,\\[])/(?:wo", "rk|ro", "ot|ho", "me/[a-z]+|Us", "ers/[a-z]+)/"), "m"),
  },
  { what: "a temporary folder of one person's machine", pattern: new RegExp(word("/tmp/(?:ba", "sh_jobs|br", "ief)")) },
  {
    what: "a host of a package registry",
    pattern: new RegExp(
      // A host stands behind slashes, an @ or a quote: an object of that name is code.
      word(
        "[/@\"'`](?:regi",
        "stry|npm|pypi|artifactory|nexus|verdaccio)\\.[a-z0-9-]+\\.[a-z]{2,}|npm",
        "js\\.(?:org|com)",
      ),
      "i",
    ),
  },
  { what: "a conflict that was not resolved", pattern: new RegExp(word("^(?:<<", "<<<<<|>>", ">>>>>) "), "m") },
  { what: "a private key", pattern: new RegExp(word("-----BE", "GIN [A-Z ]*PRIVATE KEY")) },
];

const BINARY = new Set([".png", ".webp", ".ico", ".gif", ".jpg", ".woff2", ".mdb", ".gz"]);
const files = filesBelow(".").filter((path) => !BINARY.has(extname(path)));

describe("no file of the repository", () => {
  it.each(FORBIDDEN)("contains $what", ({ pattern }) => {
    const found = files.flatMap((path) => {
      const match = pattern.exec(readFileSync(join(ROOT, path), "utf8"));
      return match === null ? [] : [`${path}: ${match[0].trim()}`];
    });
    expect(found).toEqual([]);
  });

  it("ends without a line break, has Windows line ends or is not UTF-8", () => {
    // A corpus of nasty inputs is nasty.
    const fixtures = (path: string): boolean => /\/(?:fixtures|corpus)\//.test(path);
    const wrong = files.filter((path) => {
      if (fixtures(path)) return false;
      const content = readFileSync(join(ROOT, path));
      const text = content.toString("utf8");
      return content.length > 0 && (!text.endsWith("\n") || text.includes("\r\n") || text.includes("\uFFFD"));
    });
    expect(wrong).toEqual([]);
  });

  it.each([
    ["a path of one person's machine", word('cd "/wo', 'rk/main"')],
    ["a path of one person's machine", word("/ho", "me/jo/x")],
    ["a host of a package registry", word("https://regi", "stry.npm", "js.org/x")],
  ])("would hide %s", (what, text) => {
    expect(FORBIDDEN.find((rule) => rule.what === what)?.pattern.test(text)).toBe(true);
  });
});
