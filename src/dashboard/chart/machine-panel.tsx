import { useEffect, useState } from "preact/hooks";
import type { MachineView } from "../../runtime/operate/table/processes.ts";
import { At } from "../parts/words.tsx";
import { counted } from "../text/times.ts";
import { RegionChart } from "./statechart.tsx";
import type { TimedStep } from "./steps.ts";

/**
 * A machine with its present states and its last transitions, through which one can step back: the chart then shows the state
 * before the chosen one.
 */
export function MachinePanel({
  machine,
  present,
  steps,
  none = "no transition of it is remembered since its start",
}: {
  machine: MachineView;
  present: Readonly<Record<string, string>>;
  steps: readonly TimedStep[];
  /** The words where there are no steps. */
  none?: string;
}) {
  /** The number of steps back from the newest; 0: live. */
  const [back, setBack] = useState(0);
  useEffect(() => setBack((now) => Math.min(now, steps.length)), [steps.length]);
  const upTo = steps.slice(0, steps.length - back);
  /** The transition before which the machine is shown. */
  const undone = back === 0 ? undefined : steps[steps.length - back];
  const shownAt = back === 0 ? undefined : upTo.at(-1);
  const lastOf = (region: string): TimedStep | undefined => upTo.findLast((step) => step.region === region);
  const stateOf = (region: string): string | undefined => {
    if (back === 0) return present[region];
    const before = lastOf(region);
    if (before !== undefined) return before.to;
    return steps.slice(steps.length - back).find((step) => step.region === region)?.from ?? present[region];
  };
  return (
    <div class="machine-panel">
      <div class="stepper" role="group" aria-label="Last transitions">
        <button type="button" disabled={steps.length === 0 || back >= steps.length} onClick={() => setBack(back + 1)}>
          ◂ back
        </button>
        <button type="button" disabled={back === 0} onClick={() => setBack(back - 1)}>
          forth ▸
        </button>
        <button type="button" disabled={back === 0} onClick={() => setBack(0)}>
          now
        </button>
        <span class="quiet" role="status">
          {steps.length === 0 && none}
          {steps.length > 0 && back === 0 && `present state, after ${counted(steps.length, "transition")}`}
          {undone !== undefined && (
            <>
              as it was before <At time={undone.at} day />: {undone.region} {undone.from} → {undone.to}
              {undone.cause === "" ? "" : ` (${undone.cause})`}
            </>
          )}
        </span>
      </div>
      <div class="region-charts">
        {machine.regions.map((region) => {
          const step = back === 0 ? lastOf(region.name) : shownAt?.region === region.name ? shownAt : undefined;
          return (
            <RegionChart
              key={region.name}
              machine={machine.name}
              region={region}
              present={stateOf(region.name)}
              step={step}
            />
          );
        })}
      </div>
    </div>
  );
}
