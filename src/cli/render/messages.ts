import { kindOf, parseSubject } from "../../message/subject.ts";
import { bytes, span, took } from "../../message/text/figures.ts";
import type { DeadLetter, MessageDetail, MessageView } from "../../runtime/operate/table/messages.ts";
import type { Paint } from "./paint.ts";
import { messageState } from "./states.ts";
import { pairs, table } from "./table.ts";
import { visible } from "./text.ts";
import { isoTime, type Times } from "./time.ts";

/** `out` to a node, `in` from one: the other end of a message. */
function peer(message: MessageView): string {
  return message.direction === "out" ? (message.subject.split(".")[0] ?? "") : message.origin;
}

/** The method and domain of nearly every message; only others are shown. */
const USUAL = "shellcommand.operatingsystem";

function work(subject: string): string {
  const [, kind, method, domain] = subject.split(".");
  const what = `${kind === "event" ? "event " : ""}${method}.${domain}`;
  return what === USUAL ? "" : ` [${what}]`;
}

export function messageTable(messages: readonly MessageView[], times: Times, paint: Paint, columns?: number): string[] {
  return table(
    messages,
    [
      { title: "ID", cell: (m) => m.id },
      { title: "", cell: (m) => (m.direction === "out" ? "→" : "←") },
      { title: "NODE", cell: (m) => visible(peer(m)) },
      {
        title: "STATE",
        cell: (m) => messageState(m.state, paint) + (m.code === undefined || m.code === 0 ? "" : ` (${m.code})`),
      },
      { title: "SINCE", cell: (m) => times.at(m.since) },
      { title: "BY", cell: (m) => visible(m.operator ?? "") },
      {
        title: "WHAT",
        cell: (m) => visible(`${m.summary}${inBrackets(beyondCode(m))}${work(m.subject)}`),
      },
    ],
    columns,
  );
}

export function messageLines(message: MessageDetail, times: Times, paint: Paint): string[] {
  const { outcome } = message;
  const ran = outcome?.startedAt === undefined ? undefined : took(outcome.at - outcome.startedAt);
  const deadline =
    message.deliverBy === null
      ? "none: it may start at any time"
      : `${isoTime(message.deliverBy)} (${times.at(message.deliverBy)}), to start`;
  const lines = pairs([
    ["message", message.id],
    ["subject", visible(message.subject)],
    ["from", visible(message.operator ?? message.origin)],
    ["signed", message.signed === true ? `by ${visible(message.operator ?? "")}: its node verifies it` : undefined],
    [
      "state",
      `${messageState(message.state, paint)}, ${times.at(message.since)}${message.final ? "" : " (not final)"}`,
    ],
    ["reason", optional(message.reason ?? outcome?.reason)],
    ["exit code", outcome?.code?.toString()],
    ["signal", optional(outcome?.signal)],
    ["took", ran],
    ["created", times.at(message.createdAt)],
    ["deadline", message.final ? undefined : deadline],
    ["timeout", timeoutOf(message)],
    ["sendings", String(message.attempts)],
    ["heard late", heard(message, times)],
    ["cancel", cancel(message, times)],
    ["reply to", message.inReplyTo],
    ["outcome to", message.reply === undefined ? undefined : visible(message.reply.join(", "))],
    [
      "output",
      outcome?.totals === undefined
        ? undefined
        : `${total("stdout", outcome.totals.stdout)}, ${total("stderr", outcome.totals.stderr)}`,
    ],
    ["result", outcome?.result === undefined ? undefined : visible(JSON.stringify(outcome.result))],
    ["data", visible(JSON.stringify(message.data))],
  ]);
  if (message.conflict !== undefined) {
    const { state, by, at, reason } = message.conflict;
    const said = `${messageState(state, paint)}${visible(inBrackets(reason))}, ${times.at(at)}`;
    lines.push(paint("red", `! conflict: ${visible(by)} also said ${said}; the first final state stands`));
  }
  lines.push("", "HISTORY");
  for (const said of message.history) {
    const { at, state, by, reason } = said;
    lines.push(`  ${isoTime(at)}  ${messageState(state, paint)}, says ${visible(by)}${visible(inBrackets(reason))}`);
  }
  return lines;
}

export function deadTable(letters: readonly DeadLetter[], times: Times, columns?: number): string[] {
  return table(
    letters,
    [
      { title: "ID", cell: (d) => d.id },
      { title: "FROM", cell: (d) => visible(d.origin) },
      { title: "SUBJECT", cell: (d) => visible(d.subject) },
      { title: "DEAD", cell: (d) => times.at(d.at) },
      { title: "TRIES", cell: (d) => String(d.attempts), align: "right" },
      { title: "REASON", cell: (d) => visible(`${d.reason}: ${d.summary}`) },
    ],
    columns,
  );
}

/** The reason, where it says more than the exit code that is shown beside it. */
export function beyondCode({ reason, code }: { readonly reason?: string; readonly code?: number }): string | undefined {
  return reason === `exit code ${code}` ? undefined : reason;
}

function inBrackets(text: string | undefined): string {
  return text === undefined ? "" : ` (${text})`;
}

/** How long the command may run, and whose word that is; the reason of a `timedOut` names the setting that decided. */
function timeoutOf({ timeout, subject, origin, final, direction }: MessageDetail): string | undefined {
  if (kindOf(subject) === "event" || (timeout === null && final)) return undefined;
  const node = visible(receiver(subject));
  if (timeout === null) return `defaults.timeout of ${node}`;
  const bound = final || direction === "in" ? "" : `, unless limits.timeout of ${node} is shorter`;
  return `${span(timeout)}, says ${visible(origin)}${bound}`;
}

/** An outcome that came late: after contact with the node was lost, or after the deadline. */
function heard({ heardAt, history, deliverBy, outcome }: MessageDetail, times: Times): string | undefined {
  if (heardAt === undefined) return undefined;
  const late = [
    ...(history.some(({ state }) => state === "unknown") ? ["its state had been unknown"] : []),
    ...(deliverBy !== null && heardAt > deliverBy && outcome?.startedAt !== undefined
      ? ["its deadline had passed, and it had started before"]
      : []),
  ];
  return late.length === 0 ? undefined : `${times.at(heardAt)}; ${late.join(", and ")}`;
}

function cancel(message: MessageDetail, times: Times): string | undefined {
  const { cancelRequestedAt, cancelAnswer, subject, final } = message;
  if (cancelRequestedAt === undefined) return undefined;
  const node = visible(receiver(subject));
  const asked = `requested ${times.at(cancelRequestedAt)}`;
  if (cancelAnswer === undefined) return final ? asked : `${asked}; ${node} has not answered yet`;
  const reason = cancelAnswer.reason === undefined ? "" : `: ${visible(cancelAnswer.reason)}`;
  const said = { done: "done", refused: "refused", tooLate: "too late, the command had ended" }[cancelAnswer.kind];
  return `${asked}; ${node} says: ${said}${reason}`;
}

function total(name: string, { bytes: count, kept }: { bytes: number; kept: number }): string {
  return `${bytes(count)} of ${name}${kept < count ? ` (${bytes(kept)} kept)` : ""}`;
}

function optional(text: string | undefined): string | undefined {
  return text === undefined ? undefined : visible(text);
}

/** The receiver of a subject, also when it is not valid. */
export function receiver(subject: string): string {
  try {
    return parseSubject(subject).node;
  } catch {
    return subject.split(".")[0] ?? subject;
  }
}
