import type { Json } from "../../../message/message.ts";
import type { ProcessVerb } from "../../../message/process-verb.ts";
import { checkObject } from "../../../methods/check.ts";
import { defineMethod, type Method } from "../../../methods/define.ts";

const VERBS: readonly string[] = ["ps", "start", "stop", "restart", "revive"];

export function processMethod(act: (verb: "ps" | ProcessVerb, subject: string) => Promise<Json>): Method {
  return defineMethod({
    name: "process",
    summary: "Lists, starts, stops, restarts or revives processes.",
    command: {
      check: (data) => checkObject(data, { verb: VERBS, subject: "string" }),
      run: async ({ data }) => {
        const { verb, subject } = data as { verb: "ps" | ProcessVerb; subject: string };
        try {
          return { state: "succeeded", result: await act(verb, subject) };
        } catch (error) {
          return { state: "failed", reason: error instanceof Error ? error.message : String(error) };
        }
      },
    },
  });
}
