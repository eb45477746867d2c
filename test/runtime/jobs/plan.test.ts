import { describe, expect, it } from "vitest";
import { waveEnds } from "../../../src/message/jobs/job.ts";
import { Zones } from "../../../src/runtime/jobs/hours.ts";
import { type JobWish, planOf } from "../../../src/runtime/jobs/plan.ts";

const NOW = Date.UTC(2030, 0, 1);
const zones = new Zones({ node: "central", facts: { value: () => undefined } });
const faultOf = (wish: JobWish): string => {
  try {
    planOf(wish, NOW, zones);
    return "none";
  } catch (error) {
    return (error as Error).message;
  }
};

describe("a plan", () => {
  it.each<[JobWish, string]>([
    [{ waves: "1,10%,50%" }, "waves: the last wave does not reach all nodes; end with 100%"],
    [{ waves: "5,3,100%" }, "waves: 3 does not go further than the wave before it"],
    [{ waves: "a,100%" }, "waves: a is neither a number of nodes, as 5, nor a share of them, as 10%"],
    [{ waves: "120%" }, "waves: 120% is neither"],
    [{ gate: "2" }, "gate: 2 is not a share such as 95%"],
    [{ max: ["broken=2"] }, "max: broken=2 is no bound"],
    [{ max: ["failed=2:explode"] }, "max: failed=2:explode is no bound"],
    [{ window: "02:00-04:00", until: "in 1h" }, "window: it does not open before 2030-01-01T01:00:00.000Z"],
    [{ window: "02:00-04:00", every: "every day at 12:00" }, "window: it is open at none of the next times"],
    [{ window: "25:00-26:00" }, "window: at character 1:"],
    [{ every: "61 25 * * *" }, "every: at character 1:"],
    [{ at: "in 2h", until: "in 1h" }, "until: 2030-01-01T01:00:00.000Z is not after its beginning"],
    [{ at: "yesterday" }, "at: at character 1:"],
    [{ tz: "Europe/Nowhere" }, "tz: Europe/Nowhere: it is not the name of a time zone"],
  ])("with a fault is refused, and the fault is named: %j", (wish, fault) => {
    expect(faultOf(wish)).toContain(fault);
  });

  it("names all of its faults at once", () => {
    expect(faultOf({ waves: "50%", gate: "x", tz: "Nowhere" })).toMatch(/tz: .*waves: .*gate: /);
  });

  it("in waves stops at the first failure unless it says otherwise; without waves it has no bounds", () => {
    const stop = { most: 0, unit: "nodes", action: "pause" };
    expect(planOf({ waves: "1,100%" }, NOW, zones).bounds).toEqual({ failed: stop, rejected: stop });
    expect(planOf({ waves: "1,100%", max: ["failed=5%,unknown=3:abort"] }, NOW, zones).bounds).toEqual({
      failed: { most: 5, unit: "percent", action: "pause" },
      rejected: stop,
      unknown: { most: 3, unit: "nodes", action: "abort" },
    });
    expect(planOf({}, NOW, zones).bounds).toEqual({});
  });

  it("has waves of so many nodes of any number, none of them empty, the last with all", () => {
    const ends = (count: number): number[] => waveEnds(["1", "10%", "50%", "100%"], count);
    expect([ends(1), ends(5), ends(10), ends(2000)]).toEqual([[1], [1, 3, 5], [1, 5, 10], [1, 200, 1000, 2000]]);
    expect(waveEnds([], 7)).toEqual([7]);
  });
});
