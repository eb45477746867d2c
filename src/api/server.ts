import { createServer, type RequestListener } from "node:http";
import type { Clock } from "../message/clock.ts";
import { withTimes } from "../message/text/time-words.ts";
import type { Logger } from "../platform/logger.ts";
import type { Reception } from "../runtime/operate/speak/reception.ts";
import { type Operations, TABLE } from "../runtime/operate/table.ts";
import { apiApp, failed } from "./app.ts";
import { RequestsUnderWay, refuseBroken, refuseLast } from "./connections.ts";
import { EventStreams } from "./event-streams.ts";
import { failureOf, RequestRefused } from "./failure.ts";
import { requestListener } from "./request-listener.ts";
import { DAEMON_HEADER, listenOnSocket, PID_HEADER } from "./socket.ts";

export interface ApiOptions {
  /** The daemon's own operations, for what is shown to everybody. */
  readonly operations: Operations;
  /** The door through which each request comes to the operations. */
  readonly reception: Pick<Reception, "admit">;
  /** The daemon, as its answers name it to those who sign. */
  readonly daemon: { readonly header: string };
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

/**
 * Opens the local API, which listens until `stop`. No input ends the daemon: a request that is no HTTP is answered with
 * 400 and its connection closed.
 */
export async function openApi({ operations, reception, daemon, path, access, clock, log }: ApiOptions): Promise<Api> {
  const streams = new EventStreams(operations, clock);
  const app = apiApp({ operations, reception, streams, log });
  const listener = requestListener(app, (thrown) => failed(thrown, log));
  const underWay = new RequestsUnderWay();
  const server = createServer((incoming, outgoing) => {
    underWay.add(outgoing);
    outgoing.setHeader(PID_HEADER, process.pid);
    outgoing.setHeader(DAEMON_HEADER, daemon.header);
    listener(incoming, outgoing);
  });
  refuseBroken(server);
  refuseLast(server, log);
  await listenOnSocket(server, path, clock, access);
  server.on("error", (error) => log.error({ err: error }, "the API's socket failed"));

  let stopped: Promise<void> | undefined;
  return {
    stop: () => {
      stopped ??= underWay.end(server, clock, () => streams.close());
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
