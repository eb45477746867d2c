import { appendFileSync } from "node:fs";
import { expect, onTestFailed, test } from "vitest";
import type { Random } from "../../../src/message/clock.ts";
import { PATIENCE } from "../../harness/eventually.ts";
import { seededRandom } from "../../harness/random.ts";
import type { Verdict } from "./checker.ts";

/**
 * One row of the table of faults, as a test. In the suite it has the size that fits there; `npm run soak` runs the same rows
 * at their full size, each within its share of the minutes, and collects what came of them.
 */
export interface Row<Size> {
  readonly number: number;
  /** What is done to the fleet. */
  readonly fault: string;
  readonly suite: Size;
  readonly full: Size;
  /** Why this machine cannot show it; it is skipped then, and said so. */
  readonly impossible?: string | undefined;
}

export interface Trial<Size> {
  readonly size: Size;
  readonly random: Random;
  /** Whether the time of this row is over: no more faults are begun then. Never in the suite. */
  over(): boolean;
  /** Lets this time pass, which decides where in the fleet's life the next fault strikes. */
  pass(ms: number): Promise<void>;
}

export interface Result {
  /** How often the fault struck. */
  readonly faults: number;
  readonly verdict: Verdict;
  /** What else was measured, for people. */
  readonly note?: string;
}

/** Set by scripts/soak.mjs. */
const soak =
  process.env.STEWARD_SOAK === undefined
    ? undefined
    : (JSON.parse(process.env.STEWARD_SOAK) as {
        minutes: number;
        rows: number[] | null;
        report: string;
      });
/** How much of the time of a soak each row gets: the kills need it most. */
const SHARES: Readonly<Record<number, number>> = { 1: 12, 4: 12, 28: 12, 9: 5, 5: 3, 7: 3, 13: 3 };
const USUAL = 2;
const ROWS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 16, 17, 18, 19, 28];
const shareOf = (number: number): number => SHARES[number] ?? USUAL;
const shares = (soak?.rows ?? ROWS).reduce((sum, number) => sum + shareOf(number), 0);
const seed = Number(process.env.STEWARD_SOAK_SEED ?? 20261122);
/** A fleet of real processes takes a moment to come, to drain and to go. */
const SLACK = 360_000 * PATIENCE;

export function row<Size>(row: Row<Size>, body: (trial: Trial<Size>) => Promise<Result>): void {
  const { number, fault, impossible } = row;
  const title = `row ${number}: ${fault}`;
  const wanted = soak?.rows?.includes(number) !== false;
  if (wanted && impossible !== undefined) {
    process.stderr.write(`\n*** NOT SHOWN, ${title}: ${impossible}\n\n`);
    report({ row: number, fault, skipped: impossible });
  }
  const ms = soak === undefined ? Number.POSITIVE_INFINITY : (soak.minutes * 60_000 * shareOf(number)) / shares;
  const timeout = soak === undefined ? 60_000 : ms + SLACK;
  test.skipIf(!wanted || impossible !== undefined)(title, { timeout }, async () => {
    const from = performance.now();
    const seconds = (): number => Math.round((performance.now() - from) / 1000);
    const trial: Trial<Size> = {
      size: soak === undefined ? row.suite : row.full,
      random: seededRandom(seed + number),
      over: () => performance.now() - from > ms,
      pass: (time) => new Promise((resolve) => setTimeout(resolve, time)),
    };
    // Also when its time is over.
    onTestFailed(({ task }) => {
      const [first] = task.result?.errors ?? [];
      report({ row: number, fault, seconds: seconds(), failed: first?.message.split("\n")[0] ?? "it failed" });
    });
    const result = await body(trial);
    report({ row: number, fault, seconds: seconds(), ...result, size: trial.size });
    expect(result.verdict.breaches, `seed ${seed}`).toEqual([]);
    expect(result.verdict, `seed ${seed}`).toMatchObject({ lost: 0, doubled: 0, disordered: 0 });
  });
}

function report(line: object): void {
  if (soak !== undefined) appendFileSync(soak.report, `${JSON.stringify({ seed, ...line })}\n`);
}
