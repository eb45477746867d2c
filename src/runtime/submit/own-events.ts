import type { Json } from "../../message/message.ts";
import { parseSubject } from "../../message/subject.ts";
import { type SubmitOptions, submit } from "./submit.ts";

/** The way of what this node's own sources make: nobody is there to hear a refusal, so what is too large is divided. */
export interface OwnEventsOptions {
  readonly submit: SubmitOptions;
  /** Bytes of the largest payload that the broker takes; `undefined`: no broker has said it yet. */
  readonly brokerLimit: () => number | undefined;
  /** An event that could not be divided lies among the dead letters. */
  readonly onDead: (reason: string) => void;
}

/** Room that a message needs beside its data, and a frame beside its message, bytes. */
const HEAD = 128;
const ENVELOPE = 1024;
/** Bytes of what a source makes at once, whatever else is allowed. */
const MOST = 500 * 1024;
/** Bytes of an event as long as no broker has said what it takes: small enough for nearly all of them. */
const CAUTIOUS = 14 * 1024;

/**
 * Journals one event of a source, in as many messages as the broker and `limits.messageBytes` ask for, all in this turn.
 * A part that is too large and cannot be divided becomes a dead letter: on its lane it would hold up all that follow.
 *
 * @throws StewardError one of those that pass, when there is no room; then none of it is journalled.
 */
export function submitOwn(subject: string, data: Json, options: OwnEventsOptions): void {
  const { method } = parseSubject(subject);
  const { config, methods, journal, clock, newId } = options.submit;
  const { node, limits } = config();
  const broker = options.brokerLimit();
  const room = Math.min(MOST, limits.messageBytes - HEAD, (broker ?? MOST) - ENVELOPE - HEAD);
  const split = methods.get(method)?.event?.split;
  const cut = broker === undefined ? Math.min(room, CAUTIOUS) : room;
  const parts = split === undefined || jsonBytes(data) <= cut ? [data] : split(data, cut);
  const fits = parts.filter((part) => jsonBytes(part) <= room);
  submit(
    fits.map((part) => ({ subject, data: part, deliverBy: null })),
    options.submit,
    { keep: false, own: true },
  );
  for (const part of parts) {
    if (fits.includes(part)) continue;
    const reason = `it has ${jsonBytes(part)} bytes and cannot be divided; limits.messageBytes and the broker take ${room}`;
    const now = clock.now();
    const message = { id: newId(), subject, origin: node, createdAt: now, deliverBy: null, timeout: null, data: part };
    journal.outbox.putAside(message, reason, now);
    options.onDead(reason);
  }
}

function jsonBytes(data: Json): number {
  return Buffer.byteLength(JSON.stringify(data));
}
