import { describe, expect, it } from "vitest";
import { type LinkReport, linkEvent, linkMachine } from "../../src/actors/link.ts";
import { type Inspector, startRoot, type Transition } from "../../src/actors/root.ts";
import { SimulatedClock } from "../harness/clock.ts";

function start(): {
  tell: (report: LinkReport, at: number) => void;
  now: () => unknown;
  transitions: Transition[];
  failures: unknown[];
} {
  const transitions: Transition[] = [];
  const failures: unknown[] = [];
  const inspector: Inspector = {
    transition: (transition) => void transitions.push(transition),
    failed: (_actor, _role, error) => void failures.push(error),
  };
  const actor = startRoot(linkMachine, {
    actor: "link",
    role: "link",
    clock: new SimulatedClock(),
    inspector,
    input: { at: 100 },
  });
  return {
    tell: (report, at) => actor.send(linkEvent(report, at)),
    now: () => {
      const { value, status, context } = actor.getSnapshot();
      return { state: value, status, ...context };
    },
    transitions,
    failures,
  };
}

const DOWN = { state: "disconnected", fault: "the broker stopped answering" } as const;
const UP = { state: "connected", server: "broker:4222" } as const;

describe("the link machine", () => {
  it("begins connecting, since it was started", () => {
    expect(start().now()).toEqual({
      state: "connecting",
      status: "active",
      since: 100,
      server: null,
      fault: null,
    });
  });

  const cases: [string, [LinkReport, number][], object][] = [
    [
      "a failed first attempt keeps its beginning and names the fault",
      [[{ state: "connecting", fault: "connection refused" }, 200]],
      { state: "connecting", since: 100, fault: "connection refused" },
    ],
    [
      "the first connection clears the fault",
      [
        [{ state: "connecting", fault: "x" }, 200],
        [UP, 300],
      ],
      { state: "connected", since: 300, server: "broker:4222", fault: null },
    ],
    [
      "a loss has its time and cause, and no server",
      [
        [UP, 200],
        [DOWN, 300],
      ],
      { state: "disconnected", since: 300, server: null, fault: "the broker stopped answering" },
    ],
    [
      "a further failed attempt changes the fault, not the time",
      [
        [UP, 200],
        [DOWN, 300],
        [{ state: "disconnected", fault: "connection refused" }, 400],
      ],
      { state: "disconnected", since: 300, fault: "connection refused" },
    ],
    [
      "each connection has its own time",
      [
        [UP, 200],
        [DOWN, 300],
        [UP, 400],
        [DOWN, 500],
        [UP, 600],
      ],
      { state: "connected", since: 600 },
    ],
    [
      "denied from the start, then taken",
      [
        [{ state: "denied", fault: "Authorization Violation" }, 200],
        [UP, 300],
      ],
      { state: "connected" },
    ],
    [
      "denied after a loss",
      [
        [UP, 200],
        [DOWN, 300],
        [{ state: "denied", fault: "Authorization Violation" }, 400],
      ],
      { state: "denied", since: 400, fault: "Authorization Violation" },
    ],
    [
      "the broker away again after it denied",
      [
        [{ state: "denied", fault: "no" }, 200],
        [{ state: "connecting", fault: "connection refused" }, 300],
      ],
      { state: "connecting", since: 300, fault: "connection refused" },
    ],
    [
      "a repeated report of the same connection changes nothing but the server",
      [
        [UP, 200],
        [{ state: "connected", server: "other:4222" }, 300],
      ],
      { state: "connected", since: 200, server: "other:4222" },
    ],
    [
      "closed is the end",
      [
        [UP, 200],
        [{ state: "closed" }, 300],
      ],
      { status: "done", state: "closed", since: 300, server: null },
    ],
  ];
  it.each(cases)("%s", (_title, reports, expected) => {
    const link = start();
    for (const [report, at] of reports) link.tell(report, at);
    expect(link.now()).toMatchObject(expected);
    expect(link.failures).toEqual([]);
  });

  it("reports each change of state once, with its cause, and repeated faults not at all", () => {
    const link = start();
    for (const report of [
      { state: "connecting", fault: "connection refused" },
      UP,
      DOWN,
      { state: "disconnected", fault: "other" },
      UP,
    ] as const) {
      link.tell(report, 200);
    }
    expect(link.transitions.map(({ from, to, cause }) => `${from} > ${to}: ${cause}`)).toEqual([
      " > connecting: ",
      "connecting > connected: broker:4222",
      "connected > disconnected: the broker stopped answering",
      "disconnected > connected: broker:4222",
    ]);
  });
});
