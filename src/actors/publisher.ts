import { assign, setup } from "xstate";
import type { Random } from "../message/clock.ts";

/**
 * The publisher of one subject, on the sending node. It learns of edges only (there is work, there is none, nothing
 * moves), never of single messages. `pump` is the effect that hands frames to the broker, until `hold`.
 *
 *   idle ──work──▶ working ──drained──▶ idle
 *                  working ──noAck | nodeAway | noCredit──▶ backingOff ──delay | progress | resume──▶ working
 *   any ──pause──▶ paused ──resume──▶ working
 */
export interface Backoff {
  /** Milliseconds. */
  readonly min: number;
  readonly max: number;
  readonly factor: number;
}

export interface PublisherInput {
  readonly subject: string;
  readonly backoff: Backoff;
  readonly random: Random;
}

export type PublisherEvent =
  | { readonly type: "work" }
  | { readonly type: "drained" }
  /** An ACK moved the lane on. */
  | { readonly type: "progress" }
  | { readonly type: "noAck"; readonly cause: string }
  | { readonly type: "nodeAway"; readonly cause: string }
  | { readonly type: "noCredit"; readonly cause: string }
  | { readonly type: "pause"; readonly cause: string }
  | { readonly type: "resume"; readonly cause: string };

interface PublisherContext extends PublisherInput {
  /** Backoffs in a row without progress. */
  readonly attempt: number;
  /** Why nothing moves; empty when it does. */
  readonly reason: string;
}

export const publisherMachine = setup({
  types: { context: {} as PublisherContext, events: {} as PublisherEvent, input: {} as PublisherInput },
  actions: {
    pump: () => undefined,
    hold: () => undefined,
    blocked: assign(({ context, event }) => ({
      attempt: context.attempt + 1,
      reason: "cause" in event ? event.cause : "",
    })),
    paused: assign(({ event }) => ({ reason: "cause" in event ? event.cause : "" })),
    moving: assign({ attempt: 0, reason: "" }),
    clear: assign({ reason: "" }),
  },
  delays: {
    // Full jitter over the upper half: many publishers that lost the same node do not come back in one burst.
    backoff: ({ context: { attempt, backoff, random } }) => {
      const ceiling = Math.min(backoff.max, backoff.min * backoff.factor ** Math.max(0, attempt - 1));
      return ceiling / 2 + (random.next() * ceiling) / 2;
    },
  },
}).createMachine({
  id: "publisher",
  context: ({ input }) => ({ ...input, attempt: 0, reason: "" }),
  initial: "idle",
  on: { pause: { target: ".paused", actions: "paused" } },
  states: {
    idle: { on: { work: "working" } },
    working: {
      entry: ["clear", "pump"],
      exit: "hold",
      on: {
        work: { actions: "pump" },
        progress: { actions: ["moving", "pump"] },
        drained: { target: "idle", actions: "moving" },
        noAck: { target: "backingOff", actions: "blocked" },
        nodeAway: { target: "backingOff", actions: "blocked" },
        noCredit: { target: "backingOff", actions: "blocked" },
      },
    },
    backingOff: {
      after: { backoff: "working" },
      on: {
        progress: { target: "working", actions: "moving" },
        resume: { target: "working", actions: "moving" },
        drained: { target: "idle", actions: "moving" },
      },
    },
    paused: { on: { resume: { target: "working", actions: "moving" } } },
  },
});
