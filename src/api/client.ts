import { type ClientRequest, type IncomingMessage, request } from "node:http";
import type { AlertView } from "../message/alert.ts";
import type { Clock } from "../message/clock.ts";
import type { Draft } from "../message/draft.ts";
import { CATALOGUE, type Details, type ErrorCode, faultText, StewardError } from "../message/errors.ts";
import type { Happening } from "../message/happening.ts";
import type { ProcessVerb } from "../message/process-verb.ts";
import type * as op from "../runtime/operate/operations.ts";
import type { Gap, HappeningType } from "./shapes.ts";
import { SilenceWatch } from "./silence.ts";
import { SseReader } from "./sse-reader.ts";

export interface ClientOptions {
  /** Path of the daemon's Unix socket. */
  readonly socket: string;
  readonly clock: Clock;
  /** Milliseconds to wait for an answer; default 60 s. Streams wait for ever once they are open. */
  readonly timeout?: number;
  /** When the asker must have all answers, by monotonic time: a daemon that is stopped is not waited for longer. */
  readonly until?: number | undefined;
}

export interface StreamOptions {
  readonly types?: readonly HappeningType[];
  readonly signal?: AbortSignal;
}

/** A happening, or word of those that this client was too slow for. */
export type StreamItem = Happening | ({ readonly type: "gap" } & Readonly<Gap>);

interface Ask {
  readonly method: "GET" | "POST" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
}

/**
 * The local API, one method a route. Failures are StewardErrors: the daemon's own, with code and details; `no-daemon` when
 * nobody listens, answers in time, or stays to the end; `daemon-silent` when a daemon is there and answers nothing at all.
 */
export class ApiClient {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  submit(drafts: readonly Draft[]): Promise<op.Accepted[]> {
    return this.#ask({ method: "POST", path: "/v1/messages", body: drafts });
  }

  cancel(id: string): Promise<op.CancelAnswer> {
    return this.#ask({ method: "POST", path: `/v1/messages/${encodeURIComponent(id)}/cancel` });
  }

  messages(filter: op.MessageFilter = {}): Promise<op.MessageView[]> {
    return this.#ask({ method: "GET", path: "/v1/messages", query: { ...filter } });
  }

  message(id: string): Promise<op.MessageDetail> {
    return this.#ask({ method: "GET", path: `/v1/messages/${encodeURIComponent(id)}` });
  }

  nodes(): Promise<op.NodeView[]> {
    return this.#ask({ method: "GET", path: "/v1/nodes" });
  }

  node(name: string): Promise<op.NodeDetail> {
    return this.#ask({ method: "GET", path: `/v1/nodes/${encodeURIComponent(name)}` });
  }

  processes(node?: string, timeout?: number): Promise<op.ProcessList> {
    return this.#ask({ method: "GET", path: "/v1/processes", query: { node, timeout } });
  }

  control(verb: ProcessVerb, node: string, subject: string): Promise<op.ProcessView> {
    return this.#ask({
      method: "POST",
      path: `/v1/processes/${encodeURIComponent(node)}/${encodeURIComponent(subject)}/${verb}`,
    });
  }

  alerts(): Promise<AlertView[]> {
    return this.#ask({ method: "GET", path: "/v1/alerts" });
  }

  clearAlert(no: number): Promise<void> {
    return this.#ask({ method: "DELETE", path: `/v1/alerts/${no}` });
  }

  dead(): Promise<op.DeadLetter[]> {
    return this.#ask({ method: "GET", path: "/v1/dead" });
  }

  retryDead(id: string): Promise<void> {
    return this.#ask({ method: "POST", path: `/v1/dead/${encodeURIComponent(id)}/retry` });
  }

  dropDead(id: string): Promise<void> {
    return this.#ask({ method: "DELETE", path: `/v1/dead/${encodeURIComponent(id)}` });
  }

  logs(query: op.LogQuery = {}): Promise<op.LogLine[]> {
    return this.#ask({ method: "GET", path: "/v1/logs", query: { ...query } });
  }

  reload(): Promise<op.ReloadAnswer> {
    return this.#ask({ method: "POST", path: "/v1/reload" });
  }

  /** Answers also when the daemon is not well: see `ok`. */
  async health(): Promise<op.Health> {
    const response = await this.#send({ method: "GET", path: "/healthz" });
    const body = await this.#json(response);
    if (response.statusCode !== 200 && !isHealth(body)) throw failureFrom(response.statusCode, body);
    return body as op.Health;
  }

  async metrics(): Promise<string> {
    const response = await this.#send({ method: "GET", path: "/metrics" });
    if (response.statusCode !== 200) throw failureFrom(response.statusCode, await this.#json(response));
    return this.#text(response);
  }

  /**
   * Resolves once the stream is open: everything that happens after that comes. Ends when `signal` fires; throws
   * `no-daemon` when the daemon goes away.
   */
  async stream(options: StreamOptions = {}): Promise<AsyncIterableIterator<StreamItem>> {
    const { signal } = options;
    const types = options.types?.join(",");
    const response = await this.#send({ method: "GET", path: "/v1/events", query: { types } }, signal);
    if (response.statusCode !== 200) throw failureFrom(response.statusCode, await this.#json(response));
    return this.#items(response, signal);
  }

  /** The same stream for a listener: `opened` is called once nothing can be missed any more; resolves when `signal` fires. */
  async events(
    signal: AbortSignal,
    opened: () => void,
    listener: (happening: Happening) => void,
    options: { readonly types?: readonly HappeningType[]; readonly gap?: (missed: number | null) => void } = {},
  ): Promise<void> {
    if (signal.aborted) return;
    let items: AsyncIterableIterator<StreamItem>;
    try {
      items = await this.stream({ signal, ...(options.types ? { types: options.types } : {}) });
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    opened();
    for await (const item of items) {
      if (item.type === "gap") options.gap?.(item.missed);
      else listener(item);
    }
  }

  async *#items(response: IncomingMessage, signal: AbortSignal | undefined): AsyncIterableIterator<StreamItem> {
    const reader = new SseReader();
    response.setEncoding("utf8");
    try {
      for await (const piece of response as AsyncIterable<string>) {
        for (const { event, data } of reader.push(piece)) {
          if (signal?.aborted) return;
          yield event === "gap" ? { type: "gap", ...(JSON.parse(data) as Gap) } : (JSON.parse(data) as Happening);
        }
      }
    } catch (error) {
      if (!signal?.aborted) throw this.#lost(error);
    } finally {
      response.destroy();
    }
    if (!signal?.aborted) throw this.#lost(undefined);
  }

  async #ask<T>(ask: Ask): Promise<T> {
    const response = await this.#send(ask);
    const status = response.statusCode ?? 0;
    const body = await this.#json(response);
    if (status < 200 || status > 299) throw failureFrom(status, body);
    return body as T;
  }

  /** Resolves with the head of the answer. */
  #send(ask: Ask, signal?: AbortSignal): Promise<IncomingMessage> {
    const { socket, clock, timeout = 60_000, until } = this.#options;
    const payload = ask.body === undefined ? undefined : Buffer.from(JSON.stringify(ask.body));
    return new Promise((resolve, reject) => {
      const sent: ClientRequest = request({
        socketPath: socket,
        agent: false,
        method: ask.method,
        path: ask.path + queryText(ask.query),
        headers: {
          host: "steward",
          ...(payload === undefined ? {} : { "content-type": "application/json", "content-length": payload.length }),
        },
        ...(signal === undefined ? {} : { signal }),
      });
      const timer = clock.setTimeout(() => sent.destroy(new Error(`no answer within ${timeout} ms`)), timeout);
      const watch = new SilenceWatch(socket, clock, (error) => sent.destroy(error), until);
      const disarm = (): void => {
        clock.clearTimeout(timer);
        watch.end();
      };
      sent.on("close", disarm);
      sent.on("response", (response) => {
        watch.end();
        if (response.headers["content-type"] === "text/event-stream") disarm();
        response.on("end", disarm);
        resolve(response);
      });
      sent.on("error", (error) => {
        disarm();
        reject(error instanceof StewardError ? error : this.#lost(error));
      });
      sent.end(payload);
    });
  }

  async #text(response: IncomingMessage): Promise<string> {
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
    } catch (error) {
      throw this.#lost(error);
    }
    return Buffer.concat(chunks).toString("utf8");
  }

  async #json(response: IncomingMessage): Promise<unknown> {
    const text = await this.#text(response);
    if (text === "") return undefined;
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new StewardError(
        "api-failed",
        { status: response.statusCode ?? 0, fault: "what answers there is not steward" },
        { cause: error },
      );
    }
  }

  #lost(cause: unknown): StewardError {
    const code = (cause as NodeJS.ErrnoException | undefined)?.code;
    const socket = this.#options.socket;
    if (code === "EACCES" || code === "EPERM")
      return new StewardError("socket-denied", { socket, fault: faultText(cause) }, { cause });
    return new StewardError("no-daemon", { socket }, { cause });
  }
}

function queryText(query: Ask["query"]): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined) words.set(name, String(value));
  const text = words.toString();
  return text === "" ? "" : `?${text}`;
}

function isHealth(body: unknown): boolean {
  return typeof body === "object" && body !== null && "broker" in body;
}

/** The daemon's error as it was thrown there; `api-failed` for what this client does not know. */
function failureFrom(status: number | undefined, body: unknown): StewardError {
  const error = (body as { error?: { code?: unknown; message?: unknown; details?: unknown } } | undefined)?.error;
  if (typeof error?.code === "string" && Object.hasOwn(CATALOGUE, error.code)) {
    return new StewardError(error.code as ErrorCode, (error.details ?? {}) as Details);
  }
  return new StewardError("api-failed", {
    status: status ?? 0,
    fault: typeof error?.message === "string" ? error.message : "no reason given",
  });
}
