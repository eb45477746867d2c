import type { Journal } from "../../journal/journal.ts";
import { endOf, isFinalState } from "../../message/lifecycle.ts";
import { receiverOf } from "../../message/subject.ts";
import type { Word } from "./vouch-method.ts";

/**
 * The facts that this journal learned from the journal of a node. A node tells a fact once it is durable: a journal that
 * lacks a fact that it told was rolled back to an earlier state.
 */
export function wordFor(journal: Journal, node: string, epoch: string, ids: Word["ids"]): Word {
  const { epoch: own, ancestors, outbox, inbox } = journal;
  const acked: [string, number][] = [];
  const was = new Map<string, [string, number][]>(ancestors.map((earlier) => [earlier, []]));
  for (const { subject, acked: last, base = 0, receiverEpoch, given = [] } of outbox.lanes.values()) {
    if (receiverOf(subject) !== node) continue;
    if (receiverEpoch === epoch && last > base) acked.push([subject, last]);
    for (const [earlier, upTo] of given) was.get(earlier)?.push([subject, upTo]);
  }
  const had = inbox.lanesOf(node, epoch).map(({ subject, last, lastId = null }) => [subject, last, lastId] as const);
  const begun: string[] = [];
  const ended: string[] = [];
  const disowned: string[] = [];
  for (const id of ids) {
    const found = outbox.find(id);
    if (found === undefined || receiverOf(found.lane.subject) !== node) {
      disowned.push(id);
      continue;
    }
    const { lane, record } = found;
    const state = outbox.stateOf(lane, record);
    if (isFinalState(state)) {
      (endOf(record.life)?.by === node ? ended : disowned).push(id);
      // `started` in the ACK covers commands that are recorded as running but may not have started: it proves nothing.
    } else if (state === "running" && record.seq > lane.started) begun.push(id);
  }
  const word = { epoch: own, ids, acked, had, begun, ended, disowned };
  return was.size === 0 ? word : { ...word, was: [...was] };
}

/** The proof, in words, that this journal was rolled back to an earlier state; `undefined`: the word holds none. */
export function contradiction(journal: Journal, origin: string, word: Word): string | undefined {
  const { inbox } = journal;
  const pending = (id: string) => inbox.find(id);
  const ran = word.ended.some(pending) || word.begun.some((id) => pending(id)?.state === "received");
  if (ran) return `${origin} was told of commands that ran, and it does not know that they did`;
  for (const [subject, seq] of word.acked)
    if ((inbox.lane(origin, word.epoch, subject)?.last ?? 0) < seq)
      return `${origin} holds its ACK for messages that it does not know`;
  for (const [subject, seq, id] of word.had)
    if (!gave(journal, subject, seq, id)) return `${origin} has more of what this node sends than its journal knows of`;
  return undefined;
}

/** True if this journal gave that number of a lane to that message. */
function gave({ outbox }: Journal, subject: string, seq: number, id: string | null): boolean {
  const lane = outbox.lanes.get(subject);
  if (lane === undefined || outbox.isBehind(subject, { last: seq })) return false;
  if (seq <= lane.acked || id === null) return true;
  return outbox.take(subject, seq, { count: 1, bytes: 1, sizeOf: () => 1 })[0]?.message.id === id;
}
