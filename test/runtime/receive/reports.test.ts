import { expect, test } from "vitest";
import { openJournal } from "../../../src/journal/journal.ts";
import { Announcer } from "../../../src/observe/announce.ts";
import { Happenings } from "../../../src/observe/happenings.ts";
import { Counters } from "../../../src/observe/metrics/counters.ts";
import { Reports } from "../../../src/runtime/receive/reports.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { listLog } from "../../harness/list-log.ts";
import { seededRandom } from "../../harness/random.ts";
import { emptyDisk, openMemoryStore } from "../../twins/memory-store.ts";

const ID = "01Q3DCBD00ZZZZZZZZZZZZZZZZ";

test("a second, different end of a command is an alert and counts nothing: the first one stands", async () => {
  const clock = new SimulatedClock();
  const log = listLog();
  const counters = new Counters(log, clock);
  const random = seededRandom(1);
  const journal = openJournal(openMemoryStore(emptyDisk()), { node: "central", path: "", clock, random });
  const alerts: string[][] = [];
  const failures = { report: (code: string, text: string) => void alerts.push([code, text]) };
  const happenings = new Happenings(log);
  const config = () => ({ node: "central" });
  const reports = new Reports({
    journal,
    counters,
    clock,
    failures,
    fleet: { work: () => undefined },
    announce: new Announcer({ counters, happenings, clock, config }),
  });
  const subject = "ship1.command.shellcommand.os";
  const message = { id: ID, subject, origin: "central", createdAt: 1, deliverBy: null, timeout: null, data: null };
  const records = journal.outbox.enqueue([message], true);
  journal.outbox.sending(subject, records, 2);

  const told: (() => void)[] = [];
  expect(reports.fold(ID, "ship1", { state: "succeeded", at: 10, startedAt: 5 }, told)).toBe(true);
  expect(reports.fold(ID, "ship1", { state: "succeeded", at: 10, startedAt: 5 }, told)).toBe(true);
  expect(alerts).toEqual([]);
  expect(reports.fold(ID, "ship1", { state: "interrupted", at: 20, startedAt: 5, reason: "it died" }, told)).toBe(true);
  expect(alerts).toEqual([["conflict", `ship1 reported a second, different end of ${ID}: interrupted`]]);
  expect(counters.outcomes).toMatchObject({ succeeded: 1, interrupted: 0 });
  const found = journal.outbox.find(ID);
  if (found === undefined) throw new Error("it is gone");
  const life = journal.outbox.history(found.lane, found.record);
  expect(life).toMatchObject({
    state: "succeeded",
    conflict: { state: "interrupted", by: "ship1", reason: "it died" },
  });
  expect(found.record).toMatchObject({ outcome: { state: "succeeded" }, heardAt: clock.now() });
  counters.stop();
  await journal.close();
});
