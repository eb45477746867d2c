import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { ConfigDocument } from "../../../src/config/file/document.ts";
import { plainLines, socketOf } from "../../../src/config/file/socket.ts";

function fileOf(text: string): { file: string; directory: string } {
  const directory = mkdtempSync(join(tmpdir(), "steward-socket-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, "steward.yaml");
  writeFileSync(file, text);
  return { file, directory };
}

const lines = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        fc.constantFrom("socket", "data", "node", "broker"),
        fc.constantFrom(": ", ":", ":  ", ":\t"),
        fc.oneof(
          fc.constantFrom(
            "./var/ship1",
            "/run/s.sock",
            "data",
            "null",
            "True",
            "yes",
            "~",
            "12",
            ".inf",
            "0x1f",
            "1e3",
            "",
          ),
          fc.constantFrom(
            '"a b"',
            "'x'",
            "&a x",
            "*a",
            "|",
            ">",
            "{a: 1}",
            "[1]",
            "a b",
            "a: b",
            "a#b",
            "ä",
            "!!str 5",
          ),
          fc.string({ maxLength: 6 }),
        ),
        fc.constantFrom("", " ", " # a comment", "#no comment", "\t# a comment"),
      )
      .map((parts) => parts.join("")),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "# data: /x",
      "",
      "  more",
      "  data: /y",
      "- a",
      "-",
      "---",
      "...",
      "\tx",
      "a\rdata: /z",
      "  # c",
    ),
  },
);

describe("the socket that a file names", () => {
  it("is read without YAML only where YAML says the same", () => {
    const texts = fc
      .tuple(fc.array(lines, { maxLength: 6 }), fc.constantFrom("\n", "\r\n"))
      .map(([all, end]) => all.join(end));
    let plain = 0;
    fc.assert(
      fc.property(texts, (text) => {
        const { document, faults } = ConfigDocument.read(text);
        const found = plainLines(text);
        if (found === undefined || faults.length > 0 || document === undefined) return;
        plain++;
        const { socket, data } = document.values();
        expect(found).toEqual({ ...(socket === undefined ? {} : { socket }), ...(data === undefined ? {} : { data }) });
      }),
      { numRuns: 3_000 },
    );
    expect(plain).toBeGreaterThan(100);
  });

  it("is read without YAML from the files that the project writes", () => {
    const example = readFileSync(new URL("../../../steward.yaml", import.meta.url), "utf8");
    expect(plainLines(example)).toEqual({ data: ConfigDocument.read(example).document?.values().data });
  });

  it("begins at the directory of the file, or in the data directory; a file that says neither, or is broken elsewhere, is no fault", async () => {
    const said = async (text: string): Promise<string | undefined> => {
      const { file, directory } = fileOf(text);
      return (await socketOf(file))?.replace(directory, "HERE");
    };
    expect(await said("socket: s.sock\n")).toBe("HERE/s.sock");
    expect(await said("node: a\nsocket: 's s.sock' # quoted\ndata: d\n")).toBe("HERE/s s.sock");
    expect(await said("data: ./d\nsubscribe:\n- [broken\n")).toBe("HERE/d/steward.sock");
    expect(await said('{"data": "d"}')).toBe("HERE/d/steward.sock");
    expect(await said("node: a\n")).toBeUndefined();
    await expect(socketOf("/nonexistent")).rejects.toMatchObject({ code: "config-unreadable" });
  });
});
