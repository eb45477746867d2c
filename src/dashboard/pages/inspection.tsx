import { useMemo, useState } from "preact/hooks";
import type { Health } from "../../runtime/operate/table/daemon.ts";
import type { DeadLetter } from "../../runtime/operate/table/messages.ts";
import type { MachineView, ProcessList } from "../../runtime/operate/table/processes.ts";
import { MachinePanel } from "../chart/machine-panel.tsx";
import { stepsOfActor } from "../chart/steps.ts";
import { FilterLine } from "../parts/filter-line.tsx";
import { Shown } from "../parts/reading.tsx";
import { useReading, useTitle } from "../parts/use.ts";
import { Cell, Head, VirtualTable } from "../parts/virtual-rows.tsx";
import { Ago, At, CopyCommand, For, StateWord, Sure } from "../parts/words.tsx";
import { sentenceOf } from "../store/client.ts";
import type { Transition } from "../store/happenings.ts";
import { ask, place, urlOf } from "../store/router.ts";
import { theStore } from "../store/store.ts";
import { commandLine } from "../text/command-line.ts";
import { processLook } from "../text/looks.ts";
import { counted } from "../text/times.ts";

const TABS = [
  { key: "", word: "Transitions" },
  { key: "tree", word: "Supervision" },
  { key: "machines", word: "Machines" },
  { key: "dead", word: "Dead letters" },
  { key: "alerts", word: "Alerts" },
] as const;

/** The actors of the daemon and what they do, and what went wrong. */
export function Inspection() {
  useTitle("Inspection");
  const { tab = "" } = place.value.query;
  return (
    <section class="page full">
      <div class="page-head">
        <h1>Inspection</h1>
      </div>
      <nav class="tabs" aria-label="Parts of the inspection">
        {TABS.map(({ key, word }) => (
          <a key={key} href={urlOf(["inspection"], { tab: key })} aria-current={tab === key ? "page" : undefined}>
            {word}
          </a>
        ))}
      </nav>
      {tab === "" && <Transitions />}
      {tab === "tree" && <Tree />}
      {tab === "machines" && <Machines />}
      {tab === "dead" && <Dead />}
      {tab === "alerts" && <Alerts />}
    </section>
  );
}

/** Transitions as they happen, the newest first, since the page was opened. */
function Transitions() {
  const store = theStore();
  const { role = "", name = "" } = place.value.query;
  const count = store.transitionCount.value;
  const [heldAt, setHeldAt] = useState<number | undefined>(undefined);
  const { shown, roles } = useMemo(() => {
    const found: { readonly no: number; readonly item: Transition }[] = [];
    const seen = new Set<string>();
    for (const entry of store.transitions.items) {
      seen.add(entry.item.role);
      if (heldAt !== undefined && entry.no > heldAt) continue;
      if (role !== "" && entry.item.role !== role) continue;
      if (name !== "" && !entry.item.actor.toLowerCase().includes(name.toLowerCase())) continue;
      found.push(entry);
    }
    return { shown: found.reverse(), roles: [...seen].sort() };
  }, [count, role, name, heldAt]);
  return (
    <>
      <div class="tools">
        <FilterLine
          label="Name of an actor"
          placeholder="name of an actor: ship1, nginx"
          value={name}
          onChange={(text) => ask({ name: text.trim() })}
        />
        <label>
          role{" "}
          <select value={role} onChange={(event) => ask({ role: event.currentTarget.value })}>
            <option value="">any</option>
            {[...new Set([...roles, ...(role === "" ? [] : [role])])].map((one) => (
              <option key={one} value={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
        <button
          type="button"
          aria-pressed={heldAt !== undefined}
          onClick={() => setHeldAt(heldAt === undefined ? store.transitions.count : undefined)}
        >
          {heldAt === undefined ? "‖ hold" : `▶ go on (${store.transitions.count - heldAt} new)`}
        </button>
        <button type="button" onClick={() => ask({ utc: place.value.query.utc === "1" ? "" : "1" })}>
          {place.value.query.utc === "1" ? "UTC" : "local time"}
        </button>
        <CopyCommand line={commandLine("inspect", ...(name === "" ? [] : [name]))} />
      </div>
      {shown.length === 0 ? (
        <p class="empty">
          {store.transitions.count === 0
            ? "No transition since this page was opened."
            : "None of the transitions since this page was opened is so."}
        </p>
      ) : (
        <VirtualTable
          label="Transitions"
          kind="of-transitions"
          count={shown.length}
          height={innerWidth < 720 ? 48 : 27}
          head={
            <>
              <Head name="at">Time</Head>
              <Head name="role">Role</Head>
              <Head name="actor">Actor</Head>
              <Head name="change">Change</Head>
              <Head name="event">Event</Head>
              <Head name="cause">Cause</Head>
            </>
          }
          row={(index) => <TransitionRow transition={shown[index]?.item} />}
        />
      )}
    </>
  );
}

function TransitionRow({ transition }: { transition: Transition | undefined }) {
  if (transition === undefined) return null;
  const { at, role, actor, from, to, event, cause } = transition;
  return (
    <>
      <Cell name="at">
        <At time={at} />
      </Cell>
      <Cell name="role">
        <span class="quiet">{role}</span>
      </Cell>
      <Cell name="actor" title={actor}>
        {role === "node" ? <a href={urlOf(["nodes", actor])}>{actor}</a> : actor}
      </Cell>
      <Cell name="change">
        <span class="quiet">{from === "" ? "(start)" : from} →</span> {to}
      </Cell>
      <Cell name="event">{event}</Cell>
      <Cell name="cause" title={cause}>
        <span class="quiet">{cause}</span>
      </Cell>
    </>
  );
}

const GROUPS = [
  { role: "subscriber", word: "subscribers", of: "take messages" },
  { role: "source", word: "sources", of: "make events of what happens here" },
  { role: "publisher", word: "publishers", of: "send messages" },
  { role: "core", word: "listeners", of: "hold a port or a socket" },
] as const;

/** The processes under their supervisor, with their restarts. */
function Tree() {
  const { client } = theStore();
  const { reading } = useReading<ProcessList>("tree", () => ({
    load: () => client.processes(),
    on: ({ type }) => type === "process",
    every: 5_000,
    atMost: 500,
  }));
  const health = theStore().health.reading.value.value;
  return (
    <div class="scrolling">
      <Shown of={reading} what="the processes">
        {({ node, processes }) => (
          <section class="block" aria-label="Supervision tree">
            <div class="block-head">
              <h2>daemon of {node}</h2>
              <CopyCommand line={commandLine("ps", node)} />
            </div>
            <ul class="tree">
              {health !== undefined && <CoreRows health={health} />}
              <li>
                <strong>processes</strong>{" "}
                <span class="quiet">one for one: each is restarted alone, and quarantined when it fails too often</span>
                <ul>
                  {GROUPS.map(({ role, word, of }) => {
                    const list = processes.filter((process) => process.role === role);
                    if (list.length === 0) return null;
                    return (
                      <li key={role}>
                        {word} <span class="quiet">({of})</span>
                        <ul>
                          {list.map((process) => (
                            <li key={process.subject}>
                              <StateWord look={processLook(process.state)} />{" "}
                              <span class="mono">{process.subject}</span>{" "}
                              <span class="quiet">
                                for <For since={process.since} />
                              </span>
                              {process.restarts > 0 && (
                                <span class="chip">↻ {counted(process.restarts, "restart")}</span>
                              )}
                              {process.lastError !== undefined && <div class="why">{process.lastError}</div>}
                            </li>
                          ))}
                        </ul>
                      </li>
                    );
                  })}
                </ul>
              </li>
            </ul>
          </section>
        )}
      </Shown>
    </div>
  );
}

function CoreRows({ health }: { health: Health }) {
  const { broker, journal } = health;
  const ok = { symbol: "●", tone: "good" } as const;
  const bad = { symbol: "✗", tone: "bad" } as const;
  return (
    <li>
      <strong>core</strong>{" "}
      <span class="quiet">what all others need: a fault of it ends the daemon, and its service starts it again</span>
      <ul>
        <li>
          <StateWord look={{ ...(journal.state === "ok" ? ok : bad), word: journal.state }} /> journal
        </li>
        <li>
          <StateWord look={{ ...(broker.state === "connected" ? ok : bad), word: broker.state }} /> link to the broker{" "}
          <span class="quiet">
            {broker.server ?? broker.fault} for <For since={broker.since} />
          </span>
        </li>
      </ul>
    </li>
  );
}

/** Every machine; the present state where there is one actor of it alone. */
function Machines() {
  const store = theStore();
  const { reading } = useReading<readonly MachineView[]>("machines", () => ({ load: () => store.client.machines() }));
  const { reading: processes } = useReading<ProcessList>("machines of processes", () => ({
    load: () => store.client.processes(),
    on: ({ type }) => type === "process",
    every: 5_000,
    atMost: 300,
  }));
  const { machine = "link", actor = "" } = place.value.query;
  void store.transitionCount.value;
  return (
    <div class="scrolling">
      <Shown of={reading} what="the machines">
        {(machines) => {
          const chosen = machines.find(({ name }) => name === machine) ?? machines[0];
          if (chosen === undefined) return <p class="empty">This daemon tells of no machine.</p>;
          const actors = (processes.value?.processes ?? [])
            .filter(({ role }) => role === chosen.name)
            .map(({ subject }) => subject);
          const named = chosen.name === "link" ? "link" : actors.includes(actor) ? actor : (actors[0] ?? "");
          const steps = stepsOfActor(
            store.transitions.items.map(({ item }) => item),
            chosen.name,
            named,
          );
          const process = processes.value?.processes.find(
            ({ subject, role }) => subject === named && role === chosen.name,
          );
          const state = chosen.name === "link" ? store.health.reading.value.value?.broker.state : process?.state;
          return (
            <section class="block" aria-label={`Machine of a ${chosen.name}`}>
              <div class="choices-line">
                <div class="choices" role="group" aria-label="Machine">
                  {machines.map(({ name }) => (
                    <button
                      type="button"
                      key={name}
                      aria-pressed={name === chosen.name}
                      onClick={() => ask({ machine: name, actor: "" })}
                    >
                      {name}
                    </button>
                  ))}
                </div>
                {actors.length > 0 && (
                  <label>
                    of{" "}
                    <select value={named} onChange={(event) => ask({ actor: event.currentTarget.value })}>
                      {actors.map((one) => (
                        <option key={one}>{one}</option>
                      ))}
                    </select>
                  </label>
                )}
                {chosen.name === "node" && <span class="quiet">The page of a node shows its own machine, live.</span>}
              </div>
              <MachinePanel
                key={`${chosen.name} ${named}`}
                machine={chosen}
                present={state === undefined ? {} : { "": state }}
                steps={steps}
              />
            </section>
          );
        }}
      </Shown>
    </div>
  );
}

function Dead() {
  const { client } = theStore();
  const { reading, refresh } = useReading<readonly DeadLetter[]>("dead", () => ({
    load: () => client.dead(),
    on: ({ type }) => type === "message" || type === "alert",
    every: 10_000,
    atMost: 1_500,
  }));
  const [said, say] = useState("");
  const act = async (what: string, done: Promise<unknown>): Promise<void> => {
    try {
      await done;
      say(what);
    } catch (thrown) {
      say(`not done: ${sentenceOf(thrown)}`);
    }
    refresh();
  };
  return (
    <div class="scrolling">
      <p class="quiet">
        Messages that failed their process three times or were refused, kept until somebody decides.{" "}
        <CopyCommand line={commandLine("dead")} />
      </p>
      <p role="status">{said}</p>
      <Shown
        of={reading}
        what="the dead letters"
        isEmpty={(list) => list.length === 0}
        empty="There is no dead letter."
      >
        {(list) => (
          <table class="plain-table">
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Subject</th>
                <th scope="col">What</th>
                <th scope="col">Why</th>
                <th scope="col">
                  <span class="hidden">Do</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {list.map(({ id, at, subject, summary, reason, attempts, origin }) => (
                <tr key={id}>
                  <td>
                    <Ago at={at} />
                  </td>
                  <td>
                    <span class="mono">{subject}</span> <span class="quiet">from {origin}</span>
                  </td>
                  <td class="what">{summary}</td>
                  <td class="why">
                    {reason} <span class="quiet">({counted(attempts, "attempt")})</span>
                  </td>
                  <td class="do">
                    <Sure sure="send it again" onSure={() => act("It is on its way again.", client.retryDead(id))}>
                      retry
                    </Sure>
                    <Sure sure="drop it for good" onSure={() => act("It is dropped.", client.dropDead(id))}>
                      drop
                    </Sure>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Shown>
    </div>
  );
}

function Alerts() {
  const { client } = theStore();
  const { reading, refresh } = useReading("alerts", () => ({
    load: () => client.alerts(),
    on: ({ type }) => type === "alert",
    every: 10_000,
    atMost: 500,
  }));
  const [said, say] = useState("");
  const clear = async (no: number): Promise<void> => {
    try {
      await client.clearAlert(no);
      say("");
    } catch (thrown) {
      say(`not cleared: ${sentenceOf(thrown)}`);
    }
    refresh();
  };
  return (
    <div class="scrolling">
      <p class="quiet">
        What went wrong and was not cleared, of all nodes. <CopyCommand line={commandLine("alerts")} />
      </p>
      <p role="status" class="fault">
        {said}
      </p>
      <Shown of={reading} what="the alerts" isEmpty={(list) => list.length === 0} empty="There is no alert.">
        {(list) => (
          <table class="plain-table">
            <thead>
              <tr>
                <th scope="col">State</th>
                <th scope="col">Last</th>
                <th scope="col">Node</th>
                <th scope="col">What</th>
                <th scope="col" class="figure">
                  Times
                </th>
                <th scope="col">
                  <span class="hidden">Do</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {list.map(({ no, node, code, text, lastAt, count, state }) => (
                <tr key={no}>
                  <td>
                    <StateWord
                      look={
                        state === "over"
                          ? { symbol: "✓", word: "over", tone: "quiet" }
                          : { symbol: "!", word: "raised", tone: "bad" }
                      }
                      live={false}
                    />
                  </td>
                  <td>
                    <Ago at={lastAt} />
                  </td>
                  <td>
                    <a href={urlOf(["nodes", node])}>{node}</a>
                  </td>
                  <td>
                    <span class="mono">{code}</span> {text}
                  </td>
                  <td class="figure">{count}</td>
                  <td class="do">
                    <Sure sure="clear it" onSure={() => clear(no)}>
                      clear
                    </Sure>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Shown>
    </div>
  );
}
