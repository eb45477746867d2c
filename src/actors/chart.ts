import type { AnyStateMachine, AnyStateNode } from "xstate";
import { jobMachine } from "./job.ts";
import { linkMachine } from "./link.ts";
import { nodeMachine } from "./node.ts";
import { publisherMachine } from "./publisher.ts";
import { subscriberMachine } from "./subscriber.ts";
import { LIFECYCLE } from "./supervisor/decision.ts";

/** Every machine as a Mermaid state diagram, read off the machine itself. */
export function charts(): { readonly name: string; readonly mermaid: string }[] {
  return [
    { name: "node", mermaid: chart(nodeMachine) },
    { name: "publisher", mermaid: chart(publisherMachine) },
    { name: "subscriber", mermaid: chart(subscriberMachine) },
    { name: "link", mermaid: chart(linkMachine) },
    { name: "job", mermaid: chart(jobMachine) },
    { name: "child", mermaid: childChart() },
  ];
}

function chart(machine: AnyStateMachine): string {
  return ["stateDiagram-v2", ...statesOf(machine.root, 1)].join("\n");
}

function statesOf(node: AnyStateNode, depth: number): string[] {
  const indent = "  ".repeat(depth);
  const children = Object.values(node.states) as AnyStateNode[];
  if (node.type === "parallel") {
    return children.flatMap((child) => [`${indent}state ${child.key} {`, ...statesOf(child, depth + 1), `${indent}}`]);
  }
  const initial = node.initial?.target[0];
  const lines = initial === undefined ? [] : [`[*] --> ${idOf(initial)}`];
  for (const child of children) {
    lines.push(...arrows(child, [child], children));
    if (child.type === "final") lines.push(`${idOf(child)} --> [*]`);
  }
  // A transition of the level as a whole is drawn from each of its states to the others.
  const lasting = children.filter(({ type }) => type !== "final");
  return [...lines, ...arrows(node, lasting, children)].map((line) => indent + line);
}

/** The arrows that the transitions of `owner` make from `sources` to `targets`. */
function arrows(owner: AnyStateNode, sources: readonly AnyStateNode[], targets: readonly AnyStateNode[]): string[] {
  const lines: string[] = [];
  for (const [event, transitions] of owner.transitions) {
    for (const { guard, target = [] } of transitions) {
      const label = `${eventName(event)}${typeof guard === "string" ? ` [${guard}]` : ""}`;
      for (const to of target.filter((state) => targets.includes(state)))
        for (const from of sources)
          if (from !== to || from === owner) lines.push(`${idOf(from)} --> ${idOf(to)}: ${label}`);
    }
  }
  return lines;
}

/** The states of a supervised child are a table, drawn in the same way. */
function childChart(): string {
  const lines = ["stateDiagram-v2", "  [*] --> stopped"];
  for (const [from, events] of Object.entries(LIFECYCLE)) {
    for (const [event, to] of Object.entries(events)) lines.push(`  ${from} --> ${to}: ${event}`);
  }
  return lines.join("\n");
}

function idOf(node: AnyStateNode): string {
  return node.path.join("_");
}

/** `xstate.after.backoff.publisher.backingOff` is shown as `after backoff`. */
function eventName(event: string): string {
  const after = /^xstate\.after\.([^.]+)\./.exec(event);
  return after === null ? event : `after ${after[1]}`;
}
