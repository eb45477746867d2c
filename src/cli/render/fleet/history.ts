import { span } from "../../../message/text/figures.ts";
import type { HistoryView } from "../../../runtime/operate/table/nodes.ts";
import type { Colour, Paint } from "../paint.ts";
import { visible } from "../text.ts";
import { isoTime, type Times } from "../time.ts";

/** A node's link as a band of characters: the worst state in each cell, in the last one the present state. Every state has a character of its own. */
const BAND = [
  // The first one that stands in a cell is shown, so that a short absence is seen in a long band.
  { state: "offline", mark: "_", colour: "red" },
  { state: "late", mark: "~", colour: "yellow" },
  { state: "unknown", mark: "?", colour: "dim" },
  { state: "neverSeen", mark: ".", colour: "dim" },
  { state: "online", mark: "█", colour: "green" },
] as const satisfies readonly { state: string; mark: string; colour: Colour }[];
type Shown = (typeof BAND)[number]["state"];

const WORDS: Readonly<Record<Shown, string>> = {
  offline: "offline",
  late: "late",
  unknown: "not known: the daemon here did not run, or kept nothing of it",
  neverSeen: "never seen",
  online: "online",
};
const WIDEST = 96;
const UNWATCHED = 80;
const MOST_CHANGES = 12;

interface Span {
  readonly from: number;
  readonly to: number;
  readonly state: Shown;
  readonly cause: string;
}

export function historyLines(history: HistoryView, times: Times, paint: Paint, columns = UNWATCHED): string[] {
  const [node] = history.nodes;
  const { from, until } = history;
  const spans = spansOf(history);
  const width = Math.max(10, Math.min(WIDEST, columns));
  const cell = (until - from) / width;
  const past = Array.from({ length: width - 1 }, (_, i) =>
    markOf(spans, from + i * cell, from + (i + 1) * cell, paint),
  );
  const band = [...past, markOf(spans, until - 1, until, paint)];
  const total = Math.max(1, until - from);
  const shares = BAND.flatMap(({ state, mark, colour }) => {
    const ms = spans.reduce((sum, one) => sum + (one.state === state ? one.to - one.from : 0), 0);
    return ms === 0 ? [] : [`${paint(colour, mark)} ${share(ms / total)} ${WORDS[state]}`];
  });
  const changes = spans.slice(1).slice(-MOST_CHANGES);
  return [
    `link of ${visible(node?.name ?? "")}, ${isoTime(from)} to ${isoTime(until)}, ${span(Math.max(1, cell))} a character`,
    band.join(""),
    ...shares.map((line) => `  ${line}`),
    ...(changes.length === 0 ? [] : ["", "CHANGES"]),
    ...changes.map(
      ({ from: at, to, state, cause }) =>
        `  ${times.at(at)}: ${state === "unknown" ? "not known" : WORDS[state]} for ${span(to - at)}${cause === "" ? "" : ` (${visible(cause)})`}`,
    ),
  ];
}

/** The states one after another from begin to end, with the times between them that are not known. */
function spansOf({ nodes: [node], from, until, unknown }: HistoryView): Span[] {
  const link = node?.regions.link ?? [];
  const known: Span[] = link.map(([at, state, cause], i) => ({
    from: Math.max(from, at),
    to: link[i + 1]?.[0] ?? until,
    state: BAND.some((one) => one.state === state) ? (state as Shown) : "unknown",
    cause,
  }));
  const edges = new Set([from, until, ...known.map((one) => one.from), ...unknown.flat()]);
  const points = [...edges].filter((at) => at >= from && at <= until).sort((a, b) => a - b);
  const spans: Span[] = [];
  for (const [i, at] of points.slice(0, -1).entries()) {
    const to = points[i + 1] ?? until;
    const isUnknown = unknown.some(([begin, end]) => at >= begin && at < end);
    const there = isUnknown ? undefined : known.findLast((one) => one.from <= at);
    const state = there?.state ?? "unknown";
    const last = spans.at(-1);
    if (last?.state === state) spans[spans.length - 1] = { ...last, to };
    else spans.push({ from: at, to, state, cause: there?.cause ?? "" });
  }
  return spans;
}

function markOf(spans: readonly Span[], from: number, to: number, paint: Paint): string {
  const there = new Set(spans.filter((one) => one.from < to && one.to > from).map(({ state }) => state));
  const shown = BAND.find(({ state }) => there.has(state));
  return shown === undefined ? "?" : paint(shown.colour, shown.mark);
}

function share(part: number): string {
  const percent = part * 100;
  return percent > 99.95 && percent < 100 ? "99.9 %" : `${percent.toFixed(1)} %`;
}
