import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { documents } from "../../scripts/docs/documents.ts";
import { buildProgram } from "../../src/cli/program.ts";
import { TABLES } from "../../src/journal/store/store.ts";
import { CATALOGUE } from "../../src/message/errors.ts";
import { STATES } from "../../src/message/lifecycle.ts";
import { filesBelow, ROOT } from "./parts/sources.ts";

const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
const written = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "examples/README.md"];
const texts = [...written, ...filesBelow("docs").filter((path) => path.endsWith(".md"))];

describe("a generated file", () => {
  it.each(documents().map(({ path, text }) => ({ path, text })))("is current: $path", ({ path, text }) => {
    expect(existsSync(join(ROOT, path)) ? read(path) : "", "run `npm run docs`").toBe(text);
  });
});

describe("the documents", () => {
  it.each(texts)("%s links to nothing that is not there", (path) => {
    const targets = [...read(path).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map((match) => match[1] ?? "");
    const missing = targets.filter((target) => !existsSync(join(ROOT, dirname(path), target)));
    expect(missing).toEqual([]);
  });

  it.each(texts)("%s names no source file that is not there", (path) => {
    const named = [...read(path).matchAll(/`((?:src|test|scripts|bench|examples|docs)\/[\w./-]*\w\.\w+)`/g)];
    const missing = named
      .map((match) => match[1] ?? "")
      .filter((file) => !file.includes("NAME") && !existsSync(join(ROOT, file)));
    expect(missing).toEqual([]);
  });

  it.each(written)("%s names no npm script, command or option that does not exist", async (path) => {
    const text = read(path);
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
    const npm = [...text.matchAll(/npm run (?:--silent )?([\w:-]+)/g)].map((match) => match[1] ?? "");
    expect(npm.filter((name) => scripts[name] === undefined)).toEqual([]);

    const program = await buildProgram(() => async () => undefined, "0");
    // In a fence after `$`, between backticks, or as it is typed in this checkout.
    const lines = [...text.matchAll(/(?:^\$ |`|^\.\/bin\/)(?:\.\/bin\/)?steward ([a-z][^`\n]*)/gm)].map(
      (match) => match[1] ?? "",
    );
    expect(lines.length, "command lines found").toBeGreaterThanOrEqual(path === "README.md" ? 15 : 0);
    const wrong = lines.filter((line) => !understood(program, line));
    expect(wrong).toEqual([]);
  });

  it("ARCHITECTURE.md fits on one screen and names every folder, and every table of the journal", () => {
    const text = read("ARCHITECTURE.md");
    expect(text.split("\n").length).toBeLessThanOrEqual(110);
    const rooms = [...new Set(filesBelow("src").map((path) => path.split("/")[1] ?? ""))];
    expect(rooms.filter((room) => !text.includes(room))).toEqual([]);
    expect(TABLES.filter((table) => !text.includes(`\`${table}\``))).toEqual([]);
  });

  it("README.md shows every command and every state", async () => {
    const text = read("README.md");
    const program = await buildProgram(() => async () => undefined, "0");
    const hidden = new Set(["help", "__complete"]);
    const names = program.commands.map((command) => command.name()).filter((name) => !hidden.has(name));
    expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(text))).toEqual([]);
    expect(Object.keys(STATES).filter((state) => !new RegExp(`\\b${state}\\b`).test(text))).toEqual([]);
  });

  it("say in CHANGELOG.md what the version of package.json brings", () => {
    const { version } = JSON.parse(read("package.json")) as { version: string };
    expect(read("CHANGELOG.md")).toMatch(new RegExp(`^## \\[${version.replaceAll(".", "\\.")}\\]`, "m"));
  });

  it("list every error in docs/errors.md", () => {
    const text = read("docs/errors.md");
    expect(Object.keys(CATALOGUE).filter((code) => !text.includes(`\`${code}\``))).toEqual([]);
  });
});

/** Whether a command line has a command, and options, that exist. */
function understood(program: Command, line: string): boolean {
  const words = (line.split(/ -- | {2,}#| #|\s[|>&;]/)[0] ?? "").split(/\s+/).filter((word) => word !== "");
  let command = program;
  for (const word of words) {
    const next = command.commands.find((child) => child.name() === word);
    if (next === undefined) break;
    command = next;
  }
  if (command === program) return words[0] === "help";
  const flags = [...command.options, ...program.options].flatMap(({ long, short }) => [long, short]);
  return words.filter((word) => /^--?[a-z]/.test(word)).every((word) => flags.includes(word.split("=")[0] ?? ""));
}
