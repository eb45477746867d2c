import { useMemo } from "preact/hooks";
import { bytes, span } from "../../message/text/figures.ts";
import type { HistoryView, NodeView } from "../../runtime/operate/table/nodes.ts";
import { Band } from "../parts/band.tsx";
import { FilterLine } from "../parts/filter-line.tsx";
import { useReading, useTitle } from "../parts/hooks.ts";
import { Cell, Head, VirtualTable } from "../parts/virtual-rows.tsx";
import { Ago, CopyCommand, For, StateWord } from "../parts/words.tsx";
import { Refusal } from "../store/client.ts";
import { clockText } from "../store/clock-choice.ts";
import { COUNTERS, type CounterKey, countsOf, notesOf, type SortKey, sorted } from "../store/node-order.ts";
import { ask, place, urlOf } from "../store/router.ts";
import { theStore } from "../store/store.ts";
import { stretchesKept } from "../text/bands.ts";
import { commandLine } from "../text/command-line.ts";
import { meaningOf } from "../text/glossary.ts";
import { linkLook, regionLook } from "../text/looks.ts";
import { counted } from "../text/times.ts";

const COLUMNS: readonly { readonly key: SortKey; readonly word: string }[] = [
  { key: "name", word: "Node" },
  { key: "link", word: "Link" },
  { key: "seen", word: "Seen" },
  { key: "work", word: "Work" },
  { key: "waiting", word: "Waiting" },
  { key: "storage", word: "Storage" },
  { key: "version", word: "Version" },
];

interface Matching {
  readonly names?: ReadonlySet<string>;
  /** The daemon does not take the filter. */
  readonly refused?: Refusal;
}

/** Every node, filtered by the daemon with the expressions of the command line, sorted here. */
export function Fleet() {
  useTitle("Fleet");
  const store = theStore();
  const { filter = "", show = "all", sort = "name", down = "" } = place.value.query;
  const { rows, readAt, fault } = store.nodes.mirror.value;
  const { reading } = useReading<Matching>(`fleet ${filter}`, () => ({
    load: () => matching(filter),
    on: ({ type }) => filter !== "" && type === "node",
    every: filter === "" ? 3_600_000 : rows.size > 500 ? 15_000 : 5_000,
    atMost: rows.size > 500 ? 5_000 : 700,
  }));
  const days = place.value.query.band === "7d" ? 7 : 1;
  const kept = useReading<Kept>(`fleet history ${days}`, () => ({
    load: () => keptLinks(days),
    on: ({ type }) => type === "node" && rows.size <= 300,
    every: rows.size > 1_000 ? 300_000 : 60_000,
    atMost: 3_000,
  })).reading.value;
  const names = filter === "" ? undefined : reading.value?.names;
  const refused = filter === "" ? undefined : reading.value?.refused;
  const meant = useMemo(
    () => [...rows.values()].filter(({ name }) => names === undefined || names.has(name)),
    [rows, names],
  );
  const counter = COUNTERS.find(({ key }) => key === show) ?? COUNTERS[0];
  const shown = useMemo(
    () => sorted(meant.filter(counter.is), sort as SortKey, down !== ""),
    [meant, counter, sort, down],
  );
  const pending = filter !== "" && reading.value === undefined;
  return (
    <section class="page full fleet">
      <div class="page-head">
        <h1>Fleet</h1>
        <Counters nodes={meant} chosen={counter.key} />
        <span class="quiet as-of">{readAt === 0 ? "" : <AsOf />}</span>
      </div>
      <div class="tools">
        <FilterLine
          label="Filter of nodes"
          placeholder="filter: ship*   class=tanker and online   disk.*.full>90"
          value={filter}
          onChange={(text) => ask({ filter: text })}
          fault={refused && { text: refused.message, ...placeOf(refused) }}
        />
        <CopyCommand line={filter === "" ? commandLine("nodes") : commandLine("nodes", "--filter", filter)} />
      </div>
      {fault !== undefined && (
        <p class="fault" role="alert">
          <span aria-hidden="true">✗ </span>The list of nodes could not be read: {fault}
          {readAt > 0 && " Shown is what was read before."}
        </p>
      )}
      {reading.fault !== undefined && filter !== "" && (
        <p class="fault" role="alert">
          <span aria-hidden="true">✗ </span>The filter could not be asked: {reading.fault}
        </p>
      )}
      {readAt === 0 && fault === undefined && <p class="quiet loading">reading the fleet …</p>}
      {readAt > 0 && refused === undefined && !pending && (
        <VirtualTable
          label="Nodes"
          kind="of-nodes"
          count={shown.length}
          height={narrow() ? 80 : 34}
          onSight={(first, last) => store.nodes.shows(shown.slice(first, last + 1).map(({ name }) => name))}
          head={<Heads sort={sort} down={down !== ""} days={days} />}
          row={(index) => <Row node={shown[index]} kept={kept} days={days} />}
        />
      )}
      {readAt > 0 && shown.length === 0 && refused === undefined && !pending && (
        <p class="empty">
          {rows.size === 0
            ? "No node is known yet."
            : `None of ${counted(rows.size, "node")} fits${counter.key === "all" ? " the filter" : `: ${counter.word}`}.`}
        </p>
      )}
    </section>
  );
}

function narrow(): boolean {
  return innerWidth < 720;
}

async function matching(filter: string): Promise<Matching> {
  if (filter === "") return {};
  try {
    const found = await theStore().client.nodes({ filter });
    return { names: new Set(found.map(({ name }) => name)) };
  } catch (thrown) {
    if (thrown instanceof Refusal && thrown.status === 400) return { refused: thrown };
    if (thrown instanceof Refusal && thrown.code === "node-unknown") return { refused: thrown };
    throw thrown;
  }
}

function placeOf({ details }: Refusal): { at?: number } {
  const { at } = details;
  return typeof at === "number" ? { at } : {};
}

/** The time that the list is true for: it ticks while the page is live, and stands still when it is not. */
function AsOf() {
  const store = theStore();
  const at = store.fresh.value ? store.now.value : store.heardAt.value;
  return <>as of {clockText(at)}</>;
}

function Counters({ nodes, chosen }: { nodes: readonly NodeView[]; chosen: CounterKey }) {
  const counts = useMemo(() => countsOf(nodes), [nodes]);
  return (
    <div class="counters" role="group" aria-label="Only these nodes">
      {COUNTERS.map(({ key, word }, i) => {
        const count = counts[i] ?? 0;
        if (count === 0 && key !== "all" && key !== "online" && key !== "away" && key !== chosen) return null;
        return (
          <button
            type="button"
            key={key}
            class={`counter of-${key}`}
            aria-pressed={key === chosen}
            onClick={() => ask({ show: key === "all" || key === chosen ? "" : key })}
          >
            <strong>{count.toLocaleString("en")}</strong> {word}
          </button>
        );
      })}
    </div>
  );
}

function Heads({ sort, down, days }: { sort: string; down: boolean; days: number }) {
  return (
    <>
      {COLUMNS.map(({ key, word }) => {
        const chosen = sort === key;
        return (
          <div
            key={key}
            class={`cell ${key}`}
            role="columnheader"
            aria-sort={chosen ? (down ? "descending" : "ascending") : "none"}
          >
            <button
              type="button"
              title={meaningOf(word)}
              onClick={() => ask({ sort: key === "name" ? "" : key, down: chosen && !down ? "1" : "" })}
            >
              {word}
              <span aria-hidden="true">{chosen ? (down ? " ▾" : " ▴") : ""}</span>
            </button>
          </div>
        );
      })}
      <Head name="band">
        <button type="button" onClick={() => ask({ band: days === 7 ? "" : "7d" })} title="24 hours or 7 days">
          {days === 7 ? "Last 7 days" : "Last 24 hours"} ⇄
        </button>
      </Head>
      <Head name="labels">Labels</Head>
      <Head name="notes">Notes</Head>
    </>
  );
}

const DAY = 86_400_000;

/** The links of all nodes over time, by name. */
interface Kept {
  readonly links: ReadonlyMap<string, HistoryView["nodes"][number]["regions"]>;
  readonly unknown: HistoryView["unknown"];
}

async function keptLinks(days: number): Promise<Kept> {
  const { client, now } = theStore();
  const since = Math.floor(now.peek() - days * DAY);
  const links = new Map<string, HistoryView["nodes"][number]["regions"]>();
  for (let after = ""; ; ) {
    const page: HistoryView = await client.history({
      region: "link",
      since,
      limit: 1_000,
      ...(after === "" ? {} : { after }),
    });
    for (const { name, regions } of page.nodes) links.set(name, regions);
    after = page.nodes.at(-1)?.name ?? "";
    if (page.nodes.length < 1_000) return { links, unknown: page.unknown };
  }
}

function Row({ node, kept, days }: { node: NodeView | undefined; kept: Kept | undefined; days: number }) {
  if (node === undefined) return null;
  const {
    name,
    link,
    linkSince,
    lastSeenAt,
    work,
    running,
    waiting,
    waitingBytes,
    oldestCreatedAt,
    storage,
    version,
    labels = {},
    role,
    cause,
  } = node;
  const notes = notesOf(node);
  const now = theStore().now.value;
  const labelText = Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join("  ");
  return (
    <>
      <Cell name="name">
        <a data-row href={urlOf(["nodes", name])}>
          {name}
        </a>
        {role !== "edge" && <span class="chip">{role === "self" ? "here" : role}</span>}
      </Cell>
      <Cell name="link" title={cause}>
        <StateWord look={linkLook(link)} />
        <span class="since">
          <For since={linkSince} />
        </span>
      </Cell>
      <Cell name="seen">{role === "self" ? <span class="quiet">here</span> : <Ago at={lastSeenAt} />}</Cell>
      <Cell name="work">
        {running > 0 ? (
          <StateWord look={regionLook("work", "busy")} title={`${running} commands without an outcome`} />
        ) : (
          <span class="quiet">{work}</span>
        )}
        {running > 0 && <span class="since">{running}</span>}
      </Cell>
      <Cell name="waiting">
        {waiting === 0 ? (
          <span class="quiet">–</span>
        ) : (
          <a href={urlOf(["messages"], { node: name, open: "true" })}>
            {waiting.toLocaleString("en")}
            {waitingBytes > 0 && <span class="since">{bytes(waitingBytes)}</span>}
            {oldestCreatedAt !== null && <span class="since">oldest {span(Math.max(0, now - oldestCreatedAt))}</span>}
          </a>
        )}
      </Cell>
      <Cell name="storage">
        {storage === "ok" ? <span class="quiet">ok</span> : <StateWord look={regionLook("storage", storage)} />}
      </Cell>
      <Cell name="version">{version ?? <span class="quiet">–</span>}</Cell>
      <Cell name="band">
        {kept !== undefined && (
          <Band
            region="link"
            stretches={stretchesKept(kept.links.get(name)?.link ?? [], kept.unknown, now - days * DAY, now)}
            begin={now - days * DAY}
            end={now}
            height={14}
          />
        )}
      </Cell>
      <Cell name="labels" title={labelText}>
        {labelText}
      </Cell>
      <Cell name="notes" title={notes.join("; ")}>
        {notes.length > 0 && (
          <span class="state tone-warn">
            <span class="glyph" aria-hidden="true">
              !
            </span>
            {notes.join("; ")}
          </span>
        )}
      </Cell>
    </>
  );
}
