import { h } from "preact";
import { describe, expect, it } from "vitest";
import { Machines } from "../../src/dashboard/pages/node/machines.tsx";
import type { ProcessList, ProcessTransition } from "../../src/runtime/operate/table/processes.ts";
import { nodeView } from "./node-view.ts";
import { openRoom, Refused } from "./page-room.ts";

const SUBJECT = "ship1.command.shellcommand.os";
const PROCESS = { subject: SUBJECT, role: "subscriber", since: 1, restarts: 0, queued: 0, active: 0 } as const;
const MACHINE = {
  name: "subscriber",
  regions: [{ name: "", initial: "idle", states: ["idle", "working"].map((id) => ({ id, final: false })), arrows: [] }],
};
const changed = (at: number, from: string, to: string, event: string, machine = "subscriber"): ProcessTransition => ({
  ...{ at, machine, event, from, to },
});
const LAST = [
  changed(1_000, "", "idle", "start"),
  changed(1_500, "running", "backingOff", "failed", "child"),
  changed(2_000, "idle", "working", "work"),
  changed(3_000, "working", "idle", "drained"),
];

/** The chart of a subscriber of ship1 on the page of central, with what ship1 answers when it is asked for that one. */
async function openChart(answer: () => unknown) {
  const asked: ProcessList = { node: "ship1", asOf: 1_000, processes: [{ ...PROCESS, state: "working" }] };
  const node = { ...nodeView("ship1"), asOf: 1, changes: [], lanes: [] } as never;
  const room = await openRoom(
    `/nodes/ship1?actor=${encodeURIComponent(`subscriber ${SUBJECT}`)}`,
    h(Machines, { node, asked }),
    {
      "GET /v1/machines": [MACHINE],
      "GET /v1/processes": ({ query }: { query: URLSearchParams }) =>
        query.get("node") === null ? { node: "central", asOf: 1, processes: [] } : answer(),
    },
  );
  const questions = () =>
    room.asked.filter(({ route, query }) => route === "GET /v1/processes" && query.get("subject") === SUBJECT);
  const press = async (name: string) => {
    room.shown.find("button", name).fire("click");
    await room.pass(200);
  };
  return { ...room, questions, press };
}

describe("the machine of a subscriber on another node", () => {
  it("steps through the last transitions that the node tells, and is asked for that one alone", async () => {
    const list = () => ({ node: "ship1", asOf: 4_000, processes: [{ ...PROCESS, state: "idle", transitions: LAST }] });
    const { shown, questions, press } = await openChart(list);
    expect(questions().map(({ query }) => query.get("node"))).toEqual(["ship1"]);
    expect(shown.find("figcaption").textContent).toBe("subscriberidle");
    expect(shown.textContent).toContain("present state, after 2 transitions");
    expect(shown.textContent).toContain("as ship1 told it");
    await press("back");
    expect(shown.textContent).toMatch(/as it was before .*: {2}working → idle/);
    expect(shown.find("figcaption").textContent).toBe("subscriberworking");
    await press("back");
    expect(shown.find("figcaption").textContent).toBe("subscriberidle");
    await press("now");
    await press("ask again");
    expect(questions()).toHaveLength(2);
  });

  it("says of a node of an older version that it tells none, and shows its state all the same", async () => {
    const list = () => ({ node: "ship1", asOf: 4_000, processes: [{ ...PROCESS, state: "idle" }] });
    const { shown } = await openChart(list);
    expect(shown.textContent).toContain("ship1 runs an older version of steward, which does not tell the last");
    expect(shown.find("figcaption").textContent).toBe("subscriberidle");
    expect(shown.textContent).not.toContain("is asked again when");
  });

  it("keeps the last answer with its age when the node does not answer any more", async () => {
    let silent = false;
    const { shown, press } = await openChart(() => {
      if (silent) throw new Refused(503, "node-silent", "ship1 did not answer within 8 s");
      return { node: "ship1", asOf: 4_000, processes: [{ ...PROCESS, state: "idle", transitions: LAST }] };
    });
    silent = true;
    await press("ask again");
    expect(shown.textContent).toContain(
      "this process of ship1 could not be read: ship1 did not answer within 8 s. Shown is",
    );
    expect(shown.textContent).toContain("present state, after 2 transitions");
  });
});
