import {
  elementScroll,
  observeElementOffset,
  observeElementRect,
  Virtualizer,
  type VirtualizerOptions,
} from "@tanstack/virtual-core";
import type { ComponentChildren, RefObject } from "preact";
import { useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";
import { meaningOf } from "../text/glossary.ts";

interface Rows {
  readonly count: number;
  /** Height of a row, px. */
  readonly height: number;
  readonly scroller: RefObject<HTMLElement | null>;
}

/** The rows that are in sight, and a few around them. */
export function useVirtual({ count, height, scroller }: Rows): Virtualizer<HTMLElement, HTMLElement> {
  const [, renderAgain] = useReducer<number, undefined>((times) => times + 1, 0);
  const options: VirtualizerOptions<HTMLElement, HTMLElement> = {
    count,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 8,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    onChange: () => renderAgain(undefined),
  };
  const [virtual] = useState(() => new Virtualizer<HTMLElement, HTMLElement>(options));
  virtual.setOptions(options);
  useLayoutEffect(() => virtual._didMount(), [virtual]);
  useLayoutEffect(() => virtual._willUpdate());
  useLayoutEffect(() => virtual.measure(), [virtual, height]);
  return virtual;
}

/** A table whose rows are made as they come into sight: ten thousand of them cost what thirty do. */
export function VirtualTable({
  label,
  kind,
  count,
  height,
  head,
  row,
  onSight,
}: {
  label: string;
  /** A class, which gives the columns their widths. */
  kind: string;
  count: number;
  height: number;
  head: ComponentChildren;
  row: (index: number) => ComponentChildren;
  /** Told of the first and the last row in sight. */
  onSight?: (first: number, last: number) => void;
}) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtual({ count, height, scroller });
  const items = virtual.getVirtualItems();
  onSight?.(items[0]?.index ?? 0, items.at(-1)?.index ?? 0);
  return (
    <div class={`table ${kind}`} role="table" aria-label={label} aria-rowcount={count + 1}>
      <div class="body" role="rowgroup" ref={scroller} tabIndex={0} aria-label={`${label}: rows`}>
        <div class="head row" role="row" aria-rowindex={1}>
          {head}
        </div>
        <div class="all" role="presentation" style={{ height: `${virtual.getTotalSize()}px` }}>
          {items.map(({ index, start }) => (
            <div
              key={index}
              class="row"
              role="row"
              aria-rowindex={index + 2}
              style={{ height: `${height}px`, transform: `translateY(${start}px)` }}
            >
              {row(index)}
            </div>
          ))}
        </div>
      </div>
    </div>
  );
}

export function Cell({
  name,
  children,
  title,
}: {
  name: string;
  children?: ComponentChildren;
  title?: string | undefined;
}) {
  return (
    <div class={`cell ${name}`} role="cell" title={title}>
      {children}
    </div>
  );
}

export function Head({ name, children }: { name: string; children?: ComponentChildren }) {
  return (
    <div
      class={`cell ${name}`}
      role="columnheader"
      title={typeof children === "string" ? meaningOf(children) : undefined}
    >
      {children}
    </div>
  );
}
