import { defineMethod } from "./define.ts";

/** Answers with its own data: proves the whole road without starting anything. */
export const echo = defineMethod({
  name: "echo",
  summary: "answers with the data that it was sent",
  command: {
    check: () => undefined,
    run: async (context) => ({ state: "succeeded", result: context.data }),
    idempotent: true,
  },
});
