import { answering, defineMethod } from "./define.ts";

/** Answers with its own data, and takes note of events without keeping them: proves the whole road and nothing else. */
export const echo = defineMethod({
  name: "echo",
  summary: "answers with the data that it was sent",
  command: answering({
    check: () => undefined,
    answer: ({ data }) => ({ state: "succeeded", result: data }),
  }),
  event: {
    check: () => undefined,
    handle: async () => undefined,
  },
});
