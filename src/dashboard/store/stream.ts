import type { Time } from "./browser.ts";
import type { Fetch } from "./client.ts";
import { EventText, type ServerEvent } from "./event-text.ts";
import type { Happening } from "./happenings.ts";

/**
 * The one stream of this page.
 *
 *   opening ──open──▶ live ──ended | silent──▶ waiting ──delay──▶ opening
 *   opening ──401──▶ refused ──retry()──▶ opening
 *
 * Any byte is a sign of life. A stream that is silent for longer than its heartbeat allows is given up: a network that was cut
 * tells nobody. When other types are wanted, the next stream is open before the last one is closed, so nothing falls between. A
 * type that was not streamed so far begins with a gap, the first stream's included: answers may be older than it.
 */
export interface StreamEvents {
  readonly state: (state: "live" | "waiting" | "refused") => void;
  readonly heard: (serverTime?: number) => void;
  readonly happened: (happening: Happening) => void;
  /** Happenings of these types may have been missed: what they change has to be read again. */
  readonly gap: (types: readonly string[]) => void;
}

export interface StreamOptions extends StreamEvents {
  readonly time: Time;
  readonly fetch: Fetch;
}

/** The API's own comment comes every 15 s, the heartbeat of the page's listener every 5 s. */
const SILENT = 20_000;
const SILENT_WITH_HEARTBEAT = 12_000;
const OPEN_WITHIN = 10_000;
const DELAYS = [300, 700, 1_500, 3_000, 5_000] as const;

export class Stream {
  readonly #options: StreamOptions;
  #types: readonly string[] = [];
  #current: AbortController | undefined;
  /** The stream that happenings come from, with its types. */
  #live: { readonly control: AbortController; readonly types: readonly string[] } | undefined;
  #attempt = 0;
  #lastId: string | undefined;
  #silent = SILENT;
  #resting = false;
  #waiting: (() => void) | undefined;

  constructor(options: StreamOptions) {
    this.#options = options;
  }

  /** The types of happenings that the page needs now. */
  want(types: readonly string[]): void {
    if (types.join() === this.#types.join()) return;
    this.#types = types;
    void this.#open();
  }

  /** Tries at once: the network is back, or somebody logged in. */
  retry(): void {
    this.#attempt = 0;
    this.#resting = false;
    this.#waiting?.();
    void this.#open();
  }

  /**
   * A page at which nobody looks gives its stream up until `retry`. A browser opens six connections to a server, over all its
   * tabs: the seventh page would wait for ever.
   */
  rest(): void {
    this.#resting = true;
    this.#waiting?.();
    this.#waiting = undefined;
    const control = this.#current;
    this.#current = undefined;
    control?.abort();
    this.#options.state("waiting");
  }

  /** The browser says that it has no network. */
  lost(): void {
    if (this.#current !== undefined) this.#ended(this.#current);
  }

  async #open(): Promise<void> {
    if (this.#resting) return;
    const { time, fetch } = this.#options;
    this.#waiting?.();
    this.#waiting = undefined;
    const control = new AbortController();
    const before = this.#current;
    const types = this.#types;
    this.#current = control;
    let withdraw = time.after(OPEN_WITHIN, () => control.abort());
    const alive = (): void => {
      withdraw();
      withdraw = time.after(this.#silent, () => control.abort());
    };
    try {
      const headers: Record<string, string> = { accept: "text/event-stream" };
      if (this.#lastId !== undefined) headers["last-event-id"] = this.#lastId;
      const url = `/v1/events?types=${types.join(",")}`;
      const response = await fetch(url, {
        headers,
        signal: control.signal,
        credentials: "same-origin",
        cache: "no-store",
      });
      control.signal.throwIfAborted();
      if (response.status === 401) {
        before?.abort();
        withdraw();
        if (this.#current === control) this.#options.state("refused");
        return;
      }
      if (!response.ok || response.body === null) throw new Error(`the stream has the status ${response.status}`);
      this.#attempt = 0;
      alive();
      if (this.#current === control) this.#options.state("live");
      this.#options.heard();
      const streamed = this.#live?.types ?? [];
      this.#live = { control, types };
      before?.abort();
      // A server that keeps no events for a reader who comes back tells nothing of what was missed.
      const missed = types.filter((type) => !streamed.includes(type));
      if (missed.length > 0) this.#options.gap(missed);
      const reader = response.body
        .pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)
        .getReader();
      const text = new EventText();
      for (let item = await reader.read(); !item.done; item = await reader.read()) {
        this.#options.heard();
        for (const event of text.take(item.value)) this.#took(event);
        alive();
      }
    } catch {
      before?.abort();
    } finally {
      withdraw();
    }
    if (this.#live?.control === control) this.#live = undefined;
    this.#ended(control);
  }

  #took({ type, data, id }: ServerEvent): void {
    if (id !== undefined) this.#lastId = id;
    if (type === "gap") {
      this.#options.gap(this.#types);
      return;
    }
    let value: unknown;
    try {
      value = JSON.parse(data);
    } catch {
      this.#options.gap(this.#types);
      return;
    }
    if (type === "heartbeat") {
      this.#silent = SILENT_WITH_HEARTBEAT;
      this.#options.heard((value as { asOf?: number }).asOf);
    } else this.#options.happened(value as Happening);
  }

  #ended(control: AbortController): void {
    if (this.#current !== control) return;
    control.abort();
    this.#current = undefined;
    this.#options.state("waiting");
    const delay = DELAYS[Math.min(this.#attempt++, DELAYS.length - 1)] ?? 5_000;
    this.#waiting = this.#options.time.after(delay, () => void this.#open());
  }
}
