import type { Inspector } from "../../actors/root.ts";
import type { Config } from "../../config/config.ts";
import { outputText } from "../../errands/outcome-body.ts";
import type { Journal } from "../../journal/journal.ts";
import type { OutRecord } from "../../journal/records.ts";
import type { Clock, Timer } from "../../message/clock.ts";
import { faultText, StewardError } from "../../message/errors.ts";
import type { NewId } from "../../message/id.ts";
import type { Json, Message } from "../../message/message.ts";
import type { HeldSchedule, ScheduleRun, ScheduleView } from "../../message/schedule/held-schedule.ts";
import { parseMoment } from "../../message/schedule/moment.ts";
import { MOST_SCHEDULES, type NodeSchedule } from "../../message/schedule/node-schedule.ts";
import { SCHEDULE } from "../../message/schedule/scheduled.ts";
import type { TimeZone } from "../../message/schedule/time-zone.ts";
import { CONTROL_DOMAIN, receiverOf } from "../../message/subject.ts";
import type { Failures } from "../../observe/alerting/failures.ts";
import type { Publishers } from "../deliver/publishers.ts";
import type { Zones } from "../jobs/hours.ts";
import type { Submitter } from "../submit/submit.ts";
import { ON_TIME } from "./due.ts";
import { OneSchedule } from "./schedule.ts";
import type { ScheduleNews, ScheduleOrder } from "./schedule-method.ts";

/**
 * The schedules that this node holds by itself: those of `schedule:` in its steward.yaml, and those that were sent here. Each
 * run is a command of this node to itself, so that no link is needed for it.
 *
 *   time comes ──▶ the command is queued and the time is done with, in one transaction ──▶ it ends ──▶ central is told
 *
 * Invariants: a time begins at most one run, whatever dies in between, for its row and the command are written together. A
 * time that may have run, because the journal was put back since, is left out and told. A clock that goes back runs no time
 * again.
 */
export interface SchedulesOptions {
  readonly config: () => Config;
  readonly node: string;
  readonly central: string;
  readonly journal: Journal;
  readonly submitter: Pick<Submitter, "submit">;
  readonly publishers: Pick<Publishers, "ask">;
  readonly failures: Pick<Failures, "report" | "over">;
  readonly zones: Zones;
  readonly inspector: Inspector;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly core: { fail(error: unknown): void };
  /** Decides if its sender may set a schedule. @throws StewardError `permission-denied`, … */
  readonly insist: (held: HeldSchedule) => void;
  /** Takes the news at central itself. */
  readonly told: (news: ScheduleNews) => void;
}

const KEY = "schedule ";
/** A look at the clock at least every so often, ms: a wall clock may jump. */
const LOOK = 30_000;
/** Wait after the start of a host before missed times are caught up: until then central may prove that its disk was put back, ms. */
const PATIENCE = 60_000;
const ASK_EVERY = 5_000;
/** Wait until a wall clock that went back is believed, ms of uptime. */
const BELIEVED = 3_600_000;
const LONGEST_OUTPUT = 500;
const FAILED = "schedule-failed";
/** Refusals that pass. */
const ROOM: ReadonlySet<string> = new Set(["journal-full", "journal-disk-full", "journal-failed"]);

export class Schedules {
  readonly #options: SchedulesOptions;
  readonly #all = new Map<string, OneSchedule>();
  /** Schedules of which central is to be told at the end of this turn, and those that are gone. */
  readonly #changed = new Set<string>();
  readonly #gone = new Set<string>();
  #isTelling = false;
  #timer: Timer | undefined;
  #begun = false;
  /** Missed times are not caught up before that, monotonic ms. */
  #patientUntil = Number.NEGATIVE_INFINITY;
  /** Since when the wall clock is behind times that were done, monotonic ms. */
  #behindSince: number | undefined;

  constructor(options: SchedulesOptions) {
    this.#options = options;
    for (const { value } of options.journal.checkpoints(KEY)) {
      const held = value as unknown as HeldSchedule;
      this.#all.set(held.name, this.#open(held));
    }
  }

  begin(): void {
    const { journal, clock } = this.#options;
    this.#begun = true;
    for (const one of this.#all.values()) this.#takeUp(one);
    this.follow();
    if (!journal.sameBoot) this.#patientUntil = clock.monotonic() + PATIENCE;
  }

  end(): void {
    this.#begun = false;
    this.#options.clock.clearTimeout(this.#timer);
    for (const one of this.#all.values()) one.stop();
  }

  /** Goes by the `schedule:` that the configuration has now. */
  follow(): void {
    const { schedule } = this.#options.config();
    for (const [name, one] of this.#all)
      if (one.held.order === undefined && !Object.hasOwn(schedule, name)) this.#drop(name);
    for (const [name, plan] of Object.entries(schedule)) {
      const known = this.#all.get(name)?.held;
      if (known !== undefined && known.order === undefined && sameJson(known.plan, plan)) continue;
      try {
        this.#set(name, plan, undefined);
      } catch (error) {
        this.#options.failures.report(
          FAILED,
          `schedule ${name} cannot be held: ${faultText(error)}`,
          `${FAILED} ${name}`,
        );
      }
    }
    this.#lookWithin(0);
  }

  /** Takes the order of the command `id`. @throws Error, StewardError why it is not taken */
  take(id: string, order: ScheduleOrder): string {
    const { name } = order;
    const one = this.#all.get(name);
    if (one !== undefined && one.held.order === undefined)
      throw new Error(
        `${name} stands under \`schedule:\` in the steward.yaml of ${this.#options.node}: change it there`,
      );
    if ("set" in order) return this.#taken(id, name, order.set);
    if (one === undefined) throw new Error(`${this.#options.node} holds no schedule ${name}`);
    if (order.verb === "remove") this.#drop(name);
    else if (!one.move(order.verb, `${order.verb}d by ${this.#giver(id)}`, this.#resumedAt(order.verb)))
      throw new Error(`${name} is ${one.held.state}, and cannot be ${order.verb}d`);
    else this.#news(name);
    this.#lookWithin(0);
    return `${name} ${order.verb}d`;
  }

  /** Times that passed while a schedule was paused are no missed ones. */
  #resumedAt(verb: string): Partial<HeldSchedule> {
    return verb === "resume" ? { last: this.#options.clock.now() } : {};
  }

  #taken(id: string, name: string, plan: NodeSchedule): string {
    const order = this.#options.journal.inbox.find(id)?.message;
    if (order === undefined) throw new Error("its order is not here any more");
    const known = this.#all.get(name)?.held;
    if (known?.order?.id !== id) this.#set(name, plan, order);
    this.#lookWithin(0);
    const next = this.#all.get(name)?.view().next ?? null;
    return `${name} is held; next ${next === null ? "never" : new Date(next).toISOString()}`;
  }

  #giver(id: string): string {
    const { message } = this.#options.journal.inbox.find(id) ?? {};
    if (message === undefined) return "its order";
    return message.operator === undefined ? message.origin : `${message.operator.name}@${message.origin}`;
  }

  /** The order on behalf of which a command of this node to itself runs; `undefined`: it is no run of a schedule. */
  speakerOf(id: string): { readonly order: Message | undefined } | undefined {
    for (const { held } of this.#all.values()) if (held.run?.id === id) return { order: held.order };
    return undefined;
  }

  /** A command of this node has ended; called in the turn that journals its end. */
  ended({ message: { id, subject }, outcome }: Pick<OutRecord, "message" | "outcome">): void {
    // Runs are commands of this node to itself, and central ends thousands of others.
    if (this.#all.size === 0 || outcome === undefined || receiverOf(subject) !== this.#options.node) return;
    const one = [...this.#all.values()].find(
      ({ held }) => held.run?.id === id || held.runs.some((run) => run.id === id),
    );
    if (one !== undefined) this.#options.journal.atTurnEnd(() => this.#hasEnded(one, id, outcome));
  }

  #hasEnded(one: OneSchedule, id: string, outcome: NonNullable<OutRecord["outcome"]>): void {
    const { journal, failures } = this.#options;
    const { name, run, runs } = one.held;
    const due = run?.id === id ? run.due : (runs.find((known) => known.id === id)?.due ?? 0);
    const { state, at, code, reason } = outcome;
    const output = outputText(journal.outbox.output(id)).slice(-LONGEST_OUTPUT);
    const ended: ScheduleRun = {
      ...{ id, due, at, state },
      ...(code === undefined ? {} : { code }),
      ...(reason === undefined ? {} : { reason: reason.slice(0, LONGEST_OUTPUT) }),
      ...(output === "" ? {} : { output }),
    };
    one.ended(ended);
    this.#news(name);
    const about = `${FAILED} ${name}`;
    if (state === "succeeded") failures.over(FAILED, `schedule ${name} has succeeded again`, about);
    else failures.report(FAILED, `the run ${id} of schedule ${name} is ${one.held.cause}`, about);
    this.#lookWithin(0);
  }

  get count(): number {
    return this.#all.size;
  }

  views(): ScheduleView[] {
    return [...this.#all.keys()].sort().flatMap((name) => this.#all.get(name)?.view() ?? []);
  }

  get #newsSubject(): string {
    return `${this.#options.central}.event.${SCHEDULE}.${CONTROL_DOMAIN}`;
  }

  #open(held: HeldSchedule): OneSchedule {
    const { journal, clock, inspector } = this.#options;
    return new OneSchedule(held, {
      ...{ clock, inspector },
      zone: () => this.#zoneOf(held.plan),
      keep: (row) => journal.setCheckpoint({ key: `${KEY}${row.name}`, value: row as unknown as Json }),
    });
  }

  #zoneOf({ zone }: NodeSchedule): TimeZone {
    const { zones, config } = this.#options;
    const name = zone ?? config().timeZone;
    return name === undefined ? zones.own : zones.named(name);
  }

  /** Goes on with a schedule of an earlier life of the daemon. */
  #takeUp(one: OneSchedule): void {
    const { journal, failures, clock } = this.#options;
    const { name, epoch, run, last } = one.held;
    const now = clock.now();
    if (run !== null && journal.outbox.find(run.id) === undefined) {
      const gone = "its record is gone: the journal was damaged";
      one.ended({ id: run.id, due: run.due, at: now, state: "interrupted", reason: gone });
      this.#news(name);
    }
    if (epoch === journal.epoch) return;
    const reason = "the journal was put back since: it may have run";
    if (run !== null) journal.outbox.withdraw(run.id, "cancelled", now, reason);
    one.change({ epoch: journal.epoch, last: Math.max(last, now), high: Math.max(one.held.high, now) });
    const text = `schedule ${name}: the journal was put back; times from ${new Date(last).toISOString()} on may have run, and are not caught up`;
    failures.report("schedule-doubtful", text, `schedule-doubtful ${name}`);
    this.#news(name);
  }

  /** @throws StewardError `permission-denied`, … */
  #set(name: string, plan: NodeSchedule, order: Message | undefined): void {
    const { journal, clock, insist } = this.#options;
    const known = this.#all.get(name);
    if (known === undefined && this.#all.size >= MOST_SCHEDULES)
      throw new Error(`${this.#options.node} holds ${MOST_SCHEDULES} schedules, which is the most`);
    const now = clock.now();
    const zone = this.#zoneOf(plan);
    const once = plan.at === undefined ? {} : onceAt(plan.at, now, zone, order !== undefined);
    const held: HeldSchedule = {
      ...{ v: 1, name, plan, epoch: journal.epoch, setAt: now },
      ...(order === undefined ? {} : { order }),
      ...once,
      ...{ state: "waiting", since: now, cause: "", last: now, high: now },
      // A run of the schedule before it goes on, and is the only one.
      ...{ run: known?.held.run ?? null, runs: known?.held.runs ?? [], left: 0 },
    };
    if (order !== undefined) insist(held);
    known?.stop();
    const one = this.#open(held.run === null ? held : { ...held, state: "running" });
    this.#all.set(name, one);
    one.change({});
    this.#news(name);
  }

  #drop(name: string): void {
    this.#all.get(name)?.stop();
    this.#all.delete(name);
    this.#options.journal.dropCheckpoint(`${KEY}${name}`);
    this.#options.failures.over(FAILED, `schedule ${name} is gone`, `${FAILED} ${name}`);
    this.#changed.delete(name);
    this.#gone.add(name);
    this.#tellSoon();
  }

  #lookWithin(ms: number): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    if (!this.#begun || this.#all.size === 0) return;
    this.#timer = clock.setTimeout(() => this.#look(), Math.max(1, Math.min(ms, LOOK)));
  }

  #look(): void {
    const { clock, journal, core } = this.#options;
    let next = LOOK;
    try {
      const now = clock.now();
      const isBehind = this.#clockBehind(now);
      for (const one of this.#all.values()) next = Math.min(next, isBehind ? LOOK : this.#lookAt(one, now));
      journal.flushed().catch((error) => core.fail(error));
    } catch (error) {
      core.fail(error);
    }
    this.#lookWithin(next);
  }

  /**
   * True while the wall clock is behind times that were done with, and not yet believed: the times in between must not come
   * again. A clock that stays so was wrong before.
   */
  #clockBehind(now: number): boolean {
    const { clock, failures } = this.#options;
    const ahead = [...this.#all.values()].filter(({ held }) => held.last > now);
    if (ahead.length === 0) {
      if (this.#behindSince !== undefined) failures.over("schedule-clock", "the clock has caught up", "schedule-clock");
      this.#behindSince = undefined;
      return false;
    }
    this.#behindSince ??= clock.monotonic();
    const last = Math.max(...ahead.map(({ held }) => held.last));
    if (clock.monotonic() - this.#behindSince < BELIEVED && last - now > LOOK) {
      const text = `the clock shows ${new Date(now).toISOString()}, and schedules have come up to ${new Date(last).toISOString()}: none of these times runs again; in an hour the clock is believed`;
      failures.report("schedule-clock", text, "schedule-clock");
      return true;
    }
    if (last - now <= LOOK) return true;
    for (const one of ahead) one.change({ last: now, high: Math.max(one.held.high, one.held.last) });
    return false;
  }

  /** Does what the times of a schedule ask for. Returns the ms until there may be more. */
  #lookAt(one: OneSchedule, now: number): number {
    const { high, last } = one.held;
    // The clock has come again to where it was before it went back: these times are done with.
    if (high > last && now >= high) one.change({ last: high });
    const step = one.step(now);
    if (step === undefined) return LOOK;
    const { name } = one.held;
    if (step.kind === "wait") {
      if (one.held.state === "due") one.move("leave", "its time is over");
      if (step.at !== null) return step.at - now;
      if (one.held.state === "waiting" && one.move("end", "its last time is over")) this.#news(name);
      return LOOK;
    }
    const at = new Date(step.kind === "leave" ? step.upTo : step.due).toISOString();
    if (one.held.state === "waiting") one.move("due", `${at} has come`);
    if (step.kind === "closed") return step.at - now;
    if (step.kind === "leave") {
      const left = one.held.left + step.left;
      if (one.move("leave", `${at} was missed`, { last: step.upTo, left })) this.#news(name);
      return 0;
    }
    const isMissed = now - step.due > ON_TIME;
    const patience = this.#patientUntil - this.#options.clock.monotonic();
    if (isMissed && patience > 0) {
      this.#askCentral();
      return Math.min(patience, ASK_EVERY);
    }
    return this.#run(one, step, now);
  }

  /** Central holds ACKs for the runs that it was told of: where it has more of them than this journal, that was put back. */
  #askCentral(): void {
    const { journal, publishers } = this.#options;
    if (journal.outbox.lanes.has(this.#newsSubject)) publishers.ask(this.#newsSubject);
  }

  #run(
    one: OneSchedule,
    { due, upTo, left, closesAt }: { due: number; upTo: number; left: number; closesAt: number | null },
    now: number,
  ): number {
    const { submitter, node, clock, newId } = this.#options;
    const { name, plan } = one.held;
    const { subject, data, timeout } = plan;
    try {
      const draft = {
        subject: `${node}.${subject}`,
        data,
        deliverBy: closesAt === null ? null : Math.max(0, closesAt - now),
      };
      const [record] = submitter.submit([{ ...draft, ...(timeout === undefined ? {} : { timeout }) }]);
      const run = { id: record?.message.id ?? "", due };
      const more = { last: upTo, high: Math.max(one.held.high, upTo), left: one.held.left + left, run };
      one.move("run", `for ${new Date(due).toISOString()}`, more);
      return LOOK;
    } catch (error) {
      if (!(error instanceof StewardError)) throw error;
      // A journal without room may have some later; a command that cannot be one never can.
      if (ROOM.has(error.code)) {
        one.change({ cause: error.message });
        return LOOK;
      }
      const at = clock.now();
      const refused = { id: newId(), due, at, state: "rejected" as const, reason: error.message };
      one.move("leave", error.message, {
        last: upTo,
        left: one.held.left + left,
        runs: [...one.held.runs, refused].slice(-10),
      });
      this.#options.failures.report(FAILED, `schedule ${name} cannot run: ${error.message}`, `${FAILED} ${name}`);
      this.#news(name);
      return 0;
    }
  }

  #news(name: string): void {
    this.#gone.delete(name);
    this.#changed.add(name);
    this.#tellSoon();
  }

  /** Changes of one turn are one event. */
  #tellSoon(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    this.#options.journal.atTurnEnd(() => this.#tell());
  }

  #tell(): void {
    const { submitter, node, central, clock, told } = this.#options;
    this.#isTelling = false;
    const changed = [...this.#changed].flatMap((name) => this.#all.get(name)?.view() ?? []);
    const gone = [...this.#gone];
    this.#changed.clear();
    this.#gone.clear();
    // The runs before the latest one were told with it.
    const brief = changed.map((view) => ({ ...view, runs: view.runs.slice(-1) }));
    const news: ScheduleNews = { at: clock.now(), changed: brief, ...(gone.length === 0 ? {} : { gone }) };
    if (node === central) told(news);
    else
      submitter.submit([{ subject: this.#newsSubject, data: news as unknown as Json, deliverBy: null }], {
        keep: false,
        owed: true,
      });
  }
}

function onceAt(text: string, now: number, zone: TimeZone, isNew: boolean): { readonly onceAt: number } {
  try {
    return { onceAt: parseMoment(text, now, zone) };
  } catch (error) {
    // A time of a file that is over is no fault: the file was not changed since.
    if (isNew) throw error;
    return { onceAt: 0 };
  }
}

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
