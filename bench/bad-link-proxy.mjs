import { once } from "node:events";
import { connect, createServer } from "node:net";

/** Bytes of one packet, and how long TCP waits at least until it sends one again, ms. */
const PACKET = 1460;
const RETRANSMISSION = 200;
/** Bytes that wait in the line before the sender is held up: what a modem keeps. */
const HIGH_WATER = 64 * 1024;

/**
 * A TCP proxy that is a bad link, as `test/harness/fleet/proxy.ts` is: delay and bytes per second each way, and lost packets as TCP
 * shows them: everything behind waits for the second sending.
 */
export async function badLink(world, { url, delayMs, bytesPerSecond, loss }) {
  const { port } = new URL(url);
  const passed = { toServer: 0, toClient: 0 };
  const sockets = new Set();
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port: Number(port), host: "127.0.0.1", noDelay: true });
    line(client, upstream, (bytes) => (passed.toServer += bytes));
    line(upstream, client, (bytes) => (passed.toClient += bytes));
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        client.destroy();
        upstream.destroy();
      });
    }
  });
  function line(from, to, count) {
    let free = 0;
    let waiting = 0;
    from.on("data", (chunk) => {
      let lost = 0;
      for (let packet = 0; packet < chunk.length; packet += PACKET) if (Math.random() < loss) lost++;
      const stall = lost * (RETRANSMISSION + 2 * delayMs);
      free = Math.max(performance.now(), free) + (chunk.length / bytesPerSecond) * 1000 + stall;
      waiting += chunk.length;
      if (waiting > HIGH_WATER) from.pause();
      setTimeout(
        () => {
          waiting -= chunk.length;
          count(chunk.length);
          to.write(chunk);
          if (waiting <= HIGH_WATER) from.resume();
        },
        free + delayMs - performance.now(),
      );
    });
  }
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  world.closing(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `nats://127.0.0.1:${server.address().port}`, passed };
}
