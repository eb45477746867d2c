import { join } from "node:path";
import type { Violation } from "./check.ts";
import { generate } from "./generate.ts";
import { type Played, play } from "./play.ts";
import { type Fault, readable, type Script } from "./script.ts";
import { shrink } from "./shrink.ts";

/** Many seeds, one after the other, and what they came to. */
export interface CampaignOptions {
  readonly first: number;
  readonly seeds: number;
  /** Beside central. */
  readonly nodes: number;
  readonly faults: readonly Fault[];
  /** Where the daemons of the simulation believe that their files are. */
  readonly directory: string;
  /** Ends with the first seed that fails. */
  readonly untilFailure?: boolean;
  readonly failed?: (failure: Failure) => void | Promise<void>;
  /** After each seed; false ends the campaign. */
  readonly goOn?: (total: Total) => boolean;
}

export interface Total {
  seeds: number;
  messages: number;
  ok: number;
  lost: number;
  doubled: number;
  unknown: number;
  violations: number;
}

export interface Failure {
  readonly script: Script;
  readonly violations: readonly Violation[];
}

export interface Campaign {
  readonly total: Total;
  readonly failures: readonly Failure[];
  /** Milliseconds of simulated time. */
  readonly simulated: number;
}

export async function campaign(options: CampaignOptions): Promise<Campaign> {
  const total: Total = { seeds: 0, messages: 0, ok: 0, lost: 0, doubled: 0, unknown: 0, violations: 0 };
  const failures: Failure[] = [];
  let simulated = 0;
  for (let seed = options.first; seed < options.first + options.seeds; seed++) {
    const script = generate(seed, options);
    const played = await playSafely(script, options.directory);
    simulated += played.simulated;
    total.seeds++;
    for (const count of ["messages", "ok", "lost", "doubled", "unknown"] as const) total[count] += played[count];
    total.violations += played.violations.length;
    if (played.violations.length > 0) {
      const failure = { script, violations: played.violations };
      failures.push(failure);
      await options.failed?.(failure);
      if (options.untilFailure === true) break;
    }
    if (options.goOn?.(total) === false) break;
  }
  return { total, failures, simulated };
}

/** What a daemon throws where nobody catches it is a violation of the run in which it was thrown. */
async function playSafely(script: Script, directory: string): Promise<Played> {
  const thrown: Violation[] = [];
  const note = (error: unknown): void => {
    thrown.push({ kind: "threw", text: `nobody caught: ${error instanceof Error ? error.stack : String(error)}` });
  };
  process.on("unhandledRejection", note);
  process.on("uncaughtException", note);
  try {
    const played = await play(script, join(directory, "world"));
    return { ...played, violations: [...thrown, ...played.violations] };
  } catch (error) {
    note(error);
    const none = { messages: 0, ok: 0, lost: 0, doubled: 0, unknown: 0, simulated: 0, fingerprint: "" };
    return { ...none, violations: thrown };
  } finally {
    process.off("unhandledRejection", note);
    process.off("uncaughtException", note);
  }
}

/** The shortest script found that fails in one of the ways in which this one failed. */
export async function shortened({ script, violations }: Failure, directory: string): Promise<Failure> {
  const wanted = new Set(violations.map(way));
  let found: Failure = { script, violations };
  await shrink(script, async (candidate) => {
    const played = await playSafely(candidate, directory);
    const same = played.violations.filter((violation) => wanted.has(way(violation)));
    if (same.length === 0) return false;
    found = { script: candidate, violations: same };
    return true;
  });
  return found;
}

/** How a run fails, whatever the ids and numbers. */
function way({ kind, text }: Violation): string {
  return `${kind} ${text.replace(/\b[0-9A-HJKMNP-TV-Z]{26}\b/g, "ID").replace(/\d+/g, "N")}`.slice(0, 80);
}

/** What a person needs to see it again. */
export function replay(
  { script: { seed } }: Failure,
  { nodes, faults }: Pick<CampaignOptions, "nodes" | "faults">,
): string {
  return `npm run simulate -- --seed ${seed} --seeds 1 --nodes ${nodes} --faults ${faults.join(",")}`;
}

export function story({ script, violations }: Failure): string {
  const told = violations.map(({ kind, text }) => `  ${kind}: ${text}`);
  return [...told, `  central and ${script.nodes.join(", ")}:`, ...readable(script).map((line) => `  ${line}`)].join(
    "\n",
  );
}
