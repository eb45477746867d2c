import { isId } from "../message/id.ts";
import type { Json } from "../message/message.ts";
import { checkObject } from "../methods/check.ts";
import { defineMethod, type Method } from "../methods/define.ts";
import type { ProcessVerb } from "./operations.ts";

/**
 * Two methods of the daemon itself: what central may ask of a node beside its work. They run on lanes of their own, so
 * that a cancel never waits behind what it cancels.
 */
export const CONTROL_DOMAIN = "steward";
const VERBS: readonly string[] = ["ps", "start", "stop", "restart", "revive"];

export type CancelResult = "done" | "tooLate" | "notYetHere";

/** An id becomes a key of the journal, also of a command that has not come yet: nothing else may. */
function checkCancel(data: Json): void {
  checkObject(data, { id: "string" });
  if (!isId((data as { id: string }).id)) throw new Error("id: expected the id of a message");
}

export function cancelMethod(cancel: (id: string, by: string) => CancelResult): Method {
  return defineMethod({
    name: "cancel",
    summary: "Ends a command that waits or runs.",
    command: {
      idempotent: true,
      check: checkCancel,
      run: async ({ data, origin }) => ({
        state: "succeeded",
        result: { answer: cancel((data as { id: string }).id, origin) },
      }),
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
