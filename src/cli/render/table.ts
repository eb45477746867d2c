import { bare, width } from "./text.ts";
import { cutTo } from "./width.ts";

/** A table for people: columns as narrow as their content, two spaces apart, no lines. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  readonly align?: "right";
  /** Text of any length, which is cut where a line would be wider than the terminal; so is the last column of each table. */
  readonly isLong?: true;
}

/** Cut text keeps so many columns. */
const LEAST = 12;

/** Lines without a newline, cut to `columns`, the width of the terminal; absent: not cut. */
export function table<Row>(rows: readonly Row[], layout: readonly Column<Row>[], columns?: number): string[] {
  // A column that is empty in every row is left out.
  const shown = layout.filter((column) => rows.some((row) => column.cell(row) !== ""));
  const cells = rows.map((row) => shown.map((column) => column.cell(row)));
  const widths = shown.map((column, i) => Math.max(width(column.title), ...cells.map((line) => width(line[i] ?? ""))));
  if (columns !== undefined) narrow(widths, shown, columns);
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, i) => {
        const room = widths[i] ?? 0;
        const cut = width(text) > room ? cutTo(bare(text), room) : text;
        const fill = " ".repeat(Math.max(0, room - width(cut)));
        return shown[i]?.align === "right" ? fill + cut : cut + fill;
      })
      .join("  ")
      .trimEnd();
  return [line(shown.map((column) => column.title)), ...cells.map(line)];
}

/** Takes from the widest of the long columns until the lines fit, or none of them has more than the least. */
function narrow(widths: number[], shown: readonly Column<never>[], columns: number): void {
  const long = widths.map((_, i) => i).filter((i) => i === widths.length - 1 || shown[i]?.isLong === true);
  let over = widths.reduce((sum, one) => sum + one + 2, -2) - columns;
  while (over > 0) {
    const [widest, next] = long.toSorted((a, b) => (widths[b] ?? 0) - (widths[a] ?? 0));
    if (widest === undefined) return;
    const wide = widths[widest] ?? 0;
    const floor = Math.max(LEAST, next === undefined ? 0 : (widths[next] ?? 0) - 1);
    const taken = Math.min(over, wide - floor);
    if (taken <= 0) return;
    widths[widest] = wide - taken;
    over -= taken;
  }
}

/** `name   value` lines, for the details of one thing. */
export function pairs(entries: readonly (readonly [string, string | undefined])[]): string[] {
  const present = entries.filter(
    (entry): entry is readonly [string, string] => entry[1] !== undefined && entry[1] !== "",
  );
  const column = Math.max(0, ...present.map(([name]) => name.length));
  return present.map(([name, value]) => `${name.padEnd(column)}  ${value}`);
}
