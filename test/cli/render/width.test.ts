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

test("a table takes from its long columns, the widest first, and cuts none that is not long", () => {
  const id = "01M8QEHVW0K1HV6ARE6M8GC9HA";
  const layout = [
    { title: "ID", cell: () => id },
    { title: "WHAT", cell: ({ what }: { what: string }) => what, isLong: true as const },
    { title: "WHY", cell: ({ why }: { why: string }) => why },
  ];
  const widest = (rows: { what: string; why: string }[], columns: number): number[] =>
    table(rows, layout, columns).slice(1).map(columnsOf);
  expect(widest([{ what: "x".repeat(70), why: "y".repeat(30) }], 80)).toEqual([80]);
  expect(table([{ what: "x".repeat(70), why: "y".repeat(10) }], layout, 80)[1]).toBe(
    `${id}  ${"x".repeat(39)}…  ${"y".repeat(10)}`,
  );
  expect(widest([{ what: "日".repeat(70), why: "本".repeat(70) }], 80)).toEqual([80]);
  // The columns before the last one may take the whole width.
  expect(table([{ what: "x".repeat(70), why: "y".repeat(70) }], layout, 20)[1]).toBe(
    `${id}  ${"x".repeat(11)}…  ${"y".repeat(11)}…`,
  );
  expect(widest([{ what: "x".repeat(70), why: "y".repeat(70) }], 400)).toEqual([26 + 2 + 70 + 2 + 70]);
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
