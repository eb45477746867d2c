import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { bytes } from "../../message/text/figures.ts";
import { bareText, classOf, piecesOf } from "../text/ansi.ts";
import { lastWritten, type OutputLine } from "../text/output.ts";
import { useVirtual } from "./virtual-rows.tsx";
import { Copy } from "./words.tsx";

const HEIGHT = 19;
/** A longer line is shown in part: a browser that lays out a megabyte in one line stands still. */
const LONGEST = 4_000;

/** Lines of output: colours as classes, everything else as text; search; follows the end until somebody scrolls up. */
export function OutputView({
  lines,
  version,
  ended,
}: {
  lines: readonly OutputLine[];
  version: number;
  ended: boolean;
}) {
  const [search, setSearch] = useState("");
  const [onlyErrors, setOnlyErrors] = useState(false);
  const [onlyFound, setOnlyFound] = useState(false);
  const [hit, setHit] = useState(0);
  const [follows, setFollows] = useState(!ended);
  const scroller = useRef<HTMLDivElement>(null);
  const hasErrors = lines.some(({ stream }) => stream === "stderr");
  const wanted = search.toLowerCase();
  const { shown, hits } = useMemo(() => {
    const found: number[] = [];
    const rows: { readonly line: OutputLine; readonly no: number }[] = [];
    for (const [i, line] of lines.entries()) {
      if (onlyErrors && line.stream === "stdout") continue;
      const isHit = wanted !== "" && bareText(line.text).toLowerCase().includes(wanted);
      if (onlyFound && wanted !== "" && !isHit) continue;
      if (isHit) found.push(rows.length);
      rows.push({ line, no: i + 1 });
    }
    return { shown: rows, hits: found };
  }, [version, lines.length, onlyErrors, onlyFound, wanted]);
  const virtual = useVirtual({ count: shown.length, height: HEIGHT, scroller });
  useLayoutEffect(() => {
    if (follows && scroller.current !== null) scroller.current.scrollTop = scroller.current.scrollHeight;
  }, [version, shown.length, follows]);
  useEffect(() => {
    const at = hits[hit];
    if (wanted !== "" && at !== undefined) virtual.scrollToIndex(at, { align: "center" });
  }, [hit, wanted]);
  const step = (by: number): void => {
    setFollows(false);
    setHit((now) => (hits.length === 0 ? 0 : (now + by + hits.length) % hits.length));
  };
  const scrolled = (): void => {
    const at = scroller.current;
    if (at !== null) setFollows(at.scrollTop + at.clientHeight >= at.scrollHeight - 4);
  };
  return (
    <div class="output">
      <div class="output-tools">
        <input
          type="search"
          data-filter
          aria-label="Search the output"
          placeholder="search the output"
          value={search}
          onInput={(event) => {
            setSearch(event.currentTarget.value);
            setHit(0);
          }}
          onKeyDown={(event) => {
            if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
          }}
        />
        {wanted !== "" && (
          <span role="status" class="quiet">
            {hits.length === 0 ? "not found" : `${Math.min(hit, hits.length - 1) + 1} of ${hits.length}`}
          </span>
        )}
        {wanted !== "" && hits.length > 0 && (
          <label>
            <input type="checkbox" checked={onlyFound} onChange={() => setOnlyFound(!onlyFound)} /> these lines alone
          </label>
        )}
        {hasErrors && (
          <label>
            <input type="checkbox" checked={onlyErrors} onChange={() => setOnlyErrors(!onlyErrors)} /> stderr alone
          </label>
        )}
        <span class="spread" />
        <Copy text={lines.map(({ text }) => bareText(text)).join("\n")}>copy all</Copy>
        <button type="button" aria-pressed={follows} onClick={() => setFollows(true)}>
          ↓ jump to end
        </button>
      </div>
      <div
        class="output-lines"
        ref={scroller}
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label="Lines of the output"
        onScroll={scrolled}
      >
        <div class="all" style={{ height: `${virtual.getTotalSize()}px` }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const row = shown[index];
            if (row === undefined) return null;
            return (
              <div
                key={index}
                class={`line ${row.line.stream}${wanted !== "" && hits[hit] === index ? " hit" : ""}`}
                style={{ transform: `translateY(${start}px)` }}
              >
                <span class="no" aria-hidden="true">
                  {row.no}
                </span>
                <span class="mark" title={row.line.stream}>
                  {row.line.stream === "stderr" ? "!" : " "}
                </span>
                <Text line={row.line} wanted={wanted} />
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

function Text({ line, wanted }: { line: OutputLine; wanted: string }) {
  const { text, earlier } = lastWritten(line.text);
  const long = text.length > LONGEST;
  const { pieces } = piecesOf(long ? text.slice(0, LONGEST) : text, line.style);
  return (
    <span class="text">
      {earlier > 0 && (
        <span class="quiet" title={`this line was written over ${earlier} times`}>
          ↺{" "}
        </span>
      )}
      {pieces.map((piece, i) => (
        <span key={i} class={piece.control === true ? "control" : classOf(piece.style)}>
          {wanted === "" ? piece.text : <Marked text={piece.text} wanted={wanted} />}
        </span>
      ))}
      {long && (
        <>
          <span class="quiet"> … {bytes(text.length - LONGEST)} more in this line </span>
          <Copy text={bareText(text)}>copy the line</Copy>
        </>
      )}
    </span>
  );
}

function Marked({ text, wanted }: { text: string; wanted: string }) {
  const parts: (string | { readonly found: string })[] = [];
  const lower = text.toLowerCase();
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0 && parts.length < 400; at = lower.indexOf(wanted, from)) {
    parts.push(text.slice(from, at), { found: text.slice(at, at + wanted.length) });
    from = at + wanted.length;
  }
  parts.push(text.slice(from));
  return <>{parts.map((part, i) => (typeof part === "string" ? part : <mark key={i}>{part.found}</mark>))}</>;
}
