import { assign, setup } from "xstate";

/**
 * A schedule that this node holds. Events are decisions that were made from its times, from what became of its runs, or by an
 * operator; the machine says which of them are possible when.
 *
 *   waiting ─due─▶ due ─run─▶ running ─done─▶ waiting        no more times: ended
 *     due ─leave─▶ waiting (its times are left out)          pause ─▶ paused ─resume─▶ waiting
 */
export interface ScheduleEvent {
  readonly type: "due" | "run" | "leave" | "done" | "end" | "pause" | "resume";
  readonly at: number;
  readonly cause: string;
}

export interface ScheduleContext {
  readonly since: number;
  readonly cause: string;
}

const to = (target: string) => ({ target, actions: "noted" }) as const;

export const scheduleMachine = setup({
  types: { context: {} as ScheduleContext, events: {} as ScheduleEvent, input: {} as { at: number } },
  actions: { noted: assign(({ event }) => ({ since: event.at, cause: event.cause })) },
}).createMachine({
  id: "schedule",
  context: ({ input }) => ({ since: input.at, cause: "" }),
  initial: "waiting",
  states: {
    waiting: { on: { due: to("due"), end: to("ended"), pause: to("paused") } },
    due: { on: { run: to("running"), leave: to("waiting"), pause: to("paused") } },
    running: { on: { done: to("waiting"), pause: to("paused") } },
    paused: { on: { resume: to("waiting") } },
    ended: {},
  },
});
