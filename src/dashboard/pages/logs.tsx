import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { LogFindingsView } from "../../runtime/operate/table/logs.ts";
import { FilterLine } from "../parts/filter-line.tsx";
import { Shown } from "../parts/reading.tsx";
import { useReading, useTitle } from "../parts/use.ts";
import { useVirtual } from "../parts/virtual-rows.tsx";
import { At, Copy, CopyCommand } from "../parts/words.tsx";
import { LogTail, type ShownLine } from "../store/log-tail.ts";
import { ask, place } from "../store/router.ts";
import { theStore } from "../store/store.ts";
import { classOf, piecesOf } from "../text/ansi.ts";
import { commandLine } from "../text/command-line.ts";
import { bytes, clockTime, counted, dayTime } from "../text/times.ts";

const HEIGHT = 20;
const LONGEST = 2_000;
const LIMIT = 2_000;
const HOUR = 3_600_000;

/** The lines that nodes forwarded: searched by the daemon, and followed live. */
export function Logs() {
  useTitle("Logs");
  const { client } = theStore();
  const { node = "", domain = "", text = "", from = "", to = "" } = place.value.query;
  const since = timeOf(from);
  const until = timeOf(to);
  const key = `logs ${node} ${domain} ${text} ${from} ${to}`;
  const { reading } = useReading<LogFindingsView>(key, () => ({
    load: () =>
      client.searchLogs({
        limit: LIMIT,
        ...(node === "" ? {} : { node }),
        ...(domain === "" ? {} : { domain }),
        ...(text === "" ? {} : { text }),
        ...(since === undefined ? {} : { since }),
        ...(until === undefined ? {} : { until }),
      }),
    every: 120_000,
  }));
  return (
    <section class="page full">
      <div class="page-head">
        <h1>Logs</h1>
        <label>
          node{" "}
          <input
            type="text"
            class="short"
            value={node}
            placeholder="any"
            list="log-nodes"
            onChange={(event) => ask({ node: event.currentTarget.value.trim() })}
          />
        </label>
        <datalist id="log-nodes">
          {[...theStore().nodes.mirror.value.rows.keys()].slice(0, 500).map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <label>
          domain{" "}
          <input
            type="text"
            class="short"
            value={domain}
            placeholder="any"
            onChange={(event) => ask({ domain: event.currentTarget.value.trim() })}
          />
        </label>
        {(since !== undefined || until !== undefined) && (
          <button type="button" onClick={() => ask({ from: "", to: "" })}>
            {since === undefined ? "…" : dayTime(since).slice(5, 16)} to{" "}
            {until === undefined ? "now" : dayTime(until).slice(5, 16)} ✕<span class="hidden">{" (all times)"}</span>
          </button>
        )}
        <span class="as-of">
          <CopyCommand
            line={commandLine(
              "watch",
              ...(node === "" ? [] : [node]),
              ...(node === "" || domain === "" ? [] : [domain]),
            )}
          />
        </span>
      </div>
      <div class="tools">
        <FilterLine
          label="Text to look for"
          placeholder="text in the line: error, 404, /chart"
          value={text}
          onChange={(next) => ask({ text: next })}
        />
      </div>
      <Shown of={reading} what="the logs">
        {(found) => (
          <>
            <Volume volume={found.volume} since={since} until={until} />
            <Lines key={key} found={found} filter={{ node, domain, text }} isPast={until !== undefined} />
          </>
        )}
      </Shown>
    </section>
  );
}

function timeOf(text: string): number | undefined {
  const at = Number(text);
  return text === "" || !Number.isFinite(at) || at <= 0 ? undefined : at;
}

/** Bytes of each hour of the last day; an hour that is pressed is looked at alone. */
function Volume({
  volume,
  since,
  until,
}: {
  volume: LogFindingsView["volume"];
  since: number | undefined;
  until: number | undefined;
}) {
  if (volume.length === 0) return null;
  const most = Math.max(1, ...volume.map((hour) => hour.bytes));
  const all = volume.reduce((sum, hour) => sum + hour.bytes, 0);
  return (
    <figure class="volume">
      <figcaption class="quiet">
        {bytes(all)} in the last day, {bytes(most)} in its fullest hour
      </figcaption>
      <div class="bars" role="group" aria-label="Volume of each hour">
        {volume.map(({ at, bytes: amount }) => {
          const isIn = (since === undefined || at + HOUR > since) && (until === undefined || at < until);
          const words = `${clockTime(at).slice(0, 5)}: ${bytes(amount)}`;
          return (
            <button
              type="button"
              key={at}
              class={isIn ? "bar-button" : "bar-button out"}
              title={`${words}; press to look at this hour alone`}
              aria-label={`${words}, look at this hour alone`}
              onClick={() => ask({ from: String(at), to: String(at + HOUR) })}
            >
              <span style={{ height: `${amount === 0 ? 0 : Math.max(4, (amount / most) * 100)}%` }} />
            </button>
          );
        })}
      </div>
      <div class="ticks quiet" aria-hidden="true">
        <span>{clockTime(volume[0]?.at ?? 0).slice(0, 5)}</span>
        <span>{clockTime(volume[Math.floor(volume.length / 2)]?.at ?? 0).slice(0, 5)}</span>
        <span>now</span>
      </div>
    </figure>
  );
}

function Lines({
  found,
  filter,
  isPast,
}: {
  found: LogFindingsView;
  filter: { node: string; domain: string; text: string };
  isPast: boolean;
}) {
  const tail = useMemo(() => new LogTail(), []);
  const [count, setCount] = useState(0);
  const [follows, setFollows] = useState(true);
  const [held, setHeld] = useState<readonly ShownLine[] | undefined>(undefined);
  const scroller = useRef<HTMLDivElement>(null);
  const filterNow = useRef(filter);
  filterNow.current = filter;
  useEffect(() => {
    if (isPast) return undefined;
    const store = theStore();
    let waits = false;
    let isShown = true;
    const stop = store.listen(["log"], (happening) => {
      if (happening.type !== "log" || !tail.take(happening, filterNow.current) || waits) return;
      waits = true;
      store.time.after(150, () => {
        waits = false;
        if (isShown) setCount((now) => now + 1);
      });
    });
    return () => {
      isShown = false;
      stop();
    };
  }, [tail, isPast]);
  const joined = useMemo(() => tail.after(found.lines), [tail, found, count]);
  const lines = held ?? joined;
  const virtual = useVirtual({ count: lines.length, height: HEIGHT, scroller });
  useLayoutEffect(() => {
    if (follows && held === undefined && scroller.current !== null)
      scroller.current.scrollTop = scroller.current.scrollHeight;
  }, [lines, follows, held]);
  const scrolled = (): void => {
    const at = scroller.current;
    if (at !== null) setFollows(at.scrollTop + at.clientHeight >= at.scrollHeight - 4);
  };
  return (
    <div class="output logs">
      <div class="output-tools">
        <span class="quiet" role="status">
          {counted(lines.length, "line")}
          {!found.complete && found.readBackAt !== null && <>, back to {dayTime(found.readBackAt)}</>}
        </span>
        {!found.complete && found.readBackAt !== null && (
          <button type="button" onClick={() => ask({ to: String(found.readBackAt) })}>
            ↑ look further back
          </button>
        )}
        <span class="spread" />
        {!isPast && (
          <button
            type="button"
            aria-pressed={held !== undefined}
            onClick={() => setHeld(held === undefined ? joined : undefined)}
          >
            {held === undefined ? "‖ hold" : `▶ go on (${Math.max(0, joined.length - held.length)} new)`}
          </button>
        )}
        <button type="button" aria-pressed={follows} onClick={() => setFollows(true)}>
          ↓ jump to end
        </button>
      </div>
      {lines.length === 0 && (
        <p class="empty">
          {filter.text === "" && filter.node === "" ? "No line was forwarded yet." : "No line is so."}
          {!found.complete && " Not all of the logs were looked at."}
        </p>
      )}
      <div
        class="output-lines"
        ref={scroller}
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label="Lines of logs"
        onScroll={scrolled}
      >
        <div class="all" style={{ height: `${virtual.getTotalSize()}px` }}>
          {virtual.getVirtualItems().map(({ index, start }) => {
            const line = lines[index];
            if (line === undefined) return null;
            return (
              <div key={index} class="line" style={{ transform: `translateY(${start}px)` }}>
                <Line line={line} />
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}

function Line({ line: { node, domain, at, line } }: { line: ShownLine }) {
  const isLong = line.length > LONGEST;
  const { pieces } = piecesOf(isLong ? line.slice(0, LONGEST) : line);
  return (
    <>
      <span class="no time">{at === null ? "" : <At time={at} />}</span>
      <span class="source" title={`${node} ${domain}`}>
        {node} {domain}
      </span>
      <span class="text">
        {pieces.map((piece, i) => (
          <span key={i} class={piece.control === true ? "control" : classOf(piece.style)}>
            {piece.text}
          </span>
        ))}
        {isLong && (
          <>
            <span class="quiet"> … {bytes(line.length - LONGEST)} more in this line </span>
            <Copy text={line}>copy the line</Copy>
          </>
        )}
      </span>
    </>
  );
}
