import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { listenError } from "./address.ts";
import { Framer } from "./framing.ts";
import type { Listener, ListenOptions } from "./listen.ts";
import { MAX_LINE } from "./record.ts";

/**
 * Syslog over TCP (RFC 6587). While the queue is full every connection is paused, so that the senders' own queues fill and
 * nothing is dropped; it goes on when there is room. An incomplete message of a connection that ends is a message.
 */
const MAX_CONNECTIONS = 1_000;
const KEEP_ALIVE = 60_000;

export async function listenTcp(options: ListenOptions): Promise<Listener> {
  const { address, losses } = options;
  const connections = new Set<{ readonly socket: Socket; readonly finish: () => void }>();
  let paused = false;

  const server = createServer((socket) => {
    const framer = new Framer(MAX_LINE);
    const peer = socket.remoteAddress ?? "";
    const finish = (): void => {
      if (!connections.delete(connection)) return;
      const last = framer.end();
      if (last !== undefined) options.take(last.bytes, last.cut, peer);
    };
    const connection = { socket, finish };
    connections.add(connection);
    // A half-open connection would count for ever.
    socket.setKeepAlive(true, KEEP_ALIVE);
    socket.on("data", (chunk) => {
      for (const frame of framer.push(chunk)) options.take(frame.bytes, frame.cut, peer);
      if (options.full()) pause();
    });
    socket.on("close", finish);
    // A reset is followed by "close", which is what counts.
    socket.on("error", (error) => options.log.debug({ error, peer }, "a syslog connection broke"));
    if (paused) socket.pause();
  });
  const pause = (): void => {
    paused = true;
    for (const { socket } of connections) socket.pause();
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
      for (const { socket } of connections) socket.resume();
    },
    async close() {
      const done = once(server, "close");
      server.close();
      for (const { socket, finish } of connections) {
        finish();
        socket.destroy();
      }
      await done;
    },
  };
}
