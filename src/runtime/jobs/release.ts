import type { HeldGroup } from "../../journal/jobs/held-group.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Clock } from "../../message/clock.ts";
import type { Hold } from "../../message/jobs/hold.ts";
import type { JobPlan } from "../../message/jobs/job.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Holding } from "../submit/holding.ts";
import type { OpenHours } from "./hours.ts";
import type { JobNodes } from "./job-nodes.ts";

export interface ReleaseOptions {
  readonly journal: Journal;
  readonly holding: Holding;
  readonly fleet: Pick<Fleet, "reach" | "trust">;
  readonly clock: Clock;
}

const MINUTE = 60_000;
/** A node that is away is looked at again at the latest after so many ms; its return is heard of before. */
const LOOK = 30_000;

type Member = readonly [group: HeldGroup, index: number];

/** Members by what is to be done with them now. */
interface Sorted {
  /** By the latest start that is allowed. */
  readonly due: Map<number, Member[]>;
  readonly skipped: Member[];
  readonly failed: Member[];
  readonly revoked: Member[];
  next: number;
  why: Hold | undefined;
}

/** Releases the messages of one job as its plan allows: so many at once, so many in a minute, in their hours, to nodes in reach. */
export class Release {
  readonly #plan: JobPlan;
  readonly #hours: OpenHours | undefined;
  readonly #options: ReleaseOptions;
  /** When the next message may go, by the monotonic clock. */
  #nextAt = Number.NEGATIVE_INFINITY;
  #why: Hold = { reason: "rate" };

  constructor(plan: JobPlan, hours: OpenHours | undefined, options: ReleaseOptions) {
    this.#plan = plan;
    this.#hours = hours;
    this.#options = options;
  }

  /** Why messages of the present wave were left held. */
  get why(): Hold {
    return this.#why;
  }

  /** Releases what may go of the places below `end`. Returns the ms until there may be more. @throws StewardError `storage-full`, … */
  upTo(end: number, jobNodes: JobNodes): number {
    const { holding } = this.#options;
    const sorted = this.#sorted(end, jobNodes);
    for (const [deliverBy, members] of sorted.due)
      for (const [group, indices] of byGroup(members)) {
        holding.release(group, indices, deliverBy);
        this.#spend(indices.length);
      }
    const ended = (members: readonly Member[], state: "cancelled" | "expired", reason: string): void => {
      for (const [group, indices] of byGroup(members)) holding.end(group, indices, state, reason);
    };
    ended(sorted.skipped, "cancelled", "skipped: the node was away");
    ended(sorted.failed, "expired", "the node was away, and the job does not wait for it");
    ended(sorted.revoked, "cancelled", "the node is no more in the fleet");
    for (const members of [...sorted.due.values(), sorted.skipped, sorted.failed, sorted.revoked])
      for (const [group, index] of members) jobNodes.look(group, index);
    if (sorted.why !== undefined) this.#why = sorted.why;
    return sorted.next;
  }

  #sorted(end: number, jobNodes: JobNodes): Sorted {
    const { fleet, clock } = this.#options;
    const { atOnce, ifAway } = this.#plan;
    const sorted: Sorted = { due: new Map(), skipped: [], failed: [], revoked: [], next: LOOK, why: undefined };
    const now = clock.now();
    let room = atOnce === null ? Number.POSITIVE_INFINITY : atOnce - jobNodes.underWay;
    let budget = this.#budget();
    for (const [group, index, node] of this.#held(end, jobNodes)) {
      const link = fleet.reach(node);
      const away = link === "offline" || link === "neverSeen";
      if (fleet.trust(node) === "revoked") {
        sorted.revoked.push([group, index]);
        continue;
      }
      if (away && ifAway !== "queue") {
        (ifAway === "skip" ? sorted.skipped : sorted.failed).push([group, index]);
        continue;
      }
      const opening = this.#hours?.at(now, node);
      if (this.#hours !== undefined && (opening === undefined || opening.opensAt > now || away)) {
        // A message that waits on its lane could not wait for the next opening.
        const from = opening === undefined ? undefined : new Date(opening.opensAt).toISOString();
        const text = away ? `${node} is away` : from === undefined ? "it never comes" : `opens at ${from}`;
        sorted.why ??= { reason: "window", text };
        if (opening !== undefined && !away) sorted.next = Math.min(sorted.next, opening.opensAt - now);
        continue;
      }
      if (!away && room <= 0) {
        sorted.why = { reason: "rate", text: `${atOnce} at once` };
        break;
      }
      if (budget <= 0) {
        sorted.next = Math.min(sorted.next, Math.max(1, this.#nextAt - clock.monotonic()));
        sorted.why = { reason: "rate", text: `${this.#plan.rate} in a minute` };
        break;
      }
      budget--;
      if (!away) room--;
      const latest = opening?.closesAt ?? Number.POSITIVE_INFINITY;
      const together = sorted.due.get(latest);
      if (together === undefined) sorted.due.set(latest, [[group, index]]);
      else together.push([group, index]);
    }
    return sorted;
  }

  /** Held messages of the waves that have begun: those that wait for another window had their turn before. */
  *#held(
    end: number,
    { group: own, groups }: JobNodes,
  ): Generator<readonly [group: HeldGroup, index: number, node: string]> {
    const { held } = this.#options.journal;
    for (const group of [...groups.filter((each) => each !== own), ...groups.slice(0, 1)]) {
      if (group.heldCount === 0) continue;
      const members = held.members(group);
      for (const index of group.held(0, group === own ? end : group.record.count))
        yield [group, index, members[index]?.[1] ?? ""];
    }
  }

  /** The number of messages that may go now: those of at most a second, for a rate is no burst. */
  #budget(): number {
    const { rate } = this.#plan;
    if (rate === null) return Number.POSITIVE_INFINITY;
    const late = this.#options.clock.monotonic() - this.#nextAt;
    if (late < 0) return 0;
    return Math.min(Math.max(1, Math.ceil(rate / 60)), 1 + Math.floor((late * rate) / MINUTE));
  }

  #spend(count: number): void {
    const { rate } = this.#plan;
    if (rate === null) return;
    const now = this.#options.clock.monotonic();
    this.#nextAt = Math.max(now, this.#nextAt) + (count * MINUTE) / rate;
  }
}

function byGroup(members: readonly Member[]): Map<HeldGroup, number[]> {
  const found = new Map<HeldGroup, number[]>();
  for (const [group, index] of members) {
    const together = found.get(group);
    if (together === undefined) found.set(group, [index]);
    else together.push(index);
  }
  return found;
}
