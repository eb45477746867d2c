import { useMemo, useState } from "preact/hooks";
import { bareText } from "../text/ansi.ts";
import { lastWritten, type OutputLine } from "../text/output.ts";
import { LineList, WrittenText } from "./line-list.tsx";
import { Copy } from "./words.tsx";

const HEIGHT = 19;
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
  const step = (by: number): void => {
    setFollows(false);
    setHit((now) => (hits.length === 0 ? 0 : (now + by + hits.length) % hits.length));
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
      <LineList
        label="Lines of the output"
        count={shown.length}
        height={HEIGHT}
        version={version}
        follows={follows}
        onFollows={setFollows}
        centred={wanted === "" ? undefined : hits[hit]}
        line={(index) => {
          const row = shown[index];
          if (row === undefined) return undefined;
          const isHit = wanted !== "" && hits[hit] === index;
          return { kind: `${row.line.stream}${isHit ? " hit" : ""}`, content: <Row {...row} wanted={wanted} /> };
        }}
      />
    </div>
  );
}

function Row({ line, no, wanted }: { line: OutputLine; no: number; wanted: string }) {
  const { text, earlier } = lastWritten(line.text);
  return (
    <>
      <span class="no" aria-hidden="true">
        {no}
      </span>
      <span class="mark" title={line.stream}>
        {line.stream === "stderr" ? "!" : " "}
      </span>
      <span class="text">
        {earlier > 0 && (
          <span class="quiet" title={`this line was written over ${earlier} times`}>
            ↺{" "}
          </span>
        )}
        <WrittenText text={text} whole={bareText(text)} style={line.style} longest={LONGEST} wanted={wanted} />
      </span>
    </>
  );
}
