import { useState } from "preact/hooks";
import type { MessageFilter, MessageView } from "../../runtime/operate/table/messages.ts";
import { FilterLine } from "../parts/filter-line.tsx";
import { useReading, useTitle } from "../parts/hooks.ts";
import { Shown } from "../parts/reading.tsx";
import { Cell, Head, VirtualTable } from "../parts/virtual-rows.tsx";
import { Ago, CopyCommand, StateWord } from "../parts/words.tsx";
import { sentenceOf } from "../store/client.ts";
import { byClock } from "../store/clock-choice.ts";
import { ask, place, urlOf } from "../store/router.ts";
import { theStore } from "../store/store.ts";
import { commandLine } from "../text/command-line.ts";
import { MESSAGE_STATES, messageLook } from "../text/looks.ts";
import { counted } from "../text/times.ts";

const PAGE = 300;

/** The list of messages, newest first, live; the filters stand in the URL. */
export function Messages() {
  useTitle("Messages");
  const { client } = theStore();
  const { query } = place.value;
  const filter = filterOf(query);
  const key = JSON.stringify(filter);
  const { reading } = useReading<readonly MessageView[]>(`messages ${key}`, () => ({
    load: () => client.messages({ ...filter, limit: PAGE }),
    on: ({ type }) => type === "message",
    every: 15_000,
    atMost: 700,
  }));
  return (
    <section class="page full">
      <div class="page-head">
        <h1>Messages</h1>
        <Choices query={query} />
      </div>
      <div class="tools">
        <FilterLine
          label="Node"
          placeholder="messages of one node: ship1"
          value={query.node ?? ""}
          onChange={(node) => ask({ node: node.trim() })}
        />
        <CopyCommand line={commandOf(query)} />
      </div>
      <Shown
        of={reading}
        what="the messages"
        isEmpty={(list) => list.length === 0}
        empty={Object.keys(filter).length === 0 ? "There is no message yet." : "No message fits these filters."}
      >
        {(list) => <List key={key} newest={list} filter={filter} />}
      </Shown>
    </section>
  );
}

function filterOf(query: Readonly<Record<string, string>>): MessageFilter {
  const { node, state, open, direction, method, domain } = query;
  return {
    ...(node ? { node } : {}),
    ...(state ? { state: state as MessageView["state"] } : {}),
    ...(open ? { open: true } : {}),
    ...(direction === "in" || direction === "out" ? { direction } : {}),
    ...(method ? { method } : {}),
    ...(domain ? { domain } : {}),
  };
}

function commandOf({ node, state, open, direction }: Readonly<Record<string, string>>): string {
  return commandLine(
    "messages",
    ...(node ? ["--node", node] : []),
    ...(state ? ["--state", state] : []),
    open ? "--open" : false,
    direction === "in" ? "--in" : direction === "out" ? "--out" : false,
  );
}

function Choices({ query }: { query: Readonly<Record<string, string>> }) {
  const { state = "", open = "", direction = "" } = query;
  return (
    <div class="choices-line">
      <div class="choices" role="group" aria-label="Which messages">
        <button type="button" aria-pressed={open === "" && state === ""} onClick={() => ask({ open: "", state: "" })}>
          all
        </button>
        <button
          type="button"
          aria-pressed={open !== ""}
          onClick={() => ask({ open: open === "" ? "true" : "", state: "" })}
        >
          open
        </button>
        <button
          type="button"
          aria-pressed={state === "failed"}
          onClick={() => ask({ state: state === "failed" ? "" : "failed", open: "" })}
        >
          failed
        </button>
      </div>
      <label>
        state{" "}
        <select value={state} onChange={(event) => ask({ state: event.currentTarget.value, open: "" })}>
          <option value="">any</option>
          {MESSAGE_STATES.map((one) => (
            <option key={one} value={one}>
              {messageLook(one).symbol} {messageLook(one).word}
            </option>
          ))}
        </select>
      </label>
      <label>
        way{" "}
        <select value={direction} onChange={(event) => ask({ direction: event.currentTarget.value })}>
          <option value="">both</option>
          <option value="out">→ sent from here</option>
          <option value="in">← taken here</option>
        </select>
      </label>
    </div>
  );
}

function List({ newest, filter }: { newest: readonly MessageView[]; filter: MessageFilter }) {
  const { client } = theStore();
  const [older, setOlder] = useState<readonly MessageView[]>([]);
  const [end, setEnd] = useState(false);
  const [fault, setFault] = useState("");
  const known = new Set(newest.map(({ id, direction }) => id + direction));
  const both = [...newest, ...older.filter(({ id, direction }) => !known.has(id + direction))];
  const ownToo = place.value.query.own === "1" || filter.domain !== undefined;
  const all = ownToo ? both : both.filter(({ subject }) => !isOwn(subject));
  const hidden = both.length - all.length;
  const mayHaveMore = !end && newest.length >= PAGE;
  const load = async (): Promise<void> => {
    try {
      const before = both.at(-1)?.id;
      const page = await client.messages({ ...filter, limit: PAGE, ...(before === undefined ? {} : { before }) });
      setOlder([...both.slice(newest.length), ...page]);
      setEnd(page.length < PAGE);
      setFault("");
    } catch (thrown) {
      setFault(sentenceOf(thrown));
    }
  };
  return (
    <>
      <VirtualTable
        label="Messages"
        kind="of-messages"
        count={all.length}
        height={innerWidth < 720 ? 76 : 32}
        head={
          <>
            <Head name="state">State</Head>
            <Head name="node">Node</Head>
            <Head name="since">Created</Head>
            <Head name="what">What</Head>
            <Head name="reason">Why</Head>
            <Head name="id">Id</Head>
          </>
        }
        row={(index) => <Row message={all[index]} />}
      />
      <p class="list-foot">
        {counted(all.length, "message")}
        {(hidden > 0 || ownToo) && (
          <button type="button" class="plain" onClick={() => ask({ own: ownToo ? "" : "1" })}>
            {ownToo ? "hide those that steward sends by itself" : `show ${hidden} more, which steward sent by itself`}
          </button>
        )}
        {fault !== "" && <span class="fault"> older ones could not be read: {fault}</span>}
        {mayHaveMore ? (
          <button type="button" class="plain" onClick={() => void load()}>
            load older ones
          </button>
        ) : (
          <span class="quiet">, all that there are</span>
        )}
      </p>
    </>
  );
}

/** True for the messages with which steward asks and tells other nodes by itself. */
function isOwn(subject: string): boolean {
  return subject.endsWith(".steward");
}

function Row({ message }: { message: MessageView | undefined }) {
  if (message === undefined) return null;
  const { id, subject, state, createdAt, summary, reason, direction, code, origin } = message;
  const [node = "", ...rest] = subject.split(".");
  const kind = rest.join(".").replace(/^command\.shellcommand\.operatingsystem$/, "");
  return (
    <>
      <Cell name="state">
        <StateWord look={messageLook(state)} />
        {code !== undefined && code !== 0 && <span class="since">exit {code}</span>}
      </Cell>
      <Cell name="node" title={direction === "out" ? `to ${node}` : `from ${origin}`}>
        <span class="quiet" aria-hidden="true">
          {direction === "out" ? "→ " : "← "}
        </span>
        <span class="hidden">{direction === "out" ? "to " : "from "}</span>
        <a href={urlOf(["nodes", direction === "out" ? node : origin])}>{direction === "out" ? node : origin}</a>
      </Cell>
      <Cell name="since">
        <Ago at={createdAt} />
      </Cell>
      <Cell name="what" title={`${summary} (${subject})`}>
        <a data-row href={urlOf(["messages", id])}>
          {summary === "" ? "(no data)" : summary}
        </a>
        {kind !== "" && <span class="since">{kind}</span>}
      </Cell>
      <Cell name="reason" title={byClock(reason)}>
        {byClock(reason)}
      </Cell>
      <Cell name="id">{id}</Cell>
    </>
  );
}
