import type { JobDetail } from "../../runtime/operate/table/jobs.ts";
import { counted } from "./times.ts";

export type JobVerb = "start" | "approve" | "pause" | "resume" | "promote" | "abort" | "cancel";

type Counts = JobDetail["counts"];

/** The messages that were released and have not begun, as far as is known here. */
export const onTheWay = ({ queued, received }: Counts): number => queued + received;

/** The messages that run, or did when their nodes were heard last. */
export const running = ({ running: now, unknown }: Counts): number => now + unknown;

/** `ship1`, `ship1, ship2 and 3 more`. */
function someOf(names: readonly string[], all = names.length): string {
  const shown = names.slice(0, 3);
  return all > shown.length ? `${shown.join(", ")} and ${all - shown.length} more` : shown.join(", ");
}

/**
 * The consequences of a verb for a job of these counts. `to`: some of the nodes to which messages are on their way; `ended`: the job
 * has ended, and releases nothing anyway.
 */
export function jobVerbWords(verb: JobVerb, counts: Counts, to: readonly string[] = [], ended = false): string {
  const { held } = counts;
  const way = onTheWay(counts);
  const runs = running(counts);
  const itsHeld = held > 0 && `${held} that ${held === 1 ? "is" : "are"} held ${held === 1 ? "is" : "are"} cancelled`;
  const where = to.length === 0 ? "" : ` to ${someOf(to, way)}`;
  switch (verb) {
    case "start":
      return "its messages are released by its plan";
    case "approve":
      return "it is let go, and its messages are released by its plan";
    case "pause":
      return "nothing more is released until you resume it; what was released goes on";
    case "resume":
      return "messages are released again by its plan";
    case "promote":
      return "the next wave begins now, whatever the present one waits for";
    case "abort":
      return listed(
        "nothing more is released",
        itsHeld,
        way > 0 && `${way} already on ${way === 1 ? "its" : "their"} way${where} may still run`,
        runs > 0 && `${runs} that ${runs === 1 ? "runs goes" : "run go"} on`,
      );
    case "cancel":
      return listed(
        !ended && "nothing more is released",
        itsHeld,
        way > 0 && `${way} on ${way === 1 ? "its" : "their"} way${where} ${way === 1 ? "is" : "are"} taken back`,
        runs > 0 && `${runs} that ${runs === 1 ? "runs is" : "run are"} asked to end`,
      );
  }
}

function listed(...parts: readonly (string | false)[]): string {
  return parts.filter((part) => part !== false).join("; ");
}

/** The answers to the wish to take several messages back: `2 cancelled before they were sent, 1 too late`. */
export function answersInAll(texts: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const text of texts) {
    const [kind = ""] = text.split(": ");
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  const parts = [...counts].map(([kind, count]) => `${count} ${kind}`);
  return `${counted(texts.length, "answer")}: ${parts.join(", ")}`;
}
