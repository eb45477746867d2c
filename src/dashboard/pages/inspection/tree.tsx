import { span } from "../../../message/text/figures.ts";
import type { ProcessList, ProcessView, SupervisionView } from "../../../runtime/operate/table/processes.ts";
import { useReading } from "../../parts/hooks.ts";
import { Shown } from "../../parts/reading.tsx";
import { Ago, CopyCommand, For, StateWord } from "../../parts/words.tsx";
import { theStore } from "../../store/store.ts";
import { commandLine } from "../../text/command-line.ts";
import { childLook, processLook } from "../../text/looks.ts";
import { counted } from "../../text/times.ts";

type Supervisor = SupervisionView["supervisors"][number];
type Supervised = Supervisor["children"][number];

const STRATEGIES: Readonly<Record<Supervisor["strategy"], string>> = {
  oneForOne: "one for one: each child is restarted alone",
  oneForAll: "one for all: all children are restarted with one that fails",
  restForOne: "rest for one: a child is restarted with those below it",
};
const GIVES_UP: Readonly<Record<Supervisor["onGiveUp"], string>> = {
  escalate: "after more of them it ends as failed itself",
  quarantine: "after more of them that child alone is quarantined",
};
const GROUPS = [
  { role: "subscriber", word: "subscribers take messages" },
  { role: "source", word: "sources make events of what happens here" },
  { role: "publisher", word: "publishers send messages" },
  { role: "core", word: "listeners hold a port or a socket" },
] as const;

/** The supervision tree of the daemon as it is: supervisors, their children, and how often each was restarted. */
export function Tree() {
  const { client } = theStore();
  const { reading } = useReading<SupervisionView>("supervision", () => ({
    load: () => client.supervision(),
    on: ({ type }) => type === "process",
    every: 5_000,
    atMost: 500,
  }));
  const { reading: own } = useReading<ProcessList>("processes of the tree", () => ({
    load: () => client.processes(),
    on: ({ type }) => type === "process",
    every: 5_000,
    atMost: 500,
  }));
  const processes = new Map(own.value?.processes.map((process) => [`${process.role} ${process.subject}`, process]));
  return (
    <div class="scrolling">
      <Shown of={reading} what="the supervision tree">
        {({ node, supervisors }) => {
          const root = supervisors.find(({ parent }) => parent === null);
          return (
            <section class="block" aria-label="Supervision tree">
              <div class="block-head">
                <h2>daemon of {node}</h2>
                <CopyCommand line={commandLine("ps", "--tree")} />
              </div>
              {root !== undefined && (
                <ul class="tree">
                  <Branch of={root} all={supervisors} processes={processes} />
                </ul>
              )}
            </section>
          );
        }}
      </Shown>
    </div>
  );
}

interface Whole {
  readonly all: readonly Supervisor[];
  /** The processes by role and subject, which say more of a child than its supervisor knows. */
  readonly processes: ReadonlyMap<string, ProcessView>;
}

function Branch({ of, ...whole }: { of: Supervisor } & Whole) {
  const leaf = (child: Supervised) => <Leaf key={child.id} child={child} under={of} {...whole} />;
  return (
    <li>
      <strong>{of.id}</strong>{" "}
      <span class="quiet">
        {STRATEGIES[of.strategy]}; {counted(of.intensity, "restart")} within {span(of.period)} are tolerated,{" "}
        {GIVES_UP[of.onGiveUp]}
      </span>
      <ul>
        {of.children.filter(({ id }) => !id.includes(" ")).map(leaf)}
        {GROUPS.map(({ role, word }) => {
          const list = of.children.filter(({ id }) => id.startsWith(`${role} `));
          if (list.length === 0) return null;
          return (
            <li key={role}>
              {word}
              <ul>{list.map(leaf)}</ul>
            </li>
          );
        })}
        {of.left > 0 && (
          <li class="quiet">and {of.left.toLocaleString("en")} more, which run and were never restarted</li>
        )}
      </ul>
    </li>
  );
}

function Leaf({ child, under, ...whole }: { child: Supervised; under: Supervisor } & Whole) {
  const below = whole.all.find(({ id, parent }) => parent === under.id && id === child.id);
  const process = whole.processes.get(child.id);
  return (
    <li>
      <StateWord look={process === undefined ? childLook(child.state) : processLook(process.state)} />{" "}
      <span class="mono">{child.id.split(" ").at(-1)}</span>{" "}
      <span class="quiet">
        for <For since={child.since} />
      </span>
      {child.restarts > 0 && <span class="chip">↻ {counted(child.restarts, "restart")}</span>}
      {child.lastError !== undefined && (
        <div class="why">
          {child.lastError}
          {child.lastErrorAt !== undefined && (
            <>
              {" "}
              (<Ago at={child.lastErrorAt} />)
            </>
          )}
        </div>
      )}
      {below !== undefined && (
        <ul>
          <Branch of={below} {...whole} />
        </ul>
      )}
    </li>
  );
}
