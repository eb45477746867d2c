import type { SourceContext } from "../../define.ts";
import type { Losses } from "../losses.ts";
import { type LogRecord, Parts } from "../record.ts";
import { cutAt, decode, trimEnd } from "../text.ts";
import { isLoopback } from "./address.ts";
import type { Frame } from "./framing.ts";
import { parseSyslog } from "./parse.ts";
import { fromUtf16 } from "./utf16.ts";

export interface SenderWorld {
  readonly context: Pick<SourceContext, "clock" | "lineBytes" | "divided">;
  readonly losses: Losses;
  readonly push: (record: LogRecord) => void;
}

/**
 * Makes records of the messages of one peer: of a datagram, or of a connection. A message that is too long becomes several
 * records, each with the header of the first.
 */
export class Sender {
  readonly #peer: string;
  readonly #world: SenderWorld;
  readonly #parts = new Parts();
  #header: Omit<LogRecord, "text"> = {};

  constructor(peer: string, world: SenderWorld) {
    this.#peer = peer;
    this.#world = world;
  }

  /** Takes a complete message. */
  whole(message: Buffer): void {
    const limit = this.#world.context.lineBytes();
    let rest = fromUtf16(message);
    while (trimEnd(rest).length > limit) {
      const at = cutAt(rest, limit);
      this.take({ bytes: rest.subarray(0, at), more: true });
      rest = rest.subarray(at);
    }
    this.take({ bytes: rest, more: false });
  }

  take({ bytes: came, more }: Frame): void {
    const { context, losses, push } = this.#world;
    const isFirst = this.#parts.made === 0;
    const ended = more ? came : trimEnd(isFirst ? fromUtf16(came) : came);
    if (isFirst && ended.length === 0) return;
    const begin = isFirst ? ended.findIndex((byte) => byte !== 0) : 0;
    losses.add("nul", begin);
    const { text, replaced } = decode(ended.subarray(begin));
    losses.add("not-utf8", replaced);
    if (isFirst && more) context.divided?.(1);
    push(this.#parts.next(isFirst ? this.#parsed(text) : { ...this.#header, text }, more));
  }

  #parsed(text: string): LogRecord {
    const now = this.#world.context.clock.now();
    const record = parseSyslog(text, now);
    const { time = new Date(now).toISOString(), app, pid, severity, facility } = record;
    // A missing time or host is filled in by the receiver, as a relay does (RFC 3164, 4.3).
    const host = record.host ?? (isLoopback(this.#peer) || this.#peer === "" ? undefined : this.#peer);
    this.#header = Object.fromEntries(
      Object.entries({ time, host, app, pid, severity, facility }).filter(([, value]) => value !== undefined),
    );
    return { ...record, ...this.#header };
  }
}
