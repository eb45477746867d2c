import { describe, expect, it } from "vitest";
import type { Judgement } from "../../src/journal/inbox.ts";
import type { Journal } from "../../src/journal/journal.ts";
import type { Outcome } from "../../src/message/report.ts";
import type { Frame, FrameItem } from "../../src/message/wire/frame.ts";
import { type Accepted, accept as acceptFrame, type Judge } from "./accept.ts";
import { frameOf, idOf, START, scene } from "./journal.ts";
import type { StoreHost } from "./store.ts";

const COMMAND = "central.command.shellcommand.os";
const EVENT = "central.event.syslogforwarding.nginx";
const TAKE: Judgement = { kind: "take", deadline: null, start: false };
const DONE: Outcome = { state: "succeeded", at: START + 9, startedAt: START + 5, code: 0 };

/** Accepts a frame and says in short what came of it. */
function accept(
  journal: Journal,
  frame: Frame,
  { subject = COMMAND, judge = () => TAKE, at = START }: { subject?: string; judge?: Judge; at?: number } = {},
): Accepted {
  return acceptFrame(journal.inbox, frame, subject, at, judge);
}

const numbers = ({ taken, last, duplicates, gap }: Accepted): object => ({
  taken: taken.map(({ seq }) => seq),
  last,
  duplicates,
  gap,
});
const pendingOf = (journal: Journal, subject?: string): string[] =>
  journal.inbox.pending(subject).map(({ message }) => message.id);

/** What was taken from others, whatever store is below it. */
export function describeInbox(name: string, make: () => StoreHost): void {
  describe(`the inbox ${name}`, () => {
    describe("the sequence check", () => {
      it("takes what is next, once, and asks again for what is missing", () => {
        const { journal } = scene(make);
        expect(numbers(accept(journal, frameOf(1, [1, 2])))).toEqual({ taken: [1, 2], last: 2, duplicates: 0 });
        expect(numbers(accept(journal, frameOf(1, [1, 2])))).toEqual({ taken: [], last: 2, duplicates: 2 });
        expect(numbers(accept(journal, frameOf(4, [4, 5])))).toEqual({ taken: [], last: 2, duplicates: 0, gap: 3 });
        expect(numbers(accept(journal, frameOf(2, [2, 3, 4])))).toEqual({ taken: [3, 4], last: 4, duplicates: 1 });
        expect(numbers(accept(journal, frameOf(4, [4, 5])))).toEqual({ taken: [5], last: 5, duplicates: 1 });
        expect(pendingOf(journal)).toEqual([1, 2, 3, 4, 5].map((n) => idOf(n)));
      });

      it("begins at 1: what comes before the first is a gap", async () => {
        const { journal, restart } = scene(make);
        expect(numbers(accept(journal, frameOf(3, [3])))).toEqual({ taken: [], last: 0, duplicates: 0, gap: 1 });
        const now = await restart();
        expect(numbers(accept(now, frameOf(1, [1])))).toEqual({ taken: [1], last: 1, duplicates: 0 });
      });

      it("judges new messages only, each with its number", () => {
        const { journal } = scene(make);
        accept(journal, frameOf(1, [1, 2]));
        const judged: [string, number][] = [];
        const judge = (item: FrameItem, seq: number): Judgement => {
          judged.push([item.id, seq]);
          return TAKE;
        };
        accept(journal, frameOf(1, [1, 2, 3]), { judge });
        accept(journal, frameOf(9, [9]), { judge });
        expect(judged).toEqual([[idOf(3), 3]]);
      });

      it("counts each lane by itself: by origin, by epoch, by subject", () => {
        const { journal } = scene(make);
        accept(journal, frameOf(1, [1, 2]));
        expect(
          numbers(accept(journal, frameOf(1, [3]), { subject: "central.command.shellcommand.nginx" })),
        ).toMatchObject({ taken: [1] });
        expect(numbers(accept(journal, frameOf(1, [4], { origin: "ship2" })))).toMatchObject({ taken: [1] });
        expect(numbers(accept(journal, frameOf(1, [5], { epoch: "e2" })))).toMatchObject({ taken: [1] });
        expect(numbers(accept(journal, frameOf(3, [6])))).toMatchObject({ taken: [3] });
      });

      it("says it when a known origin has a new epoch, until something of it was taken", async () => {
        const { journal, restart } = scene(make);
        expect(accept(journal, frameOf(1, [1])).newEpoch).toBe(false);
        expect(accept(journal, frameOf(2, [2])).newEpoch).toBe(false);
        expect(accept(journal, frameOf(1, [3], { origin: "ship2", epoch: "other" })).newEpoch).toBe(false);
        expect(accept(journal, frameOf(1, [4], { epoch: "e2" })).newEpoch).toBe(true);
        expect(accept(journal, frameOf(2, [5], { epoch: "e2" })).newEpoch).toBe(false);
        const now = await restart();
        expect(accept(now, frameOf(3, [6], { epoch: "e2" })).newEpoch).toBe(false);
        expect(accept(now, frameOf(1, [7], { epoch: "e2" }), { subject: EVENT }).newEpoch).toBe(false);
        expect(accept(now, frameOf(1, [8], { epoch: "e3" })).newEpoch).toBe(true);
      });

      it("believes the origin's word on what it holds an ACK for, and never takes that again", async () => {
        const { journal, crash } = scene(make);
        // This node lost its disk: it knows nothing of the lane, of which 1 to 7 are acknowledged.
        expect(numbers(accept(journal, frameOf(8, [8], { acked: 7 })))).toEqual({ taken: [8], last: 8, duplicates: 0 });
        expect(numbers(accept(journal, frameOf(1, [1, 2]), { subject: COMMAND }))).toMatchObject({
          taken: [],
          duplicates: 2,
        });
        expect(numbers(accept(journal, frameOf(12, [12], { acked: 10 })))).toEqual({
          taken: [],
          last: 10,
          duplicates: 0,
          gap: 11,
        });
        await journal.flushed();
        const now = await crash();
        expect(now.inbox.lane("ship1", "e1", COMMAND)?.last).toBe(10);
        expect(numbers(accept(now, frameOf(9, [9, 10, 11], { acked: 8 })))).toEqual({
          taken: [11],
          last: 11,
          duplicates: 2,
        });
      });

      it("never moves a lane back for an origin that holds an older ACK", () => {
        const { journal } = scene(make);
        accept(journal, frameOf(1, [1, 2, 3]));
        expect(numbers(accept(journal, frameOf(2, [2, 3, 4], { acked: 1 })))).toEqual({
          taken: [4],
          last: 4,
          duplicates: 2,
        });
      });

      it("stops in the middle of a frame when there is no room, and goes on from there", async () => {
        const { journal, restart } = scene(make);
        let room = 2;
        const judge: Judge = () => (room-- > 0 ? TAKE : "full");
        expect(numbers(accept(journal, frameOf(1, [1, 2, 3, 4]), { judge }))).toEqual({
          taken: [1, 2],
          last: 2,
          duplicates: 0,
        });
        const now = await restart();
        room = 0;
        expect(numbers(accept(now, frameOf(3, [3, 4]), { judge }))).toEqual({ taken: [], last: 2, duplicates: 0 });
        room = 9;
        expect(numbers(accept(now, frameOf(3, [3, 4]), { judge }))).toEqual({ taken: [3, 4], last: 4, duplicates: 0 });
      });

      it("survives a power cut for what was flushed, and takes the rest again", async () => {
        const { journal, crash } = scene(make);
        accept(journal, frameOf(1, [1, 2]));
        await journal.flushed();
        accept(journal, frameOf(3, [3]));
        const now = await crash();
        expect(pendingOf(now)).toEqual([idOf(1), idOf(2)]);
        expect(numbers(accept(now, frameOf(2, [2, 3])))).toEqual({ taken: [3], last: 3, duplicates: 1 });
      });

      it("holds for a frame of a thousand and for the numbers at the far end", () => {
        const { journal } = scene(make);
        const many = Array.from({ length: 1000 }, (_, i) => i + 1);
        expect(accept(journal, frameOf(1, many), { subject: EVENT }).taken).toHaveLength(1000);
        const far = Number.MAX_SAFE_INTEGER;
        expect(numbers(accept(journal, frameOf(far, [1], { acked: 0 })))).toMatchObject({ taken: [], gap: 1 });
        expect(numbers(accept(journal, frameOf(far, [1], { acked: far })))).toMatchObject({ taken: [], last: far });
      });
    });

    describe("a verdict", () => {
      const refuse: Judgement = { kind: "verdict", state: "rejected", reason: "no such method" };

      it("takes the number, leaves nothing pending, and is told until the origin holds its ACK", async () => {
        const { journal, crash } = scene(make);
        const judge = (_item: FrameItem, seq: number): Judgement => (seq === 2 ? refuse : TAKE);
        const first = accept(journal, frameOf(1, [1, 2, 3]), { judge });
        expect(first.verdicts).toEqual([{ seq: 2, state: "rejected", reason: "no such method" }]);
        expect(pendingOf(journal)).toEqual([idOf(1), idOf(3)]);
        await journal.flushed();
        const now = await crash();
        expect(accept(now, frameOf(1, [1, 2, 3])).verdicts).toEqual(first.verdicts);
        expect(accept(now, frameOf(5, [5])).verdicts).toEqual(first.verdicts);
        expect(accept(now, frameOf(4, [4], { acked: 1 }), { judge: () => refuse }).verdicts).toHaveLength(2);
        expect(accept(now, frameOf(5, [5], { acked: 3 })).verdicts).toEqual([
          { seq: 4, state: "rejected", reason: "no such method" },
        ]);
        await now.flushed();
        expect(accept(await crash(), frameOf(6, [6], { acked: 4 })).verdicts).toEqual([]);
      });

      it("is what a skip marker is answered with, whatever it says: nothing is taken", () => {
        const { journal } = scene(make);
        const items: FrameItem[] = [
          { id: idOf(1), skip: "expired" },
          { id: idOf(2), skip: "expired" },
          { id: idOf(3), skip: "cancelled" },
        ];
        const states = ["expired", "interrupted"] as const;
        const judge = (_: FrameItem, seq: number): Judgement =>
          seq > 2 ? TAKE : { kind: "verdict", state: states[seq - 1] ?? "failed", reason: "so it was judged" };
        const accepted = accept(journal, { ...frameOf(1, []), items }, { judge });
        expect(accepted.last).toBe(3);
        expect(accepted.verdicts.map(({ seq, state }) => [seq, state])).toEqual([
          [1, "expired"],
          [2, "interrupted"],
        ]);
        expect(pendingOf(journal)).toEqual([]);
      });

      it("is not given for a skip marker of a message that was taken before", () => {
        const { journal } = scene(make);
        accept(journal, frameOf(1, [1]));
        const accepted = accept(journal, { ...frameOf(1, []), items: [{ id: idOf(1), skip: "expired" }] });
        expect([accepted.duplicates, accepted.verdicts]).toEqual([1, []]);
        expect(pendingOf(journal)).toEqual([idOf(1)]);
      });

      it("is not needed for what was folded: the number is taken and nothing else", () => {
        const { journal } = scene(make);
        const accepted = accept(journal, frameOf(1, [1]), { subject: EVENT, judge: () => ({ kind: "folded" }) });
        expect(numbers(accepted)).toEqual({ taken: [], last: 1, duplicates: 0 });
        expect([accepted.verdicts, pendingOf(journal)]).toEqual([[], []]);
      });

      it("meets a message with an id that another one has here, which is left as it is", async () => {
        const { journal, restart } = scene(make);
        accept(journal, frameOf(1, [1]));
        const copy = frameOf(1, [1, 2], { origin: "ship2", epoch: "x" });
        expect(accept(journal, copy).verdicts).toMatchObject([{ seq: 1, state: "rejected" }]);
        expect(journal.inbox.find(idOf(1))?.message.origin).toBe("ship1");
        const twice = frameOf(2, [5, 5]);
        expect(accept(journal, twice).taken.map(({ seq }) => seq)).toEqual([2]);
        journal.inbox.finish(idOf(1), DONE, "");
        expect(pendingOf(await restart())).not.toContain(idOf(1));
      });
    });

    describe("what is pending", () => {
      it("has all that came with the message", async () => {
        const { journal, crash } = scene(make);
        const item: FrameItem = {
          id: idOf(1),
          createdAt: 5,
          deliverBy: 6,
          timeout: 7,
          data: { a: [null, "é\u0000"] },
          inReplyTo: idOf(2),
        };
        accept(
          journal,
          { ...frameOf(1, []), items: [item] },
          { judge: () => ({ kind: "take", deadline: START + 60, start: false }) },
        );
        await journal.flushed();
        expect((await crash()).inbox.find(idOf(1))).toEqual({
          v: 1,
          message: { ...item, subject: COMMAND, origin: "ship1" },
          epoch: "e1",
          seq: 1,
          receivedAt: START,
          deadline: START + 60,
          attempts: 0,
          state: "received",
        });
      });

      it("is recorded as running in the same turn when it will run at once", async () => {
        const { journal, crash } = scene(make);
        accept(journal, frameOf(1, [1, 2]), {
          at: START + 3,
          judge: (_item, seq) => ({ kind: "take", deadline: null, start: seq === 1 }),
        });
        await journal.flushed();
        const now = await crash();
        expect(now.inbox.pending().map(({ state, startedAt }) => [state, startedAt])).toEqual([
          ["running", START + 3],
          ["received", undefined],
        ]);
      });

      it("keeps its first start, its failures and who wants it cancelled, through a power cut", async () => {
        const { journal, crash } = scene(make);
        accept(journal, frameOf(1, [1]));
        journal.inbox.start(idOf(1), START + 5);
        journal.inbox.start(idOf(1), START + 9);
        journal.inbox.failedOnce(idOf(1));
        journal.inbox.failedOnce(idOf(1));
        journal.inbox.cancelRequested(idOf(1), "central");
        await journal.flushed();
        expect((await crash()).inbox.find(idOf(1))).toMatchObject({
          state: "running",
          startedAt: START + 5,
          attempts: 2,
          cancelRequestedBy: "central",
        });
        for (const change of [
          journal.inbox.start(idOf(9), 1),
          journal.inbox.failedOnce(idOf(9)),
          journal.inbox.cancelRequested(idOf(9), "x"),
        ]) {
          expect(change).toBeUndefined();
        }
      });

      it("comes in the order of its lane, also after a restart before which the clock jumped back", async () => {
        const { journal, restart } = scene(make);
        accept(journal, frameOf(1, [1, 2]), { at: START });
        accept(journal, frameOf(1, [21], { origin: "ship2" }), { at: START + 10 });
        accept(journal, frameOf(3, [3]), { at: START - 86_400_000 });
        accept(journal, frameOf(4, [4]), { at: START + 10_000 });
        accept(journal, frameOf(5, [5]), { at: 0 });
        const lane = (now: Journal): number[] =>
          now.inbox.pending().flatMap(({ seq, message }) => (message.origin === "ship1" ? [seq] : []));
        expect(lane(journal)).toEqual([1, 2, 3, 4, 5]);
        expect(lane(await restart())).toEqual([1, 2, 3, 4, 5]);
      });

      it("is found by subject", () => {
        const { journal } = scene(make);
        accept(journal, frameOf(1, [1]));
        accept(journal, frameOf(1, [2]), { subject: EVENT });
        expect([
          pendingOf(journal, COMMAND),
          pendingOf(journal, EVENT),
          pendingOf(journal, "central.event.m.d"),
        ]).toEqual([[idOf(1)], [idOf(2)], []]);
      });
    });

    describe("an end", () => {
      it("of a command leaves its outcome behind without the output, of an event nothing, and comes once", async () => {
        const { journal, crash } = scene(make);
        accept(journal, frameOf(1, [1]));
        accept(journal, frameOf(1, [2]), { subject: EVENT });
        journal.inbox.finish(idOf(1), { ...DONE, output: [{ stream: "stdout", offset: 0, text: "x" }] }, "uname -a");
        journal.inbox.finish(idOf(1), { state: "failed", at: START }, "again");
        journal.inbox.finish(idOf(2), DONE, "");
        journal.inbox.finish(idOf(3), DONE, "");
        await journal.flushed();
        const now = await crash();
        expect(pendingOf(now)).toEqual([]);
        expect(now.inbox.done(idOf(1))).toEqual({
          v: 1,
          id: idOf(1),
          subject: COMMAND,
          origin: "ship1",
          createdAt: START + 1,
          receivedAt: START,
          state: "succeeded",
          outcome: DONE,
          summary: "uname -a",
        });
        expect([now.inbox.done(idOf(2)), now.inbox.done(idOf(3))]).toEqual([undefined, undefined]);
        // Its number stays taken.
        expect(numbers(accept(now, frameOf(1, [1])))).toEqual({ taken: [], last: 1, duplicates: 1 });
      });

      it("that was not flushed did not happen: the command still runs", async () => {
        const { journal, crash } = scene(make);
        accept(journal, frameOf(1, [1]), { judge: () => ({ kind: "take", deadline: null, start: true }) });
        await journal.flushed();
        journal.inbox.finish(idOf(1), DONE, "");
        const now = await crash();
        expect(now.inbox.find(idOf(1))?.state).toBe("running");
        expect(now.inbox.done(idOf(1))).toBeUndefined();
      });

      it("is listed newest first, narrowed by the beginning of an id", () => {
        const { journal } = scene(make);
        accept(journal, frameOf(1, [1, 2, 12]));
        for (const n of [2, 12, 1]) journal.inbox.finish(idOf(n), DONE, "");
        const ids = (prefix?: string): string[] => [...journal.inbox.newestDone(prefix)].map(({ id }) => id);
        expect(ids()).toEqual([idOf(12), idOf(2), idOf(1)]);
        expect(ids(idOf(1).slice(0, -1))).toEqual([idOf(2), idOf(1)]);
      });
    });

    describe("a cancel", () => {
      it("that overtakes its command is remembered for it, once, also through a power cut", async () => {
        const { journal, crash } = scene(make);
        journal.inbox.cancelEarly(idOf(1), "central");
        await journal.flushed();
        const now = await crash();
        expect(now.inbox.cancelledEarly(idOf(2))).toBeUndefined();
        expect(now.inbox.cancelledEarly(idOf(1))).toBe("central");
        expect(now.inbox.cancelledEarly(idOf(1))).toBeUndefined();
        await now.flushed();
        expect((await crash()).inbox.cancelledEarly(idOf(1))).toBeUndefined();
      });
    });

    describe("a dead letter", () => {
      it("is put aside whole, and comes back as if it had just come", async () => {
        const { journal, crash } = scene(make);
        accept(journal, frameOf(1, [1, 2]), { judge: () => ({ kind: "take", deadline: START + 50, start: false }) });
        journal.inbox.failedOnce(idOf(1));
        const dead = journal.inbox.bury(idOf(1), "it throws", START + 8);
        expect(dead).toMatchObject({ seq: 1, epoch: "e1", reason: "it throws", at: START + 8, attempts: 1 });
        await journal.flushed();
        const now = await crash();
        expect(pendingOf(now)).toEqual([idOf(2)]);
        expect(now.inbox.dead()).toEqual([dead]);
        expect(now.inbox.exhume(idOf(1), START + 99)).toMatchObject({
          receivedAt: START + 99,
          deadline: null,
          attempts: 0,
          state: "received",
        });
        expect(now.inbox.dead()).toEqual([]);
        await now.flushed();
        const later = await crash();
        expect(pendingOf(later).sort()).toEqual([idOf(1), idOf(2)]);
        // Its number stays taken all the while.
        expect(numbers(accept(later, frameOf(1, [1, 2])))).toMatchObject({ duplicates: 2, taken: [] });
        later.inbox.finish(idOf(1), DONE, "");
        await later.flushed();
        expect(pendingOf(await crash())).toEqual([idOf(2)]);
      });

      it("is dropped for good when the operator says so", async () => {
        const { journal, restart } = scene(make);
        accept(journal, frameOf(1, [1]));
        journal.inbox.bury(idOf(1), "", START);
        expect([
          journal.inbox.dropDead(idOf(1)),
          journal.inbox.dropDead(idOf(1)),
          journal.inbox.dropDead(idOf(7)),
        ]).toEqual([true, false, false]);
        const now = await restart();
        expect([
          now.inbox.dead(),
          pendingOf(now),
          now.inbox.exhume(idOf(1), START),
          now.inbox.bury(idOf(1), "", START),
        ]).toEqual([[], [], undefined, undefined]);
      });
    });

    describe("epochs of an origin that are dead", () => {
      const old = (journal: Journal, at = START) => journal.inbox.sweepDeadEpochs((each) => each <= at, 100);

      it("are forgotten once every lane of them is old, never the latest one, and never while something of them is owed", async () => {
        const { journal, restart } = scene(make);
        accept(journal, frameOf(1, [1]));
        accept(journal, frameOf(1, [2]), { subject: EVENT });
        accept(journal, frameOf(1, [3], { origin: "ship2" }));
        expect(old(journal)).toBe(0);
        accept(journal, frameOf(1, [4], { epoch: "e2" }), { at: START + 9 });
        expect(old(journal, START - 1)).toBe(0);
        // What was taken of it is not finished.
        expect(old(journal)).toBe(0);
        journal.inbox.finish(idOf(1), DONE, "");
        expect(old(journal)).toBe(0);
        journal.inbox.finish(idOf(2), DONE, "");
        expect(journal.inbox.laneCount()).toBe(4);
        expect(old(journal)).toBe(2);
        const now = await restart();
        for (const { inbox } of [journal, now]) {
          expect([inbox.laneCount(), inbox.laneCount("ship1"), inbox.laneCount("ship2")]).toEqual([2, 1, 1]);
          expect([...inbox.epochs("ship1").keys()]).toEqual(["e2"]);
        }
        expect(old(now, START * 2)).toBe(0);
        expect(numbers(accept(now, frameOf(1, [4, 5], { epoch: "e2" })))).toMatchObject({ taken: [2], duplicates: 1 });
      });
    });

    describe("dead letters out of bounds", () => {
      const NONE = { isOld: () => false, count: 100, bytes: 1e6 };
      const buried = async (count: number) => {
        const one = scene(make);
        accept(
          one.journal,
          frameOf(
            1,
            Array.from({ length: count }, (_, i) => i + 1),
          ),
        );
        // The highest number is the one that was put aside first.
        for (let n = count; n >= 1; n--) one.journal.inbox.bury(idOf(n), "", START - n);
        await one.journal.flushed();
        return one;
      };
      const ids = (dropped: readonly { message: { id: string } }[]) => dropped.map(({ message }) => message.id);

      it("are dropped by count and by bytes, those that were put aside first before others, also after a restart", async () => {
        const { journal, restart } = await buried(6);
        expect(journal.deadLetters.sweep(NONE, 100)).toEqual([]);
        expect(ids(journal.deadLetters.sweep({ ...NONE, count: 5 }, 100))).toEqual([idOf(6)]);
        const now = await restart();
        const bytes = Buffer.byteLength(JSON.stringify(now.inbox.dead()[0]));
        expect(ids(now.deadLetters.sweep({ ...NONE, bytes: bytes * 3 }, 100))).toEqual([idOf(5), idOf(4)]);
        expect(ids(now.deadLetters.sweep({ ...NONE, count: 0 }, 2))).toEqual([idOf(3), idOf(2)]);
        expect(ids((await restart()).inbox.dead())).toEqual([idOf(1)]);
      });

      it("are dropped by age, and what was taken back or dropped by hand counts no more", async () => {
        const { journal } = await buried(4);
        expect(ids(journal.deadLetters.sweep({ ...NONE, isOld: (at) => at <= START - 4 }, 100))).toEqual([idOf(4)]);
        journal.inbox.exhume(idOf(3), START);
        journal.inbox.dropDead(idOf(2));
        expect(journal.deadLetters.sweep({ ...NONE, count: 1 }, 100)).toEqual([]);
        expect(ids(journal.deadLetters.sweep({ ...NONE, bytes: 1 }, 100))).toEqual([idOf(1)]);
        expect(journal.deadLetters.sweep({ ...NONE, bytes: 0 }, 100)).toEqual([]);
      });
    });

    describe("a sweep", () => {
      it("forgets what ended long ago, never what is pending, dead, or needed for the sequence check", async () => {
        const { journal, restart } = scene(make);
        accept(journal, frameOf(1, [1, 2, 3, 4, 5]));
        journal.inbox.finish(idOf(1), DONE, "");
        journal.inbox.finish(idOf(2), DONE, "");
        journal.inbox.bury(idOf(3), "", START);
        expect(journal.inbox.sweep(START, 100)).toBe(0);
        expect(journal.inbox.sweep(START + 1, 1)).toBe(1);
        expect([journal.inbox.done(idOf(1)), journal.inbox.done(idOf(2))?.id]).toEqual([undefined, idOf(2)]);
        expect(journal.inbox.sweep(START * 2, 100)).toBe(1);
        const now = await restart();
        expect(pendingOf(now)).toEqual([idOf(4), idOf(5)]);
        expect(now.inbox.dead()).toHaveLength(1);
        expect(numbers(accept(now, frameOf(1, [1, 2, 3, 4, 5])))).toEqual({ taken: [], last: 5, duplicates: 5 });
      });

      it("forgets cancels whose command never came", async () => {
        const { journal, restart } = scene(make);
        journal.inbox.cancelEarly(idOf(1, START), "central");
        journal.inbox.cancelEarly(idOf(2, START + 5000), "central");
        journal.inbox.sweep(START + 1, 100);
        const now = await restart();
        expect([now.inbox.cancelledEarly(idOf(1, START)), now.inbox.cancelledEarly(idOf(2, START + 5000))]).toEqual([
          undefined,
          "central",
        ]);
      });
    });
  });
}
