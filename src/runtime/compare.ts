import type { Outcome } from "../message/report.ts";
import type { Compared, Listed } from "./control.ts";
import type { Inbox } from "./journal/inbox.ts";

/** What became of commands that their origin believes to be here, by this node's own journal. */
export function compareHere(inbox: Inbox, origin: string, epoch: string, open: readonly Listed[]): Compared {
  const done: [string, Outcome][] = [];
  const lost: string[] = [];
  for (const [id, subject, seq] of open) {
    const fate = inbox.fate(id, { origin, epoch, subject, seq });
    if (fate === "lost") lost.push(id);
    else if (fate !== undefined) done.push([id, fate.outcome]);
  }
  return { done, lost };
}
