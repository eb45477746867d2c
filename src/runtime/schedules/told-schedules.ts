import type { Journal } from "../../journal/journal.ts";
import type { Json } from "../../message/message.ts";
import type { NodeSchedules, ScheduleView } from "../../message/schedule/held-schedule.ts";
import { MOST_SCHEDULES } from "../../message/schedule/node-schedule.ts";
import { MOST_RUNS, type ScheduleNews } from "./schedule-method.ts";

const KEY = "schedules ";
type Rows = Pick<Journal, "checkpoint" | "checkpoints" | "setCheckpoint" | "dropCheckpoint">;

/** The schedules that nodes hold and their latest runs, as they have told central: a row for each node. */
export class ToldSchedules {
  readonly #journal: Rows;

  constructor(journal: Rows) {
    this.#journal = journal;
  }

  of(node: string): NodeSchedules | undefined {
    return this.#journal.checkpoint(`${KEY}${node}`) as unknown as NodeSchedules | undefined;
  }

  *all(): Generator<readonly [node: string, told: NodeSchedules]> {
    for (const { key, value } of this.#journal.checkpoints(KEY))
      yield [key.slice(KEY.length), value as unknown as NodeSchedules];
  }

  forget(node: string): void {
    this.#journal.dropCheckpoint(`${KEY}${node}`);
  }

  /** Takes the news of a node; the same news may come twice. */
  told(node: string, { at, all, changed, gone = [] }: ScheduleNews): void {
    const before = new Map((this.of(node)?.schedules ?? []).map((view) => [view.name, view]));
    const after = all === true ? new Map<string, ScheduleView>() : new Map(before);
    for (const name of gone) after.delete(name);
    for (const view of changed) after.set(view.name, withRuns(view, before.get(view.name)));
    if (after.size === 0) this.#journal.dropCheckpoint(`${KEY}${node}`);
    else {
      const schedules = [...after.values()].slice(0, MOST_SCHEDULES);
      const row: NodeSchedules = { v: 1, at, schedules };
      this.#journal.setCheckpoint({ key: `${KEY}${node}`, value: row as unknown as Json });
    }
  }
}

/** The view with the runs that were told before, each as it was told last. */
function withRuns(view: ScheduleView, before: ScheduleView | undefined): ScheduleView {
  const told = new Set(view.runs.map(({ id, due }) => `${id} ${due}`));
  const runs = [...(before?.runs ?? []).filter(({ id, due }) => !told.has(`${id} ${due}`)), ...view.runs];
  return { ...view, runs: runs.slice(-MOST_RUNS) };
}
