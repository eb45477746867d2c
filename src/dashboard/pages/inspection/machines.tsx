import type { MachineView, ProcessList } from "../../../runtime/operate/table/processes.ts";
import { MachinePanel } from "../../chart/machine-panel.tsx";
import { stepsOfActor } from "../../chart/steps.ts";
import { useReading } from "../../parts/hooks.ts";
import { Shown } from "../../parts/reading.tsx";
import type { Transition } from "../../store/happenings.ts";
import { ask, place } from "../../store/router.ts";
import { theStore } from "../../store/store.ts";

const MOST_ACTORS = 500;

/** The actors of a machine: processes, and those of which transitions are remembered, the latest first. */
function actorsOf(role: string, own: ProcessList | undefined, transitions: readonly Transition[]): string[] {
  const processes = (own?.processes ?? []).filter((process) => process.role === role).map(({ subject }) => subject);
  const moved = transitions.filter((one) => one.role === role).map(({ actor }) => actor);
  return [...new Set([...processes, ...moved.reverse()])].slice(0, MOST_ACTORS);
}

/** Every machine; the present state where there is one actor of it alone. */
export function Machines() {
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
          const transitions = store.transitions.items.map(({ item }) => item);
          const actors = actorsOf(chosen.name, processes.value, transitions);
          const named = actors.includes(actor) ? actor : (actors[0] ?? "");
          const steps = stepsOfActor(transitions, chosen.name, named);
          const process = processes.value?.processes.find(
            ({ subject, role }) => subject === named && role === chosen.name,
          );
          // An actor that is no process is in the state into which its last transition brought it.
          const lastTo = transitions.findLast((one) => one.role === chosen.name && one.actor === named)?.to;
          const state =
            chosen.name === "link"
              ? store.health.reading.value.value?.broker.state
              : (process?.state ?? (chosen.regions.length === 1 ? lastTo : undefined));
          return (
            <section class="block" aria-label={`Machine of a ${chosen.name}`}>
              <h2>Machine of a {chosen.name}</h2>
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
