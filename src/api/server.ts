import { createServer, type RequestListener, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { getRequestListener } from "@hono/node-server";
import type { Clock } from "../message/clock.ts";
import { withTimes } from "../message/text/time-words.ts";
import { isAmongLastDescriptors } from "../platform/descriptors.ts";
import type { Logger } from "../platform/logger.ts";
import type { Reception } from "../runtime/operate/speak/reception.ts";
import { type Operations, TABLE } from "../runtime/operate/table.ts";
import { apiApp, failed } from "./app.ts";
import { EventStreams } from "./event-streams.ts";
import { failureOf, RequestRefused } from "./failure.ts";
import { listenOnSocket, PID_HEADER } from "./socket.ts";

export interface ApiOptions {
  /** The daemon's own operations, for what is shown to everybody. */
  readonly operations: Operations;
  /** The door through which each request comes to the operations. */
  readonly reception: Pick<Reception, "admit">;
  /** Path of the Unix socket. */
  readonly path: string;
  /** Users of the socket, beside root; `owner` unless given. */
  readonly access?: "owner" | "group";
  readonly clock: Clock;
  readonly log: Logger;
}

export interface Api {
  /** Ends open streams at once, lets requests that are under way finish for a short while, removes the socket. */
  stop(): Promise<void>;
}

const STOP_GRACE = 2_000;
/** The share of the descriptors kept from senders of logs that is kept from API clients too. */
const SHARE = 0.5;

/**
 * Opens the local API, which listens until `stop`. No input ends the daemon: a request that is no HTTP is answered with
 * 400 and its connection closed.
 */
export async function openApi({ operations, reception, path, access, clock, log }: ApiOptions): Promise<Api> {
  const streams = new EventStreams(operations, clock);
  const app = apiApp({ operations, reception, streams, log });
  const listener = getRequestListener(app.fetch, {
    hostname: "steward",
    overrideGlobalObjects: false,
    errorHandler: (error) => failed(error, log),
  });
  const active = new Set<unknown>();
  let idle: (() => void) | undefined;
  const server = createServer((incoming, outgoing) => {
    active.add(outgoing);
    outgoing.on("close", () => {
      active.delete(outgoing);
      if (active.size === 0) idle?.();
    });
    outgoing.setHeader(PID_HEADER, process.pid);
    void listener(incoming, outgoing);
  });
  refuseBroken(server);
  refuseLast(server, log);
  await listenOnSocket(server, path, clock, access);
  server.on("error", (error) => log.error({ err: error }, "the API's socket failed"));

  let stopped: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    streams.close();
    if (active.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = clock.setTimeout(resolve, STOP_GRACE);
        idle = () => {
          clock.clearTimeout(timer);
          resolve();
        };
      });
    }
    server.closeAllConnections();
    await closed;
  };
  return {
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

export interface MetricsListener {
  /** The port that is listened on; the system chose it if 0 was asked for. */
  readonly port: number;
  stop(): Promise<void>;
}

/** A listener on TCP for Prometheus: GET /metrics and /healthz alone. */
export async function serveMetrics(
  address: { readonly host: string; readonly port: number },
  operations: Operations,
): Promise<MetricsListener> {
  const server = createServer(metricsOnly(operations));
  refuseBroken(server);
  refuseLast(server);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: address.host, port: address.port, exclusive: true }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const bound = server.address();
  return {
    port: typeof bound === "object" && bound !== null ? bound.port : address.port,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function metricsOnly(operations: Operations): RequestListener {
  const answer = async (path: string | undefined): Promise<{ status: number; type: string; body: string }> => {
    if (path === "/metrics") return { status: 200, type: TABLE.metrics.answer.type, body: await operations.metrics() };
    if (path !== "/healthz") throw new RequestRefused(404, "only /metrics and /healthz are served here");
    const health = await operations.health();
    return { status: health.ok ? 200 : 503, type: "application/json", body: JSON.stringify(withTimes(health)) };
  };
  return (incoming, outgoing) => {
    const path = incoming.method === "GET" || incoming.method === "HEAD" ? incoming.url?.split("?")[0] : undefined;
    answer(path)
      .catch((thrown: unknown) => {
        const { status, body } = failureOf(thrown);
        return { status, type: "application/json", body: JSON.stringify(body) };
      })
      .then(({ status, type, body }) => {
        outgoing.writeHead(status, {
          "content-type": type,
          "content-length": Buffer.byteLength(body),
          "cache-control": "no-store",
        });
        outgoing.end(body);
      });
  };
}

/** The journal needs descriptors too: a connection that would take the last ones is ended at once. */
function refuseLast(server: Server, log?: Logger): void {
  let told = false;
  server.on("connection", (socket) => {
    const isLast = isAmongLastDescriptors(socket, SHARE);
    if (isLast) socket.destroy();
    if (isLast && !told) log?.warn({}, "connections are refused: this process has nearly all files open that it may");
    told = isLast;
  });
}

/** Answers a request that is no HTTP, or incomplete, with 400 (431, 408) and closes its connection. */
function refuseBroken(server: Server): void {
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
