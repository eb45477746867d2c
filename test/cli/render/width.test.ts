import { expect, test } from "vitest";
import { table } from "../../../src/cli/render/table.ts";
import { columnsOf, cutTo } from "../../../src/cli/render/width.ts";

test.each([
  ["plain", 5],
  ["日本語", 6],
  ["한국어", 6],
  ["ｆｕｌｌ", 8],
  ["🚢", 2],
  ["👨‍👩‍👧", 2],
  ["❤️", 2],
  ["e\u0301a\u0308", 2],
  ["\u200b", 0],
  ["… · ●", 5],
])("%s takes %i columns", (text, columns) => {
  expect(columnsOf(text)).toBe(columns);
});

test("text is cut between characters, never beyond its columns", () => {
  expect(cutTo("日本語の文", 6)).toBe("日本…");
  expect(cutTo("日本語", 6)).toBe("日本語");
  expect(cutTo("e\u0301e\u0301e\u0301", 2)).toBe("e\u0301…");
  expect(cutTo("日", 1)).toBe("");
});

test("a table with wide characters keeps to the width of the terminal, and its columns stand below each other", () => {
  const rows = [
    { name: "船一号", what: "echo こんにちは世界こんにちは世界" },
    { name: "ship2", what: "uptime" },
  ];
  const lines = table(
    rows,
    [
      { title: "NODE", cell: (row) => row.name },
      { title: "WHAT", cell: (row) => row.what },
    ],
    24,
  );
  expect(lines).toEqual(["NODE    WHAT", "船一号  echo こんにちは…", "ship2   uptime"]);
  for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(24);
});
