import type { ServerResponse } from "node:http";
import type { Clock, Timer } from "../message/clock.ts";
import type { Happening } from "../message/happening.ts";
import { withTimes } from "../message/text/time-words.ts";
import { LIMITS } from "../runtime/operate/operations.ts";
import type { Operations } from "../runtime/operate/table.ts";
import { RequestRefused } from "./failure.ts";

/**
 * The open streams of server-sent events. Happenings are watched only while a stream is open, serialised once for all
 * streams, and numbered upwards.
 *
 * A stream is `flowing` (all is written at once), `blocked` (its client reads too slowly: events wait, bounded in number
 * and bytes), or `missing` (that bound is reached: events are only counted). When a missing stream has drained its waiting
 * events, `gap` tells how many it did not get, and it flows again. A client that never reads costs the bound and no more.
 */
export const STREAM_LIMITS = { events: 1_000, bytes: 1024 * 1024, heartbeat: 15_000 } as const;

interface Stream {
  readonly outgoing: ServerResponse;
  readonly types: ReadonlySet<string> | undefined;
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
  #lastId = 0;
  #closed = false;

  constructor(operations: Operations, clock: Clock) {
    this.#operations = operations;
    this.#clock = clock;
  }

  get size(): number {
    return this.#streams.size;
  }

  /** Turns a response into a stream. `resumed`: the client was here before and may have missed something since. */
  open(outgoing: ServerResponse, types: readonly string[] | undefined, resumed: boolean): void {
    if (this.#closed || this.#streams.size >= LIMITS.streams) {
      throw new RequestRefused(
        503,
        this.#closed ? "the daemon is stopping" : `${LIMITS.streams} event streams are open already`,
      );
    }
    const stream: Stream = {
      outgoing,
      types: types === undefined ? undefined : new Set(types),
      waiting: [],
      waitingBytes: 0,
      blocked: false,
      missed: 0,
    };
    if (this.#streams.size === 0) this.#start();
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
    if (resumed) this.#write(stream, gapText(null));
  }

  close(): void {
    this.#closed = true;
    for (const stream of [...this.#streams]) {
      if (stream.blocked) stream.outgoing.destroy();
      else stream.outgoing.end();
      this.#gone(stream);
    }
  }

  #start(): void {
    this.#unwatch = this.#operations.watch((happening) => this.#happened(happening));
    const beat = (): void => {
      for (const stream of this.#streams) if (!stream.blocked) this.#write(stream, ": heartbeat\n\n");
      this.#heartbeat = this.#clock.setTimeout(beat, STREAM_LIMITS.heartbeat);
    };
    this.#heartbeat = this.#clock.setTimeout(beat, STREAM_LIMITS.heartbeat);
  }

  #gone(stream: Stream): void {
    if (!this.#streams.delete(stream) || this.#streams.size > 0) return;
    this.#unwatch?.();
    this.#unwatch = undefined;
    this.#clock.clearTimeout(this.#heartbeat);
  }

  #happened(happening: Happening): void {
    const id = ++this.#lastId;
    let text: string | undefined;
    for (const stream of this.#streams) {
      if (stream.types !== undefined && !stream.types.has(happening.type)) continue;
      text ??= `event: ${happening.type}\nid: ${id}\ndata: ${JSON.stringify(withTimes(happening))}\n\n`;
      this.#offer(stream, text);
    }
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
