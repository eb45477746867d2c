import type { JobCounts, JobState } from "../../message/jobs/job.ts";
import { span, took } from "../../message/text/figures.ts";
import type { JobDetail, JobNode, JobView } from "../../runtime/operate/table/jobs.ts";
import type { Colour, Paint } from "./paint.ts";
import { messageState } from "./states.ts";
import { type Column, pairs, table } from "./table.ts";
import { counted, visible } from "./text.ts";
import { isoTime, type Times } from "./time.ts";

const LOOKS: Readonly<Record<JobState, readonly [symbol: string, word: string, colour: Colour]>> = {
  draft: ["·", "draft", "dim"],
  awaitingApproval: ["‖", "awaiting approval", "yellow"],
  scheduled: ["○", "scheduled", "cyan"],
  running: ["▶", "running", "cyan"],
  paused: ["‖", "paused", "yellow"],
  done: ["✓", "done", "green"],
  doneWithFailures: ["✗", "done with failures", "red"],
  aborted: ["✗", "aborted", "red"],
  cancelled: ["⊘", "cancelled", "yellow"],
  expired: ["⊖", "expired", "yellow"],
};

/** Counts in the order in which nodes pass them. */
const ORDER: readonly (keyof JobCounts)[] = [
  ...(["held", "queued", "received", "running", "unknown"] as const),
  ...(["succeeded", "failed", "rejected", "expired", "cancelled"] as const),
];

export function jobState(state: JobState, paint: Paint): string {
  const [symbol, word, colour] = LOOKS[state] ?? ["?", state, "dim"];
  return paint(colour, `${symbol} ${word}`);
}

/** `✓ 3 succeeded, ✗ 1 failed`; counts of 0 are left out. */
export function countsText(counts: JobCounts, paint: Paint): string {
  const parts = ORDER.flatMap((kind) =>
    counts[kind] === 0 ? [] : [messageState(kind, paint).replace(" ", ` ${counts[kind]} `)],
  );
  return parts.length === 0 ? "no node" : parts.join(", ");
}

/** One line that says how far a job has come, for a footer. */
export function progressText(
  {
    state,
    wave,
    waves,
    counts,
  }: Pick<JobView, "state" | "wave"> & { readonly waves: number; readonly counts: JobCounts },
  paint: Paint,
): string {
  const which = waves > 1 ? ` · wave ${wave + 1} of ${waves}` : "";
  return `${jobState(state, paint)}${which} · ${countsText(counts, paint)}`;
}

export function jobTable(jobs: readonly JobView[], times: Times, paint: Paint, columns?: number): string[] {
  const layout: readonly Column<JobView>[] = [
    { title: "JOB", cell: (job) => job.id },
    { title: "STATE", cell: (job) => jobState(job.state, paint) },
    { title: "SINCE", cell: (job) => times.at(job.since) },
    { title: "NODES", cell: (job) => String(job.nodes), align: "right" },
    { title: "COUNTS", cell: (job) => (job.counts === undefined ? "" : countsText(job.counts, paint)) },
    { title: "WHAT", cell: (job) => visible(job.note === "" ? job.summary : `${job.summary} (${job.note})`) },
  ];
  return table(jobs, layout, columns);
}

export function jobLines(job: JobDetail, times: Times, paint: Paint): string[] {
  const { plan, counts, waves, wave } = job;
  const ends = waves.map((end, i) => {
    const size = end - (waves[i - 1] ?? 0);
    return i === wave && (job.state === "running" || job.state === "paused") ? `[${size}]` : String(size);
  });
  const bounds = Object.entries(plan.bounds).map(
    ([kind, { most, unit, action }]) => `${kind} > ${most}${unit === "percent" ? " %" : ""}: ${action}`,
  );
  return [
    ...pairs([
      ["job", job.id],
      [
        "state",
        `${jobState(job.state, paint)}, ${times.at(job.since)}${job.cause === "" ? "" : `: ${visible(job.cause)}`}`,
      ],
      ["what", visible(job.summary)],
      ["subject", visible(job.subject)],
      ["target", `${visible(job.target)}, ${counted(job.nodes, "node")}`],
      ["note", visible(job.note)],
      ["ordered", `${times.at(job.createdAt)} by ${visible(job.by)}`],
      [
        "waves",
        waves.length > 1
          ? `${ends.join(" · ")} ${job.nodes - (waves.at(-2) ?? 0) === 1 ? "node" : "nodes"}${plan.soak > 0 ? `, ${span(plan.soak)} after each` : ""}`
          : undefined,
      ],
      ["gate", plan.gate === null ? undefined : `${plan.gate} % of a wave have to succeed`],
      ["stops", bounds.join(", ")],
      ["at once", plan.atOnce === null ? undefined : String(plan.atOnce)],
      ["rate", plan.rate === null ? undefined : `${plan.rate} in a minute`],
      ["begins", job.beginAt === null ? undefined : times.at(job.beginAt)],
      ["every", plan.every === null ? undefined : visible(plan.every)],
      [
        "hours",
        plan.window === null
          ? undefined
          : `${visible(plan.window)}${plan.zone === null ? "" : ` by the clocks of ${plan.zone === "node" ? "each node" : visible(plan.zone)}`}`,
      ],
      ["until", job.untilAt === null ? undefined : isoTime(job.untilAt)],
      ["reply", job.reply === undefined ? undefined : `each outcome to ${visible(job.reply.join(", "))}`],
      ["at its end", job.jobReply === undefined ? undefined : `one outcome to ${visible(job.jobReply.join(", "))}`],
      ["nodes", countsText(counts, paint)],
      ["stuck", job.stuck === undefined ? undefined : visible(job.stuck)],
    ]),
    ...job.holds.map(
      ({ reason, text, nodes }) =>
        `  ${counted(nodes, "node")} held (${reason})${text === "" ? "" : `: ${visible(text)}`}`,
    ),
    ...(job.attempts.length > 1
      ? [
          "",
          "ATTEMPTS",
          ...job.attempts.map(({ at, of, nodes }) => `  ${times.at(at)}  ${counted(nodes, "node")}: ${visible(of)}`),
        ]
      : []),
    ...(job.slowest.length > 0
      ? ["", "SLOWEST", ...job.slowest.map(({ node, took: ms }) => `  ${took(ms)}  ${visible(node)}`)]
      : []),
  ];
}

export function jobNodeTable(nodes: readonly JobNode[], paint: Paint, columns?: number): string[] {
  const layout: readonly Column<JobNode>[] = [
    { title: "NODE", cell: (one) => visible(one.node) },
    { title: "STATE", cell: (one) => messageState(one.kind === "unknown" ? "unknown" : one.state, paint) },
    { title: "TOOK", cell: (one) => (one.took === undefined ? "" : took(one.took)) },
    { title: "MESSAGE", cell: (one) => one.id },
    {
      title: "WHY",
      cell: (one) => visible(one.reason ?? (one.code === undefined || one.code === 0 ? "" : `exit ${one.code}`)),
    },
  ];
  return table(nodes, layout, columns);
}
