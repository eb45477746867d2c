import { assign, setup } from "xstate";

/**
 * One job: an operator's intention over many nodes. Events are decisions that were made from what became of its messages, from
 * time, or by an operator; the machine says which of them are possible when.
 *
 *   draft ─▶ awaitingApproval ─▶ scheduled ─▶ running ⇄ paused ─▶ done | doneWithFailures | aborted | cancelled | expired
 *
 *   wave     the next wave begins, while it runs; `promote` does so from `paused`
 *   again    all has ended, and the schedule has a next time
 *   retry    another attempt on some of its nodes, also after its end; `askAgain`: one that needs an approval
 */
export interface JobEvent {
  readonly type:
    | "ask"
    | "schedule"
    | "begin"
    | "wave"
    | "pause"
    | "resume"
    | "promote"
    | "finish"
    | "finishWithFailures"
    | "again"
    | "abort"
    | "cancel"
    | "expire"
    | "retry"
    | "askAgain";
  readonly at: number;
  readonly cause: string;
  /** The wave that begins with it, counted from 0. */
  readonly wave?: number;
}

export interface JobContext {
  /** The wave that runs, counted from 0. */
  readonly wave: number;
  readonly since: number;
  readonly cause: string;
}

const to = (target: string) => ({ target, actions: "noted" }) as const;
const ends = { abort: to("aborted"), cancel: to("cancelled"), expire: to("expired") };
const finishes = { finish: to("done"), finishWithFailures: to("doneWithFailures"), again: to("scheduled") };
const asks = { askAgain: to("awaitingApproval") };
const retried = { on: { retry: to("running"), schedule: to("scheduled"), ...asks } };

export const jobMachine = setup({
  types: { context: {} as JobContext, events: {} as JobEvent, input: {} as { at: number } },
  actions: {
    noted: assign(({ context, event }) => ({
      since: event.at,
      cause: event.cause,
      wave: event.wave ?? context.wave,
    })),
  },
}).createMachine({
  id: "job",
  context: ({ input }) => ({ wave: 0, since: input.at, cause: "" }),
  initial: "draft",
  states: {
    draft: {
      on: { ask: to("awaitingApproval"), schedule: to("scheduled"), begin: to("running"), cancel: ends.cancel },
    },
    awaitingApproval: { on: { schedule: to("scheduled"), begin: to("running"), ...ends } },
    scheduled: { on: { begin: to("running"), ...ends } },
    running: {
      on: {
        wave: { actions: "noted" },
        pause: to("paused"),
        retry: { actions: "noted" },
        ...asks,
        ...finishes,
        ...ends,
      },
    },
    paused: {
      on: { resume: to("running"), promote: to("running"), retry: to("running"), ...asks, ...finishes, ...ends },
    },
    done: retried,
    doneWithFailures: retried,
    aborted: retried,
    cancelled: retried,
    expired: retried,
  },
});
