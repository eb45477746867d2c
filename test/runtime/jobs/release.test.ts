import { expect, it } from "vitest";
import type { HeldGroup } from "../../../src/journal/jobs/held-group.ts";
import { openJournal } from "../../../src/journal/journal.ts";
import { idMaker } from "../../../src/message/id.ts";
import { Zones } from "../../../src/runtime/jobs/hours.ts";
import { JobNodes } from "../../../src/runtime/jobs/job-nodes.ts";
import { planOf } from "../../../src/runtime/jobs/plan.ts";
import { Release } from "../../../src/runtime/jobs/release.ts";
import type { Holding } from "../../../src/runtime/submit/holding.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { seededRandom } from "../../harness/random.ts";
import { emptyDisk, openMemoryStore } from "../../twins/memory-store.ts";

it("a message that is held for a node that was revoked meanwhile is ended, and never released", () => {
  const [clock, random] = [new SimulatedClock(), seededRandom(1)];
  const newId = idMaker(clock, random);
  const journal = openJournal(openMemoryStore(emptyDisk(), clock), { node: "central", path: "", clock, random });
  const content = { subject: "command.work.os", data: {}, timeout: null, wait: null, until: null, at: clock.now() };
  const members = ["ship1", "ship2", "ship3"].map((node) => [newId(), node] as const);
  const group = journal.held.add({ ...content, owner: newId() }, members, { reason: "wave" });
  const done: string[] = [];
  const named = (of: HeldGroup, indices: Iterable<number>) =>
    [...indices].map((index) => journal.held.members(of)[index]?.[1]).join(", ");
  const holding = {
    release: (of: HeldGroup, indices: readonly number[]) => {
      done.push(`released to ${named(of, indices)}`);
      journal.held.released(of, indices);
      return [];
    },
    end: (of: HeldGroup, indices: Iterable<number>, state: "cancelled" | "expired", reason: string) => {
      const list = [...indices];
      if (list.length > 0) done.push(`${state} for ${named(of, list)}: ${reason}`);
      return journal.held.ended(of, list, { state, at: clock.now(), reason }).length;
    },
  } as unknown as Holding;
  const fleet = {
    reach: () => "online" as const,
    trust: (node: string) => (node === "ship2" ? ("revoked" as const) : ("accepted" as const)),
  };
  const zones = new Zones({ node: "central", facts: { value: () => undefined } });
  const release = new Release(planOf({}, clock.now(), zones), undefined, { journal, holding, fleet, clock });
  const attempts = [{ group: group.id, at: clock.now(), of: "all", waves: [3] }];
  const jobNodes = new JobNodes(journal, { attempts }, fleet.reach);
  release.upTo(2, jobNodes);
  release.upTo(3, jobNodes);
  expect(done).toEqual([
    "released to ship1",
    "cancelled for ship2: the node is no more in the fleet",
    "released to ship3",
  ]);
  expect(jobNodes.counts()).toMatchObject({ held: 0, cancelled: 1 });
});
