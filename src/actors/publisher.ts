import { assign, setup } from "xstate";
import type { Random } from "../message/clock.ts";
import { type Backoff, backoffDelay } from "./backoff.ts";

/**
 * The publisher of one subject, on the sending node. Events are edges (work came, work is done, nothing moves), never
 * single messages. `pump` lets frames go to the broker, until `hold`. The effect comes with the input: a machine of its own for
 * each publisher would cost more than all else that a publisher is.
 *
 *   idle ──work──▶ working ──drained──▶ idle       (work that is soon done is never told: frames go in `idle` too)
 *   idle | working ──noAck | nodeAway | noCredit──▶ backingOff ──delay | progress | resume──▶ working
 *   any ──pause──▶ paused ──resume──▶ working
 */
export interface PublisherInput {
  readonly backoff: Pick<Backoff, "min" | "max" | "factor">;
  readonly random: Random;
  /** Lets frames go, or holds them. */
  readonly open: (open: boolean) => void;
}

export type PublisherEvent =
  /** `progress`: an ACK moved the lane on. */
  | { readonly type: "work" | "drained" | "progress" }
  | { readonly type: "noAck" | "nodeAway" | "noCredit" | "pause" | "resume"; readonly cause: string };

interface PublisherContext extends PublisherInput {
  /** Backoffs in a row without progress. */
  readonly attempt: number;
  /** The reason why nothing moves; empty when it does. */
  readonly reason: string;
}

const blocked = { target: "backingOff", actions: "blocked" } as const;
const blockedBy = { noAck: blocked, nodeAway: blocked, noCredit: blocked };

export const publisherMachine = setup({
  types: { context: {} as PublisherContext, events: {} as PublisherEvent, input: {} as PublisherInput },
  actions: {
    pump: ({ context }) => context.open(true),
    hold: ({ context }) => context.open(false),
    blocked: assign(({ context, event }) => ({ attempt: context.attempt + 1, reason: causeOf(event) })),
    paused: assign(({ event }) => ({ reason: causeOf(event) })),
    moving: assign({ attempt: 0, reason: "" }),
    clear: assign({ reason: "" }),
  },
  delays: {
    // Half of the wait is left to chance: many publishers that lost the same node do not come back in one burst.
    backoff: ({ context: { attempt, backoff, random } }) =>
      backoffDelay({ ...backoff, jitter: 0.5 }, Math.max(0, attempt - 1), random),
  },
}).createMachine({
  id: "publisher",
  context: ({ input }) => ({ ...input, attempt: 0, reason: "" }),
  initial: "idle",
  on: { pause: { target: ".paused", actions: "paused" } },
  states: {
    idle: { entry: "pump", on: { work: "working", ...blockedBy } },
    working: {
      entry: ["clear", "pump"],
      on: { progress: { actions: ["moving", "pump"] }, drained: { target: "idle", actions: "moving" }, ...blockedBy },
    },
    backingOff: {
      entry: "hold",
      after: { backoff: "working" },
      on: {
        progress: { target: "working", actions: "moving" },
        resume: { target: "working", actions: "moving" },
        drained: { target: "idle", actions: "moving" },
      },
    },
    paused: { entry: "hold", on: { resume: { target: "working", actions: "moving" } } },
  },
});

function causeOf(event: PublisherEvent): string {
  return "cause" in event ? event.cause : "";
}
