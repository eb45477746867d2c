import { describe, expect, it } from "vitest";
import type { JobCounts, JobPlan } from "../../../src/message/jobs/job.ts";
import { Zones } from "../../../src/runtime/jobs/hours.ts";
import { type JobWish, planOf } from "../../../src/runtime/jobs/plan.ts";
import { decide, type JobSight } from "../../../src/runtime/jobs/wave-decision.ts";

const zones = new Zones({ node: "central", facts: { value: () => undefined } });
const plan = (wish: JobWish): JobPlan => planOf({ waves: "2,100%", ...wish }, 0, zones);
const NONE: JobCounts = {
  ...{ held: 0, queued: 0, received: 0, running: 0, unknown: 0 },
  ...{ succeeded: 0, failed: 0, rejected: 0, expired: 0, cancelled: 0 },
};

/** A job over ten nodes in two waves; its first wave of two nodes runs. */
function sight(counts: Partial<JobCounts>, wave: Partial<JobSight["wave"]>, more: Partial<JobSight> = {}): JobSight {
  const all = { size: 2, held: 0, open: 0, away: 0, succeeded: 0, skipped: 0, ...wave };
  return {
    counts: { ...NONE, ...counts },
    size: 10,
    allEnded: false,
    wave: all,
    waves: 2,
    now: 0,
    soakLeft: 0,
    ...more,
  };
}

const RUNS = { state: "running", wave: 0, allowed: {} } as const;

describe("what follows for a job", () => {
  it.each<[name: string, wish: JobWish, sight: JobSight, kind: string]>([
    ["its wave runs", {}, sight({}, { open: 1, succeeded: 1 }), "wait"],
    ["its wave is held back", {}, sight({}, { held: 1, succeeded: 1 }), "wait"],
    ["its wave is over", {}, sight({ succeeded: 2 }, { succeeded: 2 }), "wave"],
    ["its wave is over, and the pause begins", {}, sight({}, { succeeded: 2 }, { soakLeft: undefined }), "waveEnded"],
    ["the pause is not over", { soak: 9 }, sight({}, { succeeded: 2 }, { soakLeft: 5 }), "wait"],
    ["one of its wave is away and the other has succeeded", {}, sight({}, { away: 1, succeeded: 1 }), "wave"],
    ["all of its wave are away", {}, sight({}, { away: 2 }), "wait"],
    ["all of its wave were skipped", {}, sight({ cancelled: 2 }, { skipped: 2 }), "wave"],
    ["one has failed", {}, sight({ failed: 1 }, { succeeded: 1 }), "pause"],
    ["one has failed, and one may", { max: ["failed=1"] }, sight({ failed: 1 }, { succeeded: 1 }), "wave"],
    ["too many have failed", { max: ["failed=10%:abort"] }, sight({ failed: 2 }, { open: 1 }), "abort"],
    [
      "too many have failed, and it goes on",
      { max: ["failed=0:continue"] },
      sight({ failed: 1 }, { succeeded: 1 }),
      "wave",
    ],
    ["many are unknown, which nothing bounds", {}, sight({ unknown: 9 }, { open: 1 }), "wait"],
    ["many are unknown", { max: ["unknown=1"] }, sight({ unknown: 2 }, { open: 1 }), "pause"],
    ["many have expired", { max: ["expired=1"] }, sight({ expired: 2 }, { succeeded: 1 }), "pause"],
    ["none of its wave has succeeded", { max: ["failed=9"] }, sight({ failed: 2 }, {}), "pause"],
    ["its gate is passed while one still runs", { gate: "50%" }, sight({}, { open: 1, succeeded: 1 }), "wave"],
    ["its gate is not passed", { gate: "90%", max: ["failed=9"] }, sight({ failed: 1 }, { succeeded: 1 }), "pause"],
    ["its last message has ended", {}, sight({ succeeded: 10 }, {}, { allEnded: true }), "finish"],
    ["its last message has ended, and one was skipped", {}, sight({ cancelled: 1 }, {}, { allEnded: true }), "finish"],
    [
      "its last message has ended, and one expired",
      {},
      sight({ expired: 1 }, {}, { allEnded: true }),
      "finishWithFailures",
    ],
  ])("of which %s", (_name, wish, seen, kind) => {
    expect(decide(plan(wish), RUNS, seen).kind).toBe(kind);
  });

  it("that is paused: nothing, until its last message has ended", () => {
    const paused = { ...RUNS, state: "paused" } as const;
    expect(decide(plan({}), paused, sight({ failed: 5 }, { succeeded: 2 })).kind).toBe("wait");
    expect(decide(plan({}), paused, sight({ succeeded: 10 }, {}, { allEnded: true })).kind).toBe("finish");
  });

  it("whose failures an operator has seen: nothing, until there are more", () => {
    const seen = { ...RUNS, allowed: { failed: 2 } };
    expect(decide(plan({}), seen, sight({ failed: 2 }, { succeeded: 1 })).kind).toBe("wave");
    expect(decide(plan({}), seen, sight({ failed: 3 }, { succeeded: 1 })).kind).toBe("pause");
  });

  it("that is in its last wave: nothing but its end", () => {
    const last = { ...RUNS, wave: 1 };
    expect(decide(plan({}), last, sight({ succeeded: 9 }, { succeeded: 7, open: 1 })).kind).toBe("wait");
  });
});
