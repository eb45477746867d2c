import { expect, test } from "vitest";
import { openJournal } from "../../../src/journal/journal.ts";
import { compareHere } from "../../../src/runtime/resync/compare-answer.ts";
import { accept } from "../../contract/accept.ts";
import { seededRandom } from "../../harness/random.ts";
import { WorldTime } from "../../harness/world/time.ts";
import { openMemoryStore } from "../../twins/memory-store.ts";

const ID = "01Q3DCBD004HDC6X25PA0XMY0E";
const REPORT = "01Q3DCBD004HDC6X25PA0XMY0F";
const SUBJECT = "ship1.command.shellcommand.os";
const HOME = "central.event.shellcommand.os";

test("an end whose report is on its way home is not told beside it: the report brings the output along", () => {
  const journal = openJournal(openMemoryStore(), {
    node: "ship1",
    path: "",
    clock: new WorldTime(),
    random: seededRandom(1),
  });
  const item = { id: ID, createdAt: 1, deliverBy: null, timeout: null, data: ["true"] };
  const frame = { origin: "central", epoch: "e", sentAt: 1, first: 1, acked: 0, items: [item] };
  accept(journal.inbox, frame, SUBJECT, 1, () => ({ kind: "take", deadline: null, start: true }));
  const listed = [[ID, SUBJECT, 1] as const];
  const { epoch } = journal;
  expect(compareHere(journal, "central", "e", listed)).toEqual({ epoch, done: [], lost: [] });

  const outcome = { state: "succeeded", at: 2 } as const;
  journal.inbox.finish(ID, outcome, "");
  const report = { ...item, id: REPORT, subject: HOME, origin: "ship1", data: outcome, inReplyTo: ID };
  journal.outbox.sending(HOME, journal.outbox.enqueue([report], false), 2);
  expect(compareHere(journal, "central", "e", listed)).toEqual({ epoch, done: [], lost: [] });

  // Who has acknowledged it and asks all the same went back to before it did.
  const ack = { node: "central", receiverEpoch: "c", sentAt: 3, last: 1, started: 0, upTo: 1, credit: 1, verdicts: [] };
  journal.outbox.acknowledge(HOME, { ...ack, epoch }, 3);
  expect(compareHere(journal, "central", "e", listed)).toEqual({ epoch, done: [[ID, outcome]], lost: [] });
});
