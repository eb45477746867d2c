import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { bytes } from "../../message/text/figures.ts";
import { classOf, PLAIN, piecesOf, type Style } from "../text/ansi.ts";
import { useVirtual } from "./virtual-rows.tsx";
import { Copy } from "./words.tsx";

/** Lines of text of one height, made as they come into sight; it follows its end until somebody scrolls up. */
export function LineList({
  label,
  count,
  height,
  version,
  follows,
  onFollows,
  centred,
  line,
}: {
  label: string;
  count: number;
  /** Height of a line, px. */
  height: number;
  /** Another one whenever lines have changed. */
  version: unknown;
  follows: boolean;
  onFollows: (follows: boolean) => void;
  /** The line that is brought into sight. */
  centred?: number | undefined;
  line: (index: number) => { readonly kind: string; readonly content: ComponentChildren } | undefined;
}) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtual({ count, height, scroller });
  useLayoutEffect(() => {
    if (follows && scroller.current !== null) scroller.current.scrollTop = scroller.current.scrollHeight;
  }, [version, count, follows]);
  useEffect(() => {
    if (centred !== undefined) virtual.scrollToIndex(centred, { align: "center" });
  }, [centred, virtual]);
  const scrolled = (): void => {
    const at = scroller.current;
    if (at !== null) onFollows(at.scrollTop + at.clientHeight >= at.scrollHeight - 4);
  };
  return (
    <div
      class="output-lines"
      ref={scroller}
      tabIndex={0}
      role="log"
      aria-live="off"
      aria-label={label}
      onScroll={scrolled}
    >
      <div class="all" style={{ height: `${virtual.getTotalSize()}px` }}>
        {virtual.getVirtualItems().map(({ index, start }) => {
          const shown = line(index);
          if (shown === undefined) return null;
          return (
            <div key={index} class={`line ${shown.kind}`} style={{ transform: `translateY(${start}px)` }}>
              {shown.content}
            </div>
          );
        })}
      </div>
    </div>
  );
}

/**
 * One line that a program wrote: its colours as classes, everything else as text, `wanted` marked. More than `longest`
 * characters are shown in part: a browser that lays out a megabyte in one line stands still.
 */
export function WrittenText({
  text,
  whole,
  style = PLAIN,
  longest,
  wanted = "",
}: {
  text: string;
  /** The text that is copied in place of a line that is shown in part. */
  whole: string;
  style?: Style;
  longest: number;
  /** In small letters. */
  wanted?: string;
}) {
  const isLong = text.length > longest;
  const { pieces } = piecesOf(isLong ? text.slice(0, longest) : text, style);
  return (
    <>
      {pieces.map((piece, i) => (
        <span key={i} class={piece.control === true ? "control" : classOf(piece.style)}>
          {wanted === "" ? piece.text : <Marked text={piece.text} wanted={wanted} />}
        </span>
      ))}
      {isLong && (
        <>
          <span class="quiet"> … {bytes(text.length - longest)} more in this line </span>
          <Copy text={whole}>copy the line</Copy>
        </>
      )}
    </>
  );
}

const MOST_MARKS = 400;

function Marked({ text, wanted }: { text: string; wanted: string }) {
  const parts: (string | { readonly found: string })[] = [];
  const lower = text.toLowerCase();
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0 && parts.length < MOST_MARKS; at = lower.indexOf(wanted, from)) {
    parts.push(text.slice(from, at), { found: text.slice(at, at + wanted.length) });
    from = at + wanted.length;
  }
  parts.push(text.slice(from));
  return <>{parts.map((part, i) => (typeof part === "string" ? part : <mark key={i}>{part.found}</mark>))}</>;
}
