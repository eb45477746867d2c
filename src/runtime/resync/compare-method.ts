import type { Json } from "../../message/message.ts";
import type { Outcome } from "../../message/report.ts";
import { checkObject } from "../../methods/check.ts";
import { answering, defineMethod, type Method } from "../../methods/define.ts";

/** The method by which two nodes compare their records of the same commands. */
export const COMPARE = "compare";

/** A command as its origin lists it: id, subject, number on its lane. */
export type Listed = readonly [id: string, subject: string, seq: number];

/** Listed commands that have ended, and those of which this journal has no record. An open one is in neither list. */
export interface Compared {
  /** The journal that the answer was read from. */
  readonly epoch?: string;
  readonly done: readonly (readonly [id: string, outcome: Outcome])[];
  readonly lost: readonly string[];
}

export function compareMethod(compare: (origin: string, epoch: string, open: readonly Listed[]) => Compared): Method {
  return defineMethod({
    name: COMPARE,
    summary: "Says what became of commands that their origin believes to be here.",
    command: answering({
      check: (data) => {
        checkObject(data, { epoch: "string" });
        const { open } = data as { open?: Json };
        if (!Array.isArray(open) || !open.every(isListed)) throw new Error("open: expected a list of commands");
      },
      answer: ({ data, origin }) => {
        const { epoch, open } = data as unknown as { epoch: string; open: readonly Listed[] };
        return { state: "succeeded", result: compare(origin, epoch, open) as unknown as Json };
      },
    }),
  });
}

function isListed(entry: Json): boolean {
  if (!Array.isArray(entry) || entry.length !== 3) return false;
  const [id, subject, seq] = entry as readonly Json[];
  return typeof id === "string" && typeof subject === "string" && Number.isSafeInteger(seq);
}
