import type { Actor } from "xstate";
import { type Inspector, startRoot } from "../../actors/root.ts";
import { type ScheduleEvent, scheduleMachine } from "../../actors/schedule.ts";
import type { Clock } from "../../message/clock.ts";
import type { HeldSchedule, ScheduleRun, ScheduleView } from "../../message/schedule/held-schedule.ts";
import { parseSchedule } from "../../message/schedule/parse-schedule.ts";
import { nextTime, type Schedule } from "../../message/schedule/schedule.ts";
import type { TimeZone } from "../../message/schedule/time-zone.ts";
import { parseWindow, type Window } from "../../message/schedule/window.ts";
import { summarise } from "../../message/text/summary.ts";
import { type DueStep, decideDue } from "./due.ts";
import { MOST_RUNS } from "./schedule-method.ts";

export interface ScheduleOptions {
  readonly clock: Clock;
  readonly inspector: Inspector;
  readonly zone: () => TimeZone;
  /** Writes the row; durable with the journal's next flush. */
  readonly keep: (held: HeldSchedule) => void;
}

/** One schedule that this node holds: its row, its actor, and what its times ask for. */
export class OneSchedule {
  readonly #options: ScheduleOptions;
  readonly #times: Schedule;
  readonly #window: Window | undefined;
  readonly #actor: Actor<typeof scheduleMachine>;
  #held: HeldSchedule;

  constructor(held: HeldSchedule, options: ScheduleOptions) {
    const { clock, inspector } = options;
    const { plan, onceAt = 0, name, state, since, cause } = held;
    this.#options = options;
    this.#held = held;
    this.#times =
      plan.every === undefined ? { kind: "once", text: plan.at ?? "", at: onceAt } : parseSchedule(plan.every);
    this.#window = plan.window === undefined ? undefined : parseWindow(plan.window);
    this.#actor = startRoot(scheduleMachine, {
      actor: `schedule ${name}`,
      role: "schedule",
      clock,
      inspector,
      input: { at: since },
      snapshot: scheduleMachine.resolveState({ value: state, context: { since, cause } }),
    });
  }

  get held(): HeldSchedule {
    return this.#held;
  }

  stop(): void {
    this.#actor.stop();
  }

  /** The step that its times ask for now; `undefined`: nothing can begin, whatever the time. */
  step(now: number): DueStep | undefined {
    const { state, run, plan, last } = this.#held;
    if (state === "paused" || state === "ended" || run !== null) return undefined;
    const zone = this.#options.zone();
    return decideDue({ times: this.#times, window: this.#window, zone, missed: plan.missed, last, now });
  }

  /** Changes the row. */
  change(more: Partial<HeldSchedule>): void {
    this.#held = { ...this.#held, ...more };
    this.#options.keep(this.#held);
  }

  /** Lets an event happen. Returns false when it is not possible now. */
  move(type: ScheduleEvent["type"], cause: string, more: Partial<HeldSchedule> = {}): boolean {
    const at = this.#options.clock.now();
    const event: ScheduleEvent = { type, at, cause };
    if (!this.#actor.getSnapshot().can(event)) return false;
    this.#actor.send(event);
    this.change({ ...more, state: this.#actor.getSnapshot().value, since: at, cause });
    return true;
  }

  /** A run has ended, or its end is told anew. False: it is none of this schedule. */
  ended(run: ScheduleRun): boolean {
    const { runs, run: open } = this.#held;
    const known = runs.findIndex(({ id }) => id === run.id);
    if (open?.id !== run.id && known < 0) return false;
    const kept = known < 0 ? [...runs, run].slice(-MOST_RUNS) : runs.map((each, i) => (i === known ? run : each));
    const more = { runs: kept, ...(open?.id === run.id ? { run: null } : {}) };
    const { state, code, reason } = run;
    const end = reason ?? (code === undefined ? "" : `exit ${code}`);
    if (!this.move("done", `${state}${end === "" ? "" : `: ${end}`}`, more)) this.change(more);
    return true;
  }

  view(): ScheduleView {
    const { name, plan, order, state, since, cause, left, runs } = this.#held;
    const { at, every, window, missed, subject, data, note } = plan;
    return {
      name,
      from: order === undefined ? "file" : giverOf(order),
      ...(at === undefined ? {} : { at }),
      ...(every === undefined ? {} : { every }),
      ...(window === undefined ? {} : { window }),
      zone: this.#options.zone().name,
      missed,
      subject,
      what: summarise(data).slice(0, 200),
      ...(note === undefined ? {} : { note }),
      ...{ state, since, cause, next: this.#next(), left, runs },
    };
  }

  #next(): number | null {
    const { state, last } = this.#held;
    if (state === "paused" || state === "ended") return null;
    return nextTime(this.#times, Math.max(last, this.#options.clock.now()), this.#options.zone()) ?? null;
  }
}

function giverOf({ origin, operator }: NonNullable<HeldSchedule["order"]>): string {
  return operator === undefined ? origin : `${operator.name}@${origin}`;
}
