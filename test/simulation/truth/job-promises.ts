import { BOUNDED, type Bounded, type JobState, readShare } from "../../../src/message/jobs/job.ts";
import type { State } from "../../../src/message/lifecycle.ts";
import type { JobVerb } from "../../../src/runtime/jobs/jobs.ts";
import type { PlannedJob } from "../script.ts";

/** What was seen of one job. Times are ms of simulated time. */
export interface Kept {
  readonly n: number;
  readonly order: PlannedJob;
  readonly to: readonly string[];
  readonly at: number;
  /** When its window opens and closes for the first time. */
  readonly window: readonly number[] | undefined;
  /** `didAt`: when the operator was told that it is done. */
  readonly asked: { readonly verb: JobVerb | "retry"; readonly at: number; didAt?: number }[];
  /** States that were on disk and shown at once. */
  readonly seen: { readonly at: number; readonly state: JobState }[];
  readonly attempts: { readonly group: string; readonly waves: readonly number[]; readonly ids: readonly string[] }[];
}

/** A message went into its lane; `link`: how central saw its node then. A release that a crash took back is told again. */
export interface Release {
  readonly id: string;
  readonly at: number;
  readonly link: string;
}

export interface End {
  readonly at: number;
  readonly state: State;
}

/** All that happened to messages of all jobs. */
export interface JobFacts {
  readonly releases: readonly Release[];
  readonly ends: ReadonlyMap<string, End>;
  readonly ran: ReadonlyMap<string, { readonly at: number; readonly method: string }>;
  readonly truthful: boolean;
  readonly undisturbed: boolean;
}

const DAY = 86_400_000;
/** What links and disks may add up to between a deadline and a start that it allowed, ms. */
const UNSEEN = 15_000;
const GO_ON: ReadonlySet<string> = new Set(["start", "approve", "resume", "promote", "retry"]);
const HALT: ReadonlySet<string> = new Set(["pause", "abort", "cancel"]);
const STILL: ReadonlySet<JobState> = new Set([
  "draft",
  "awaitingApproval",
  "paused",
  "done",
  "doneWithFailures",
  "aborted",
  "cancelled",
  "expired",
]);

/** The promises that a job broke, in words. */
export function promisesKept(job: Kept, facts: JobFacts): string[] {
  const own = new Set(job.attempts.flatMap(({ ids }) => ids));
  const releases = facts.releases.filter(({ id }) => own.has(id));
  return [
    ...stillStates(job, releases),
    ...halts(job, releases),
    ...waves(job, releases, facts),
    ...bounds(job, releases, facts),
    ...away(job, releases),
    ...(facts.truthful ? hours(job, releases, facts) : []),
    ...(facts.undisturbed ? pace(job, releases, facts) : []),
  ];
}

/** A job that is paused, waits for its start or has ended releases nothing until somebody lets it go on. */
function stillStates({ seen, asked }: Kept, releases: readonly Release[]): string[] {
  return seen.flatMap(({ at, state }) => {
    if (!STILL.has(state)) return [];
    const goesOn = asked.find((call) => GO_ON.has(call.verb) && call.at >= at)?.at ?? Number.POSITIVE_INFINITY;
    const found = releases.find((release) => release.at > at && release.at < goesOn);
    return found === undefined ? [] : [`it was ${state}, and released a message afterwards`];
  });
}

/** A job of which an operator was told that it is paused or ended releases nothing until somebody lets it go on, whatever crashes. */
function halts({ asked }: Kept, releases: readonly Release[]): string[] {
  return asked.flatMap(({ verb, didAt }, i) => {
    if (!HALT.has(verb) || didAt === undefined) return [];
    const goesOn = asked.slice(i + 1).find((call) => GO_ON.has(call.verb))?.at ?? Number.POSITIVE_INFINITY;
    const found = releases.find(({ at }) => at > didAt && at < goesOn);
    return found === undefined ? [] : [`its operator was told of a ${verb}, and it released a message afterwards`];
  });
}

/** A wave begins once the one before is released, has succeeded as its gate says, and has soaked; but for a promotion. */
function waves({ order, attempts, asked }: Kept, releases: readonly Release[], facts: JobFacts): string[] {
  const { soak = 0, gate = "", ifAway = "queue" } = order;
  return attempts.flatMap(({ waves: ends, ids }) =>
    ends.flatMap((end, wave) => {
      const [from, before] = [ends[wave - 1] ?? 0, ends[wave - 2] ?? 0];
      const first = firstOf(releases, ids.slice(from, end));
      if (wave === 0 || first === undefined) return [];
      if (asked.some(({ verb, at }) => verb === "promote" && at <= first)) return [];
      const earlier = ids.slice(before, from);
      const found: string[] = [];
      const left = earlier.filter((id) => !releasedBy(releases, id, first) && !endedBy(facts, id, first));
      if (left.length > 0) found.push(`wave ${wave + 1} began while ${left.length} of the one before were held`);
      const began = earlier.filter((id) => (facts.ran.get(id)?.at ?? Number.POSITIVE_INFINITY) <= first).length;
      const share = readShare(gate);
      const wanted = share === undefined ? 1 : Math.ceil((earlier.length * share.value) / 100);
      if (ifAway !== "skip" && order.subject.includes(".work.") && began < wanted)
        found.push(`wave ${wave + 1} began when ${began} of the one before had begun, ${wanted} are wanted`);
      const since = firstOf(releases, earlier) ?? 0;
      if (facts.truthful && first - since < soak)
        found.push(`wave ${wave + 1} began ${first - since} ms after the one before, its pause is ${soak} ms`);
      return found;
    }),
  );
}

/** Once more messages have ended in a way than may, nothing more is released until an operator has seen it. */
function bounds({ order, attempts, asked }: Kept, releases: readonly Release[], { ends }: JobFacts): string[] {
  const [only, another] = attempts;
  if (only === undefined || another !== undefined) return [];
  return BOUNDED.flatMap((kind) => {
    const most = mostOf(order, kind);
    if (most === undefined || kind === "unknown") return [];
    const bad = only.ids.flatMap((id) => {
      const end = ends.get(id);
      return end !== undefined && STATES[kind].includes(end.state) ? [end.at] : [];
    });
    const passed = bad.sort((a, b) => a - b)[most];
    if (passed === undefined) return [];
    const found = releases.find(({ at }) => at > passed);
    if (found === undefined || asked.some(({ verb, at }) => GO_ON.has(verb) && at <= found.at)) return [];
    return [`it released a message after ${most + 1} were ${kind}, at most ${most} may be`];
  });
}

const STATES: Readonly<Record<Bounded, readonly State[]>> = {
  failed: ["failed", "timedOut", "interrupted"],
  rejected: ["rejected"],
  expired: ["expired"],
  unknown: [],
};

function mostOf({ max = [], waves: planned }: PlannedJob, kind: Bounded): number | undefined {
  for (const text of max) {
    const [, named, most] = /^(\w+)=(\d+):/.exec(text) ?? [];
    if (named === kind) return Number(most);
  }
  return planned !== undefined && (kind === "failed" || kind === "rejected") ? 0 : undefined;
}

/** A node that is away is given nothing by a job that does not wait for it, or has a window. */
function away({ order, window }: Kept, releases: readonly Release[]): string[] {
  if (window === undefined && (order.ifAway ?? "queue") === "queue") return [];
  const found = releases.find(({ link }) => link === "offline" || link === "neverSeen");
  return found === undefined ? [] : [`${found.id} was released to a node that was ${found.link}`];
}

/** Nothing is released before the beginning, outside of the window or after the end; nothing begins later than that. */
function hours({ order, at, window, attempts, asked }: Kept, releases: readonly Release[], facts: JobFacts): string[] {
  const [{ ids = [] } = {}] = attempts;
  const begin = at + (order.beginsIn ?? 0) * 1_000;
  const over = order.overIn === undefined ? Number.POSITIVE_INFINITY : at + order.overIn * 1_000;
  const isRetried = asked.some(({ verb }) => verb === "retry");
  const found: string[] = [];
  for (const release of releases) {
    if (release.at < begin) found.push(`${release.id} was released before the job began`);
    if (release.at > over && !isRetried) found.push(`${release.id} was released after the job was over`);
    if (!isOpen(window, release.at, 0)) found.push(`${release.id} was released outside of the window`);
  }
  for (const id of isRetried ? [] : ids) {
    const run = facts.ran.get(id);
    if (run?.method !== "work") continue;
    if (run.at > over + UNSEEN) found.push(`${id} began after the job was over`);
    if (!isOpen(window, run.at, UNSEEN)) found.push(`${id} began outside of the window`);
  }
  return found;
}

function isOpen(window: readonly number[] | undefined, at: number, late: number): boolean {
  const [opens = 0, closes = DAY] = window ?? [];
  const since = (((at - opens) % DAY) + DAY) % DAY;
  return since <= closes - opens + late;
}

/** No more are under way than may be at once, and no more go in a minute. */
function pace({ order, attempts }: Kept, releases: readonly Release[], { ends }: JobFacts): string[] {
  const found: string[] = [];
  for (const { ids } of attempts) {
    const own = releases.filter(({ id }) => ids.includes(id));
    for (const { at } of own) {
      const underWay = own.filter((other) => other.at <= at && (ends.get(other.id)?.at ?? DAY) > at).length;
      if (underWay > (order.atOnce ?? DAY)) found.push(`${underWay} were under way, ${order.atOnce} may be at once`);
      const { rate } = order;
      const burst = Math.max(1, Math.ceil((rate ?? 0) / 60));
      const minute = own.filter((other) => other.at <= at && other.at > at - 60_000).length;
      if (rate !== undefined && minute > rate + burst) found.push(`${minute} went in a minute, ${rate} may`);
    }
  }
  return [...new Set(found)];
}

function firstOf(releases: readonly Release[], ids: readonly string[]): number | undefined {
  return releases.find(({ id }) => ids.includes(id))?.at;
}

function releasedBy(releases: readonly Release[], id: string, at: number): boolean {
  return releases.some((release) => release.id === id && release.at <= at);
}

function endedBy({ ends }: JobFacts, id: string, at: number): boolean {
  return (ends.get(id)?.at ?? Number.POSITIVE_INFINITY) <= at;
}
