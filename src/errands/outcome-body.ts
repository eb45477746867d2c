import type { Errand } from "../message/care/errand.ts";
import type { Message } from "../message/message.ts";
import type { Outcome, OutputPart } from "../message/report.ts";
import { receiverOf } from "../message/subject.ts";
import { summarise } from "../message/text/summary.ts";

/** Characters of output that go along with an outcome: its end. */
const MOST_OUTPUT = 16_000;

/** The text of an errand about a message that has ended. */
export function outcomeBody({
  message,
  outcome,
}: {
  readonly message: Message;
  readonly outcome?: Outcome | undefined;
}): Errand["body"] {
  return {
    id: message.id,
    node: receiverOf(message.subject),
    subject: message.subject,
    summary: summarise(message.data),
    createdAt: message.createdAt,
    ...(outcome === undefined
      ? {}
      : {
          state: outcome.state,
          endedAt: outcome.at,
          ...(outcome.code === undefined ? {} : { code: outcome.code }),
          ...(outcome.reason === undefined ? {} : { reason: outcome.reason }),
        }),
  };
}

/** The end of an output as text, both streams in the order of their parts. */
export function outputText(parts: readonly OutputPart[]): string {
  return parts
    .map(({ text, encoding }) => (encoding === undefined ? text : Buffer.from(text, encoding).toString("utf8")))
    .join("")
    .slice(-MOST_OUTPUT);
}
