import { once } from "node:events";
import { createServer } from "node:net";
import { isAmongLastDescriptors } from "../../../platform/descriptors.ts";
import { listenError } from "./address.ts";
import type { Listener, ListenOptions } from "./listen.ts";
import { TcpConnection } from "./tcp-connection.ts";

/**
 * Syslog over TCP (RFC 6587). While the queue is full every connection is paused, so that the senders' own queues fill and
 * nothing is dropped; it goes on when there is room. Connections beyond what descriptors allow are refused and counted.
 */
const MAX_CONNECTIONS = 1_000;
const KEEP_ALIVE = 60_000;

export async function listenTcp(options: ListenOptions): Promise<Listener> {
  const { address, losses } = options;
  const isLast = options.isAmongLast ?? isAmongLastDescriptors;
  const connections = new Set<TcpConnection>();
  let paused = false;

  const server = createServer((socket) => {
    // Taken, it would be closed in silence as soon as there is no descriptor left, with all that comes behind it.
    if (isLast(socket)) {
      losses.add("refused", 1);
      socket.destroy();
      return;
    }
    const connection = new TcpConnection(socket, options);
    connections.add(connection);
    // A half-open connection would count for ever.
    socket.setKeepAlive(true, KEEP_ALIVE);
    socket.on("data", (chunk) => {
      connection.data(chunk);
      if (options.full()) pause();
    });
    socket.on("close", () => {
      connections.delete(connection);
      connection.finish();
    });
    // A reset is followed by "close", which is what counts.
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
