import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { NAMED, openApiDocument } from "../../src/api/openapi.ts";
import { CATALOGUE } from "../../src/message/errors.ts";
import { STATES } from "../../src/message/lifecycle.ts";
import { isRiddle, sentencesOf } from "./parts/sentences.ts";
import { placeOf, sourcesBelow } from "./parts/sources.ts";

const text = readFileSync(new URL("../../docs/words.md", import.meta.url), "utf8");

/** All that a field of these names may say, in any of the API's answers. */
function valuesOf(...fields: readonly string[]): string[] {
  const found = new Set<string>();
  const look = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      const values = (inner as { enum?: unknown } | null)?.enum;
      if (fields.includes(key) && Array.isArray(values)) for (const one of values) found.add(String(one));
      look(inner);
    }
  };
  look(openApiDocument("0").components);
  return [...found];
}

/** The codes with which the sources raise an alert, where they are written out and are no errors of the catalogue. */
function alertCodes(): string[] {
  const raised = sourcesBelow("src").flatMap(({ text: source }) => [
    ...source.matchAll(/\b(?:report|alert)(?:\?\.)?\(\s*"([a-z]+(?:-[a-z]+)*)"|const (?:WAITS|CODE) = "([a-z-]+)"/g),
  ]);
  const codes = new Set(raised.map(([, called, named]) => called ?? named ?? ""));
  return [...codes].filter((code) => !Object.hasOwn(CATALOGUE, code)).sort();
}

describe("docs/words.md explains", () => {
  it("every alert that is no error of the catalogue", () => {
    const codes = alertCodes();
    expect(codes).toEqual(expect.arrayContaining(["flapping", "log-lines-lost", "new-epoch", "process-waits"]));
    expect(codes.filter((code) => !new RegExp(`^\\|.*\\b${code}\\b.*\\|`, "m").test(text))).toEqual([]);
  });

  it("every state of a message, a node, a process, a journal and the connection", () => {
    const words = [...Object.keys(STATES), ...valuesOf("state", "link", "session", "work", "trust", "storage", "role")];
    expect(words.length).toBeGreaterThan(30);
    expect(words.filter((word) => !new RegExp(`\\b${word}\\b`).test(text))).toEqual([]);
  });

  it("every field of a node that is a state or a figure for people", () => {
    const fields = [
      "link",
      "session",
      "work",
      "trust",
      "storage",
      "waiting",
      "running",
      "epoch",
      "lane",
      "process",
      "domain",
    ];
    expect(fields.filter((field) => !new RegExp(`\\b${field}\\b`).test(text))).toEqual([]);
    expect(Object.keys(NAMED.NodeView.shape)).toEqual(expect.arrayContaining(["link", "session", "trust"]));
  });
});

const riddlesIn = (text: string): string[] =>
  sentencesOf(text).flatMap((sentence) => (isRiddle(sentence.text) ? [sentence.text] : []));

describe("a sentence of a comment", () => {
  it("begins with the thing that it speaks of", () => {
    const riddles = sourcesBelow("src").flatMap((source) =>
      sentencesOf(source.text).flatMap(({ at, text: words }) =>
        isRiddle(words) ? [`${placeOf(source, at)}: ${words}`] : [],
      ),
    );
    expect(riddles).toEqual([]);
  });

  it("is a riddle when a pronoun or a question word stands in the place of its subject", () => {
    expect(riddlesIn("/** Whether it ended. The same of a lane, ms. */")).toEqual([
      "Whether it ended.",
      "The same of a lane, ms.",
    ]);
    expect(riddlesIn("/**\n * The lane is full. Nobody\n * waits for it.\n */")).toEqual(["Nobody waits for it."]);
    expect(riddlesIn("a();\n// A lane waits.\n// Those that do\n// are few.\nb();")).toEqual([
      "Those that do are few.",
    ]);
    expect(riddlesIn("const a = 1; // What is left.\n// Its end.")).toEqual(["What is left.", "Its end."]);
    expect(riddlesIn("/** - `a`: first\n * - whose end is near */")).toEqual(["whose end is near"]);
  });

  it("may begin with code, and stand in a tag or a drawing", () => {
    expect(riddlesIn("/** `It. That is` code. Statements end. */")).toEqual([]);
    expect(riddlesIn('const text = "// What is this?";')).toEqual([]);
    expect(riddlesIn("/**\n * A drawing:\n *\n *   what ─▶ whose. It ends\n */")).toEqual([]);
    expect(riddlesIn("/**\n * A lane.\n * @throws Error. It says why.\n * @returns what was read\n */")).toEqual([]);
    expect(riddlesIn("/** A lane. @throws Error of its disk. It ends. */")).toEqual([]);
    expect(riddlesIn("/** Other lanes, e.g. those of a node, wait, as before. */")).toEqual([]);
  });
});
