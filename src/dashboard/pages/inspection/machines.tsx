import type { MachineView, ProcessList } from "../../../runtime/operate/table/processes.ts";
import { MachinePanel } from "../../chart/machine-panel.tsx";
import { stepsOfActor } from "../../chart/steps.ts";
import { Shown } from "../../parts/reading.tsx";
import { useReading } from "../../parts/use.ts";
import { ask, place } from "../../store/router.ts";
import { theStore } from "../../store/store.ts";

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
