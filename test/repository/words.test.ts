import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { NAMED, openApiDocument } from "../../src/api/openapi.ts";
import { STATES } from "../../src/message/lifecycle.ts";

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

describe("docs/words.md explains", () => {
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
