import { bare, width } from "./text.ts";
import { cutTo } from "./width.ts";

/** A table for people: columns as narrow as their content, two spaces apart, no lines. The last column may be cut. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  readonly align?: "right";
}

/** Lines without a newline, cut to `columns`, the width of the terminal; absent: not cut. */
export function table<Row>(rows: readonly Row[], layout: readonly Column<Row>[], columns?: number): string[] {
  // A column that is empty in every row is left out.
  const shown = layout.filter((column) => rows.some((row) => column.cell(row) !== ""));
  const cells = rows.map((row) => shown.map((column) => column.cell(row)));
  const widths = shown.map((column, i) => Math.max(width(column.title), ...cells.map((line) => width(line[i] ?? ""))));
  const line = (texts: readonly string[]): string => {
    let out = "";
    texts.forEach((text, i) => {
      const last = i === texts.length - 1;
      const room = columns === undefined ? Number.POSITIVE_INFINITY : columns - width(out);
      const fill = " ".repeat(Math.max(0, (widths[i] ?? 0) - width(text)));
      if (last)
        out +=
          width(text) > room && room > 0 ? cutTo(bare(text), room) : shown[i]?.align === "right" ? fill + text : text;
      else out += `${shown[i]?.align === "right" ? fill + text : text + fill}  `;
    });
    return out.trimEnd();
  };
  return [line(shown.map((column) => column.title)), ...cells.map(line)];
}

/** `name   value` lines, for the details of one thing. */
export function pairs(entries: readonly (readonly [string, string | undefined])[]): string[] {
  const present = entries.filter(
    (entry): entry is readonly [string, string] => entry[1] !== undefined && entry[1] !== "",
  );
  const column = Math.max(0, ...present.map(([name]) => name.length));
  return present.map(([name, value]) => `${name.padEnd(column)}  ${value}`);
}
