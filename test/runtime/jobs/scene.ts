import type { JobCounts } from "../../../src/message/jobs/job.ts";
import type { JobDetail, JobOrderOf } from "../../../src/runtime/operate/table/jobs.ts";
import { settled } from "../../harness/world/sound.ts";
import { createWorld, type NodeOptions, type World } from "../../harness/world/world.ts";

/** A fleet of so many ships beside central, all of them heard: ship01, ship02, … */
export async function fleet(count: number, seed = 1, settings: NodeOptions = {}): Promise<World> {
  const names = Array.from({ length: count }, (_, i) => shipOf(i + 1));
  const nodes = Object.fromEntries([["central", settings], ...names.map((name) => [name, {}] as const)]);
  return await settled(await createWorld({ seed, nodes }));
}

export function shipOf(no: number): string {
  return `ship${String(no).padStart(2, "0")}`;
}

/** Orders a job at central and notes its messages as accepted. Returns its id. */
export async function order(world: World, more: Partial<JobOrderOf> = {}): Promise<string> {
  const { operations } = world.daemon("central");
  const job = await world.drive(
    operations.createJob({ to: "all", subject: "command.work.os", data: {}, most: 10_000, ...more }),
  );
  note(world, job.id);
  return job.id;
}

/** Notes the messages of a job as accepted. */
export function note(world: World, id: string): void {
  const known = new Set(world.accepted.map((line) => line.id));
  for (const one of world.daemon("central").operations.jobNodes(id))
    if (!known.has(one.id))
      world.accepted.push({ id: one.id, subject: `${one.node}.command.work.os`, origin: "central" });
}

export function job(world: World, id: string): JobDetail {
  return world.daemon("central").operations.job(id);
}

/** The counts that are not 0. */
export function counts(world: World, id: string): Partial<JobCounts> {
  return Object.fromEntries(
    Object.entries(job(world, id).counts).filter(([key, count]) => key in job(world, id).counts && count !== 0),
  );
}

/** The nodes behind each count, which must be as many as it says. */
export function lists(world: World, id: string): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const { kind, node } of world.daemon("central").operations.jobNodes(id))
    found[kind] = [...(found[kind] ?? []), node];
  return found;
}

/** Nodes on which the job began, in that order. */
export function ran(world: World): string[] {
  return world.ledger.runs.map(({ node }) => node);
}

export async function ended(world: World, id: string, state: JobDetail["state"], within = 120_000): Promise<void> {
  await world.until(() => job(world, id).state === state, `job is ${state}`, within);
}
