import { describe, expect, it } from "vitest";
import type { AnyStateMachine, AnyStateNode } from "xstate";
import { charts } from "../../src/actors/chart.ts";
import { jobMachine } from "../../src/actors/job.ts";
import { linkMachine } from "../../src/actors/link.ts";
import { nodeMachine } from "../../src/actors/node.ts";
import { publisherMachine } from "../../src/actors/publisher.ts";
import { scheduleMachine } from "../../src/actors/schedule.ts";
import { subscriberMachine } from "../../src/actors/subscriber.ts";
import { LIFECYCLE } from "../../src/actors/supervisor/decision.ts";

const drawn = (name: string): string => charts().find((chart) => chart.name === name)?.mermaid ?? "";
const arrows = (name: string): string[] =>
  drawn(name)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.includes("-->"));

function leaves(node: AnyStateNode): AnyStateNode[] {
  const children = Object.values(node.states) as AnyStateNode[];
  return children.length === 0 ? [node] : children.flatMap(leaves);
}

describe("the charts", () => {
  it("are one for each machine, each a Mermaid state diagram", () => {
    expect(charts().map(({ name }) => name)).toEqual([
      "node",
      "publisher",
      "subscriber",
      "link",
      "job",
      "schedule",
      "child",
    ]);
    for (const { mermaid } of charts()) {
      expect(mermaid.startsWith("stateDiagram-v2\n")).toBe(true);
      const [opened, closed] = [mermaid.match(/\{$/gm) ?? [], mermaid.match(/^\s*\}$/gm) ?? []];
      expect(opened.length).toBe(closed.length);
      for (const line of mermaid.split("\n").slice(1)) {
        expect(line).toMatch(/^\s*(\[\*\] --> \w+|\w+ --> (\[\*\]|\w+: .+)|state \w+ \{|\})$/);
      }
      expect(new Set(mermaid.split("\n").filter((line) => line.includes("-->"))).size).toBe(
        mermaid.split("\n").filter((line) => line.includes("-->")).length,
      );
    }
  });

  it.each<[string, AnyStateMachine]>([
    ["node", nodeMachine],
    ["publisher", publisherMachine],
    ["subscriber", subscriberMachine],
    ["link", linkMachine],
    ["job", jobMachine],
    ["schedule", scheduleMachine],
  ])("of the %s has every one of its states and every event that changes one", (name, machine) => {
    const text = drawn(name);
    for (const leaf of leaves(machine.root)) expect(text).toMatch(new RegExp(`\\b${leaf.path.join("_")}\\b`));
    const events = new Set<string>();
    const collect = (node: AnyStateNode): void => {
      for (const [event, transitions] of node.transitions) {
        if (transitions.some(({ target }) => target?.some((to) => to !== node))) events.add(event);
      }
      for (const child of Object.values(node.states) as AnyStateNode[]) collect(child);
    };
    collect(machine.root);
    for (const event of events) expect(text).toContain(event.startsWith("xstate.after.") ? "after " : `: ${event}`);
  });

  it("show what is said in the machines, by example", () => {
    expect(arrows("publisher")).toEqual(
      expect.arrayContaining([
        "[*] --> idle",
        "idle --> working: work",
        "working --> backingOff: noAck",
        "backingOff --> working: after backoff",
        "backingOff --> paused: pause",
        "paused --> working: resume",
      ]),
    );
    expect(arrows("publisher")).not.toContain("paused --> paused: pause");
    expect(arrows("subscriber")).toEqual(["[*] --> idle", "idle --> working: work", "working --> idle: drained"]);
    expect(arrows("node")).toEqual(
      expect.arrayContaining([
        "link_online --> link_late: late",
        "link_neverSeen --> link_offline: bye",
        "session_live --> session_none: silent",
        "storage_ok --> storage_low: hello [storageLow]",
      ]),
    );
    expect(arrows("link").some((line) => line.endsWith("--> [*]"))).toBe(true);
  });

  it("have the life of a supervised child as its table has it", () => {
    const expected = Object.entries(LIFECYCLE).flatMap(([from, events]) =>
      Object.entries(events).map(([event, to]) => `${from} --> ${to}: ${event}`),
    );
    expect(arrows("child")).toEqual(["[*] --> stopped", ...expected]);
  });
});
