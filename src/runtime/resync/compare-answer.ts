import type { Inbox } from "../../journal/inbox.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Outbox } from "../../journal/outbox.ts";
import { replySubject } from "../../message/message.ts";
import type { Outcome } from "../../message/report.ts";
import { parseSubject } from "../../message/subject.ts";
import type { Compared, Listed } from "./compare-method.ts";

/** The fate of commands that their origin believes to be here, by this node's own journal. */
export function compareHere(
  { epoch: own, inbox, outbox }: Journal,
  origin: string,
  epoch: string,
  open: readonly Listed[],
): Compared {
  const done: [string, Outcome][] = [];
  const lost: string[] = [];
  const owed = new Map<string, ReadonlySet<string>>();
  for (const [id, subject, seq] of open) {
    const home = replySubject(parseSubject(subject), origin);
    const answers = owed.get(home) ?? answersOn(outbox, home);
    owed.set(home, answers);
    const outcome = fate(inbox, id, { origin, epoch, subject, seq });
    // An outcome that waits in the outbox tells the origin more: it brings the output along.
    if (outcome === undefined || answers.has(id)) continue;
    if (outcome === "lost" || outcome === "gone") lost.push(id);
    else done.push([id, outcome]);
  }
  return { epoch: own, done, lost };
}

/** The commands whose reports wait unacknowledged on a lane. */
function answersOn(outbox: Outbox, subject: string): ReadonlySet<string> {
  const lane = outbox.lanes.get(subject);
  if (lane === undefined || lane.acked === lane.next - 1) return new Set();
  const all = { count: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY, sizeOf: () => 0 };
  const waiting = outbox.take(subject, lane.acked + 1, all);
  return new Set(waiting.flatMap(({ message }) => message.inReplyTo ?? []));
}

/**
 * The fate of a command whose origin holds our ACK: its outcome; `lost`, if another journal of this node acknowledged it;
 * `gone`, if this journal has no record of it any more; `undefined` while it is open.
 */
export function fate(
  inbox: Inbox,
  id: string,
  { origin, epoch, subject, seq }: { origin: string; epoch: string; subject: string; seq: number },
): Outcome | "lost" | "gone" | undefined {
  if (inbox.find(id) !== undefined) return undefined;
  const done = inbox.done(id);
  if (done !== undefined) return done.outcome;
  const lane = inbox.lane(origin, epoch, subject);
  if (lane === undefined || seq > lane.last) return "lost";
  const verdict = lane.verdicts.find((given) => given.seq === seq);
  if (verdict !== undefined) return { state: verdict.state, at: lane.at, reason: verdict.reason };
  const dead = inbox.deadLetter(id);
  if (dead !== undefined) return { state: "failed", at: dead.at, reason: `dead letter: ${dead.reason}` };
  return lane.lost.some(([from, to]) => seq >= from && seq <= to) ? "lost" : "gone";
}
