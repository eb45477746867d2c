import type { HeldMessage } from "../../journal/jobs/held.ts";
import type { HeldGroup } from "../../journal/jobs/held-group.ts";
import type { Journal } from "../../journal/journal.ts";
import type { HeldMember, HeldMembers, OutRecord } from "../../journal/records.ts";
import type { Clock, Timer } from "../../message/clock.ts";
import type { Draft } from "../../message/draft.ts";
import { StewardError } from "../../message/errors.ts";
import type { Hold } from "../../message/jobs/hold.ts";
import type { Message } from "../../message/message.ts";
import { receiverOf, withoutReceiver } from "../../message/subject.ts";
import type { Announcer } from "../../observe/announce.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Submitter } from "./submit.ts";

export interface HoldingOptions {
  readonly config: () => { readonly node: string; readonly limits: { readonly held: number } };
  readonly journal: Journal;
  readonly submitter: Pick<Submitter, "stamp" | "enter">;
  readonly fleet: Pick<Fleet, "expect">;
  readonly announce: Pick<Announcer, "held" | "withdrawn">;
  readonly clock: Clock;
}

export interface HoldTerms extends Hold {
  /** The id of the one that decides when they are released, such as a job. */
  readonly owner: string;
  /** The messages are held until then at most, and none of them starts later, ms since 1970; absent: no such time. */
  readonly until?: number;
}

/** A look at the clock at least every so often, ms: a wall clock may jump. */
const LOOK = 30_000;

/**
 * Messages that are valid and not yet eligible: durable with an id, shown, and not in a lane.
 *
 *   held ─(release)─▶ queued, on its lane      held ─(end)─▶ cancelled      held ─(`until` has passed)─▶ expired
 *
 * The owner of a message releases it; this class sees to it that each goes into its lane once, in one transaction, and that none
 * is held longer than it may be. A deadline of a message, `deliverBy`, begins with its release.
 */
export class Holding {
  readonly #options: HoldingOptions;
  /** When each group with an `until` has to end, by the monotonic clock: no jump of the wall clock decides it. */
  readonly #due = new Map<HeldGroup, number>();
  #timer: Timer | undefined;

  constructor(options: HoldingOptions) {
    this.#options = options;
  }

  /** Watches the groups of earlier lives of the daemon. */
  begin(): void {
    for (const group of this.#options.journal.held.groups) this.#watch(group);
    this.#look();
  }

  stop(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /**
   * Takes drafts in without a lane, all or none: those that differ in their receivers alone are one group. Durable with the
   * journal's next flush.
   *
   * @throws StewardError why a draft is refused; `held-full`
   */
  hold(drafts: readonly Draft[], { owner, until, ...hold }: HoldTerms): HeldGroup[] {
    const { journal, submitter, fleet, announce, config } = this.#options;
    const { held } = journal;
    const most = config().limits.held;
    if (held.count + drafts.length > most)
      throw new StewardError("held-full", { count: held.count, more: drafts.length, limit: most });
    const messages = submitter.stamp(drafts);
    const groups: HeldGroup[] = [];
    for (let from = 0; from < messages.length; ) {
      const [first, draft] = [messages[from], drafts[from]];
      if (first === undefined || draft === undefined) break;
      let to = from + 1;
      while (
        to < messages.length &&
        isAlike(first, messages[to], draft, drafts[to]) &&
        rises(messages[to - 1], messages[to])
      )
        to++;
      const members = messages.slice(from, to).map(memberOf);
      groups.push(held.add({ ...contentOf(first), until: until ?? null, owner }, members, hold));
      from = to;
    }
    for (const { subject } of messages) fleet.expect(receiverOf(subject));
    for (const group of groups) {
      this.#watch(group);
      announce.held(
        held.members(group).map(([id, node]) => messageOf(group, id, node, this.#node)),
        hold,
      );
    }
    this.#arm();
    return groups;
  }

  /**
   * Puts held members of a group into their lanes: each once, also across a crash, for both changes are one transaction.
   * Members that are not held any more are passed over.
   *
   * @param deliverBy the latest start that this release allows, beside that of the group, ms since 1970
   * @throws StewardError `storage-full`, …: then none is released
   */
  release(group: HeldGroup, indices: readonly number[], deliverBy = Number.POSITIVE_INFINITY): OutRecord[] {
    const { journal, submitter, clock } = this.#options;
    const { held } = journal;
    const now = clock.now();
    const due = indices.filter((index) => group.at(index) === 0);
    if (due.length === 0) return [];
    const members: HeldMembers = held.members(group);
    const messages = due.flatMap((index) => {
      const member = members[index];
      if (member === undefined || member[1] === "") return [];
      return [releasedAt(now, signedMessage(group, member, this.#node, now), group, deliverBy)];
    });
    const records = submitter.enter(messages);
    held.released(group, due);
    return records;
  }

  /** Puts the held message with this id into its lane. `undefined`: it is not held. */
  releaseOne(id: string): OutRecord | undefined {
    const found = this.find(id);
    return found === undefined ? undefined : this.release(found.group, [found.index])[0];
  }

  /** The held message with this id; `undefined`: it is in its lane, ended, or was never held. */
  find(id: string): HeldMessage | undefined {
    const found = this.#options.journal.held.find(id);
    return found?.group.at(found.index) === 0 ? found : undefined;
  }

  /** Ends held members as cancelled or expired, and tells of it once that is durable. Returns the number of those that were held. */
  end(group: HeldGroup, indices: Iterable<number>, state: "cancelled" | "expired", reason: string): number {
    const { journal, announce, clock } = this.#options;
    const end = { state, at: clock.now(), reason };
    const ended = journal.held.ended(group, [...indices], end);
    if (ended.length === 0) return 0;
    const records = ended.map(({ id, node }) => ({
      ...{ message: messageOf(group, id, node, this.#node), seq: 0, keep: true, outcome: end },
    }));
    for (const record of records) journal.outbox.onEnded(record);
    void journal.flushed().then(
      () => announce.withdrawn(records),
      () => undefined,
    );
    return ended.length;
  }

  get #node(): string {
    return this.#options.config().node;
  }

  #watch(group: HeldGroup): void {
    const { until } = group.record;
    const { clock } = this.#options;
    if (until !== null && group.heldCount > 0) this.#due.set(group, clock.monotonic() + until - clock.now());
  }

  #arm(): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#due.size === 0) return;
    const next = Math.min(...this.#due.values()) - clock.monotonic();
    this.#timer = clock.setTimeout(() => this.#look(), Math.min(LOOK, Math.max(1, next)));
  }

  #look(): void {
    const now = this.#options.clock.monotonic();
    for (const [group, at] of this.#due) {
      if (group.heldCount > 0 && at > now) continue;
      this.#due.delete(group);
      this.end(
        group,
        group.held(),
        "expired",
        `it was held until its deadline: ${group.why(0).text ?? group.why(0).reason}`,
      );
    }
    this.#arm();
  }
}

/** The message of a member as it was accepted, without the statement of its operator. */
export function messageOf({ record }: HeldGroup, id: string, node: string, origin: string): Message {
  const { subject, data, timeout, at, until, operator: name } = record;
  const operator = name === undefined ? {} : { operator: { name } };
  return { id, subject: `${node}.${subject}`, origin, createdAt: at, deliverBy: until, timeout, data, ...operator };
}

/** The message with the statement of its operator. After the time of a statement the message goes without it: each node decides. */
function signedMessage(group: HeldGroup, member: HeldMember, origin: string, now: number): Message {
  const [id, node, until, signature] = member;
  const message = messageOf(group, id, node, origin);
  const { operator } = message;
  if (operator === undefined || until === undefined || signature === undefined || until <= now) return message;
  const { run } = group.record;
  const statement = { until, signature, ...(run === undefined ? {} : { run }) };
  return { ...message, operator: { ...operator, statement } };
}

function memberOf({ id, subject, operator }: Message): HeldMember {
  const node = receiverOf(subject);
  if (operator?.statement === undefined) return [id, node];
  return [id, node, operator.statement.until, operator.statement.signature];
}

function releasedAt(now: number, message: Message, { record }: HeldGroup, latest: number): Message {
  const signed = message.operator?.statement?.until ?? latest;
  const wait = record.wait === null ? latest : now + record.wait;
  const deliverBy = Math.min(record.until ?? latest, latest, wait, signed);
  return { ...message, createdAt: now, deliverBy: Number.isFinite(deliverBy) ? deliverBy : null };
}

function contentOf({ subject, data, timeout, createdAt, deliverBy, operator }: Message) {
  const wait = deliverBy === null ? null : deliverBy - createdAt;
  const run = operator?.statement?.run;
  const asked = operator === undefined ? {} : { operator: operator.name, ...(run === undefined ? {} : { run }) };
  return { subject: withoutReceiver(subject), data, timeout, wait, at: createdAt, ...asked };
}

/** True for two ids in their order: those of a group rise, also where its sender chose them. */
function rises(before: Message | undefined, after: Message | undefined): boolean {
  return before !== undefined && after !== undefined && before.id < after.id;
}

function isAlike(a: Message, b: Message | undefined, first: Draft, other: Draft | undefined): boolean {
  if (b === undefined || other === undefined || a.data !== b.data || a.timeout !== b.timeout) return false;
  if (a.operator?.name !== b.operator?.name || !isSameRun(a, b)) return false;
  return first.deliverBy === other.deliverBy && withoutReceiver(a.subject) === withoutReceiver(b.subject);
}

function isSameRun(a: Message, b: Message): boolean {
  const [one, other] = [a.operator?.statement?.run, b.operator?.statement?.run];
  return one === other || (one?.order === other?.order && one?.run === other?.run);
}
