import { h } from "preact";
import { describe, expect, it } from "vitest";
import { JobPage } from "../../src/dashboard/pages/job.tsx";
import { openRoom } from "./page-room.ts";

const ID = "01K9ZD3Q5V01K9ZD3Q5V01K9ZD";
const NO_COUNTS = {
  held: 0,
  queued: 0,
  received: 0,
  running: 0,
  unknown: 0,
  succeeded: 0,
  failed: 0,
  rejected: 0,
  expired: 0,
  cancelled: 0,
};

const jobOf = (state: string, counts: Partial<typeof NO_COUNTS>, more: object = {}) => ({
  id: ID,
  createdAt: 1,
  by: "ann",
  target: "all",
  note: "",
  subject: "command.shellcommand.operatingsystem",
  summary: "uname -s",
  state,
  since: 1,
  cause: "ann",
  nodes: Object.values(counts).reduce((sum, count) => sum + count, 0),
  wave: 0,
  waves: [1, 3],
  counts: { ...NO_COUNTS, ...counts },
  beginAt: null,
  untilAt: null,
  attempts: [],
  holds: [],
  inReach: 1,
  slowest: [],
  plan: {
    waves: ["1", "100%"],
    soak: 0,
    gate: null,
    bounds: {},
    atOnce: null,
    rate: null,
    ifAway: "queue",
    every: null,
    window: null,
    zone: null,
    approval: false,
  },
  ...more,
});

const nodeOf = (node: string, kind: string) => ({ place: 1, node, id: `ID-${node}`, attempt: 1, kind, state: kind });

describe("the page of a job", () => {
  it("says with counts and names what an abort leaves under way, before it is pressed", async () => {
    const { shown } = await openRoom(`/jobs/${ID}`, h(JobPage, { id: ID }), {
      [`GET /v1/jobs/${ID}`]: jobOf("running", { running: 1, queued: 1, held: 1 }),
      [`GET /v1/jobs/${ID}/nodes`]: ({ query }: { query: URLSearchParams }) =>
        [nodeOf("ship1", "running"), nodeOf("ship2", "queued"), nodeOf("ship3", "held")].filter(
          ({ kind }) => !query.has("state") || kind === query.get("state"),
        ),
    });
    expect(shown.textContent).toContain(
      "abort: nothing more is released; 1 that is held is cancelled; 1 already on its way to ship2 may still run; 1 that runs goes on",
    );
    expect(shown.has("button", "promote")).toBe(true);
  });

  it("does not offer what there is not: a further wave, or nodes to try again", async () => {
    const { shown } = await openRoom(`/jobs/${ID}`, h(JobPage, { id: ID }), {
      [`GET /v1/jobs/${ID}`]: jobOf("running", { running: 1 }, { wave: 1 }),
      [`GET /v1/jobs/${ID}/nodes`]: [],
    });
    expect(shown.has("button", "promote")).toBe(false);
    const ended = await openRoom(`/jobs/${ID}`, h(JobPage, { id: ID, key: "ended" }), {
      [`GET /v1/jobs/${ID}`]: jobOf("doneWithFailures", { succeeded: 1, rejected: 1 }),
      [`GET /v1/jobs/${ID}/nodes`]: [],
    });
    expect([ended.shown.has("button", "retry the failed"), ended.shown.has("button", "retry the expired")]).toEqual([
      true,
      false,
    ]);
  });

  it("takes back what has not begun of a job that is paused, one by one, and shows each answer", async () => {
    const answers: Record<string, unknown> = {
      "ID-ship2": { kind: "done", id: "ID-ship2" },
      "ID-ship3": { kind: "requested", id: "ID-ship3", reason: "ship3 is asked" },
      "ID-ship4": { kind: "tooLate", id: "ID-ship4", state: "succeeded" },
    };
    const { shown, asked, pass } = await openRoom(`/jobs/${ID}`, h(JobPage, { id: ID }), {
      [`GET /v1/jobs/${ID}`]: jobOf("paused", { queued: 2, received: 1, cancelled: 1 }),
      [`GET /v1/jobs/${ID}/nodes`]: ({ query }: { query: URLSearchParams }) =>
        query.get("state") === "queued"
          ? [nodeOf("ship2", "queued"), nodeOf("ship3", "queued")]
          : [nodeOf("ship4", "received")],
      ...Object.fromEntries(Object.entries(answers).map(([id, said]) => [`POST /v1/messages/${id}/cancel`, said])),
    });
    expect(shown.textContent).toContain("3 on their way have not begun (ship2, ship3, ship4), and may still run");
    const cancelled = () => asked.filter(({ route }) => route.endsWith("/cancel")).length;
    shown.find("button", "take back the 3 that have not begun").fire("click");
    await pass(100);
    expect(cancelled()).toBe(0);
    shown.find("button", "take back the 3 that have not begun").fire("click");
    await pass(100);
    expect(cancelled()).toBe(3);
    expect(shown.textContent).toContain("ship2: cancelled before it was sent");
    expect(shown.textContent).toContain("ship3: asked: ship3 is asked");
    expect(shown.textContent).toContain("ship4: too late: it is succeeded");
  });

  /** An aborted job of which one message is on its way, and so many run, with what the daemon answers to its cancel. */
  const openAborted = (runs: number) =>
    openRoom(`/jobs/${ID}`, h(JobPage, { id: ID, key: `aborted ${runs}` }), {
      [`GET /v1/jobs/${ID}`]: jobOf("aborted", { queued: 1, running: runs, cancelled: 1 }),
      [`GET /v1/jobs/${ID}/nodes`]: ({ query }: { query: URLSearchParams }) =>
        query.get("state") === "queued" ? [nodeOf("ship2", "queued")] : [],
      [`POST /v1/jobs/${ID}/cancel`]: {
        ...jobOf("aborted", { queued: 1, running: runs, cancelled: 1 }),
        answers: [
          { node: "ship2", id: "ID-ship2", kind: "done" },
          { node: "ship1", id: "ID-ship1", kind: "requested", reason: "ship1 has the message and was asked to end it" },
        ],
      },
    });

  it("cancels what has not ended of a job that was aborted, in one request, and shows the answer of each node", async () => {
    const { shown, asked, pass } = await openAborted(1);
    expect(shown.textContent).toContain("cancel: 1 on its way to ship2 is taken back; 1 that runs is asked to end");
    expect(shown.textContent).not.toContain("nothing more is released");
    shown.find("button", "cancel").fire("click");
    await pass(100);
    shown.find("button", "cancel").fire("click");
    await pass(100);
    expect(asked.filter(({ route }) => route.startsWith("POST")).map(({ route }) => route)).toEqual([
      `POST /v1/jobs/${ID}/cancel`,
    ]);
    expect(shown.textContent).toContain("2 answers: 1 cancelled before it was sent, 1 asked");
    expect(shown.textContent).toContain("ship1: asked: ship1 has the message and was asked to end it");
  });

  it("offers to spare those that run only where some do", async () => {
    expect((await openAborted(1)).shown.has("button", "take back the 1 that has not begun")).toBe(true);
    const { shown } = await openAborted(0);
    expect(shown.has("button", "take back")).toBe(false);
    expect(shown.has("button", "cancel")).toBe(true);
  });
});
