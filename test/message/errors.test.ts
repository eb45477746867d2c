import { describe, expect, it } from "vitest";
import { CATALOGUE, type ErrorCode, EXIT, faultText, normalise, StewardError } from "../../src/message/errors.ts";

const codes = Object.keys(CATALOGUE) as ErrorCode[];

describe("the catalogue", () => {
  it.each(codes)("%s has a stable code, a sentence, a remedy that ends like one, and a known exit code", (code) => {
    const { sentence, remedy, exit } = CATALOGUE[code];
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(sentence.trim()).not.toBe("");
    expect(remedy).toMatch(/[.!]$/);
    expect(Object.values(EXIT)).toContain(exit);
    expect(exit).not.toBe(EXIT.ok);
  });

  it.each(codes)("%s says all that it is told", (code) => {
    const { sentence, remedy } = CATALOGUE[code];
    const names = [...`${sentence} ${remedy}`.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");
    const details = Object.fromEntries(names.map((name) => [name, `<${name}>`]));
    const error = new StewardError(code, details);
    for (const name of names) expect(`${error.message} ${error.remedy}`).toContain(`<${name}>`);
    expect(`${error.message} ${error.remedy}`).not.toMatch(/\{\w+\}/);
  });
});

describe("a StewardError", () => {
  it("is an Error with code, details, remedy, exit code and cause", () => {
    const cause = new Error("ENOENT");
    const error = new StewardError("config-unreadable", { file: "a.yaml", fault: "it is missing" }, { cause });
    expect(error).toBeInstanceOf(Error);
    expect(error.message).toBe("cannot read a.yaml: it is missing");
    expect(error).toMatchObject({ name: "StewardError", code: "config-unreadable", exit: EXIT.usage, cause });
    expect(error.details).toEqual({ file: "a.yaml", fault: "it is missing" });
    expect(error.remedy).toContain("steward init");
  });

  it("takes details for what they are: text is not filled in twice, numbers are written out", () => {
    expect(new StewardError("internal", { fault: "{fault} $& {x}" }).message).toBe("{fault} $& {x}");
    expect(new StewardError("journal-full", { held: 0, limit: 7 }).message).toContain("holds 0 of 7 bytes");
  });

  it("shows a detail that is missing instead of hiding it", () => {
    expect(new StewardError("node-unknown").message).toBe("no node is called {node}");
  });
});

describe("anything that is thrown", () => {
  it("stays what it is when it is a StewardError", () => {
    const error = new StewardError("node-unknown", { node: "a" });
    expect(normalise(error)).toBe(error);
  });

  it.each([
    [new TypeError("x is not a function"), "x is not a function"],
    ["just text", "just text"],
    [undefined, "undefined"],
    [null, "null"],
    [{ a: 1 }, "[object Object]"],
  ])("becomes an internal error that keeps its cause: %s", (thrown, text) => {
    const error = normalise(thrown);
    expect(error).toMatchObject({ code: "internal", message: text, cause: thrown });
    expect(faultText(thrown)).toBe(text);
  });
});
