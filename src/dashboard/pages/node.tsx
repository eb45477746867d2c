import type { MessageView } from "../../runtime/operate/table/messages.ts";
import type { FactsView, HistoryView, LabelView, NodeDetail } from "../../runtime/operate/table/nodes.ts";
import type { MachineView } from "../../runtime/operate/table/processes.ts";
import { MachinePanel } from "../chart/machine-panel.tsx";
import { stepsOfNode } from "../chart/steps.ts";
import { Band } from "../parts/band.tsx";
import { Processes } from "../parts/processes.tsx";
import { Shown } from "../parts/reading.tsx";
import { useReading, useTitle } from "../parts/use.ts";
import { Ago, At, CopyCommand, For, StateWord } from "../parts/words.tsx";
import { notesOf } from "../store/node-order.ts";
import { ask, place, urlOf } from "../store/router.ts";
import { theStore } from "../store/store.ts";
import { stretchesKept, stretchesOf } from "../text/bands.ts";
import { commandLine } from "../text/command-line.ts";
import { messageLook, regionLook } from "../text/looks.ts";
import { bytes, clockTime, counted, dayTime, span } from "../text/times.ts";

const REGIONS = ["link", "session", "work", "trust", "storage"] as const;
const SPANS = [
  { key: "1h", word: "1 hour", ms: 3_600_000 },
  { key: "24h", word: "24 hours", ms: 86_400_000 },
  { key: "7d", word: "7 days", ms: 7 * 86_400_000 },
] as const;

const MOST_CHANGES = 100;

/** One node: its regions now and over time, what it is, its processes, what waits for it and why, its state machine. */
export function NodePage({ name }: { name: string }) {
  useTitle(name);
  const { client } = theStore();
  const { reading } = useReading<NodeDetail>(`node ${name}`, () => ({
    load: () => client.node(name),
    on: (happening) =>
      (happening.type === "node" && happening.name === name) ||
      (happening.type === "message" && happening.subject.startsWith(`${name}.`)),
    every: 4_000,
    atMost: 300,
  }));
  return (
    <section class="page node-page">
      <p class="crumbs">
        <a href="/">Fleet</a> ›
      </p>
      <Shown of={reading} what={`node ${name}`}>
        {(node) => <NodeBody node={node} />}
      </Shown>
      {reading.code === "node-unknown" && (
        <p class="empty">
          <a href="/">The fleet</a> lists the nodes that are known.
        </p>
      )}
    </section>
  );
}

function NodeBody({ node }: { node: NodeDetail }) {
  const { name, link, role } = node;
  const notes = notesOf(node);
  return (
    <>
      <div class="page-head">
        <h1>{name}</h1>
        <StateWord look={regionLook("link", link)} title={node.cause} />
        <span class="quiet">
          for <For since={node.linkSince} /> ({node.cause})
        </span>
        <span class="quiet">seen {role === "self" ? "here" : <Ago at={node.lastSeenAt} />}</span>
        <span class="as-of actions">
          <a class="button" href={urlOf(["run"], { to: name })}>
            Run a command
          </a>
          <CopyCommand line={commandLine("node", name)} />
        </span>
      </div>
      {notes.length > 0 && (
        <ul class="node-notes">
          {notes.map((note) => (
            <li key={note} class="state tone-warn">
              <span class="glyph" aria-hidden="true">
                !
              </span>
              {note}
            </li>
          ))}
        </ul>
      )}
      <div class="columns">
        <div>
          <Timelines node={node} />
          <Waits node={node} />
          <Processes node={name} away={role !== "self" && (link === "offline" || link === "neverSeen")} />
          <Machines node={node} />
        </div>
        <aside>
          <Facts node={node} />
        </aside>
      </div>
    </>
  );
}

/** The time since when a region without a change has been as it is: all changes are there, unless there are very many. */
function sinceAllIsKnown({ changes, startedAt, asOf }: NodeDetail): number {
  return changes.length < MOST_CHANGES ? (changes[0]?.at ?? startedAt ?? asOf) : (changes[0]?.at ?? asOf);
}

/** The regions as bands over time. */
function Timelines({ node }: { node: NodeDetail }) {
  const now = theStore().now.value;
  const chosen =
    SPANS.find(({ key }) => key === place.value.query.span) ??
    (now - sinceAllIsKnown(node) < SPANS[0].ms ? SPANS[0] : SPANS[1]);
  const begin = now - chosen.ms;
  const { client } = theStore();
  const { reading } = useReading<HistoryView>(`history ${node.name} ${chosen.key}`, () => ({
    load: () => client.history({ node: node.name, since: Math.floor(theStore().now.peek() - chosen.ms) }),
    on: (happening) => happening.type === "node" && happening.name === node.name,
    every: 60_000,
    atMost: 1_000,
  }));
  const kept = reading.value?.nodes[0]?.regions;
  return (
    <section class="block" aria-label="States over time">
      <div class="block-head">
        <h2>States</h2>
        <div class="choices" role="group" aria-label="Time that is shown">
          {SPANS.map(({ key, word }) => (
            <button type="button" key={key} aria-pressed={key === chosen.key} onClick={() => ask({ span: key })}>
              {word}
            </button>
          ))}
        </div>
      </div>
      <div class="timelines">
        {REGIONS.map((region) => {
          const state = node[region];
          const changes = node.changes.filter((change) => change.region === region);
          const since = region === "link" ? node.linkSince : (changes.at(-1)?.at ?? sinceAllIsKnown(node));
          return (
            <div key={region} class="timeline">
              <span class="timeline-name">{region}</span>
              <StateWord look={regionLook(region, state)} />
              <Band
                region={region}
                stretches={
                  kept === undefined
                    ? stretchesOf(changes, state, since, begin, now)
                    : stretchesKept(kept[region] ?? [], reading.value?.unknown ?? [], begin, now)
                }
                begin={begin}
                end={now}
              />
            </div>
          );
        })}
        <div class="timeline scale quiet" aria-hidden="true">
          <span />
          <span />
          <span class="ticks">
            <span>{chosen.ms > 86_400_000 ? dayTime(begin).slice(5, 16) : clockTime(begin).slice(0, 5)}</span>
            <span>
              {chosen.ms > 86_400_000
                ? dayTime(begin + chosen.ms / 2).slice(5, 16)
                : clockTime(begin + chosen.ms / 2).slice(0, 5)}
            </span>
            <span>now</span>
          </span>
        </div>
      </div>
      <details>
        <summary>{counted(node.changes.length, "change")} as a list</summary>
        <table class="plain-table">
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">Region</th>
              <th scope="col">Change</th>
              <th scope="col">Cause</th>
            </tr>
          </thead>
          <tbody>
            {node.changes.toReversed().map((change, i) => (
              <tr key={`${change.at} ${i}`}>
                <td>
                  <At time={change.at} day />
                </td>
                <td>{change.region}</td>
                <td>
                  {change.from} → {change.to}
                </td>
                <td>{change.cause}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </section>
  );
}

/** The messages that wait for the node, and why they do. */
function Waits({ node }: { node: NodeDetail }) {
  const { client, now } = theStore();
  const { name, lanes } = node;
  const { reading } = useReading<readonly MessageView[]>(`open ${name}`, () => ({
    load: () => client.messages({ node: name, open: true, limit: 50 }),
    on: (happening) => happening.type === "message" && happening.subject.startsWith(`${name}.`),
    every: 10_000,
    atMost: 500,
  }));
  return (
    <section class="block" aria-label="Messages that are open">
      <div class="block-head">
        <h2>Waits for {name}</h2>
        <a href={urlOf(["messages"], { node: name })}>all its messages</a>
      </div>
      {lanes.some(({ waiting }) => waiting > 0) && (
        <ul class="lanes">
          {lanes
            .filter(({ waiting }) => waiting > 0)
            .map((lane) => (
              <li key={lane.subject}>
                <code>{lane.subject}</code> {lane.waiting} waiting, {lane.inFlight} on the way
                {lane.oldestCreatedAt !== null && `, oldest ${span(Math.max(0, now.value - lane.oldestCreatedAt))}`}
                {lane.nextDeliverBy !== null && (
                  <>
                    , next deadline <Ago at={lane.nextDeliverBy} />
                  </>
                )}
                {lane.reason !== undefined && <span class="why"> {lane.reason}</span>}
                {lane.stuck !== undefined && <span class="why"> stands still: {lane.stuck.reason}</span>}
              </li>
            ))}
        </ul>
      )}
      <Shown
        of={reading}
        what="its open messages"
        isEmpty={(list) => list.length === 0}
        empty={`Nothing waits for ${name}, and nothing runs there.`}
      >
        {(list) => (
          <table class="plain-table">
            <thead>
              <tr>
                <th scope="col">State</th>
                <th scope="col">What</th>
                <th scope="col">For</th>
                <th scope="col">Why</th>
              </tr>
            </thead>
            <tbody>
              {list.map((message) => (
                <tr key={`${message.id}${message.direction}`}>
                  <td>
                    <StateWord look={messageLook(message.state)} />
                  </td>
                  <td class="what">
                    <a href={urlOf(["messages", message.id])}>{message.summary}</a>
                  </td>
                  <td>
                    <For since={message.since} />
                  </td>
                  <td class="why">
                    {message.reason}
                    {message.deliverBy !== null && !message.final && (
                      <span class="quiet">
                        {" "}
                        may wait until <At time={message.deliverBy} day />
                      </span>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Shown>
    </section>
  );
}

function Machines({ node }: { node: NodeDetail }) {
  const store = theStore();
  const { client } = store;
  const { reading } = useReading<readonly MachineView[]>("machines", () => ({ load: () => client.machines() }));
  void store.transitionCount.value;
  const transitions = store.transitions.items.map(({ item }) => item);
  return (
    <section class="block" aria-label="State machine">
      <div class="block-head">
        <h2>State machine of {node.name}</h2>
        <a href={urlOf(["inspection"], { name: node.name })}>its transitions live</a>
      </div>
      <Shown of={reading} what="the machines">
        {(machines) => {
          const machine = machines.find(({ name }) => name === "node");
          if (machine === undefined) return <p class="quiet">This daemon tells of no machine of nodes.</p>;
          const present = Object.fromEntries(REGIONS.map((region) => [region, node[region]]));
          return (
            <MachinePanel
              machine={machine}
              present={present}
              steps={stepsOfNode(node.changes, transitions, node.name)}
            />
          );
        }}
      </Shown>
    </section>
  );
}

function Facts({ node }: { node: NodeDetail }) {
  const { client } = theStore();
  const { name } = node;
  const facts = useReading<FactsView>(`facts ${name}`, () => ({ load: () => client.facts(name), every: 60_000 }));
  const labels = useReading<LabelView>(`labels ${name}`, () => ({ load: () => client.labels(name), every: 60_000 }));
  return (
    <>
      <section class="block" aria-label="About the node">
        <h2>About</h2>
        <dl class="pairs">
          <Pair word="role" value={node.role} />
          <Pair word="version" value={node.version} />
          <div>
            <dt>started</dt>
            <dd>{node.startedAt === undefined ? "–" : <Ago at={node.startedAt} />}</dd>
          </div>
          <Pair word="traffic" value={`${bytes(node.bytesOut)} out, ${bytes(node.bytesIn)} in`} />
          <Pair word="running" value={String(node.running)} />
          {node.clockSkew !== undefined && (
            <Pair
              word="clock"
              value={`${Math.round(Math.abs(node.clockSkew))} ms ${node.clockSkew < 0 ? "behind" : "ahead"}`}
            />
          )}
          <Pair word="journal" value={node.epoch} />
          <Pair word="methods" value={node.methods?.join(", ")} />
          <div>
            <dt>as of</dt>
            <dd>
              <At time={node.asOf} day />
            </dd>
          </div>
        </dl>
      </section>
      <section class="block" aria-label="Labels">
        <h2>Labels</h2>
        <Shown of={labels.reading} what="its labels" isEmpty={({ list }) => list.length === 0} empty="It has no label.">
          {({ list }) => (
            <dl class="pairs">
              {list.map(({ key, value, by, own }) => (
                <div key={key}>
                  <dt>{key}</dt>
                  <dd title={`given by ${by}${own === undefined ? "" : `; its own word is ${own}`}`}>{value}</dd>
                </div>
              ))}
            </dl>
          )}
        </Shown>
      </section>
      <section class="block" aria-label="Facts">
        <h2>Facts</h2>
        <Shown
          of={facts.reading}
          what="its facts"
          isEmpty={({ list }) => list.length === 0}
          empty="It has told no facts."
        >
          {({ list, asOf }) => (
            <>
              <dl class="pairs">
                {list.map(({ key, value, since }) => (
                  <div key={key}>
                    <dt>{key}</dt>
                    <dd title={`so since ${dayTime(since)}`}>{factText(key, value)}</dd>
                  </div>
                ))}
              </dl>
              <p class="quiet">
                true when it was last heard, <Ago at={asOf} />
              </p>
            </>
          )}
        </Shown>
      </section>
    </>
  );
}

function factText(key: string, value: FactsView["list"][number]["value"]): string {
  if (typeof value === "number" && /(?:^|\.)(?:size|memory|free|bytes)$/.test(key)) return bytes(value);
  if (typeof value === "number" && key.endsWith(".full")) return `${value} %`;
  return Array.isArray(value) ? value.join(", ") : String(value);
}

function Pair({ word, value }: { word: string; value: string | undefined }) {
  return (
    <div>
      <dt>{word}</dt>
      <dd>{value ?? "–"}</dd>
    </div>
  );
}
