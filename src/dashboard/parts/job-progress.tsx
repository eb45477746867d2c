import type { JobDetail } from "../../runtime/operate/table/jobs.ts";
import { countLook } from "../text/looks.ts";

type Counts = JobDetail["counts"];

/** The counts of a job in the order in which a message passes them, those of its ends first. */
export const COUNTS = [
  "succeeded",
  "failed",
  "rejected",
  "expired",
  "cancelled",
  "unknown",
  "running",
  "received",
  "queued",
  "held",
] as const satisfies readonly (keyof Counts)[];

/** How far a job is: a bar of its counts, which its words say too. */
export function JobProgress({ counts, nodes }: { counts: Counts; nodes: number }) {
  const parts = COUNTS.filter((kind) => counts[kind] > 0);
  const words = parts.map((kind) => `${counts[kind]} ${countLook(kind).word}`).join(", ");
  let x = 0;
  return (
    <span class="progress" title={words}>
      <svg viewBox="0 0 1000 10" preserveAspectRatio="none" role="img" aria-label={`of ${nodes} nodes: ${words}`}>
        {parts.map((kind) => {
          const width = (counts[kind] / Math.max(1, nodes)) * 1000;
          const from = x;
          x += width;
          return <rect key={kind} class={`fill-${countLook(kind).tone}`} x={from} y="0" width={width} height="10" />;
        })}
      </svg>
      <span class="quiet">
        {nodes - counts.held - counts.queued - counts.received - counts.running - counts.unknown} of {nodes}
      </span>
    </span>
  );
}
