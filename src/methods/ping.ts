import { answering, defineMethod } from "./define.ts";

/** Answers with the node's time: proof of the whole road, journal included, without side effects. */
export const ping = defineMethod({
  name: "ping",
  summary: "Answers with the time of the node.",
  command: answering({
    check: () => undefined,
    answer: ({ clock }) => ({ state: "succeeded", result: { now: clock.now() } }),
  }),
});
