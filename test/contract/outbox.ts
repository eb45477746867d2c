import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Journal } from "../../src/journal/journal.ts";
import type { FinalState, State } from "../../src/message/lifecycle.ts";
import type { OutputPart, Report } from "../../src/message/report.ts";
import { ackOf, COMMANDS, EVENTS, idOf, message, NODE, type Scene, START, scene, sendAll, take } from "./journal.ts";
import type { StoreHost } from "./store.ts";

const stateOf = (journal: Journal, n: number): State | undefined => {
  const found = journal.outbox.find(idOf(n));
  return found && journal.outbox.stateOf(found.lane, found.record);
};
const states = (journal: Journal, ...numbers: number[]): (State | undefined)[] =>
  numbers.map((n) => stateOf(journal, n));
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** A scene whose lane holds `count` messages, all of them sent. */
function sent(make: () => StoreHost, count: number, subject = COMMANDS, keep = true): Scene {
  const it = scene(make);
  it.journal.outbox.enqueue(
    range(1, count).map((n) => message(n, subject)),
    keep,
  );
  sendAll(it.journal, subject);
  return it;
}

/** What is owed to others, whatever store is below it. */
export function describeOutbox(name: string, make: () => StoreHost): void {
  describe(`the outbox ${name}`, () => {
    describe("a lane", () => {
      it("numbers its messages from 1 on, each lane by itself, and gives them back in order", async () => {
        const { journal, restart } = scene(make);
        const records = journal.outbox.enqueue([message(1), message(2, EVENTS), message(3)], true);
        expect(records.map(({ seq }) => seq)).toEqual([1, 1, 2]);
        const check = (now: Journal): void => {
          expect(take(now, COMMANDS).map(({ message: { id } }) => id)).toEqual([idOf(1), idOf(3)]);
          expect(take(now, COMMANDS, 2).map(({ message }) => message)).toEqual([message(3)]);
          expect(take(now, EVENTS)).toHaveLength(1);
          expect(take(now, "ship9.command.m.d")).toEqual([]);
          expect(now.outbox.lanes.get(COMMANDS)).toMatchObject({ next: 3, sent: 0, acked: 0 });
        };
        check(journal);
        check(await restart());
      });

      it("is cut into batches by count and bytes, never into an empty one", () => {
        const { journal } = scene(make);
        journal.outbox.enqueue(
          range(1, 9).map((n) => message(n)),
          true,
        );
        const cut = (from: number, count: number, bytes: number): number =>
          journal.outbox.take(COMMANDS, from, { count, bytes, sizeOf: () => 10 }).length;
        expect([
          cut(1, 4, 1000),
          cut(1, 100, 35),
          cut(1, 100, 30),
          cut(1, 100, 5),
          cut(9, 100, 100),
          cut(10, 100, 100),
        ]).toEqual([4, 3, 3, 1, 1, 0]);
      });

      it("never gives a number twice, restarted or cut off, once it could have been on the wire", async () => {
        const { journal, restart, crash } = scene(make);
        journal.outbox.enqueue([message(1), message(2)], true);
        await journal.flushed();
        expect((await crash()).outbox.enqueue([message(3)], true)[0]?.seq).toBe(3);
        // Not flushed, so nobody was told, and nothing was sent.
        expect((await crash()).outbox.enqueue([message(4)], true)[0]?.seq).toBe(3);
        const now = await restart();
        sendAll(now, COMMANDS);
        now.outbox.acknowledge(COMMANDS, ackOf(now, 3), START);
        now.sweep(START * 2, 100);
        expect((await restart()).outbox.enqueue([message(5)], true)[0]?.seq).toBe(4);
      });

      it("of another subject gets another place, also after a restart", async () => {
        const { journal, restart } = scene(make);
        journal.outbox.enqueue([message(1, "ship1.event.m.a"), message(2, "ship1.event.m.b")], true);
        const now = await restart();
        now.outbox.enqueue([message(3, "ship1.event.m.c")], true);
        for (const subject of ["ship1.event.m.a", "ship1.event.m.b", "ship1.event.m.c"])
          expect(take(now, subject)).toHaveLength(1);
        expect(new Set([...now.outbox.lanes.values()].map(({ no }) => no)).size).toBe(3);
      });

      it("says that it is damaged when a number is missing, instead of skipping it", async () => {
        const life = scene(make);
        for (const n of range(1, 3)) {
          life.journal.outbox.enqueue([message(n)], true);
          await life.journal.flushed();
        }
        const now = await life.restart();
        life.store.remove("out", [1, 2]);
        expect(() => take(now, COMMANDS)).toThrow(expect.objectContaining({ code: "journal-failed" }));
        expect(take(now, COMMANDS, 3)).toHaveLength(1);
      });
    });

    describe("the state of a message", () => {
      it("is read off the lane: queued, sent, received, running", async () => {
        const { journal, crash } = scene(make);
        journal.outbox.enqueue(
          range(1, 4).map((n) => message(n)),
          true,
        );
        expect(states(journal, 1, 2, 3, 4)).toEqual(["queued", "queued", "queued", "queued"]);
        journal.outbox.sending(COMMANDS, take(journal, COMMANDS).slice(0, 3), START);
        expect(states(journal, 1, 2, 3, 4)).toEqual(["sent", "sent", "sent", "queued"]);
        const { received } = journal.outbox.acknowledge(COMMANDS, ackOf(journal, 2, { started: 1 }), START);
        expect(received.map(({ seq }) => seq)).toEqual([1, 2]);
        expect(states(journal, 1, 2, 3, 4)).toEqual(["running", "received", "sent", "queued"]);
        // What may wait goes with what may not.
        journal.outbox.enqueue([message(5)], true);
        await journal.flushed();
        expect(states(await crash(), 1, 2, 3, 4, 5)).toEqual(["running", "received", "sent", "queued", "queued"]);
      });

      it("of an event is received and no more", () => {
        const { journal } = sent(make, 2, EVENTS);
        journal.outbox.acknowledge(EVENTS, ackOf(journal, 1, { started: 1 }), START);
        expect(states(journal, 1, 2)).toEqual(["received", "sent"]);
      });

      it("changes once for many reports of the same, and says so", () => {
        const { journal } = scene(make);
        journal.outbox.enqueue([message(1)], true);
        sendAll(journal, COMMANDS);
        journal.outbox.acknowledge(COMMANDS, ackOf(journal, 1), START);
        const running: Report = { state: "running", at: START + 5, startedAt: START + 5 };
        const ended: Report = { state: "succeeded", at: START + 9, startedAt: START + 5 };
        const changed = [running, running, ended, ended].map(
          (report) => journal.outbox.report(idOf(1), "ship1", report)?.changed,
        );
        expect(changed).toEqual([true, false, true, false]);
        expect(journal.outbox.find(idOf(1))?.record.life?.history.map(({ state }) => state)).toEqual([
          "queued",
          "sent",
          "received",
          "running",
          "succeeded",
        ]);
      });

      it("has a history with its times", () => {
        const { journal } = scene(make);
        journal.outbox.enqueue([message(1)], true);
        sendAll(journal, COMMANDS, START + 50);
        journal.outbox.acknowledge(COMMANDS, { ...ackOf(journal, 1), sentAt: START + 60 }, START + 65);
        journal.outbox.report(idOf(1), "ship1", { state: "running", at: START + 70, startedAt: START + 70 });
        journal.outbox.report(idOf(1), "ship1", {
          state: "failed",
          at: START + 90,
          startedAt: START + 70,
          code: 3,
          reason: "exit 3",
        });
        const found = journal.outbox.find(idOf(1));
        if (found === undefined) throw new Error("it is gone");
        const life = journal.outbox.history(found.lane, found.record);
        expect(life.state).toBe("failed");
        expect(life.history.map(({ state, at, by }) => `${state} ${at - START} ${by}`)).toEqual([
          `queued 1 ${NODE}`,
          `sent 50 ${NODE}`,
          "received 60 ship1",
          "running 70 ship1",
          "failed 90 ship1",
        ]);
        expect(found.record.outcome).toMatchObject({ code: 3, reason: "exit 3" });
        expect(found.record.attempts).toBe(1);
      });
    });

    describe("an ACK", () => {
      it("is cumulative, may be late, doubled or for a lane that does not exist", () => {
        const { journal } = sent(make, 6);
        const acked = (last: number): (number | undefined)[] => {
          const { received } = journal.outbox.acknowledge(COMMANDS, ackOf(journal, last), START);
          return [...received.map(({ seq }) => seq), journal.outbox.lanes.get(COMMANDS)?.acked];
        };
        expect(acked(2)).toEqual([1, 2, 2]);
        expect(acked(2)).toEqual([2]);
        expect(acked(1)).toEqual([2]);
        expect(acked(0)).toEqual([2]);
        expect(acked(5)).toEqual([3, 4, 5, 5]);
        expect(journal.outbox.acknowledge("ship9.command.m.d", ackOf(journal, 3), START)).toEqual({
          received: [],
          decided: [],
        });
      });

      it("for more than was ever sent moves the lane no further than that", () => {
        const { journal } = sent(make, 3);
        journal.outbox.enqueue([message(4)], true);
        journal.outbox.acknowledge(COMMANDS, ackOf(journal, 900, { started: 900 }), START);
        expect(journal.outbox.lanes.get(COMMANDS)).toMatchObject({ acked: 3, started: 3, sent: 3, next: 5 });
        expect(stateOf(journal, 4)).toBe("queued");
      });

      it("that is old takes back nothing, whichever journal of the receiver it comes from", () => {
        const { journal } = sent(make, 5);
        journal.outbox.acknowledge(COMMANDS, ackOf(journal, 5, { started: 4, receiverEpoch: "r2" }), START);
        journal.outbox.acknowledge(COMMANDS, ackOf(journal, 2, { started: 1, receiverEpoch: "r1" }), START);
        expect(journal.outbox.lanes.get(COMMANDS)).toMatchObject({ acked: 5, started: 4 });
        expect(states(journal, 1, 4, 5)).toEqual(["running", "running", "received"]);
      });

      it("brings final states that were decided at the door, once", async () => {
        const { journal, crash } = sent(make, 3);
        const verdicts = [
          { seq: 2, state: "rejected" as const, reason: "not allowed" },
          { seq: 3, state: "expired" as const, reason: "too late" },
        ];
        const { received, decided } = journal.outbox.acknowledge(COMMANDS, ackOf(journal, 3, { verdicts }), START + 5);
        expect(received.map(({ seq }) => seq)).toEqual([1, 2, 3]);
        expect(decided.map(({ outcome }) => outcome)).toEqual([
          { state: "rejected", at: START + 5, reason: "not allowed" },
          { state: "expired", at: START + 5, reason: "too late" },
        ]);
        expect(journal.outbox.acknowledge(COMMANDS, ackOf(journal, 3, { verdicts }), START + 9).decided).toEqual([]);
        await journal.flushed();
        const now = await crash();
        expect(states(now, 1, 2, 3)).toEqual(["received", "rejected", "expired"]);
        expect(now.outbox.openCount("ship1")).toBe(1);
      });

      it("may bring its verdicts again after the lane had moved on without them", () => {
        const { journal } = sent(make, 2);
        journal.outbox.acknowledge(COMMANDS, ackOf(journal, 2), START);
        const { decided } = journal.outbox.acknowledge(
          COMMANDS,
          ackOf(journal, 2, { verdicts: [{ seq: 1, state: "rejected", reason: "no" }] }),
          START,
        );
        expect(decided.map(({ seq }) => seq)).toEqual([1]);
        expect([stateOf(journal, 1), journal.outbox.openCount("ship1")]).toEqual(["rejected", 1]);
      });

      it("with verdicts on numbers that it does not cover changes nothing of these", () => {
        const { journal } = sent(make, 3);
        const verdicts = [1, 2, 3, 9].map((seq) => ({ seq, state: "rejected" as const, reason: "no" }));
        expect(
          journal.outbox.acknowledge(COMMANDS, ackOf(journal, 1, { verdicts }), START).decided.map(({ seq }) => seq),
        ).toEqual([1]);
        expect(states(journal, 1, 2, 3)).toEqual(["rejected", "sent", "sent"]);
      });

      it("of events that nobody looks up by id lets go of them, and keeps a refused one as a dead letter", async () => {
        const { journal, restart } = sent(make, 4, EVENTS, false);
        const { decided } = journal.outbox.acknowledge(
          EVENTS,
          ackOf(journal, 3, { verdicts: [{ seq: 2, state: "rejected", reason: "no such method" }] }),
          START,
        );
        expect(decided.map(({ seq }) => seq)).toEqual([2]);
        const now = await restart();
        expect([...now.inbox.dead()].map(({ message: { id }, reason }) => [id, reason])).toEqual([
          [idOf(2), "no such method"],
        ]);
        expect(take(now, EVENTS, 4).map(({ seq }) => seq)).toEqual([4]);
        expect(now.outbox.find(idOf(1))).toBeUndefined();
      });

      it("leaves a lane whole, whatever of it a power cut takes back", async () => {
        // Kept and not kept, delivered and refused, in one ACK and in one turn with other writes of the same lane.
        for (const flushBetween of [false, true]) {
          const { journal, crash } = scene(make);
          journal.outbox.enqueue([message(1, EVENTS), message(2, EVENTS)], false);
          journal.outbox.enqueue([message(3, EVENTS)], true);
          journal.outbox.enqueue([message(4, EVENTS), message(5, EVENTS)], false);
          sendAll(journal, EVENTS);
          if (flushBetween) await journal.flushed();
          journal.outbox.enqueue([message(6, EVENTS)], false);
          journal.outbox.acknowledge(
            EVENTS,
            ackOf(journal, 4, { verdicts: [{ seq: 2, state: "rejected", reason: "no" }] }),
            START,
          );
          await journal.flushed();
          const now = await crash();
          const acked = now.outbox.lanes.get(EVENTS)?.acked ?? -1;
          expect(take(now, EVENTS, acked + 1).map(({ seq }) => seq)).toEqual(range(acked + 1, 6));
        }
      });
    });

    describe("what was not sent after all", () => {
      it("counts as queued again, and may be withdrawn", () => {
        const { journal } = scene(make);
        journal.outbox.enqueue(
          range(1, 4).map((n) => message(n)),
          true,
        );
        journal.outbox.sending(COMMANDS, take(journal, COMMANDS).slice(0, 2), START);
        journal.outbox.sending(COMMANDS, take(journal, COMMANDS, 3), START);
        journal.outbox.unsent(COMMANDS, 2);
        expect(states(journal, 1, 2, 3, 4)).toEqual(["sent", "sent", "queued", "queued"]);
        expect(journal.outbox.withdraw(idOf(3), "cancelled", START, "")).toBeDefined();
      });

      it("never is what the receiver has acknowledged, nor what had been sent before", () => {
        const { journal } = sent(make, 4);
        journal.outbox.acknowledge(COMMANDS, ackOf(journal, 3), START);
        journal.outbox.unsent(COMMANDS, 0);
        expect(journal.outbox.lanes.get(COMMANDS)).toMatchObject({ sent: 3, acked: 3 });
        journal.outbox.unsent(COMMANDS, 99);
        expect(journal.outbox.lanes.get(COMMANDS)).toMatchObject({ sent: 3 });
      });
    });

    describe("counting what waits", () => {
      it("knows number and bytes, whatever was acknowledged, withdrawn or abandoned, and after a restart", async () => {
        const { journal, restart, crash } = sent(make, 3);
        const records = journal.outbox.enqueue([message(4), message(5), message(6)], true);
        const sizeOf = (...numbers: number[]): number =>
          take(journal, COMMANDS, 1)
            .filter(({ seq }) => numbers.includes(seq))
            .reduce((sum, { bytes }) => sum + bytes, 0);
        const all = sizeOf(1, 2, 3, 4, 5, 6);
        expect(journal.outbox.waiting(COMMANDS)).toMatchObject({ count: 6, bytes: all });
        const left = sizeOf(3, 4, 6);
        journal.outbox.acknowledge(COMMANDS, ackOf(journal, 2), START);
        journal.outbox.withdraw(records[1]?.message.id ?? "", "cancelled", START, "");
        expect(journal.outbox.waiting(COMMANDS)).toMatchObject({ count: 3, bytes: left });
        const later = await restart();
        expect(later.outbox.waiting(COMMANDS)).toMatchObject({ count: 3, bytes: left });
        await later.flushed();
        const now = await crash();
        expect(now.outbox.waiting(COMMANDS)).toMatchObject({ count: 3, bytes: left });
        now.outbox.abandon("ship1", START, "it is no more");
        expect(now.outbox.waiting(COMMANDS)).toMatchObject({ count: 0, bytes: 0 });
        expect((await restart()).outbox.waiting(COMMANDS)).toMatchObject({ count: 0, bytes: 0 });
      });
    });

    describe("withdrawing", () => {
      it("ends a message before its first sending; it travels as a skip marker and is closed by its ACK", async () => {
        const { journal, restart } = scene(make);
        journal.outbox.enqueue([message(1), message(2)], true);
        const record = journal.outbox.withdraw(idOf(1), "expired", START + 9, "the node was away");
        expect(record).toMatchObject({
          skip: "expired",
          outcome: { state: "expired", at: START + 9, reason: "the node was away" },
        });
        expect(states(journal, 1, 2)).toEqual(["expired", "queued"]);
        const now = await restart();
        expect(take(now, COMMANDS).map(({ skip }) => skip)).toEqual(["expired", undefined]);
        sendAll(now, COMMANDS);
        now.outbox.acknowledge(
          COMMANDS,
          ackOf(now, 2, { verdicts: [{ seq: 1, state: "expired", reason: "it ended at its origin" }] }),
          START,
        );
        expect(states(now, 1, 2)).toEqual(["expired", "received"]);
        expect(now.outbox.openCount("ship1")).toBe(1);
      });

      it("is too late once it was on the wire, also after a power cut", async () => {
        const { journal, crash } = sent(make, 2);
        expect(journal.outbox.withdraw(idOf(1), "cancelled", START, "")).toBeUndefined();
        await journal.flushed();
        const now = await crash();
        expect(now.outbox.withdraw(idOf(1), "cancelled", START, "")).toBeUndefined();
        expect(now.outbox.withdraw(idOf(99), "cancelled", START, "")).toBeUndefined();
        expect(states(now, 1, 2)).toEqual(["sent", "sent"]);
      });

      it("is done once: the first reason stands", () => {
        const { journal } = scene(make);
        journal.outbox.enqueue([message(1)], true);
        journal.outbox.withdraw(idOf(1), "cancelled", START, "first");
        expect(journal.outbox.withdraw(idOf(1), "expired", START + 1, "second")).toMatchObject({
          skip: "cancelled",
          outcome: { reason: "first" },
        });
        expect(stateOf(journal, 1)).toBe("cancelled");
      });

      it("ends an event that nobody looks up too", () => {
        const { journal } = scene(make);
        journal.outbox.enqueue([message(1, EVENTS), message(2, EVENTS)], true);
        journal.outbox.withdraw(idOf(1), "expired", START, "");
        sendAll(journal, EVENTS);
        journal.outbox.acknowledge(
          EVENTS,
          ackOf(journal, 2, { verdicts: [{ seq: 1, state: "expired", reason: "" }] }),
          START,
        );
        expect(states(journal, 1, 2)).toEqual(["expired", "received"]);
      });
    });

    describe("a report", () => {
      const running: Report = { state: "running", at: START + 20, startedAt: START + 20 };
      const done: Report = { state: "succeeded", at: START + 30, startedAt: START + 20, code: 0 };

      it("of somebody else than the command's own node is not taken, nor one on a command that is not ours", () => {
        const { journal } = sent(make, 1);
        expect(journal.outbox.report(idOf(1), "ship2", done)).toBeUndefined();
        expect(journal.outbox.report(idOf(1), NODE, done)).toBeUndefined();
        expect(journal.outbox.report(idOf(2), "ship1", done)).toBeUndefined();
        expect(stateOf(journal, 1)).toBe("sent");
      });

      it("may come before the ACK, which changes nothing then", async () => {
        const { journal, restart } = sent(make, 1);
        journal.outbox.report(idOf(1), "ship1", done);
        expect(stateOf(journal, 1)).toBe("succeeded");
        const now = await restart();
        now.outbox.acknowledge(COMMANDS, ackOf(now, 1), START);
        expect([stateOf(now, 1), now.outbox.openCount("ship1")]).toEqual(["succeeded", 0]);
      });

      it("folds to the same state in any order and any repetition, before and after the ACK", async () => {
        const part = (offset: number, text: string): OutputPart => ({ stream: "stdout", offset, text });
        const steps: Report[] = [
          running,
          { ...running, output: [part(0, "ab")] },
          { ...running, output: [part(2, "cd")] },
          done,
          { ...done, output: [part(4, "e")] },
        ];
        await fc.assert(
          fc.asyncProperty(
            fc.shuffledSubarray([...steps, ...steps, "ack" as const, "ack" as const], { minLength: 12, maxLength: 12 }),
            async (order) => {
              const { journal } = sent(make, 1);
              for (const step of order) {
                if (step === "ack") journal.outbox.acknowledge(COMMANDS, ackOf(journal, 1), START);
                else expect(journal.outbox.report(idOf(1), "ship1", step)?.conflict).toBe(false);
              }
              const found = journal.outbox.find(idOf(1));
              expect(stateOf(journal, 1)).toBe("succeeded");
              expect(found?.record.outcome).toEqual({
                state: "succeeded",
                at: START + 30,
                startedAt: START + 20,
                code: 0,
              });
              expect(
                journal.outbox
                  .output(idOf(1))
                  .map(({ text }) => text)
                  .join(""),
              ).toBe("abcde");
              expect(journal.outbox.openCount("ship1")).toBe(0);
            },
          ),
          { numRuns: name.includes("LMDB") ? 5 : 60 },
        );
      });

      it("of a second, different end is a conflict: the first end stands with its outcome, whichever came first", () => {
        const first: Report = { state: "succeeded", at: START + 30, startedAt: START + 20, code: 0, reason: "well" };
        const second: Report = { state: "failed", at: START + 40, startedAt: START + 20, code: 7, reason: "badly" };
        for (const order of [
          [first, second],
          [second, first],
          [second, first, second, first],
        ]) {
          const { journal } = sent(make, 1);
          const conflicts = order.map((report) => journal.outbox.report(idOf(1), "ship1", report)?.conflict);
          expect(conflicts.slice(0, 2)).toEqual([false, true]);
          const record = journal.outbox.find(idOf(1))?.record;
          expect(stateOf(journal, 1)).toBe("succeeded");
          expect(record?.outcome).toEqual(first);
          expect(record?.life?.conflict).toMatchObject({ state: "failed", at: START + 40 });
        }
      });

      it("of the same end at another time counts as the earlier one, in any order", () => {
        const early: Report = { state: "succeeded", at: START + 30, code: 0 };
        const late: Report = { state: "succeeded", at: START + 40, code: 1 };
        for (const order of [
          [early, late],
          [late, early],
        ]) {
          const { journal } = sent(make, 1);
          for (const report of order) expect(journal.outbox.report(idOf(1), "ship1", report)?.conflict).toBe(false);
          expect(journal.outbox.find(idOf(1))?.record.outcome).toEqual(early);
        }
      });

      it("that is late still counts, after days and a restart", async () => {
        const { journal, clock, restart } = sent(make, 1);
        journal.outbox.acknowledge(COMMANDS, ackOf(journal, 1, { started: 1 }), START);
        expect([...journal.outbox.openOn("ship1")].map(({ record }) => record.seq)).toEqual([1]);
        await clock.advance(7 * 86_400_000);
        const now = await restart();
        expect([now.outbox.openCount("ship1"), stateOf(now, 1)]).toEqual([1, "running"]);
        const ended: FinalState = "interrupted";
        now.outbox.report(idOf(1), "ship1", { state: ended, at: clock.now(), reason: "the host died" });
        expect([now.outbox.openCount("ship1"), stateOf(now, 1)]).toEqual([0, "interrupted"]);
      });

      it("keeps output by stream and offset, each stream in order", async () => {
        const { journal, crash } = sent(make, 2);
        const part = (stream: "stdout" | "stderr", offset: number): OutputPart => ({
          stream,
          offset,
          text: `${stream}${offset}`,
        });
        const parts = [
          part("stdout", 1000),
          part("stderr", 5),
          part("stdout", 9),
          part("stdout", 100),
          part("stderr", 0),
          part("stdout", 1000),
        ];
        for (const one of parts) journal.outbox.report(idOf(1), "ship1", { ...running, output: [one] });
        journal.outbox.report(idOf(2), "ship1", { ...running, output: [part("stdout", 0)] });
        await journal.flushed();
        const now = await crash();
        const text = (stream: string): string[] =>
          now.outbox
            .output(idOf(1))
            .filter((one) => one.stream === stream)
            .map((one) => one.text);
        expect(text("stdout")).toEqual(["stdout9", "stdout100", "stdout1000"]);
        expect(text("stderr")).toEqual(["stderr0", "stderr5"]);
        expect(now.outbox.output(idOf(2))).toHaveLength(1);
        expect(now.outbox.output(idOf(3))).toEqual([]);
      });

      it("leaves room for the wish to cancel, which is kept", async () => {
        const { journal, restart } = sent(make, 1);
        const asked = { cancelRequestedAt: START + 3, cancelId: idOf(9) };
        journal.outbox.cancelRequested(idOf(1), asked);
        journal.outbox.cancelRequested(idOf(9), asked);
        journal.outbox.report(idOf(1), "ship1", done);
        expect((await restart()).outbox.find(idOf(1))?.record).toMatchObject({
          ...asked,
          outcome: { code: 0 },
        });
      });
    });

    describe("the operator's list", () => {
      it("has the newest first, what is kept only, and can be narrowed by the beginning of an id", async () => {
        const { journal, restart } = scene(make);
        journal.outbox.enqueue([message(1), message(2, EVENTS), message(12)], true);
        journal.outbox.enqueue([message(3, EVENTS)], false);
        const now = await restart();
        const ids = (prefix?: string): string[] =>
          [...now.outbox.newest(prefix)].map(({ record }) => record.message.id);
        expect(ids()).toEqual([idOf(12), idOf(2), idOf(1)]);
        expect(ids(idOf(1).slice(0, -1))).toEqual([idOf(2), idOf(1)]);
        expect(ids(idOf(12))).toEqual([idOf(12)]);
        expect(ids("0ZZZ")).toEqual([]);
      });

      it("has those that are not final without a look at those that are, whatever became of them", async () => {
        const { journal, restart } = scene(make);
        const others = ["ship2", "ship3"].map((node) => COMMANDS.replace("ship1", node));
        journal.outbox.enqueue(
          range(1, 400).map((n) => message(n, n % 50 === 0 ? others[n % 2] : COMMANDS)),
          true,
        );
        journal.outbox.enqueue([message(401, EVENTS), message(402, EVENTS)], true);
        journal.outbox.enqueue([message(403, EVENTS)], false);
        sendAll(journal, COMMANDS);
        sendAll(journal, EVENTS);
        journal.outbox.acknowledge(COMMANDS, ackOf(journal, 390), START);
        journal.outbox.acknowledge(EVENTS, ackOf(journal, 1), START);
        journal.outbox.withdraw(idOf(400), "cancelled", START, "");
        for (let n = 1; n <= 395; n++)
          if (n % 50 !== 0 && n % 130 !== 7) journal.outbox.report(idOf(n), "ship1", { state: "succeeded", at: START });
        const check = (now: Journal): void => {
          const isOpen = (n: number): boolean => !["succeeded", "cancelled", undefined].includes(stateOf(now, n));
          const open = range(1, 402).filter((n) => (n < 401 ? isOpen(n) : n === 402));
          expect(open.length).toBeGreaterThan(10);
          expect([...now.outbox.open()].map(({ record }) => record.message.id)).toEqual(
            open.reverse().map((n) => idOf(n)),
          );
        };
        check(journal);
        check(await restart());
      });

      it("costs of a journal what is open in it", async () => {
        const it = scene(make);
        const subject = (n: number): string => `ship${n}.command.shellcommand.os`;
        it.journal.outbox.enqueue(
          range(1, 200).map((n) => message(n, subject(n))),
          true,
        );
        for (let n = 1; n <= 200; n++) {
          sendAll(it.journal, subject(n));
          it.journal.outbox.acknowledge(subject(n), { ...ackOf(it.journal, 1), node: `ship${n}` }, START);
          if (n % 100 !== 0) it.journal.outbox.report(idOf(n), `ship${n}`, { state: "succeeded", at: START });
        }
        const now = await it.restart();
        let rows = 0;
        const rangeOf = it.store.range;
        it.store.range = function* (table, bounds) {
          for (const row of rangeOf(table, bounds)) {
            rows++;
            yield row;
          }
        };
        expect([...now.outbox.open()].map(({ record }) => record.message.id)).toEqual([idOf(200), idOf(100)]);
        expect([...now.outbox.openOn("ship100")]).toHaveLength(1);
        expect(rows).toBeLessThan(8);
      });
    });

    describe("a sweep", () => {
      it("never forgets what is owed: queued, sent, received, running, withdrawn but not yet acknowledged", async () => {
        const { journal, restart } = scene(make);
        journal.outbox.enqueue(
          range(1, 6).map((n) => message(n)),
          true,
        );
        journal.outbox.withdraw(idOf(5), "expired", START, "");
        journal.outbox.sending(COMMANDS, take(journal, COMMANDS).slice(0, 4), START);
        journal.outbox.acknowledge(COMMANDS, ackOf(journal, 3, { started: 2 }), START);
        journal.outbox.report(idOf(1), "ship1", {
          state: "succeeded",
          at: START,
          output: [{ stream: "stdout", offset: 0, text: "x" }],
        });
        journal.outbox.report(idOf(4), "ship1", { state: "succeeded", at: START });
        expect(journal.outbox.sweep(START * 2, 100)).toBe(1);
        expect(journal.outbox.output(idOf(1))).toEqual([]);
        const check = (now: Journal): void => {
          expect(states(now, 1, 2, 3, 4, 5, 6)).toEqual([
            undefined,
            "running",
            "received",
            "succeeded",
            "expired",
            "queued",
          ]);
          expect(take(now, COMMANDS, 4).map(({ seq }) => seq)).toEqual([4, 5, 6]);
          expect(now.outbox.openCount("ship1")).toBe(2);
        };
        check(journal);
        check(await restart());
      });

      it("forgets no more than it is allowed at once, the oldest first, and nothing that is young", () => {
        const { journal } = sent(make, 5, EVENTS);
        journal.outbox.acknowledge(EVENTS, ackOf(journal, 5), START);
        expect(journal.outbox.sweep(START + 4, 2)).toBe(2);
        expect(states(journal, 1, 2, 3, 4, 5)).toEqual([undefined, undefined, "received", "received", "received"]);
        expect(journal.outbox.sweep(START + 4, 2)).toBe(1);
        expect(journal.outbox.sweep(START + 4, 2)).toBe(0);
        expect(states(journal, 3, 4, 5)).toEqual([undefined, "received", "received"]);
      });

      it("goes past what is owed to what is not", () => {
        const { journal } = scene(make);
        journal.outbox.enqueue([message(1), message(2, EVENTS)], true);
        sendAll(journal, EVENTS);
        journal.outbox.acknowledge(EVENTS, ackOf(journal, 1), START);
        expect(journal.outbox.sweep(START * 2, 1)).toBe(1);
        expect(states(journal, 1, 2)).toEqual(["queued", undefined]);
      });
    });

    it("survives a thousand messages more than it keeps at hand", async () => {
      const { journal, restart } = scene(make);
      const many = 9200;
      journal.outbox.enqueue(
        range(1, many).map((n) => message(n, EVENTS, { data: n })),
        false,
      );
      expect(take(journal, EVENTS, 1).map(({ message: { data } }) => data)).toEqual(range(1, 1000));
      sendAll(journal, EVENTS);
      sendAll(journal, EVENTS);
      const { sent: reached = 0 } = journal.outbox.lanes.get(EVENTS) ?? {};
      expect(journal.outbox.acknowledge(EVENTS, ackOf(journal, reached), START).received).toHaveLength(reached);
      const now = await restart();
      expect(take(now, EVENTS, reached + 1)[0]?.message.data).toBe(reached + 1);
      expect(now.outbox.lanes.get(EVENTS)).toMatchObject({ next: many + 1, acked: reached });
    });
  });
}
