import type { NodeDetail } from "../../../runtime/operate/table/nodes.ts";
import type { MachineView, ProcessList } from "../../../runtime/operate/table/processes.ts";
import { MachinePanel } from "../../chart/machine-panel.tsx";
import { stepsOfActor, stepsOfNode } from "../../chart/steps.ts";
import { useReading } from "../../parts/hooks.ts";
import { Shown } from "../../parts/reading.tsx";
import { ask, place, urlOf } from "../../store/router.ts";
import { theStore } from "../../store/store.ts";
import { REGIONS } from "./timelines.tsx";
import { ToldMachine } from "./told-machine.tsx";

/** An actor that stands for the node or works for it. `listed`: it lives there, and is not live here. */
interface Choice {
  readonly key: string;
  readonly machine: string;
  readonly actor: string;
  readonly state?: string | undefined;
  readonly listed?: ProcessList;
}

/**
 * The live statecharts: of the node as this daemon sees it, of the publishers here that send to it, and of the subscribers there,
 * as far as it was asked; on the page of this daemon its link to the broker too.
 */
export function Machines({ node, asked }: { node: NodeDetail; asked: ProcessList | undefined }) {
  const store = theStore();
  const { client } = store;
  const machines = useReading<readonly MachineView[]>("machines", () => ({ load: () => client.machines() })).reading;
  const own = useReading<ProcessList>(`own processes for ${node.name}`, () => ({
    load: () => client.processes(),
    on: (happening) =>
      happening.type === "process" || (happening.type === "transition" && happening.role === "publisher"),
    every: 5_000,
    atMost: 500,
  })).reading;
  void store.transitionCount.value;
  const choices = choicesOf(node, own.value, asked, store.health.reading.value.value?.broker.state);
  const chosen = choices.find(({ key }) => key === place.value.query.actor) ?? choices[0];
  return (
    <section class="block" aria-label="State machine">
      <div class="block-head">
        <h2>State machine of {chosen?.machine === "node" ? node.name : `a ${chosen?.machine} of ${node.name}`}</h2>
        <span class="actions">
          <label>
            of{" "}
            <select value={chosen?.key} onChange={(event) => ask({ actor: event.currentTarget.value })}>
              {["node", "link", "publisher", "subscriber"].map((machine) => {
                const list = choices.filter((choice) => choice.machine === machine);
                if (list.length === 0) return null;
                return (
                  <optgroup key={machine} label={machine}>
                    {list.map(({ key, actor }) => (
                      <option key={key} value={key}>
                        {actor}
                      </option>
                    ))}
                  </optgroup>
                );
              })}
            </select>
          </label>
          <a href={urlOf(["inspection"], { name: node.name })}>its transitions live</a>
        </span>
      </div>
      <Shown of={machines} what="the machines">
        {(list) => {
          const machine = list.find(({ name }) => name === chosen?.machine);
          if (machine === undefined || chosen === undefined)
            return <p class="quiet">This daemon tells of no such machine.</p>;
          return <Panel key={chosen.key} machine={machine} node={node} choice={chosen} />;
        }}
      </Shown>
    </section>
  );
}

function Panel({ machine, node, choice }: { machine: MachineView; node: NodeDetail; choice: Choice }) {
  const transitions = theStore().transitions.items.map(({ item }) => item);
  if (choice.machine === "node")
    return (
      <MachinePanel
        machine={machine}
        present={Object.fromEntries(REGIONS.map((region) => [region, node[region]]))}
        steps={stepsOfNode(node.changes, transitions, node.name)}
      />
    );
  if (choice.listed !== undefined)
    return <ToldMachine node={node.name} subject={choice.actor} machine={machine} listed={choice.listed} />;
  return (
    <MachinePanel
      machine={machine}
      present={choice.state === undefined ? {} : { "": choice.state }}
      steps={stepsOfActor(transitions, choice.machine, choice.actor)}
    />
  );
}

function choicesOf(
  { name, role }: NodeDetail,
  own: ProcessList | undefined,
  asked: ProcessList | undefined,
  link: string | undefined,
): Choice[] {
  const isSelf = role === "self";
  const here = (own?.processes ?? []).filter(
    (process) => process.role === "publisher" && (isSelf || process.subject.startsWith(`${name}.`)),
  );
  const there = (asked?.processes ?? []).filter((process) => process.role === "subscriber");
  const told = isSelf || asked === undefined ? {} : { listed: asked };
  return [
    { key: "", machine: "node", actor: name },
    ...(isSelf ? [{ key: "link", machine: "link", actor: "link", state: link }] : []),
    ...here.map(({ subject, state }) => ({ key: `publisher ${subject}`, machine: "publisher", actor: subject, state })),
    ...there.map(({ subject, state }) => ({
      ...{ key: `subscriber ${subject}`, machine: "subscriber", actor: subject, state },
      ...told,
    })),
  ];
}
