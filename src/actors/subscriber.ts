import { assign, setup } from "xstate";

/**
 * The subscriber of one subject, on the receiving node. Told when its queue gets its first message and when the last one
 * is done; the messages themselves run in its p-queue.
 *
 *   idle ──work──▶ working ──drained──▶ idle
 *   any ──pause──▶ paused ──resume──▶ idle | working
 */
export type SubscriberEvent =
  | { readonly type: "work" }
  | { readonly type: "drained" }
  | { readonly type: "pause"; readonly cause: string }
  | { readonly type: "resume"; readonly cause: string };

export interface SubscriberInput {
  readonly subject: string;
  readonly concurrency: number;
}

export const subscriberMachine = setup({
  types: {
    context: {} as SubscriberInput & { busy: boolean },
    events: {} as SubscriberEvent,
    input: {} as SubscriberInput,
  },
  guards: { busy: ({ context }) => context.busy },
  actions: {
    halt: () => undefined,
    proceed: () => undefined,
    busy: assign({ busy: true }),
    idle: assign({ busy: false }),
  },
}).createMachine({
  id: "subscriber",
  context: ({ input }) => ({ ...input, busy: false }),
  initial: "idle",
  on: { pause: ".paused" },
  states: {
    idle: { on: { work: { target: "working", actions: "busy" } } },
    working: { on: { drained: { target: "idle", actions: "idle" } } },
    paused: {
      entry: "halt",
      exit: "proceed",
      on: {
        work: { actions: "busy" },
        drained: { actions: "idle" },
        resume: [{ guard: "busy", target: "working" }, { target: "idle" }],
      },
    },
  },
});
