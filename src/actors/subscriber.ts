import { setup } from "xstate";

/**
 * The subscriber of one subject, on the receiving node. An event comes when its queue gets the first message and when the
 * last one is done; the messages themselves run in the queue.
 *
 *   idle ──work──▶ working ──drained──▶ idle
 */
export type SubscriberEvent = { readonly type: "work" | "drained" };

export const subscriberMachine = setup({ types: { events: {} as SubscriberEvent } }).createMachine({
  id: "subscriber",
  initial: "idle",
  states: { idle: { on: { work: "working" } }, working: { on: { drained: "idle" } } },
});
