import { type IncomingMessage, request } from "node:http";
import type { Clock } from "../message/clock.ts";
import { CATALOGUE, type Details, type ErrorCode, faultText, StewardError } from "../message/errors.ts";
import { type Name, ROUTES, routeOf } from "../runtime/operate/routes.ts";
import type { Client } from "../runtime/operate/table.ts";
import { SilenceWatch } from "./silence.ts";
import { DAEMON_HEADER } from "./socket.ts";
import { SseReader } from "./sse-reader.ts";

export interface ClientOptions {
  /** Path of the daemon's Unix socket. */
  readonly socket: string;
  readonly clock: Clock;
  /** Milliseconds to wait for an answer; default 60 s. Streams wait for ever once they are open. */
  readonly timeout?: number;
  /** Time until which a daemon that does not answer at all is waited for at most, monotonic ms. */
  readonly until?: number | undefined;
  /** Signs each request; absent: none is. */
  readonly sign?: RequestSigner;
}

interface RequestSigner {
  /** The name to sign to, by the header of an answer that names the daemon. @throws StewardError why none is signed there */
  daemon(header: unknown): string;
  /** The headers by which a request is signed. */
  headers(
    daemon: string,
    request: { readonly method: string; readonly url: string },
    body: Buffer,
  ): Readonly<Record<string, string>>;
}

/** A request that asks for nothing and whose answer names the daemon. */
const NAMING = "/healthz";

/**
 * Every operation of the local API as a function. Failures are StewardErrors: the daemon's own, with code and details;
 * `no-daemon` when no daemon listens, answers in time, or stays to the end; `daemon-silent` when a daemon is there and answers
 * nothing at all. A stream ends when its signal fires, and fails with `no-daemon` when the daemon goes away.
 */
export function openClient(options: ClientOptions): Client {
  const connection = new Connection(options);
  const names = Object.keys(ROUTES) as Name[];
  const asks = names.map((name) => [name, (...asked: unknown[]) => connection.ask(name, asked)]);
  // The server guarantees that each answer has the shape that the table gives it.
  return Object.fromEntries(asks) as Client;
}

class Connection {
  readonly #options: ClientOptions;
  /** The name of the daemon, for which requests are signed. */
  #daemon: string | undefined;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  async ask(name: Name, asked: readonly unknown[]): Promise<unknown> {
    const { method, path, words } = routeOf(name);
    let url = path;
    for (const [i, word] of words.entries()) url = url.replace(`{${word}}`, encodeURIComponent(String(asked[i])));
    const [rest, signal] = asked.slice(words.length);
    if (method === "GET") url += queryText((rest ?? {}) as Readonly<Record<string, unknown>>);
    const body = method === "POST" ? rest : undefined;
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const signed = await this.#signed(method, url, payload);
    const response = await this.#send(method, url, payload, signed, signal as AbortSignal | undefined);
    const { statusCode = 0, headers } = response;
    if (headers["content-type"] === "text/event-stream")
      return this.#items(response, signal as AbortSignal | undefined);
    const text = await this.#text(response);
    if (headers["content-type"]?.startsWith("text/plain") === true && statusCode === 200) return text;
    const answer = this.#parsed(text, statusCode);
    // A daemon that is not well answers 503 with its health, which is no error.
    if (statusCode < 300 || (statusCode === 503 && !("error" in Object(answer)))) return answer;
    throw failureFrom(statusCode, answer);
  }

  async *#items(response: IncomingMessage, signal: AbortSignal | undefined): AsyncIterableIterator<unknown> {
    const reader = new SseReader();
    response.setEncoding("utf8");
    try {
      for await (const piece of response as AsyncIterable<string>) {
        for (const { event, data } of reader.push(piece)) {
          if (signal?.aborted) return;
          const item = JSON.parse(data) as object;
          yield event === "gap" ? { type: "gap", ...item } : item;
        }
      }
    } catch (error) {
      if (!signal?.aborted) throw this.#lost(error);
    } finally {
      response.destroy();
    }
    if (!signal?.aborted) throw this.#lost(undefined);
  }

  async #signed(method: string, url: string, payload = Buffer.alloc(0)): Promise<Readonly<Record<string, string>>> {
    const { sign } = this.#options;
    if (sign === undefined) return {};
    if (this.#daemon === undefined) {
      const answer = await this.#send("GET", NAMING, undefined, {});
      answer.resume();
      this.#daemon = sign.daemon(answer.headers[DAEMON_HEADER]);
    }
    return sign.headers(this.#daemon, { method, url }, payload);
  }

  #send(
    method: string,
    path: string,
    payload: Buffer | undefined,
    signed: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<IncomingMessage> {
    const { socket, clock, timeout = 60_000, until } = this.#options;
    const length =
      payload === undefined ? {} : { "content-type": "application/json", "content-length": payload.length };
    return new Promise((resolve, reject) => {
      const sent = request({
        socketPath: socket,
        agent: false,
        method,
        path,
        headers: { host: "steward", ...length, ...signed },
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

  #parsed(text: string, status: number): unknown {
    if (text === "") return undefined;
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new StewardError("api-failed", { status, fault: "what answers there is not steward" }, { cause });
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

function queryText(query: Readonly<Record<string, unknown>>): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) words.set(name, String(value));
  return words.size === 0 ? "" : `?${words.toString()}`;
}

/** The daemon's error as it was thrown there; `api-failed` for what this client does not know. */
function failureFrom(status: number, body: unknown): StewardError {
  const error = (body as { error?: { code?: unknown; message?: unknown; details?: unknown } } | undefined)?.error;
  if (typeof error?.code === "string" && Object.hasOwn(CATALOGUE, error.code))
    return new StewardError(error.code as ErrorCode, (error.details ?? {}) as Details);
  const fault = typeof error?.message === "string" ? error.message : "no reason given";
  return new StewardError("api-failed", { status, fault });
}
