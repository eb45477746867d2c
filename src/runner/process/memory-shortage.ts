import { readFileSync, writeFileSync } from "node:fs";

/**
 * With the runner goes the end of every command that it records, so it shall be the last that the kernel takes when
 * memory is short. Programs that it starts get back the rank that the runner had: commands are to be taken before it.
 * Needs the rights of root; without them all stays as it is.
 */
const LAST_TO_GO = "-900";
/** From -1000 (never) to 1000. */
const file = (pid: number | "self"): string => `/proc/${pid}/oom_score_adj`;
/** The runner's rank before; `undefined`: it has kept it. */
let before: string | undefined;

export function goLast(): void {
  try {
    const rank = readFileSync(file("self"), "utf8").trim();
    if (Number(rank) <= Number(LAST_TO_GO)) return;
    writeFileSync(file("self"), LAST_TO_GO);
    before = rank;
  } catch {
    // Not permitted, or no such kernel.
  }
}

export function goAsUsual(pid: number): void {
  if (before === undefined) return;
  try {
    writeFileSync(file(pid), before);
  } catch {
    // The program has ended already.
  }
}
