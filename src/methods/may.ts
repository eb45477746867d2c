import { StewardError } from "../message/errors.ts";
import type { Json } from "../message/message.ts";
import { isToken, parseSubject } from "../message/subject.ts";
import { checkObject } from "./check.ts";
import { defineMethod, type Method } from "./define.ts";

/** The question whether somebody may send something to a node: put to that node, which answers by its own policy. */
export interface MayQuestion {
  readonly origin: string;
  /** The operator whose signature the message would carry. */
  readonly operator?: string;
  /** Without the node. */
  readonly subject: string;
  /** Absent: whatever the data. */
  readonly data?: Json;
}

/** The answer of a node, with the word of each layer of its policy. */
export interface MayAnswer {
  readonly allowed: boolean;
  readonly words: readonly MayWord[];
}

export interface MayWord {
  readonly allowed: boolean;
  readonly layer: string;
  /** The file and line, or the policy and its version, that decided. */
  readonly where: string;
  readonly fault?: string;
}

export const MAY = "may";

function checkQuestion(question: Json): void {
  checkObject(question, { origin: "string", subject: "string" });
  const { origin, operator, subject } = question as unknown as MayQuestion;
  if (!isToken(origin)) throw new Error("origin: expected the name of a node");
  if (operator !== undefined && !isToken(operator)) throw new Error("operator: expected a name");
  try {
    parseSubject(`node.${subject}`);
  } catch (error) {
    throw new Error(`subject: ${error instanceof StewardError ? error.details.fault : "expected a subject"}`);
  }
}

export function mayMethod(explain: (question: MayQuestion) => MayAnswer): Method {
  return defineMethod({
    name: MAY,
    summary: "Says whether somebody may send something to this node, and which line of its policy decides.",
    command: {
      idempotent: true,
      check: checkQuestion,
      run: async ({ data }) => ({
        state: "succeeded",
        result: explain(data as unknown as MayQuestion) as unknown as Json,
      }),
    },
  });
}
