import type { Steered } from "../../runtime/operate/table/jobs.ts";
import type { CancelAnswer } from "../../runtime/operate/table/messages.ts";
import { messageLook } from "./looks.ts";

/** The three answers to the wish to take a message back, in words. */
export function cancelText(answer: CancelAnswer): string {
  if (answer.kind === "done") return "cancelled before it was sent";
  if (answer.kind === "requested") return `asked: ${answer.reason}`;
  return `too late: it is ${messageLook(answer.state).word}`;
}

/** The answer for one message of a job, in the words of `cancelText`. */
export function answerText({ kind, reason = "its node was asked to end it" }: Steered["answers"][number]): string {
  if (kind === "done") return "cancelled before it was sent";
  return kind === "requested" ? `asked: ${reason}` : "too late: it had ended";
}
