import type { Hold } from "../../message/jobs/hold.ts";
import type { HeldEnd, HeldGroupRecord, HeldMember, HeldMembers, HeldStand } from "../records.ts";
import type { Store } from "../store/store.ts";
import { HeldGroup } from "./held-group.ts";

/** One message of a group. */
export interface HeldMessage {
  readonly group: HeldGroup;
  readonly index: number;
  readonly id: string;
  readonly node: string;
}

/** Members of a row. */
const CHUNK = 256;
/** Most members of all groups together that stay in memory, beside those of the group that is read. */
const AT_HAND = 65_536;

/**
 * The messages that have an id and are in no lane yet: their content once for a whole group, their state as runs of places, so
 * that ten thousand of them cost a few rows, and the release of many one small row.
 *
 *   held   [group, 0]            the content, and whose messages they are
 *   held   [group, 1, 2, …]      the members: ids and receivers
 *   held   [group, "stand"]      which of them are held, in their lanes, or ended; and why they are held
 *
 * Invariants: ids rise within a group. A member is held, and then either in its lane or ended, for ever. The change of its
 * state and its place on the lane are written in one turn. A group stays until `drop`, so that its members are known.
 */
export class Held {
  readonly #store: Store;
  /** In the order of their ids. */
  readonly #groups: HeldGroup[] = [];
  readonly #byId = new Map<string, HeldGroup>();
  /** Groups whose members are in memory, the oldest first, and the number of these members. */
  readonly #atHand = new Set<HeldGroup>();
  #count = 0;
  readonly #changed = new Set<HeldGroup>();

  constructor(store: Store) {
    this.#store = store;
    for (const { key, value } of store.range("held", {})) {
      const [id, part] = key as [string, number | string];
      if (part === 0) this.#place(new HeldGroup(id, value as HeldGroupRecord));
      else if (part === "stand") this.#byId.get(id)?.restore(value as HeldStand);
    }
  }

  get groups(): readonly HeldGroup[] {
    return this.#groups;
  }

  /** The number of messages that are held now. */
  get count(): number {
    let count = 0;
    for (const group of this.#groups) count += group.heldCount;
    return count;
  }

  group(id: string): HeldGroup | undefined {
    return this.#byId.get(id);
  }

  /** Takes a group in; `members` in the order of their ids. Durable with the store's next flush. */
  add(content: Omit<HeldGroupRecord, "v" | "count" | "last">, members: HeldMembers, hold: Hold): HeldGroup {
    const [first] = members;
    const last = members.at(-1);
    if (first === undefined || last === undefined) throw new Error("a group has at least one member");
    const group = new HeldGroup(first[0], { v: 1, ...content, count: members.length, last: last[0] });
    group.explain([[members.length, hold]]);
    this.#place(group);
    this.#keep(group, members);
    this.#store.put("held", [group.id, 0], group.record, true);
    for (let from = 0; from < members.length; from += CHUNK)
      this.#store.put("held", [group.id, 1 + from / CHUNK], members.slice(from, from + CHUNK), true);
    this.#changes(group);
    return group;
  }

  /** The message with this id, whether it is held, in its lane, or ended. */
  find(id: string): HeldMessage | undefined {
    const group = this.groupOf(id);
    if (group === undefined) return undefined;
    const members = this.members(group);
    const index = firstAt(members.length, (i) => (members[i]?.[0] ?? "") >= id);
    const member = members[index];
    return member?.[0] === id ? { group, index, id, node: member[1] } : undefined;
  }

  /** The group whose ids lie around this one; its members need not be read for that. */
  groupOf(id: string): HeldGroup | undefined {
    // Ids of two groups may only lie between each other when the clock went back between two lives of the daemon.
    const last = this.#after(id) - 1;
    for (let i = last; i >= 0 && i > last - NEAR; i--) {
      const group = this.#groups[i];
      if (group !== undefined && id <= group.record.last) return group;
    }
    return undefined;
  }

  /** The members of a group, read where they are not in memory. */
  members(group: HeldGroup): HeldMembers {
    if (group.members !== undefined) return group.members;
    const members: HeldMember[] = [];
    for (let chunk = 0; chunk * CHUNK < group.record.count; chunk++) {
      const row = (this.#store.get("held", [group.id, chunk + 1]) ?? []) as HeldMembers;
      // The places of a damaged row stay empty: the places of the others must not change.
      const size = Math.min(CHUNK, group.record.count - chunk * CHUNK);
      for (let i = 0; i < size; i++) members.push(row[i] ?? [before(members), ""]);
    }
    this.#keep(group, members);
    return members;
  }

  /** Messages that are held or ended before they were in a lane, with ids that begin so and are lower than `before`, newest first. */
  *newest(prefix = "", before = `${prefix}~`): Generator<HeldMessage> {
    for (const group of this.#groups.toReversed()) {
      if (group.id >= before || group.record.last < prefix || group.allReleased) continue;
      const members = this.members(group);
      for (let index = members.length - 1; index >= 0; index--) {
        const [id = "", node = ""] = members[index] ?? [];
        if (node === "" || id >= before || !id.startsWith(prefix) || group.at(index) === 1) continue;
        yield { group, index, id, node };
      }
    }
  }

  /** Marks held members as being in their lanes. The caller puts them there in the same turn. */
  released(group: HeldGroup, indices: readonly number[]): void {
    group.set(indices, 1);
    this.#changes(group);
  }

  /** Ends held members. Returns those that were held. */
  ended(group: HeldGroup, indices: readonly number[], end: HeldEnd): HeldMessage[] {
    const held = indices.filter((index) => group.at(index) === 0);
    if (held.length === 0) return [];
    group.set(held, end);
    this.#changes(group);
    const members = this.members(group);
    return held.map((index) => ({ group, index, id: members[index]?.[0] ?? "", node: members[index]?.[1] ?? "" }));
  }

  /** Says why members are held: each reason is for the places after the one before it, below `upTo`. */
  explain(group: HeldGroup, reasons: readonly (readonly [upTo: number, hold: Hold])[]): void {
    if (group.explain(reasons)) this.#changes(group);
  }

  /** Forgets groups of which nothing is held, and of which the last end was before `before`; owned ones stay. */
  sweep(before: number, spared: (at: number) => boolean, isOwned: (owner: string) => boolean): number {
    const gone = this.#groups.filter((group) => {
      if (group.heldCount > 0 || isOwned(group.record.owner)) return false;
      const { endedAt } = group;
      return endedAt === undefined || (endedAt < before && !spared(endedAt));
    });
    for (const group of gone) this.drop(group);
    return gone.length;
  }

  /** Forgets a group. */
  drop(group: HeldGroup): void {
    this.#forget(group);
    this.#changed.delete(group);
    this.#byId.delete(group.id);
    this.#groups.splice(this.#groups.indexOf(group), 1);
    this.#store.remove("held", [group.id, 0]);
    for (let chunk = 0; chunk * CHUNK < group.record.count; chunk++) this.#store.remove("held", [group.id, chunk + 1]);
    this.#store.remove("held", [group.id, "stand"]);
  }

  #place(group: HeldGroup): void {
    this.#groups.splice(this.#after(group.id), 0, group);
    this.#byId.set(group.id, group);
  }

  /** The index of the first group with a higher id. */
  #after(id: string): number {
    return firstAt(this.#groups.length, (i) => (this.#groups[i]?.id ?? "") > id);
  }

  #keep(group: HeldGroup, members: HeldMembers): void {
    group.members = members;
    this.#atHand.add(group);
    this.#count += members.length;
    for (const old of this.#atHand) {
      if (this.#count <= AT_HAND) return;
      if (old !== group) this.#forget(old);
    }
  }

  #forget(group: HeldGroup): void {
    if (!this.#atHand.delete(group)) return;
    this.#count -= group.members?.length ?? 0;
    group.members = undefined;
  }

  /** A group that changes often in one turn is written once. */
  #changes(group: HeldGroup): void {
    if (this.#changed.size === 0)
      this.#store.atTurnEnd(() => {
        for (const each of this.#changed) this.#store.put("held", [each.id, "stand"], each.stand);
        this.#changed.clear();
      });
    this.#changed.add(group);
  }
}

/** Groups before the place of an id that are looked through. */
const NEAR = 64;

function before(members: HeldMembers): string {
  return members.at(-1)?.[0] ?? "";
}

/** The first index for which `isTrue` holds; it must hold for all after it. */
function firstAt(length: number, isTrue: (index: number) => boolean): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isTrue(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
