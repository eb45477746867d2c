import { expect, test } from "vitest";
import { isEnded } from "../../src/message/jobs/job.ts";
import type { JobDetail, JobOrderOf } from "../../src/runtime/operate/table/jobs.ts";
import { seededRandom } from "../harness/random.ts";
import { judge } from "../harness/world/check.ts";
import { POINTS } from "../harness/world/parts.ts";
import type { World } from "../harness/world/world.ts";
import { fleet, job, lists, note, shipOf } from "../runtime/jobs/scene.ts";

/**
 * Jobs under all faults at once: central is killed at every point of its work, nodes are killed and cut off, packets are lost,
 * come twice and out of order. At each look a seed's invariants hold: no more is released than its waves allow; a job that was
 * aborted releases nothing more; a job is done when, and only when, its last message is final; counts equal their lists.
 */
const SEEDS = 24;
const NODES = 6;

const plans: readonly Partial<JobOrderOf>[] = [
  { waves: "1,50%,100%", soak: 2_000 },
  { waves: "1,2,3,4,5,100%" },
  { waves: "50%,100%", gate: "50%", atOnce: 1 },
  { rate: 30 },
  { waves: "2,100%", max: ["failed=0:abort"], data: { do: "fail", on: [shipOf(2)] } },
  { at: "in 30s", until: "in 2m", atOnce: 1, data: { ms: 20_000 } },
  { ifAway: "skip", waves: "1,100%" },
];

/** What an operator saw of a job before, so that nothing of it may be taken back. */
interface Seen {
  state: JobDetail["state"] | undefined;
  released: number;
}

function look(world: World, id: string, seen: Seen): void {
  if (!world.isUp("central")) return;
  const now = job(world, id);
  const { counts, waves, wave, state, nodes } = now;
  const listed = lists(world, id);
  for (const [kind, count] of Object.entries(counts)) expect([kind, listed[kind]?.length ?? 0]).toEqual([kind, count]);
  const ran = new Set(world.ledger.runs.map((run) => run.id));
  const first = world.daemon("central").operations.jobNodes(id);
  const isHeld = new Set(first.flatMap((one) => (one.kind === "held" ? [one.id] : [])));
  for (const one of ran) expect(isHeld.has(one)).toBe(false);
  const beyond = first.slice(waves[wave] ?? nodes);
  for (const { id: message } of beyond) expect(ran.has(message)).toBe(false);
  if (seen.state !== undefined && isEnded(seen.state)) expect(ran.size).toBeLessThanOrEqual(seen.released);
  if (state === "done" || state === "doneWithFailures")
    expect(counts.held + counts.queued + counts.received + counts.running + counts.unknown).toBe(0);
  if (isEnded(state) && (seen.state === undefined || !isEnded(seen.state))) {
    const never = counts.cancelled + counts.expired + counts.held;
    Object.assign(seen, {
      state,
      released: nodes - (state === "done" || state === "doneWithFailures" ? 0 : never) + counts.queued,
    });
    if (seen.released > nodes) seen.released = nodes;
  }
}

function harm(world: World, dice: ReturnType<typeof seededRandom>): void {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(dice.next() * list.length)] as T;
  const ship = shipOf(1 + Math.floor(dice.next() * NODES));
  const node = pick(["central", "central", ship]);
  const faults = {
    drop: dice.next() * 0.4,
    duplicate: dice.next() * 0.5,
    reorder: { share: dice.next(), within: 500 },
  };
  const kind = pick(["point", "point", "crash", "cut", "link"] as const);
  if (kind === "point" && world.isUp(node))
    world.crashAt(node, { at: pick(POINTS), nth: 1 + Math.floor(dice.next() * 12), keep: Math.floor(dice.next() * 3) });
  else if (kind === "crash" && world.isUp(node)) world.crash(node);
  else if (kind === "cut") world.cut(ship);
  else if (kind === "link") world.setFaults(ship, { in: faults, out: faults });
}

test.each(Array.from({ length: SEEDS }, (_, i) => i + 1))(
  "a job holds its promises under all faults, seed %i",
  async (seed) => {
    const dice = seededRandom(seed);
    const world = await fleet(NODES, seed);
    const plan = plans[seed % plans.length] ?? {};
    const { operations } = world.daemon("central");
    const ordered = { to: "all", subject: "command.work.os", data: { ms: 1_500 }, most: 100, ...plan };
    const { id } = await world.drive(operations.createJob(ordered));
    note(world, id);
    const seen: Seen = { state: undefined, released: NODES };
    for (let round = 0; round < 12; round++) {
      harm(world, dice);
      await world.advance(Math.floor(dice.next() * 4_000));
      look(world, id, seen);
      for (const node of world.nodes) {
        world.heal(node);
        if (!world.isUp(node)) await world.start(node);
        if (dice.next() < 0.5) world.setFaults(node, {});
      }
    }
    for (const node of world.nodes) {
      world.spare(node);
      world.setFaults(node, {});
      world.heal(node);
      if (!world.isUp(node)) await world.start(node);
    }
    const isOver = (): boolean => {
      const { state, counts } = job(world, id);
      if (state === "paused")
        void operationsOf(world)
          .steerJob(id, "promote")
          .catch(() =>
            operationsOf(world)
              .steerJob(id, "resume")
              .catch(() => undefined),
          );
      return isEnded(state) && counts.queued + counts.received + counts.running + counts.unknown === 0;
    };
    await world.until(isOver, "the job and its messages have ended", 1_800_000);
    look(world, id, seen);
    const runs = world.ledger.runs.map((run) => run.id);
    expect(runs.length).toBe(new Set(runs).size);
    await world.drained();
    const { lost, doubled, breaches } = judge(world);
    expect({ lost, doubled, breaches }).toEqual({ lost: [], doubled: [], breaches: [] });
    expect(world.faults).toEqual([]);
  },
);

function operationsOf(world: World) {
  return world.daemon("central").operations;
}
