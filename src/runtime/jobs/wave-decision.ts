import type { JobStand } from "../../journal/records.ts";
import { BOUNDED, type Bound, type Bounded, type JobCounts, type JobPlan, waveName } from "../../message/jobs/job.ts";

/** The facts that a decision about a job that runs is made from. */
export interface JobSight {
  readonly counts: JobCounts;
  /** Nodes of the job. */
  readonly size: number;
  /** True when each message of each attempt has ended, but for those that a later attempt stands in for. */
  readonly allEnded: boolean;
  /** The wave that runs: its nodes, and those of them that are held, open in reach, open out of reach, or have succeeded. */
  readonly wave: {
    readonly size: number;
    readonly held: number;
    readonly open: number;
    readonly away: number;
    readonly succeeded: number;
    readonly skipped: number;
  };
  readonly waves: number;
  readonly now: number;
  /** The rest of the pause after this wave, ms; `undefined`: the pause has not begun. */
  readonly soakLeft: number | undefined;
}

export type Step =
  | { readonly kind: "pause" | "abort" | "wave" | "finish" | "finishWithFailures"; readonly cause: string }
  | { readonly kind: "waveEnded" }
  | { readonly kind: "wait"; readonly ms?: number };

/** The next step of a job that runs or is paused, as it follows from what became of its messages. */
export function decide(plan: JobPlan, stand: Pick<JobStand, "state" | "wave" | "allowed">, sight: JobSight): Step {
  const { counts, wave, waves } = sight;
  if (sight.allEnded) return finish(counts);
  if (stand.state !== "running") return { kind: "wait" };
  const exceeded = BOUNDED.flatMap((kind) => overBound(kind, plan.bounds[kind], counts, stand, sight.size) ?? [])[0];
  if (exceeded !== undefined) return exceeded;
  if (stand.wave + 1 >= waves) return { kind: "wait" };
  const name = waveName(stand.wave, waves);
  const wanted = plan.gate === null ? 1 : Math.ceil(((wave.size - wave.skipped) * plan.gate) / 100);
  const isEnough = wave.succeeded >= wanted || wave.skipped === wave.size;
  // A gate that is passed lets the next wave begin before the slowest have ended; without one, all in reach must have.
  const isOver = wave.held === 0 && (wave.open === 0 || (plan.gate !== null && isEnough));
  if (!isOver) return { kind: "wait" };
  if (!isEnough && wave.away > 0 && wave.succeeded + wave.away >= wanted) return { kind: "wait" };
  if (!isEnough) {
    const share = plan.gate === null ? "one is wanted" : `${plan.gate} % are wanted`;
    return { kind: "pause", cause: `${name}: ${wave.succeeded} of ${wave.size} have succeeded, ${share}` };
  }
  if (sight.soakLeft === undefined) return { kind: "waveEnded" };
  if (sight.soakLeft > 0) return { kind: "wait", ms: sight.soakLeft };
  return { kind: "wave", cause: `${name} is over` };
}

function finish(counts: JobCounts): Step {
  const bad = BOUNDED.filter((kind) => counts[kind] > 0).map((kind) => `${counts[kind]} ${kind}`);
  return bad.length === 0
    ? { kind: "finish", cause: "the last message has ended" }
    : { kind: "finishWithFailures", cause: `the last message has ended: ${bad.join(", ")}` };
}

function overBound(
  kind: Bounded,
  bound: Bound | undefined,
  counts: JobCounts,
  { allowed }: Pick<JobStand, "allowed">,
  size: number,
): Step | undefined {
  if (bound === undefined || bound.action === "continue") return undefined;
  const most = bound.unit === "percent" ? (size * bound.most) / 100 : bound.most;
  const count = counts[kind];
  // Ends that an operator has seen count again once there are more of them.
  if (count <= Math.max(most, allowed[kind] ?? 0)) return undefined;
  const text = `${bound.most}${bound.unit === "percent" ? " %" : ""}`;
  return { kind: bound.action, cause: `${count} ${kind}, at most ${text} may be` };
}
