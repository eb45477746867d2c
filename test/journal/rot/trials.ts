import { appendFileSync } from "node:fs";
import type { Finding, Harm } from "./judge.ts";

/** `npm run rot` asks for more trials, and says where each is noted. */
const number = (name: string, otherwise: number): number => Number(process.env[name] ?? otherwise);
export const FLIPS = { daemon: number("STEWARD_ROT_DAEMONS", 20), core: number("STEWARD_ROT_FLIPS", 20) };
export const SEED = number("STEWARD_ROT_SEED", 1);
const REPORT = process.env.STEWARD_ROT_REPORT;

/** Tries them one after the other; resolves with what is objected to. */
export async function trials(
  suite: string,
  journal: { try(harm: Harm): Promise<Finding> },
  harms: readonly Harm[],
): Promise<string[]> {
  const objections: string[] = [];
  for (const harm of harms) {
    const finding = await journal.try(harm);
    const name = `${harm.file} ${harm.what}`;
    if (REPORT !== undefined) appendFileSync(REPORT, `${JSON.stringify({ suite, name, ...finding })}\n`);
    for (const text of [...finding.wrong, ...finding.lost.map((one) => `in silence: ${one}`)])
      objections.push(`${name}: ${text}`);
  }
  return objections;
}
