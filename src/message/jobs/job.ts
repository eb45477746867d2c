/** The words of jobs: an operator's intention over many nodes. `actors/job.ts` has the machine of these states. */
export const JOB_STATES = [
  "draft",
  "awaitingApproval",
  "scheduled",
  "running",
  "paused",
  "done",
  "doneWithFailures",
  "aborted",
  "cancelled",
  "expired",
] as const;
export type JobState = (typeof JOB_STATES)[number];

const ENDED: ReadonlySet<JobState> = new Set(["done", "doneWithFailures", "aborted", "cancelled", "expired"]);

/** True for a state that a job leaves by another attempt alone. */
export function isEnded(state: JobState): boolean {
  return ENDED.has(state);
}

/** The ends of messages that are bounded, each counted by itself. */
export const BOUNDED = ["failed", "rejected", "expired", "unknown"] as const;
export type Bounded = (typeof BOUNDED)[number];
export const ACTIONS = ["pause", "abort", "continue"] as const;
export type BoundAction = (typeof ACTIONS)[number];
export const IF_AWAY = ["queue", "skip", "fail"] as const;
export type IfAway = (typeof IF_AWAY)[number];
/** The nodes of a job by what became of their messages, as the messages tell. */
export interface JobCounts {
  readonly held: number;
  /** On their way, and the node does not have them as far as is known. */
  readonly queued: number;
  readonly received: number;
  readonly running: number;
  /** Received or running on a node that is out of reach. */
  readonly unknown: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly rejected: number;
  readonly expired: number;
  readonly cancelled: number;
}

/** The nodes that another attempt is made on. */
export const RETRIED = ["failed", "notStarted", "unknown"] as const;
export type Retried = (typeof RETRIED)[number];

/** More ends of a kind than `most` are too many. */
export interface Bound {
  /** A number of nodes, or a share of the nodes of the job in percent. */
  readonly most: number;
  readonly unit: "nodes" | "percent";
  readonly action: BoundAction;
}

/** How and when the messages of a job are released. Times are ms since 1970, durations ms; `null`: there is no such bound. */
export interface JobPlan {
  /** The end of each wave as it was written: a number of nodes or a share of all of them. */
  readonly waves: readonly string[];
  /** Pause after each wave. */
  readonly soak: number;
  /** The share of a wave, in percent, that has to succeed before the next one begins; `null`: one node of it. */
  readonly gate: number | null;
  readonly bounds: Readonly<Partial<Record<Bounded, Bound>>>;
  /** Most nodes in reach that have a message of the job and have not ended it. */
  readonly atOnce: number | null;
  /** Most releases in a minute. */
  readonly rate: number | null;
  readonly ifAway: IfAway;
  readonly beginAt: number | null;
  /** A schedule of `message/schedule`, for a job that begins again. */
  readonly every: string | null;
  /** Hours of `message/schedule` in which messages may begin. */
  readonly window: string | null;
  /** The zone of schedule and window: `node` for that of each node, else an IANA name. */
  readonly zone: string | null;
  /** No message begins after it. */
  readonly until: number | null;
  readonly approval: boolean;
}

/** The share or number of one wave: `1`, `10%`. `undefined`: it is neither. */
export function readShare(text: string): { readonly value: number; readonly unit: "nodes" | "percent" } | undefined {
  const [, digits, percent] = /^(\d{1,7}(?:\.\d{1,3})?)(%?)$/.exec(text.trim()) ?? [];
  const value = Number(digits);
  if (digits === undefined || !(value > 0)) return undefined;
  if (percent === "%") return value <= 100 ? { value, unit: "percent" } : undefined;
  return Number.isSafeInteger(value) ? { value, unit: "nodes" } : undefined;
}

/** The fault of a plan of waves; `undefined`: each wave goes further than the one before it, and the last reaches all nodes. */
export function wavesFault(waves: readonly string[]): string | undefined {
  const last: { nodes?: number; percent?: number } = {};
  for (const text of waves) {
    const share = readShare(text);
    if (share === undefined) return `${text} is neither a number of nodes, as 5, nor a share of them, as 10%`;
    const before = last[share.unit];
    if (before !== undefined && share.value <= before)
      return `${text} does not go further than the wave before it; write where each wave ends, as 1,10%,50%,100%`;
    last[share.unit] = share.value;
  }
  return waves.at(-1)?.trim() === "100%" ? undefined : "the last wave does not reach all nodes; end with 100%";
}

/** The places at which the waves over so many nodes end, each behind the one before it; the last is `count`. */
export function waveEnds(waves: readonly string[], count: number): number[] {
  const ends: number[] = [];
  for (const text of waves) {
    const { value, unit } = readShare(text) ?? { value: 100, unit: "percent" };
    const end = Math.min(count, unit === "percent" ? Math.ceil((count * value) / 100) : value);
    if (end > (ends.at(-1) ?? 0)) ends.push(end);
  }
  if (ends.at(-1) !== count) ends.push(count);
  return ends;
}

/** `2 of 5`, from the place of a wave in its list. */
export function waveName(wave: number, waves: number): string {
  return `wave ${wave + 1} of ${waves}`;
}
