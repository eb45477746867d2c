import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { bytes } from "../../message/text/figures.ts";
import type { LogFindingsView } from "../../runtime/operate/table/logs.ts";
import { FilterLine } from "../parts/filter-line.tsx";
import { useReading, useTitle } from "../parts/hooks.ts";
import { LineList, WrittenText } from "../parts/line-list.tsx";
import { Shown } from "../parts/reading.tsx";
import { TypedField } from "../parts/typed.tsx";
import { At, CopyCommand } from "../parts/words.tsx";
import { clockText, dayText, utc } from "../store/clock-choice.ts";
import { LogTail, type ShownLine } from "../store/log-tail.ts";
import { ask, place } from "../store/router.ts";
import { theStore } from "../store/store.ts";
import { commandLine } from "../text/command-line.ts";
import { counted } from "../text/times.ts";

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
    completedBy: "log",
    every: 120_000,
  }));
  return (
    <section class="page full">
      <div class="page-head">
        <h1>Logs</h1>
        <TypedField
          label="node"
          value={node}
          placeholder="any"
          list="log-nodes"
          onApply={(next) => ask({ node: next.trim() })}
        />
        <datalist id="log-nodes">
          {[...theStore().nodes.mirror.value.rows.keys()].slice(0, 500).map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
        <TypedField label="domain" value={domain} placeholder="any" onApply={(next) => ask({ domain: next.trim() })} />
        <TimeField word="from" at={since} onChange={(at) => ask({ from: at })} />
        <TimeField word="to" at={until} onChange={(at) => ask({ to: at })} />
        {(since !== undefined || until !== undefined) && (
          <button type="button" onClick={() => ask({ from: "", to: "" })}>
            {since === undefined ? "…" : dayText(since).slice(5, 16)} to{" "}
            {until === undefined ? "now" : dayText(until).slice(5, 16)} ✕<span class="hidden">{" (all times)"}</span>
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

/** A point in time, by the chosen clock. */
function TimeField({
  word,
  at,
  onChange,
}: {
  word: string;
  at: number | undefined;
  /** Told milliseconds since 1970 as text; empty: any time. */
  onChange: (at: string) => void;
}) {
  const changed = (text: string): void => {
    const read = Date.parse(utc.value ? `${text}Z` : text);
    // A year of which the first digits alone are typed is none yet.
    if (text === "" || read > 0) onChange(text === "" ? "" : String(read));
  };
  return (
    <TypedField
      label={word}
      kind="datetime-local"
      value={at === undefined ? "" : dayText(at).slice(0, 16).replace(" ", "T")}
      onApply={changed}
    />
  );
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
        {all === 0 ? "nothing in the last day" : `${bytes(all)} in the last day, ${bytes(most)} in its fullest hour`}
      </figcaption>
      <div class="bars" role="group" aria-label="Volume of each hour">
        {volume.map(({ at, bytes: amount }) => {
          const isIn = (since === undefined || at + HOUR > since) && (until === undefined || at < until);
          const words = `${clockText(at).slice(0, 5)}: ${bytes(amount)}`;
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
        <span>{clockText(volume[0]?.at ?? 0).slice(0, 5)}</span>
        <span>{clockText(volume[Math.floor(volume.length / 2)]?.at ?? 0).slice(0, 5)}</span>
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
  return (
    <div class="output logs">
      <div class="output-tools">
        <span class="quiet" role="status">
          {counted(lines.length, "line")}
          {!found.complete && found.readBackAt !== null && <>, back to {dayText(found.readBackAt)}</>}
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
          {filter.text === "" && filter.node === ""
            ? "No line was forwarded yet."
            : "No line that was looked at fits these filters."}
          {!found.complete && " Not all of the logs were looked at."}
        </p>
      )}
      <LineList
        label="Lines of logs"
        count={lines.length}
        height={HEIGHT}
        version={lines}
        follows={follows && held === undefined}
        onFollows={setFollows}
        line={(index) => {
          const line = lines[index];
          return line && { kind: "", content: <Line line={line} wanted={filter.text.toLowerCase()} /> };
        }}
      />
    </div>
  );
}

function Line({ line: { node, domain, at, line }, wanted }: { line: ShownLine; wanted: string }) {
  return (
    <>
      <span class="no time">{at === null ? "" : <At time={at} />}</span>
      <span class="source" title={`${node} ${domain}`}>
        {node} {domain}
      </span>
      <span class="text">
        <WrittenText text={line} whole={line} longest={LONGEST} wanted={wanted} />
      </span>
    </>
  );
}
