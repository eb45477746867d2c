import { checkJournal } from "../../src/journal/check/check.ts";
import type { HeldGroup } from "../../src/journal/jobs/held-group.ts";
import type { Journal } from "../../src/journal/journal.ts";
import type { Store } from "../../src/journal/store/store.ts";
import { fate } from "../../src/runtime/resync/compare-answer.ts";
import { idOf, KEPT, KEYS, TAKEN } from "./story.ts";

function heldIn({ held }: Journal, group: HeldGroup) {
  return { record: group.record, members: held.members(group).map((one, i) => [...one, group.at(i), group.why(i)]) };
}

function jobsIn({ jobs }: Journal) {
  return [...jobs.ids].map((id) => ({ record: jobs.record(id), stand: jobs.stand(id) }));
}

/** All that a journal says of itself, verb by verb, as JSON. Takes what can be asked for only once. */
export function accountOf(journal: Journal, store: Store): unknown {
  const { outbox, inbox } = journal;
  const { counts, wrong, leftovers } = checkJournal(store);
  const bounds = { count: 1000, bytes: 1_000_000, sizeOf: () => 10 };
  const account = {
    epoch: journal.epoch,
    lanes: [...outbox.lanes.values()].map(({ no, subject, next, sent, acked, started, open, receiverEpoch }) => ({
      ...{ no, subject, next, sent, acked, started, open, receiverEpoch },
      owed: outbox.take(subject, acked + 1, bounds).map(({ seq, text, keep, skip, attempts }) => ({
        ...{ seq, text, keep, skip, attempts },
      })),
    })),
    sent: [...outbox.newest()].map(({ lane, record }) => {
      const { message, seq, attempts, outcome, cancelRequestedAt, cancelId, heardAt, skip } = record;
      return {
        ...{ message, seq, attempts, outcome, cancelRequestedAt, cancelId, heardAt, skip },
        state: outbox.stateOf(lane, record),
        life: outbox.history(lane, record),
        output: outbox.output(message.id),
      };
    }),
    open: ["ship1", "ship2"].map((node) => ({
      node,
      count: outbox.openCount(node),
      ids: [...outbox.openOn(node)].map(({ record }) => record.message.id),
    })),
    // Journals of the first version have none.
    held: journal.held.groups.length === 0 ? undefined : journal.held.groups.map((group) => heldIn(journal, group)),
    jobs: [...journal.jobs.ids].length === 0 ? undefined : jobsIn(journal),
    history: [...journal.notes.history()].length === 0 ? undefined : [...journal.notes.history()],
    pending: inbox.pending(),
    done: [...inbox.newestDone()],
    dead: inbox.dead(),
    taken: [
      inbox.lane("ship1", "e1", TAKEN.commands),
      inbox.lane("ship1", "e1", TAKEN.events),
      inbox.lane("ship1", "e2", TAKEN.events),
      inbox.lane("ship2", "e1", TAKEN.fast),
    ],
    laneCounts: [inbox.laneCount(), inbox.laneCount("ship1"), inbox.laneCount("ship2")],
    fates: [100, 103, 105].map(
      (n) =>
        inbox.done(idOf(n, n * 10)) ??
        fate(inbox, idOf(n, n * 10), { origin: "ship1", epoch: "e1", subject: TAKEN.commands, seq: 1 }) ??
        "open",
    ),
    lost: fate(inbox, idOf(199), { origin: "ship1", epoch: "e1", subject: TAKEN.events, seq: 5 }),
    cancelledEarly: [inbox.cancelledEarly(idOf(150, 1500)), inbox.cancelledEarly(idOf(151, 1510))],
    checkpoints: KEYS.checkpoints.map((key) => journal.checkpoint(key)),
    kept: journal.checkpoint(KEPT[0]) === undefined ? undefined : KEPT.map((key) => journal.checkpoint(key)),
    files: KEYS.taken.map((key) => journal.taken(key)),
    nodes: journal.nodes(),
    check: {
      ...counts,
      held: counts.held === 0 ? undefined : counts.held,
      owed: Object.fromEntries(counts.owed),
      wrong,
      leftovers,
    },
  };
  return JSON.parse(JSON.stringify(account));
}
