import { isId } from "../../message/id.ts";
import type { Json } from "../../message/message.ts";
import type { Outcome } from "../../message/report.ts";
import { checkObject } from "../../methods/check.ts";
import { defineMethod, type Method } from "../../methods/define.ts";
import type { ProcessVerb } from "../operate/operations.ts";

/**
 * Methods of the daemon itself: what an origin may ask of a node beside its work. They run on lanes of their own, so
 * that a cancel never waits behind what it cancels.
 */
export const CONTROL_DOMAIN = "steward";
const VERBS: readonly string[] = ["ps", "start", "stop", "restart", "revive"];

/** The method by which two nodes compare what they think of the same commands. */
export const COMPARE = "compare";

/** A command as its origin lists it: id, subject, number on its lane. */
export type Listed = readonly [id: string, subject: string, seq: number];

/** Which of the listed have ended, and of which nothing is known here. Nothing is said of those that are still open. */
export interface Compared {
  readonly done: readonly (readonly [id: string, outcome: Outcome])[];
  readonly lost: readonly string[];
}

/** What a node says to a cancel: it ends, it had ended, it will not start should it come, or it may not. */
/** `full`: it has not come, and no more cancels of such are kept. */
export type CancelResult = "done" | "tooLate" | "notYetHere" | "refused" | "full";

/** An id becomes a key of the journal, also of a command that has not come yet: nothing else may. */
function checkCancel(data: Json): void {
  checkObject(data, { id: "string" });
  if (!isId((data as { id: string }).id)) throw new Error("id: expected the id of a message");
}

const FULL = "it has not come yet, and this node keeps no more cancels of such commands: limits.earlyCancels";

export function cancelMethod(cancel: (id: string, by: string) => CancelResult): Method {
  return defineMethod({
    name: "cancel",
    summary: "Ends a command that waits or runs.",
    command: {
      idempotent: true,
      check: checkCancel,
      run: async ({ data, origin }) => {
        const answer = cancel((data as { id: string }).id, origin);
        return answer === "full" ? { state: "failed", reason: FULL } : { state: "succeeded", result: { answer } };
      },
    },
  });
}

export function processMethod(act: (verb: "ps" | ProcessVerb, subject: string) => Promise<Json>): Method {
  return defineMethod({
    name: "process",
    summary: "Lists, starts, stops, restarts or revives processes.",
    command: {
      check: (data) => checkObject(data, { verb: VERBS, subject: "string" }),
      run: async ({ data }) => {
        const { verb, subject } = data as { verb: "ps" | ProcessVerb; subject: string };
        try {
          return { state: "succeeded", result: await act(verb, subject) };
        } catch (error) {
          return { state: "failed", reason: error instanceof Error ? error.message : String(error) };
        }
      },
    },
  });
}

export function compareMethod(compare: (origin: string, epoch: string, open: readonly Listed[]) => Compared): Method {
  return defineMethod({
    name: COMPARE,
    summary: "Says what became of commands that their origin believes to be here.",
    command: {
      idempotent: true,
      check: (data) => {
        checkObject(data, { epoch: "string" });
        const { open } = data as { open?: Json };
        if (!Array.isArray(open) || !open.every(isListed)) throw new Error("open: expected a list of commands");
      },
      run: async ({ data, origin }) => {
        const { epoch, open } = data as unknown as { epoch: string; open: readonly Listed[] };
        return { state: "succeeded", result: compare(origin, epoch, open) as unknown as Json };
      },
    },
  });
}

function isListed(entry: Json): boolean {
  if (!Array.isArray(entry) || entry.length !== 3) return false;
  const [id, subject, seq] = entry as readonly Json[];
  return typeof id === "string" && typeof subject === "string" && Number.isSafeInteger(seq);
}
