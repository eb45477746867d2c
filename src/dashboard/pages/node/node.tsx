import type { NodeDetail } from "../../../runtime/operate/table/nodes.ts";
import { useReading, useTitle } from "../../parts/hooks.ts";
import { Processes, useProcesses } from "../../parts/processes.tsx";
import { Shown } from "../../parts/reading.tsx";
import { Ago, CopyCommand, For, StateWord } from "../../parts/words.tsx";
import { notesOf } from "../../store/node-order.ts";
import { urlOf } from "../../store/router.ts";
import { theStore } from "../../store/store.ts";
import { commandLine } from "../../text/command-line.ts";
import { regionLook } from "../../text/looks.ts";
import { About } from "./about.tsx";
import { Errors } from "./errors.tsx";
import { Lanes } from "./lanes.tsx";
import { Machines } from "./machines.tsx";
import { Queue } from "./queue.tsx";
import { Runs } from "./runs.tsx";
import { Schedules } from "./schedules.tsx";
import { Timelines } from "./timelines.tsx";

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
  const isSelf = role === "self";
  const away = !isSelf && (link === "offline" || link === "neverSeen");
  const processes = useProcesses(name, away);
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
          <a class="button" href={urlOf(["logs"], { node: name })}>
            Its logs
          </a>
          {role !== "self" && (
            <a class="button" href={urlOf(["attention"], { tab: "holds", to: name })}>
              {node.hold === undefined ? "Hold it …" : "Release it …"}
            </a>
          )}
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
          {!isSelf && <Queue node={node} />}
          <Runs node={node} />
          <Processes node={name} away={away} of={processes} />
          <Machines node={node} asked={processes.reading.value} />
          <Schedules node={node} />
          <Errors node={node} />
          <Lanes node={node} />
        </div>
        <aside>
          <About node={node} />
        </aside>
      </div>
    </>
  );
}
