import { formatSubject, type Subject } from "./subject.ts";

/** Any JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** One command or one event, as it is stored and as it travels. Times are milliseconds since 1970 by the origin's clock. */
export interface Message {
  readonly id: string;
  /** Canonical text of the subject; its first token is the receiver. */
  readonly subject: string;
  /** The node that accepted it; outcomes go back there. */
  readonly origin: string;
  readonly createdAt: number;
  /** May wait until then to start; `null` waits for ever. */
  readonly deliverBy: number | null;
  /** May run for that many milliseconds; `null`: as long as `defaults.timeout` of the receiver says. */
  readonly timeout: number | null;
  readonly data: Json;
  /** The id of the command that this event reports on. */
  readonly inReplyTo?: string;
  /** A plain NATS publisher wrote it, and its origin took it in for itself. */
  readonly foreign?: true;
  /** The operator who asked for it. */
  readonly operator?: AskedBy;
}

/** An operator by the word of the origin, and by his own word where he has signed the message. */
export interface AskedBy {
  readonly name: string;
  /** See security/operators/statement.ts. */
  readonly statement?: { readonly until: number; readonly signature: string };
}

/** Where the outcome of a command goes: `ship1.command.m.d` sent by `central` is answered on `central.event.m.d`. */
export function replySubject(command: Subject, origin: string): string {
  return formatSubject({ node: origin, kind: "event", method: command.method, domain: command.domain });
}
