import type { ServerResponse } from "node:http";
import type { Clock, Timer } from "../message/clock.ts";
import type { Happening } from "../message/happening.ts";
import { withTimes } from "../message/text/time-words.ts";
import { LIMITS } from "../runtime/operate/table/shape.ts";
import type { Operations } from "../runtime/operate/table.ts";
import { RequestRefused } from "./failure.ts";

/**
 * The open streams of server-sent events. Happenings are watched only while a stream is open, serialised once for all
 * streams, and numbered upwards.
 *
 * A stream is `flowing` (all is written at once), `blocked` (its client reads too slowly: events wait, bounded in number
 * and bytes), or `missing` (that bound is reached: events are only counted). When a missing stream has drained its waiting
 * events, `gap` tells how many it did not get, and it flows again. A client that never reads costs the bound and no more.
 *
 * A stream ends at once when its reader may not read any more: nothing is offered to it without a look at that, and it is
 * looked at as well while nothing happens.
 *
 * With `resume` the latest events are kept, bounded in number, bytes and time, also for a while without a stream: a client that
 * comes back with `last-event-id` gets those that it missed, or `gap` with null when they are not all there. The numbers
 * are those of one life of the streams, whose name stands before them.
 */
export const STREAM_LIMITS = { events: 1_000, bytes: 1024 * 1024, heartbeat: 15_000, look: 1_000 } as const;

/** The streams of pages: a link that comes and goes costs no reading anew, and silence is noticed soon. */
export interface Resuming {
  /** Names this life of the streams; not used before. */
  readonly life: string;
  /** Interval between two events `heartbeat`, ms. */
  readonly heartbeat: number;
}

/** Bounds of the events that are kept for clients that come back, and how long they are kept without any client, ms. */
export const RESUME_LIMITS = { events: 2_000, bytes: 4 * 1024 * 1024, linger: 60_000 } as const;
const HEARTBEAT = "heartbeat";

export interface StreamTerms {
  /** Absent: all types of events. */
  readonly types: readonly string[] | undefined;
  /** The last event that the client had when it was here before. */
  readonly after: string | undefined;
  /** @throws Error when the reader may not read any more */
  readonly insist: () => void;
}

interface Recent {
  readonly id: number;
  readonly type: string;
  readonly text: string;
}

interface Stream {
  readonly outgoing: ServerResponse;
  readonly types: ReadonlySet<string> | undefined;
  readonly insist: () => void;
  readonly waiting: string[];
  waitingBytes: number;
  blocked: boolean;
  missed: number;
}

export class EventStreams {
  readonly #operations: Operations;
  readonly #clock: Clock;
  readonly #streams = new Set<Stream>();
  #unwatch: (() => void) | undefined;
  #heartbeat: Timer | undefined;
  #looking: Timer | undefined;
  readonly #resuming: Resuming | undefined;
  readonly #recent: Recent[] = [];
  #recentBytes = 0;
  /** Armed while events are kept for clients that may come back. */
  #lingering: Timer | undefined;
  #lastId = 0;
  #closed = false;

  constructor(operations: Operations, clock: Clock, resuming?: Resuming) {
    this.#operations = operations;
    this.#clock = clock;
    this.#resuming = resuming;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** Turns a response into a stream. */
  open(outgoing: ServerResponse, { types, after, insist }: StreamTerms): void {
    if (this.#closed || this.#streams.size >= LIMITS.streams) {
      throw new RequestRefused(
        503,
        this.#closed ? "the daemon is stopping" : `${LIMITS.streams} event streams are open already`,
      );
    }
    const stream: Stream = {
      outgoing,
      types: types === undefined ? undefined : new Set(types),
      insist,
      waiting: [],
      waitingBytes: 0,
      blocked: false,
      missed: 0,
    };
    const missed = after === undefined ? [] : this.#since(after);
    if (this.#unwatch === undefined) this.#start();
    this.#clock.clearTimeout(this.#lingering);
    this.#streams.add(stream);
    outgoing.on("drain", () => this.#drained(stream));
    outgoing.on("error", () => outgoing.destroy());
    outgoing.on("close", () => this.#gone(stream));
    outgoing.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    this.#write(stream, "retry: 2000\n\n");
    if (missed === undefined) this.#write(stream, gapText(null));
    else for (const { type, text } of missed) if (stream.types?.has(type) !== false) this.#offer(stream, text);
    if (this.#resuming !== undefined) this.#offer(stream, this.#beatText());
  }

  close(): void {
    this.#closed = true;
    for (const stream of [...this.#streams]) {
      if (stream.blocked) stream.outgoing.destroy();
      else stream.outgoing.end();
      this.#gone(stream);
    }
    this.#end();
  }

  /** The events after the one of this id; `undefined`: they are not all there. */
  #since(id: string): Recent[] | undefined {
    const [life, number = ""] = id.split(".");
    const last = /^\d{1,15}$/.test(number) ? Number(number) : Number.NaN;
    const oldest = this.#recent[0]?.id ?? this.#lastId + 1;
    if (this.#unwatch === undefined || life !== this.#resuming?.life || !(last <= this.#lastId && last >= oldest - 1))
      return undefined;
    return this.#recent.slice(last - oldest + 1);
  }

  #start(): void {
    this.#unwatch = this.#operations.watch((happening) => this.#happened(happening));
    const beat = (): void => {
      const text = this.#resuming === undefined ? ": heartbeat\n\n" : this.#beatText();
      for (const stream of this.#streams) if (!stream.blocked) this.#write(stream, text);
      this.#heartbeat = this.#clock.setTimeout(beat, every);
    };
    const every = this.#resuming?.heartbeat ?? STREAM_LIMITS.heartbeat;
    this.#heartbeat = this.#clock.setTimeout(beat, every);
    const look = (): void => {
      for (const stream of [...this.#streams]) this.#mayGoOn(stream);
      this.#looking = this.#clock.setTimeout(look, STREAM_LIMITS.look);
    };
    this.#looking = this.#clock.setTimeout(look, STREAM_LIMITS.look);
  }

  /** Ends the stream of a reader who may not read any more. */
  #mayGoOn(stream: Stream): boolean {
    try {
      stream.insist();
      return true;
    } catch {
      // The client asks again, and is told why it is refused.
      stream.outgoing.destroy();
      this.#gone(stream);
      return false;
    }
  }

  /** The last number goes along, so that a client which comes back after a quiet time has missed nothing. */
  #beatText(): string {
    const asOf = this.#clock.now();
    return `event: ${HEARTBEAT}\nid: ${this.#idText(this.#lastId)}\ndata: ${JSON.stringify(withTimes({ asOf }))}\n\n`;
  }

  #idText(id: number): string {
    return this.#resuming === undefined ? String(id) : `${this.#resuming.life}.${id}`;
  }

  #gone(stream: Stream): void {
    if (!this.#streams.delete(stream) || this.#streams.size > 0) return;
    if (this.#resuming === undefined) this.#end();
    else if (!this.#closed) this.#lingering = this.#clock.setTimeout(() => this.#end(), RESUME_LIMITS.linger);
  }

  #end(): void {
    this.#unwatch?.();
    this.#unwatch = undefined;
    this.#clock.clearTimeout(this.#heartbeat);
    this.#clock.clearTimeout(this.#looking);
    this.#clock.clearTimeout(this.#lingering);
    this.#recent.length = 0;
    this.#recentBytes = 0;
  }

  #keep(recent: Recent): void {
    this.#recent.push(recent);
    this.#recentBytes += recent.text.length;
    while (this.#recent.length > RESUME_LIMITS.events || this.#recentBytes > RESUME_LIMITS.bytes)
      this.#recentBytes -= this.#recent.shift()?.text.length ?? 0;
  }

  #happened(happening: Happening): void {
    const id = ++this.#lastId;
    let text: string | undefined;
    for (const stream of [...this.#streams]) {
      if (stream.types !== undefined && !stream.types.has(happening.type)) continue;
      if (!this.#mayGoOn(stream)) continue;
      text ??= this.#textOf(id, happening);
      this.#offer(stream, text);
    }
    if (this.#resuming !== undefined)
      this.#keep({ id, type: happening.type, text: text ?? this.#textOf(id, happening) });
  }

  #textOf(id: number, happening: Happening): string {
    return `event: ${happening.type}\nid: ${this.#idText(id)}\ndata: ${JSON.stringify(withTimes(happening))}\n\n`;
  }

  #offer(stream: Stream, text: string): void {
    if (!stream.blocked) {
      this.#write(stream, text);
      return;
    }
    const room =
      stream.waiting.length < STREAM_LIMITS.events && stream.waitingBytes + text.length <= STREAM_LIMITS.bytes;
    if (stream.missed === 0 && room) {
      stream.waiting.push(text);
      stream.waitingBytes += text.length;
    } else stream.missed++;
  }

  #drained(stream: Stream): void {
    stream.blocked = false;
    if (stream.waiting.length > 0 && !this.#mayGoOn(stream)) return;
    let sent = 0;
    for (const text of stream.waiting) {
      if (stream.blocked) break;
      this.#write(stream, text);
      stream.waitingBytes -= text.length;
      sent++;
    }
    stream.waiting.splice(0, sent);
    if (stream.blocked || stream.waiting.length > 0 || stream.missed === 0) return;
    const missed = stream.missed;
    stream.missed = 0;
    this.#write(stream, gapText(missed));
  }

  #write(stream: Stream, text: string): void {
    if (!stream.outgoing.write(text)) stream.blocked = true;
  }
}

function gapText(missed: number | null): string {
  return `event: gap\ndata: ${JSON.stringify({ missed })}\n\n`;
}
