import type { AnyStateMachine, AnyStateNode } from "xstate";
import { jobMachine } from "./job.ts";
import { linkMachine } from "./link.ts";
import { nodeMachine } from "./node.ts";
import { publisherMachine } from "./publisher.ts";
import { scheduleMachine } from "./schedule.ts";
import { subscriberMachine } from "./subscriber.ts";
import { LIFECYCLE } from "./supervisor/decision.ts";

/** One region of a machine, or all of a machine that has no regions: its states and the transitions between them. */
export interface ChartRegion {
  /** Empty where the machine has no regions. */
  readonly name: string;
  readonly initial: string;
  readonly states: readonly { readonly id: string; readonly final: boolean }[];
  /** Transitions of single states, in their order. */
  readonly arrows: readonly ChartArrow[];
  /** Transitions of the level as a whole, drawn from each of its states to the others. */
  readonly shared: readonly ChartArrow[];
}

interface ChartArrow {
  readonly from: string;
  readonly to: string;
  /** The event, with its guard in brackets. */
  readonly label: string;
}

export interface MachineChart {
  readonly name: string;
  readonly regions: readonly ChartRegion[];
}

/** Every machine, read off the machine itself. */
export function machineCharts(): readonly MachineChart[] {
  return [
    { name: "node", regions: regionsOf(nodeMachine) },
    { name: "publisher", regions: regionsOf(publisherMachine) },
    { name: "subscriber", regions: regionsOf(subscriberMachine) },
    { name: "link", regions: regionsOf(linkMachine) },
    { name: "job", regions: regionsOf(jobMachine) },
    { name: "schedule", regions: regionsOf(scheduleMachine) },
    { name: "child", regions: [childRegion()] },
  ];
}

/** Every machine as a Mermaid state diagram. */
export function charts(): { readonly name: string; readonly mermaid: string }[] {
  return machineCharts().map(({ name, regions }) => ({
    name,
    mermaid: ["stateDiagram-v2", ...regions.flatMap(mermaidLines)].join("\n"),
  }));
}

function mermaidLines(region: ChartRegion): string[] {
  if (region.name === "") return arrowLines(region, "", "  ");
  return [`  state ${region.name} {`, ...arrowLines(region, `${region.name}_`, "    "), "  }"];
}

function arrowLines({ initial, states, arrows, shared }: ChartRegion, prefix: string, indent: string): string[] {
  const drawn = ({ from, to, label }: ChartArrow): string => `${prefix}${from} --> ${prefix}${to}: ${label}`;
  const lines = states.flatMap(({ id, final }) => [
    ...arrows.filter(({ from }) => from === id).map(drawn),
    ...(final ? [`${prefix}${id} --> [*]`] : []),
  ]);
  return [`[*] --> ${prefix}${initial}`, ...lines, ...shared.map(drawn)].map((line) => indent + line);
}

function regionsOf({ root }: AnyStateMachine): ChartRegion[] {
  if (root.type !== "parallel") return [regionOf(root, "")];
  return (Object.values(root.states) as AnyStateNode[]).map((region) => regionOf(region, region.key));
}

function regionOf(level: AnyStateNode, name: string): ChartRegion {
  const children = Object.values(level.states) as AnyStateNode[];
  const lasting = children.filter(({ type }) => type !== "final");
  return {
    name,
    initial: level.initial?.target[0]?.key ?? "",
    states: children.map(({ key, type }) => ({ id: key, final: type === "final" })),
    arrows: children.flatMap((child) => arrowsOf(child, [child], children)),
    shared: arrowsOf(level, lasting, children),
  };
}

/** The arrows that the transitions of `owner` make from `sources` to `targets`. */
function arrowsOf(
  owner: AnyStateNode,
  sources: readonly AnyStateNode[],
  targets: readonly AnyStateNode[],
): ChartArrow[] {
  const found: ChartArrow[] = [];
  for (const [event, transitions] of owner.transitions) {
    for (const { guard, target = [] } of transitions) {
      const label = `${eventName(event)}${typeof guard === "string" ? ` [${guard}]` : ""}`;
      for (const to of target.filter((state) => targets.includes(state)))
        for (const from of sources)
          if (from !== to || from === owner) found.push({ from: from.key, to: to.key, label });
    }
  }
  return found;
}

/** The states of a supervised child are a table, drawn in the same way. */
function childRegion(): ChartRegion {
  const rows = Object.entries(LIFECYCLE);
  const arrows = rows.flatMap(([from, events]) =>
    Object.entries(events).map(([event, to]): ChartArrow => ({ from, to, label: event })),
  );
  return { name: "", initial: "stopped", states: rows.map(([id]) => ({ id, final: false })), arrows, shared: [] };
}

/** `xstate.after.backoff.publisher.backingOff` is shown as `after backoff`. */
function eventName(event: string): string {
  const after = /^xstate\.after\.([^.]+)\./.exec(event);
  return after === null ? event : `after ${after[1]}`;
}
