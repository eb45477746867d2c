import type { Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Clock } from "../message/clock.ts";
import { isAmongLastDescriptors } from "../platform/descriptors.ts";
import type { Logger } from "../platform/logger.ts";
import { failureOf, RequestRefused } from "./failure.ts";

/** The share of the descriptors kept from senders of logs that is kept from API clients too. */
const SHARE = 0.5;
const STOP_GRACE = 2_000;

/** The journal needs descriptors too: a connection that would take the last ones is ended at once. */
export function refuseLast(server: Server, log?: Logger): void {
  let told = false;
  server.on("connection", (socket) => {
    const isLast = isAmongLastDescriptors(socket, SHARE);
    if (isLast) socket.destroy();
    if (isLast && !told) log?.warn({}, "connections are refused: this process has nearly all files open that it may");
    told = isLast;
  });
}

/** Answers a request that is no HTTP, or incomplete, with 400 (431, 408) and closes its connection. */
export function refuseBroken(server: Server): void {
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (!socket.writable || error.code === "ECONNRESET") {
      socket.destroy();
      return;
    }
    const status = error.code === "HPE_HEADER_OVERFLOW" ? 431 : error.code === "ERR_HTTP_REQUEST_TIMEOUT" ? 408 : 400;
    const body = JSON.stringify(
      failureOf(new RequestRefused(status, `the request cannot be read: ${error.message}`)).body,
    );
    const head = `HTTP/1.1 ${status} Refused\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`;
    socket.end(`${head}connection: close\r\n\r\n${body}`);
  });
}

/** The requests under way at a server: its end waits a short while for them. */
export class RequestsUnderWay {
  readonly #active = new Set<ServerResponse>();
  #idle: (() => void) | undefined;

  add(outgoing: ServerResponse): void {
    this.#active.add(outgoing);
    outgoing.on("close", () => {
      this.#active.delete(outgoing);
      if (this.#active.size === 0) this.#idle?.();
    });
  }

  /** Takes no new connections, calls `endStreams`, waits for requests for a while, then closes all connections. */
  async end(server: Server, clock: Clock, endStreams: () => void): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    endStreams();
    if (this.#active.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = clock.setTimeout(resolve, STOP_GRACE);
        this.#idle = () => {
          clock.clearTimeout(timer);
          resolve();
        };
      });
    }
    server.closeAllConnections();
    await closed;
  }
}
