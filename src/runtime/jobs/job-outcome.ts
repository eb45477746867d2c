import type { JobRecord, JobStand } from "../../journal/records.ts";
import type { Errand } from "../../message/care/errand.ts";
import { BOUNDED, type Bounded, type JobCounts, type JobState } from "../../message/jobs/job.ts";
import { summarise } from "../../message/text/summary.ts";
import type { JobNodes } from "./job-nodes.ts";

/** Nodes of one kind that are named. */
const MOST_NAMED = 100;

const WORDS: Readonly<Partial<Record<JobState, string>>> = { doneWithFailures: "done with failures" };

/** The outcome of a whole job, for its reply: how its latest attempt ended, the counts, and the nodes on which it did not go well. */
export function jobOutcome(record: JobRecord, stand: JobStand, jobNodes: JobNodes, endedAt: number): Errand["body"] {
  const { id, at, by, target, subject, note } = record;
  const { state, cause, attempts } = stand;
  const counts = jobNodes.counts();
  const nodes: Record<Bounded, string[]> = { failed: [], rejected: [], expired: [], unknown: [] };
  if (BOUNDED.some((kind) => counts[kind] > 0))
    for (const { node, kind } of jobNodes.entries()) {
      const named = isBounded(kind) ? nodes[kind] : undefined;
      if (named !== undefined && named.length < MOST_NAMED) named.push(node);
    }
  const summary = summarise(jobNodes.group?.record.data ?? null);
  const all = (Object.entries(counts) as [keyof JobCounts, number][]).filter(([, count]) => count > 0);
  const told = all.map(([kind, count]) => `${count} ${kind}`).join(", ");
  return {
    ...{ id, state, cause, target, subject, summary, note, by, createdAt: at, endedAt },
    text: `job ${id} (${note === "" ? summary : note}) is ${WORDS[state] ?? state}: ${told}`,
    attempt: attempts.length,
    size: jobNodes.size,
    counts: { ...counts },
    nodes,
  };
}

function isBounded(kind: keyof JobCounts): kind is Bounded {
  return (BOUNDED as readonly string[]).includes(kind);
}
