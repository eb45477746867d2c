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
  /** An urgent message goes before what waits. */
  readonly urgent?: true;
}

/** An operator by the word of the origin, and by his own word where he has signed the message. */
export interface AskedBy {
  readonly name: string;
  readonly statement?: CarriedStatement;
}

/** See security/operators/statement.ts. */
export interface CarriedStatement {
  /** The last moment at which a node takes it, ms since 1970. */
  readonly until: number;
  /** base64url. */
  readonly signature: string;
  /** Absent: the statement is on the message with its id alone. */
  readonly run?: SignedRun;
}

/** The part of a job that an operator has signed for one node: a command that may come so many times, not before these times. */
export interface SignedRuns {
  /** The id of the order, chosen by whoever signed it. */
  readonly order: string;
  /** The first run begins no earlier, ms since 1970. */
  readonly from: number;
  /** How many times the command may come. */
  readonly runs: number;
  /** The least time from one run to the next, ms. */
  readonly gap: number;
}

/** The word of an operator on a job. */
export interface SignedJob extends SignedRuns {
  readonly until: number;
  /** By node, base64url. */
  readonly signatures: Readonly<Record<string, string>>;
}

/** The place of one message among the runs that were signed. */
export interface SignedRun extends SignedRuns {
  /** Counted from 1. */
  readonly run: number;
}

/** Where the outcome of a command goes: `ship1.command.m.d` sent by `central` is answered on `central.event.m.d`. */
export function replySubject(command: Subject, origin: string): string {
  return formatSubject({ node: origin, kind: "event", method: command.method, domain: command.domain });
}
