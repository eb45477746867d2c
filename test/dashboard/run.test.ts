import { h } from "preact";
import { describe, expect, it } from "vitest";
import { Run } from "../../src/dashboard/pages/run.tsx";
import { nodeView } from "./node-view.ts";
import { openRoom, Refused } from "./page-room.ts";

const ENDS = Date.now() + 3_600_000;
const NODES = [
  nodeView("ship1"),
  nodeView("ship2", { link: "offline" }),
  nodeView("ship3", { hold: { since: 1, endsAt: ENDS, by: "ann", note: "dry dock" } }),
];

const plan = ({ body }: { body: { to: string; max?: string[] } }) => {
  if (body.to.includes("ship9"))
    throw new Refused(
      404,
      "node-unknown",
      "no node is called ship9 (did you mean ship1?)",
      "`steward nodes` lists them",
    );
  if (body.max?.[0] === "failed=x") throw new Refused(422, "job-invalid", "failed=x is no bound");
  const nodes = body.to.split(",");
  return { target: body.to, nodes, away: 1, waves: [nodes.length], beginAt: null, untilAt: null, bytes: 5, most: 20 };
};
const resolve = ({ body: { to } }: { body: { to: string } }) => {
  const nodes = to.split(",");
  return { target: to, nodes, away: nodes.includes("ship2") ? 1 : 0, lacking: [], most: 20 };
};

const openRun = async (to: string) => {
  const room = await openRoom(`/run?to=${to}`, h(Run, {}), {
    "GET /v1/nodes": NODES,
    "POST /v1/targets": resolve,
    "POST /v1/jobs/plan": plan,
  });
  const type = async (label: string, text: string) => {
    room.shown.find("input", label).fire("input", { value: text });
    await room.pass(1_500);
  };
  await type("Program and arguments", "uname");
  return { ...room, type, send: () => room.shown.find("button", "Send") };
};

describe("the preview of a run", () => {
  it("says of a held node that its message waits, and counts those in reach and away beside it", async () => {
    const { shown, send } = await openRun("ship1,ship2,ship3");
    expect(shown.textContent).toContain("1 node in reach: it is sent there at once.");
    expect(shown.textContent).toContain("1 node held for maintenance: nothing is sent there");
    expect(shown.textContent).toMatch(/ship3: held until [-\d: ]+, waits \(by ann: dry dock\)/);
    expect(shown.textContent).toContain("1 node out of reach: it waits on disk");
    expect(send().disabled).toBe(false);
  });

  it("tells of a name that nobody knows, and sends nothing", async () => {
    const { shown, send } = await openRun("ship9");
    expect(shown.textContent).toContain("no node is called ship9 (did you mean ship1?)");
    expect(send().disabled).toBe(true);
  });

  it("sends nothing while the plan does not hold, or a time is none", async () => {
    const { shown, type, send } = await openRun("ship1,ship2");
    await type("Pause when more fail than", "x");
    expect(shown.textContent).toContain("The plan of the job does not hold: failed=x is no bound");
    expect(send().disabled).toBe(true);
    await type("Pause when more fail than", "");
    expect(send().disabled).toBe(false);
    await type("Pause after each", "soon");
    expect(shown.textContent).toContain("the pause after each wave is none");
    expect(send().disabled).toBe(true);
  });
});
