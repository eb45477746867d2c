import { describe, expect, it } from "vitest";
import { checkJournal } from "../../src/journal/check/check.ts";
import type { HeldGroup } from "../../src/journal/jobs/held-group.ts";
import type { Journal } from "../../src/journal/journal.ts";
import type { HeldMembers } from "../../src/journal/records.ts";
import { COMMANDS, idOf, message, type Scene, START, scene } from "./journal.ts";
import type { StoreHost } from "./store.ts";

const OWNER = idOf(900);
const LATER = START + 3_600_000;

/** A group of `count` held messages, the numbers 1 to `count`, all to ship1. */
function held(make: () => StoreHost, count: number): Scene & { readonly group: HeldGroup } {
  const it = scene(make);
  const members: HeldMembers = Array.from({ length: count }, (_, i) => [idOf(i + 1), "ship1"] as const);
  const content = { data: ["uptime"], timeout: null, wait: null, until: null, at: START, owner: OWNER };
  const group = it.journal.held.add({ subject: "command.shellcommand.os", ...content }, members, { reason: "wave" });
  return Object.assign(it, { group });
}

function release(journal: Journal, group: HeldGroup, indices: readonly number[]): void {
  const messages = indices.map((i) => message(i + 1, COMMANDS, { createdAt: LATER }));
  journal.outbox.enqueue(messages, true);
  journal.held.released(group, indices);
}

const stands = (journal: Journal, id: string): unknown[] => {
  const group = journal.held.group(id);
  return Array.from({ length: group?.record.count ?? 0 }, (_, i) => {
    const stand = group?.at(i);
    return typeof stand === "object" ? stand.state : stand;
  });
};

/** Messages that are in no lane yet, whatever store is below them. */
export function describeHeld(name: string, make: () => StoreHost): void {
  describe(`held messages ${name}`, () => {
    it("are there with their reasons after a power cut, and are in no lane", async () => {
      const { journal, group, crash } = held(make, 3);
      journal.held.explain(group, [
        [1, { reason: "rate" }],
        [3, { reason: "wave", text: "wave 2 of 2" }],
      ]);
      await journal.flushed();
      const now = await crash();
      expect(now.held.find(idOf(2))).toMatchObject({ index: 1, node: "ship1" });
      const again = now.held.group(group.id);
      expect([again?.why(0), again?.why(1), again?.why(2)]).toEqual([
        { reason: "rate" },
        { reason: "wave", text: "wave 2 of 2" },
        { reason: "wave", text: "wave 2 of 2" },
      ]);
      expect(now.outbox.lanes.size).toBe(0);
      expect(now.held.count).toBe(3);
      expect([...now.held.newest()].map(({ id }) => id)).toEqual([idOf(3), idOf(2), idOf(1)]);
      expect([...now.held.newest("", idOf(2))].map(({ id }) => id)).toEqual([idOf(1)]);
    });

    it("are released once: a power cut finds them both held and in no lane, or both released and in their lane", async () => {
      const { journal, store, group, crash } = held(make, 600);
      await journal.flushed();
      release(journal, group, [0, 299, 300, 599]);
      const lost = await crash();
      expect([lost.held.count, lost.outbox.lanes.size]).toEqual([600, 0]);
      const again = lost.held.group(group.id) as HeldGroup;
      release(lost, again, [0, 299, 300, 599]);
      await lost.flushed();
      const kept = await crash();
      expect([kept.held.count, kept.outbox.lanes.get(COMMANDS)?.next]).toEqual([596, 5]);
      expect(stands(kept, group.id).flatMap((stand, i) => (stand === 1 ? [i] : []))).toEqual([0, 299, 300, 599]);
      expect(kept.held.find(idOf(300))?.group.at(299)).toBe(1);
      expect(() => kept.held.released(kept.held.group(group.id) as HeldGroup, [1, 299])).toThrow("is not held");
      expect(kept.held.count).toBe(596);
      expect(store).toBeDefined();
    });

    it("end as what they are, and only those that are held", async () => {
      const { journal, group, restart } = held(make, 4);
      release(journal, group, [0]);
      const end = { state: "cancelled", at: LATER, reason: "nobody wants it" } as const;
      expect(journal.held.ended(group, [0, 1, 2], end).map(({ id }) => id)).toEqual([idOf(2), idOf(3)]);
      expect(journal.held.ended(group, [2], { ...end, state: "expired" })).toEqual([]);
      const now = await restart();
      expect(stands(now, group.id)).toEqual([1, "cancelled", "cancelled", 0]);
      expect(now.held.group(group.id)?.at(1)).toEqual(end);
    });

    it("tell of their hold once they are queued, and are listed by their ids beside younger ones", async () => {
      const { journal, group, restart } = held(make, 2);
      journal.outbox.enqueue([message(5)], true);
      release(journal, group, [0, 1]);
      const check = (now: Journal): void => {
        const found = now.outbox.find(idOf(1));
        expect(found && now.outbox.history(found.lane, found.record).history).toEqual([
          { state: "held", at: START, by: "central" },
          { state: "queued", at: LATER, by: "central" },
        ]);
        const listed = (before?: string) =>
          [...now.outbox.newestOn(() => true, before)].map((each) => each.record.message.id);
        expect(listed()).toEqual([idOf(5), idOf(2), idOf(1)]);
        expect(listed(idOf(2))).toEqual([idOf(1)]);
        expect([...now.outbox.open()].map((each) => each.record.message.id)).toEqual([idOf(5), idOf(2), idOf(1)]);
      };
      check(journal);
      check(await restart());
    });

    it("are forgotten with their group once each has ended long ago; a held one stays", async () => {
      const { journal, group } = held(make, 2);
      journal.held.ended(group, [0], { state: "cancelled", at: START, reason: "" });
      expect(journal.sweep(LATER, 100)).toBe(0);
      journal.held.ended(group, [1], { state: "expired", at: START, reason: "" });
      await journal.flushed();
      expect(journal.sweep(START, 100)).toBe(0);
      expect(journal.sweep(LATER, 100)).toBe(1);
      expect([journal.held.find(idOf(1)), journal.held.groups.length]).toEqual([undefined, 0]);
    });

    it("keep younger messages from being forgotten no longer than they are young themselves", async () => {
      const { journal, group } = held(make, 1);
      journal.outbox.enqueue([message(5)], true);
      journal.held.released(group, [0]);
      journal.outbox.enqueue([message(1, COMMANDS, { createdAt: LATER })], true);
      for (const n of [1, 5]) journal.outbox.withdraw(idOf(n), "cancelled", LATER, "");
      const all = journal.outbox.take(COMMANDS, 1, { count: 9, bytes: 9999, sizeOf: () => 1 });
      journal.outbox.sending(COMMANDS, all, LATER);
      journal.outbox.acknowledge(
        COMMANDS,
        {
          node: "ship1",
          receiverEpoch: "r1",
          epoch: journal.epoch,
          sentAt: START,
          last: 2,
          started: 0,
          upTo: 2,
          credit: 9,
          verdicts: [],
        },
        LATER,
      );
      await journal.flushed();
      journal.sweep(START + 1000, 100);
      await journal.flushed();
      expect([journal.outbox.find(idOf(5)), journal.outbox.find(idOf(1))?.record.message.id]).toEqual([
        undefined,
        idOf(1),
      ]);
    });

    it("are sound for the check of the journal, and each damaged row is named", async () => {
      const { journal, group, store } = held(make, 300);
      release(journal, group, [3]);
      journal.held.ended(group, [4], { state: "cancelled", at: LATER, reason: "" });
      await journal.flushed();
      expect(checkJournal(store)).toMatchObject({ problems: [], counts: { held: 298 } });
      const stand = store.get("held", [group.id, "stand"]) as { readonly runs: readonly unknown[] };
      const faults = (): unknown[] => checkJournal(store).problems.map(({ table, key, fault }) => [table, key, fault]);
      store.put("held", [group.id, "stand"], { ...stand, runs: [[300, 0]] });
      expect(faults()).toEqual([
        ["held", JSON.stringify([group.id, "stand"]), `${idOf(4)} is held, and has a place on a lane`],
      ]);
      store.put("held", [group.id, "stand"], {
        ...stand,
        runs: [
          [5, 1],
          [300, 0],
        ],
      });
      expect(faults()).toHaveLength(4);
      store.put("held", [group.id, "stand"], stand);
      store.remove("held", [group.id, 2]);
      expect(faults()).toEqual([["held", JSON.stringify([group.id, 2]), "it is missing"]]);
    });
  });
}
