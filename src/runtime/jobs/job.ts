import type { Actor } from "xstate";
import { type JobEvent, jobMachine } from "../../actors/job.ts";
import { type Inspector, startRoot } from "../../actors/root.ts";
import type { HeldGroup } from "../../journal/jobs/held-group.ts";
import type { Journal } from "../../journal/journal.ts";
import type { JobRecord, JobStand } from "../../journal/records.ts";
import type { Errand } from "../../message/care/errand.ts";
import type { Clock, Timer } from "../../message/clock.ts";
import { faultText, normalise } from "../../message/errors.ts";
import type { Hold } from "../../message/jobs/hold.ts";
import { isEnded, type JobCounts, waveName } from "../../message/jobs/job.ts";
import { parseSchedule } from "../../message/schedule/parse-schedule.ts";
import { nextTime } from "../../message/schedule/schedule.ts";
import type { Failures } from "../../observe/alerting/failures.ts";
import type { Happenings } from "../../observe/happenings.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Holding } from "../submit/holding.ts";
import { OpenHours, type Zones } from "./hours.ts";
import { JobNodes } from "./job-nodes.ts";
import { jobOutcome } from "./job-outcome.ts";
import { Release } from "./release.ts";
import { decide } from "./wave-decision.ts";

/** The replies to jobs: the outcome of a whole job goes to destinations. */
export interface JobReplies {
  /** Notes it; durable with the journal. */
  expect(job: string, to: readonly string[]): void;
  expected(job: string): readonly string[] | undefined;
  /** Makes the errands that were asked for, in the transaction of this turn. */
  ended(job: string, body: () => Errand["body"], terms: { readonly about: "job"; readonly key: string }): void;
}

export interface JobOptions {
  readonly journal: Journal;
  readonly holding: Holding;
  readonly fleet: Pick<Fleet, "reach" | "trust">;
  readonly failures: Pick<Failures, "report" | "over">;
  readonly happenings: Happenings;
  readonly zones: Zones;
  readonly inspector: Inspector;
  readonly clock: Clock;
  /** A group of messages for another time of the schedule, on all nodes. */
  readonly again: (job: JobRecord, hold: Hold) => HeldGroup | undefined;
  /** Messages in the place of those of the latest attempt, for some of its nodes. */
  readonly later: (job: JobRecord, nodes: readonly string[], hold: Hold) => HeldGroup;
  /** True if its messages need an approval which the plan does not ask for. */
  readonly needsApproval: (job: JobRecord, group: HeldGroup) => boolean;
  readonly replies: JobReplies;
  readonly onEnd: (job: Job) => void;
  readonly onFault: (error: unknown) => void;
}

/** Changes are looked at together, so many ms after the first of them. */
const TOGETHER = 50;
/** A look at many nodes takes longer: a millisecond more for each so many. */
const EACH_TOGETHER = 20;
/** The longest time between two looks while somebody watches, ms. */
const WATCHED = 1000;
/** The longest time between two looks, ms: the wall clock may jump. */
const LONGEST = 30_000;
/** Uptime after which a wall clock that went back is believed, ms. */
const BELIEVED = 3_600_000;
/** Most windows in which the messages of one attempt are held again. */
const MOST_LATER = 100;
/** Attempts of a job that begins again and again which are kept. */
const MOST_ATTEMPTS = 10;

/**
 * One job that has not ended: its actor, what became of its messages, and what follows from that. A decision, its record and the
 * releases that follow from it are one transaction; a look changes nothing that was decided already, so it may be repeated at
 * any time, also by the next life of the daemon.
 */
export class Job {
  readonly record: JobRecord;
  readonly #options: JobOptions;
  readonly #actor: Actor<typeof jobMachine>;
  readonly #hours: OpenHours | undefined;
  #stand: JobStand;
  #jobNodes: JobNodes;
  #release: Release;
  #timer: Timer | undefined;
  #lookAt = Number.POSITIVE_INFINITY;
  /** The end of the pause after a wave, by the monotonic clock. */
  #soakUntil: number | undefined;
  /** Since when the wall clock is behind the last run, by the monotonic clock. */
  #behindSince: number | undefined;
  /** Why nothing is released, in words; empty: the plan says so. */
  #stuck = "";
  /** Why the messages of its next time could not be accepted, in words; empty: they could, or it has none. */
  #nextRefused = "";
  #told = "";
  #stopped = false;

  constructor(record: JobRecord, stand: JobStand, options: JobOptions) {
    const { clock, inspector, zones } = options;
    const { window, zone, soak } = record.plan;
    this.record = record;
    this.#stand = stand;
    this.#options = options;
    this.#hours = window === null ? undefined : new OpenHours(window, zone, zones);
    this.#jobNodes = this.#newJobNodes();
    this.#release = this.#newRelease();
    if (stand.waveEndedAt !== null) {
      const passed = Math.max(0, clock.now() - stand.waveEndedAt);
      this.#soakUntil = clock.monotonic() + Math.max(0, soak - passed);
    }
    this.#expectReply();
    const { state, wave, since, cause } = stand;
    this.#actor = startRoot(jobMachine, {
      actor: record.id,
      role: "job",
      clock,
      inspector,
      input: { at: since },
      snapshot: jobMachine.resolveState({ value: state, context: { wave, since, cause } }),
    });
  }

  get stand(): JobStand {
    return this.#stand;
  }

  get jobNodes(): JobNodes {
    return this.#jobNodes;
  }

  /** Why nothing is released though the plan allows it; empty: nothing stands in the way. */
  get stuck(): string {
    return this.#stuck === "" ? this.#nextRefused : this.#stuck;
  }

  stop(): void {
    this.#stopped = true;
    this.#options.clock.clearTimeout(this.#timer);
    this.#actor.stop();
  }

  /** One of its messages has changed. */
  changed(group: HeldGroup, index: number): void {
    if (this.#jobNodes.look(group, index)) this.lookWithin(TOGETHER + this.#jobNodes.size / EACH_TOGETHER);
  }

  lookWithin(ms: number): void {
    const { clock } = this.#options;
    const at = clock.monotonic() + Math.min(ms, LONGEST);
    if (this.#stopped || at >= this.#lookAt) return;
    this.#lookAt = at;
    clock.clearTimeout(this.#timer);
    this.#timer = clock.setTimeout(() => this.#lookByTimer(), Math.max(1, at - clock.monotonic()));
  }

  #lookByTimer(): void {
    try {
      this.look();
      this.#options.journal.flushed().catch(this.#options.onFault);
    } catch (error) {
      this.#options.onFault(error);
    }
  }

  /** Lets an event happen. Returns false when it is not possible now. */
  move(type: JobEvent["type"], cause: string, more: Partial<JobStand> = {}): boolean {
    const { clock, journal } = this.#options;
    const at = clock.now();
    const event: JobEvent = { type, at, cause, ...(more.wave === undefined ? {} : { wave: more.wave }) };
    if (!this.#actor.getSnapshot().can(event)) return false;
    this.#actor.send(event);
    const { value: state, context } = this.#actor.getSnapshot();
    this.#stand = { ...this.#stand, ...more, ...{ state, wave: context.wave, since: at, cause } };
    journal.jobs.setStand(this.record.id, this.#stand);
    return true;
  }

  /** A node has left the fleet: another machine may have its name when the job begins again. */
  nodeLeft(node: string): void {
    const { left = [] } = this.#stand;
    const isMeant = this.record.plan.every !== null && !left.includes(node);
    if (!isMeant || ![...this.#jobNodes.entries()].some((one) => one.node === node)) return;
    this.#stand = { ...this.#stand, left: [...left, node] };
    this.#options.journal.jobs.setStand(this.record.id, this.#stand);
  }

  /** Ends what is held and not yet released. */
  endHeld(state: "cancelled" | "expired", reason: string): void {
    for (const group of this.#jobNodes.groups) this.#options.holding.end(group, group.held(), state, reason);
    this.#jobNodes = this.#newJobNodes();
  }

  /** Begins another attempt, whose group is held already. */
  attempt(
    group: HeldGroup,
    of: string,
    waves: readonly number[],
    begin: "retry" | "schedule" | "again" | "askAgain",
    more: Partial<JobStand> = {},
  ): void {
    const { clock, journal } = this.#options;
    const isScheduled = more.beginAt !== undefined;
    const kept = this.#stand.attempts.slice(isScheduled ? -(MOST_ATTEMPTS - 1) : 0);
    // The first attempt that is kept has all nodes.
    while (isScheduled && kept[0] !== undefined && !isWhole(journal, kept[0].group, this.#jobNodes.size)) kept.shift();
    const dropped = this.#stand.attempts.filter((each) => !kept.includes(each));
    const attempts = [...kept, { group: group.id, at: clock.now(), of, waves }];
    this.move(begin, of, { wave: 0, waveEndedAt: null, allowed: {}, ...more, attempts });
    for (const id of dropped.flatMap(({ group, later = [] }) => [group, ...later])) {
      const old = journal.held.group(id);
      if (old !== undefined) journal.held.drop(old);
    }
    this.#soakUntil = undefined;
    this.#jobNodes = this.#newJobNodes();
    this.#release = this.#newRelease();
  }

  /** Decides what follows now, until nothing more does. */
  look(): void {
    if (this.#stopped) return;
    this.#lookAt = Number.POSITIVE_INFINITY;
    const { plan } = this.record;
    const now = this.#options.clock.now();
    // An attempt that was made later is not bound by it.
    const until = plan.until !== null && plan.until > (this.#stand.attempts.at(-1)?.at ?? 0) ? plan.until : undefined;
    if (until !== undefined && now >= until) this.#expire();
    this.#jobNodes.lookAtOpen();
    this.#heedClock(now);
    if (this.#stand.state === "scheduled" && now >= (this.#stand.beginAt ?? 0)) this.move("begin", "its time has come");
    if (this.#stand.state === "running" && this.#hours !== undefined) this.#holdAgain(this.#hours, now, until);
    let next = LONGEST;
    // A decision comes before each release: an end that passes a bound makes no room for another message.
    for (let more = true; more && !isEnded(this.#stand.state); ) {
      const step = this.#decide();
      next = Math.min(LONGEST, step.next);
      more = step.more;
      if (more || this.#stand.state !== "running") continue;
      const held = this.#jobNodes.heldCount;
      next = Math.min(next, this.#releaseDue());
      more = this.#jobNodes.heldCount !== held;
    }
    this.#explain();
    void this.#options.journal.flushed().then(
      () => this.tell(),
      () => undefined,
    );
    if (isEnded(this.#stand.state)) {
      this.#reply(this.#stand);
      this.stop();
      this.#options.onEnd(this);
      return;
    }
    const { beginAt, state } = this.#stand;
    if (state === "scheduled" && beginAt !== null) next = Math.min(next, beginAt - now);
    if (until !== undefined) next = Math.min(next, until - now);
    if (this.#options.happenings.watched) next = Math.min(next, WATCHED);
    this.lookWithin(Math.max(TOGETHER, next));
  }

  /**
   * Messages that expired with their window wait for the next one: others are held in their places. An expired message has
   * not begun and never will, by the word of its node, or because it was never sent.
   */
  #holdAgain(hours: OpenHours, now: number, until: number | undefined): void {
    const { journal } = this.#options;
    const { ifAway } = this.record.plan;
    const { attempts } = this.#stand;
    const latest = attempts.at(-1);
    const { later = [] } = latest ?? {};
    if (latest === undefined || ifAway !== "queue" || later.length >= MOST_LATER) return;
    const nodes = [...this.#jobNodes.expired()].flatMap(({ id, node }) => {
      const message = journal.outbox.find(id)?.record.message;
      if (message === undefined || hours.at(message.createdAt, node)?.closesAt !== message.deliverBy) return [];
      const next = hours.at(now, node)?.opensAt ?? Number.POSITIVE_INFINITY;
      return next < (until ?? Number.POSITIVE_INFINITY) ? [node] : [];
    });
    if (nodes.length === 0) return;
    try {
      const group = this.#options.later(this.record, nodes, {
        reason: "window",
        text: "its window was over before it began",
      });
      this.#set({ attempts: [...attempts.slice(0, -1), { ...latest, later: [...later, group.id] }] });
      this.#jobNodes = this.#newJobNodes();
    } catch (error) {
      if (normalise(error).code === "internal") throw error;
      // The messages stay expired, and the next look tries again.
      this.#stuck = faultText(error);
    }
  }

  /** Tells those who watch, if there is something new. */
  tell(): void {
    const { happenings, clock } = this.#options;
    if (!happenings.watched) return;
    const { state, wave, cause, attempts } = this.#stand;
    const counts = this.#jobNodes.counts();
    const told = JSON.stringify([state, wave, counts]);
    if (told === this.#told) return;
    this.#told = told;
    const waves = attempts.at(-1)?.waves.length ?? 1;
    happenings.emit({ type: "job", at: clock.now(), id: this.record.id, state, wave, waves, counts, cause });
  }

  #expire(): void {
    const { state } = this.#stand;
    if (isEnded(state)) return;
    const hasExpired = (group: HeldGroup): boolean =>
      Array.from({ length: group.record.count }, (_, i) => group.at(i)).some(
        (stand) => typeof stand === "object" && stand.state === "expired",
      );
    if (this.#jobNodes.heldCount === 0 && !this.#jobNodes.groups.some(hasExpired)) return;
    this.endHeld("expired", "the time of the job was over before its turn came");
    this.move("expire", "its time was over before all messages were released");
  }

  #decide(): { readonly more: boolean; readonly next: number } {
    const { failures, clock } = this.#options;
    const { plan, id } = this.record;
    const { state, wave, attempts } = this.#stand;
    if (state !== "running" && state !== "paused") return { more: false, next: LONGEST };
    const ends = attempts.at(-1)?.waves ?? [];
    const soakLeft = this.#soakUntil === undefined ? undefined : this.#soakUntil - clock.monotonic();
    const step = decide(plan, this.#stand, {
      ...{ counts: this.#jobNodes.counts(), size: this.#jobNodes.size, allEnded: this.#jobNodes.allEnded },
      ...{ wave: this.#jobNodes.part(ends[wave - 1] ?? 0, ends[wave] ?? 0), waves: ends.length },
      ...{ now: clock.now(), soakLeft },
    });
    switch (step.kind) {
      case "wait":
        return { more: false, next: step.ms ?? LONGEST };
      case "waveEnded":
        this.#soakUntil = clock.monotonic() + plan.soak;
        this.#set({ waveEndedAt: clock.now() });
        return { more: true, next: LONGEST };
      case "wave":
        this.nextWave("wave", step.cause);
        return { more: true, next: LONGEST };
      case "pause":
      case "abort":
        failures.report(step.kind === "pause" ? "job-paused" : "job-aborted", `job ${id}: ${step.cause}`, `job ${id}`);
        this.move(step.kind, step.cause);
        if (step.kind === "abort") this.endHeld("cancelled", `the job was aborted: ${step.cause}`);
        return { more: false, next: LONGEST };
      default:
        this.#finish(step.kind, step.cause);
        return { more: false, next: LONGEST };
    }
  }

  /** The next wave begins. Returns false when there is none. */
  nextWave(type: "wave" | "promote", cause: string, more: Partial<JobStand> = {}): boolean {
    const { wave, attempts } = this.#stand;
    if (wave + 1 >= (attempts.at(-1)?.waves.length ?? 1)) return false;
    this.#soakUntil = undefined;
    return this.move(type, cause, { ...more, wave: wave + 1, waveEndedAt: null });
  }

  #finish(type: "finish" | "finishWithFailures", cause: string): void {
    const { again, needsApproval, failures } = this.#options;
    const about = `job-stuck ${this.record.id}`;
    const [first] = this.#stand.attempts;
    const next = this.#nextTime();
    this.#tellFailures(type, cause);
    if (next === undefined) {
      this.move(type, cause);
      return;
    }
    const text = new Date(next).toISOString();
    const made = ((): HeldGroup | undefined => {
      try {
        return again(this.record, { reason: "schedule", text });
      } catch (error) {
        if (normalise(error).code === "internal") throw error;
        // The disk is full, or a destination is gone: the next look tries again.
        const refused = `its next time, ${text}: ${faultText(error)}`;
        if (this.#nextRefused === "") failures.report("job-stuck", `job ${this.record.id}: ${refused}`, about);
        this.#nextRefused = refused;
        return undefined;
      }
    })();
    if (first === undefined || made === undefined) return;
    if (this.#nextRefused !== "") failures.over("job-stuck", `job ${this.record.id}: it goes on`, about);
    this.#nextRefused = "";
    this.#reply({ ...this.#stand, state: type === "finish" ? "done" : "doneWithFailures", cause });
    this.#expectReply();
    // A rule that came after the job was ordered is asked again at each of its times.
    const asks = !this.record.plan.approval && needsApproval(this.record, made);
    this.attempt(made, `at ${text}`, first.waves, asks ? "askAgain" : "again", { beginAt: next });
  }

  /** Tells, once for each attempt, that some have failed; one whose failures were mended by another attempt has failed no more. */
  #tellFailures(type: "finish" | "finishWithFailures", cause: string): void {
    const { failures } = this.#options;
    const { id } = this.record;
    if (this.#nextRefused !== "") return;
    if (type === "finish") failures.over("job-failed", `job ${id}: ${cause}`, `job-failed ${id}`);
    else failures.report("job-failed", `job ${id}: ${cause}`, `job-failed ${id}`);
  }

  /** The outcome of the latest attempt goes where it was asked for; once, for it is asked for once. */
  #reply(stand: JobStand): void {
    const { replies, clock } = this.#options;
    const key = `${this.record.id}-${stand.attempts.at(-1)?.group ?? ""}`;
    const body = (): Errand["body"] => jobOutcome(this.record, stand, this.#jobNodes, clock.now());
    replies.ended(this.record.id, body, { about: "job", key });
  }

  #expectReply(): void {
    const { replies } = this.#options;
    const { id, jobReply } = this.record;
    if (jobReply !== undefined && replies.expected(id) === undefined) replies.expect(id, jobReply);
  }

  /** The next time of its schedule after those that are done with, also where the wall clock has gone back since. */
  #nextTime(after = Math.max(this.#options.clock.now(), this.#stand.beginAt ?? 0)): number | undefined {
    const { every, zone, until } = this.record.plan;
    const { zones } = this.#options;
    if (every === null) return undefined;
    const next = nextTime(
      parseSchedule(every),
      after,
      zone === null || zone === "node" ? zones.own : zones.named(zone),
    );
    return next === undefined || (until !== null && next >= until) ? undefined : next;
  }

  /**
   * A wall clock that is behind the last run for an hour is believed: it was wrong before, and the next time is counted from
   * now, not from a time that may be years ahead.
   */
  #heedClock(now: number): void {
    const { state, attempts, beginAt } = this.#stand;
    const isBehind = state === "scheduled" && (attempts.at(-1)?.at ?? 0) - now > LONGEST;
    if (!isBehind) {
      this.#behindSince = undefined;
      return;
    }
    const monotonic = this.#options.clock.monotonic();
    this.#behindSince ??= monotonic;
    if (monotonic - this.#behindSince < BELIEVED) return;
    const next = this.#nextTime(now);
    if (next !== undefined && beginAt !== null && next < beginAt) this.#set({ beginAt: next });
  }

  /** Releases what may be released now. Returns the ms until there may be more. */
  #releaseDue(): number {
    const { wave, attempts } = this.#stand;
    const end = attempts.at(-1)?.waves[wave] ?? 0;
    try {
      const next = this.#release.upTo(end, this.#jobNodes);
      this.#stuck = "";
      return next;
    } catch (error) {
      const { code } = normalise(error);
      if (code === "internal") throw error;
      // The disk is full, for example: the messages stay held, and the next look tries again.
      this.#stuck = faultText(error);
      return LONGEST;
    }
  }

  #explain(): void {
    const { group, groups, heldCount } = this.#jobNodes;
    if (group === undefined || heldCount === 0) return;
    const { state, wave, attempts, beginAt, cause } = this.#stand;
    const { held } = this.#options.journal;
    const ends = attempts.at(-1)?.waves ?? [];
    const each = (some: readonly HeldGroup[], hold: Hold): void => {
      for (const one of some) if (one.heldCount > 0) held.explain(one, [[one.record.count, hold]]);
    };
    const all = (hold: Hold): void => each(groups, hold);
    if (state === "draft") all({ reason: "order", text: "the job is a draft" });
    else if (state === "awaitingApproval") all({ reason: "approval" });
    else if (state === "scheduled")
      all({ reason: "schedule", ...(beginAt === null ? {} : { text: `until ${new Date(beginAt).toISOString()}` }) });
    else if (state === "paused") all({ reason: "wave", text: `the job is paused: ${cause}` });
    else {
      const now = this.#stuck === "" ? this.#release.why : { reason: "order" as const, text: this.#stuck };
      const later = (i: number): Hold => ({ reason: "wave", text: waveName(i, ends.length) });
      each(groups.slice(1), now);
      held.explain(
        group,
        ends.slice(wave).map((end, i) => [end, i === 0 ? now : later(wave + i)] as const),
      );
    }
  }

  /** The counts of its nodes. */
  counts(): JobCounts {
    return this.#jobNodes.counts();
  }

  #set(more: Partial<JobStand>): void {
    this.#stand = { ...this.#stand, ...more };
    this.#options.journal.jobs.setStand(this.record.id, this.#stand);
  }

  #newJobNodes(): JobNodes {
    const { journal, fleet } = this.#options;
    return new JobNodes(journal, this.#stand, (node) => fleet.reach(node));
  }

  #newRelease(): Release {
    return new Release(this.record.plan, this.#hours, this.#options);
  }
}

function isWhole({ held }: Journal, group: string, size: number): boolean {
  return held.group(group)?.record.count === size;
}
