import type { NodeDetail } from "../../runtime/operate/table/nodes.ts";
import type { ProcessTransition } from "../../runtime/operate/table/processes.ts";
import type { Transition } from "../store/happenings.ts";
import type { Step } from "./statechart.tsx";

/** A transition of one region with its time, as the chart steps through them. */
export interface TimedStep extends Step {
  readonly region: string;
  readonly at: number;
  readonly cause: string;
}

/** The last transitions of a node, the newest last, from the changes that its page has. */
export function stepsOfNode(
  changes: NodeDetail["changes"],
  transitions: readonly Transition[],
  name: string,
): TimedStep[] {
  const live = transitions.filter(({ role, actor }) => role === "node" && actor === name);
  return changes
    .filter(({ from, to }) => from !== "" && from !== to)
    .map(({ at, region, from, to, cause }) => {
      const told = live.find((one) => Math.abs(one.at - at) < 1_000 && bare(one.to) === bare(to));
      return { at, region, from: bare(from), to: bare(to), cause, event: told?.event ?? cause };
    });
}

/** The last transitions of an actor that the page has seen since it was opened. */
export function stepsOfActor(transitions: readonly Transition[], role: string, actor: string): TimedStep[] {
  return transitions
    .filter((one) => one.role === role && one.actor === actor && one.from !== "")
    .map(({ at, from, to, event, cause }) => ({ at, region: "", from: bare(from), to: bare(to), event, cause }));
}

/** The last transitions of a process, as its node tells them. */
export function stepsOfProcess(transitions: readonly ProcessTransition[], machine: string): TimedStep[] {
  return transitions
    .filter((one) => one.machine === machine && one.from !== "")
    .map(({ at, from, to, event, cause = "" }) => ({ at, region: "", from: bare(from), to: bare(to), event, cause }));
}

/** `link.online` is the state `online` of the region `link`. */
function bare(state: string): string {
  return state.split(".").at(-1) ?? state;
}
