import type { AnyStateMachine, AnyStateNode } from "xstate";
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
    { name: "child", mermaid: childChart() },
  ];
}

function chart(machine: AnyStateMachine): string {
  return ["stateDiagram-v2", ...statesOf(machine.root, 1)].join("\n");
}

function statesOf(node: AnyStateNode, depth: number): string[] {
  const indent = "  ".repeat(depth);
  const lines: string[] = [];
  const initial = node.type === "parallel" ? undefined : node.initial?.target[0];
  if (initial !== undefined) lines.push(`${indent}[*] --> ${idOf(initial)}`);
  const children = Object.values(node.states) as AnyStateNode[];
  for (const [i, child] of children.entries()) {
    if (node.type === "parallel") {
      lines.push(`${indent}state ${child.key} {`, ...statesOf(child, depth + 1), `${indent}}`);
      continue;
    }
    lines.push(...arrowsOf(child, children, indent));
    if (child.type === "final") lines.push(`${indent}${idOf(child)} --> [*]`);
    // What every state of this level answers to is drawn once, from its first state on.
    if (i === children.length - 1) lines.push(...sharedArrows(node, children, indent));
  }
  return lines;
}

function arrowsOf(state: AnyStateNode, siblings: readonly AnyStateNode[], indent: string): string[] {
  const lines: string[] = [];
  for (const [event, transitions] of state.transitions) {
    for (const transition of transitions) {
      const guard = typeof transition.guard === "string" ? ` [${transition.guard}]` : "";
      for (const target of transition.target ?? []) {
        if (siblings.includes(target))
          lines.push(`${indent}${idOf(state)} --> ${idOf(target)}: ${eventName(event)}${guard}`);
      }
    }
  }
  return lines;
}

function sharedArrows(parent: AnyStateNode, children: readonly AnyStateNode[], indent: string): string[] {
  const lines: string[] = [];
  for (const [event, transitions] of parent.transitions) {
    for (const { target } of transitions) {
      for (const to of target ?? []) {
        for (const from of children) {
          if (from !== to && from.type !== "final")
            lines.push(`${indent}${idOf(from)} --> ${idOf(to)}: ${eventName(event)}`);
        }
      }
    }
  }
  return lines;
}

/** The life of a supervised child is a table, drawn the same way. */
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
