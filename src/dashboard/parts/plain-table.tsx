import type { ComponentChildren } from "preact";
import { meaningOf } from "../text/glossary.ts";

/** The head of a column: its words, or more of it. */
export type ColumnHead = string | { readonly word: string; readonly is: "figure" | "hidden" };

/** A table of all its rows, for lists that are never long; it scrolls sideways by itself where the window is narrow. */
export function PlainTable({
  label,
  heads,
  kind = "",
  children,
}: {
  label: string;
  heads: readonly ColumnHead[];
  /** A class, for columns with a width of their own. */
  kind?: string;
  children: ComponentChildren;
}) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={`${label}, a table`}>
      <table class={`plain-table ${kind}`}>
        <thead>
          <tr>
            {heads.map((head) =>
              typeof head === "string" ? (
                <th scope="col" key={head} title={meaningOf(head)}>
                  {head}
                </th>
              ) : (
                <th scope="col" key={head.word} class={head.is === "figure" ? "figure" : undefined}>
                  {head.is === "hidden" ? <span class="hidden">{head.word}</span> : head.word}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

/** The last column, with the buttons of a row. */
export const DO: ColumnHead = { word: "Do", is: "hidden" };
/** A column of numbers. */
export const figure = (word: string): ColumnHead => ({ word, is: "figure" });
