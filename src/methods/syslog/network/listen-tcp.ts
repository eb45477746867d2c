import { once } from "node:events";
import { createServer } from "node:net";
import { isAmongLastDescriptors } from "../../../platform/descriptors.ts";
import { listenError } from "./address.ts";
import type { Listener, ListenOptions } from "./listen.ts";
import { TcpConnection } from "./tcp-connection.ts";

/**
 * Syslog over TCP (RFC 6587). While the queue is full every connection is paused, so that the senders' own queues fill and
 * nothing is dropped; reading resumes when there is room. Connections that would take the last descriptors are refused and
 * counted.
 */
const MAX_CONNECTIONS = 1_000;
const KEEP_ALIVE = 60_000;

export async function listenTcp(options: ListenOptions): Promise<Listener> {
  const { address, losses } = options;
  const isLast = options.isAmongLast ?? isAmongLastDescriptors;
  const connections = new Set<TcpConnection>();
  let paused = false;

  const server = createServer((socket) => {
    // An accepted connection would be closed in silence once no descriptor is left, and its messages lost.
    if (isLast(socket)) {
      losses.add("refused", 1);
      socket.destroy();
      return;
    }
    const connection = new TcpConnection(socket, options);
    connections.add(connection);
    // Without probes a half-open connection would count for ever.
    socket.setKeepAlive(true, KEEP_ALIVE);
    socket.on("data", (chunk) => {
      connection.data(chunk);
      if (options.full()) pause();
    });
    socket.on("close", () => {
      connections.delete(connection);
      connection.finish();
    });
    // A reset is followed by "close", which ends the connection here.
    const peer = socket.remoteAddress ?? "";
    socket.on("error", (error) => options.log.debug({ error, peer }, "a syslog connection broke"));
    if (paused) connection.pause();
  });
  const pause = (): void => {
    paused = true;
    for (const connection of connections) connection.pause();
  };
  server.maxConnections = MAX_CONNECTIONS;
  server.on("drop", () => losses.add("refused", 1));
  try {
    server.listen(address.port, address.host);
    await once(server, "listening");
  } catch (error) {
    throw listenError(address, error as NodeJS.ErrnoException);
  }
  server.on("error", (error) => options.fail(error));
  const bound = server.address();
  const port = bound !== null && typeof bound === "object" ? bound.port : address.port;

  return {
    address: { ...address, port },
    resume() {
      if (!paused) return;
      paused = false;
      for (const connection of connections) connection.resume();
    },
    async close() {
      const done = once(server, "close");
      server.close();
      for (const connection of connections) connection.destroy();
      await done;
    },
  };
}
