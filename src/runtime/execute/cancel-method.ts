import { isId } from "../../message/id.ts";
import type { Json } from "../../message/message.ts";
import { checkObject } from "../../methods/check.ts";
import { answering, defineMethod, type Method } from "../../methods/define.ts";

/**
 * The answer of a node to a cancel: the command ends (`done`), has ended, has not come and will not start, or the sender may
 * not cancel it. `full`: the command has not come, and no more cancels of such commands are kept.
 */
export type CancelResult = "done" | "tooLate" | "notYetHere" | "refused" | "full";

/** An id may become a key of the journal, so no other text is accepted. */
function checkCancel(data: Json): void {
  checkObject(data, { id: "string" });
  if (!isId((data as { id: string }).id)) throw new Error("id: expected the id of a message");
}

const FULL = "it has not come yet, and this node keeps no more cancels of such commands: limits.earlyCancels";

export function cancelMethod(canceller: { cancel(id: string, by: string): CancelResult }): Method {
  return defineMethod({
    name: "cancel",
    summary: "Ends a command that waits or runs.",
    command: answering({
      check: checkCancel,
      answer: ({ data, origin }) => {
        const answer = canceller.cancel((data as { id: string }).id, origin);
        return answer === "full" ? { state: "failed", reason: FULL } : { state: "succeeded", result: { answer } };
      },
    }),
  });
}
