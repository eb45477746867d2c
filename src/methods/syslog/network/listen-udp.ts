import { createSocket } from "node:dgram";
import { once } from "node:events";
import type { Timer } from "../../../message/clock.ts";
import { listenError } from "./address.ts";
import type { Listener, ListenOptions } from "./listen.ts";
import { kernelDrops } from "./udp-drops.ts";

/**
 * Syslog over UDP (RFC 5426): a datagram is a message. UDP cannot be asked to wait, so datagrams are dropped and
 * counted while the queue is full. The kernel's own drops are counted too.
 */
const RECEIVE_BUFFER = 8 * 1024 * 1024;
const DROPS_INTERVAL = 5_000;

export async function listenUdp(options: ListenOptions): Promise<Listener> {
  const { address, losses, clock, log } = options;
  const family = address.host.includes(":") ? "udp6" : "udp4";
  const socket = createSocket({ type: family });
  let received = 0;
  socket.on("message", (message, peer) => {
    received++;
    if (options.full()) losses.add("queue-full", 1);
    else options.sender(peer.address).whole(message);
  });
  try {
    socket.bind(address.port, address.host);
    await once(socket, "listening");
  } catch (error) {
    socket.close();
    throw listenError(address, error as NodeJS.ErrnoException);
  }
  socket.on("error", (error) => options.fail(error));
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER);
  } catch (error) {
    log.debug({ error }, "the receive buffer keeps the system's size");
  }
  const { port } = socket.address();
  log.debug(
    { receiveBuffer: socket.getRecvBufferSize(), wanted: RECEIVE_BUFFER },
    "the kernel holds so many bytes of datagrams",
  );

  let seen = 0;
  let timer: Timer | undefined;
  let closed = false;
  const look = async (): Promise<void> => {
    const drops = (await kernelDrops(port, family)) ?? 0;
    losses.add("kernel-full", drops - seen);
    seen = Math.max(seen, drops);
  };
  const watch = (): void => {
    timer = clock.setTimeout(() => void look().then(() => closed || watch()), DROPS_INTERVAL);
  };
  watch();

  return {
    address: { ...address, port },
    // UDP is never paused, so there is nothing to resume.
    resume: () => undefined,
    async close() {
      closed = true;
      clock.clearTimeout(timer);
      // Datagrams in the kernel's buffer were sent before the stop, so they are taken; bounded, because a flood would never end.
      for (let turn = 0, quiet = 0; turn < 1_000 && quiet < 3; turn++) {
        const before = received;
        await new Promise<void>((resolve) => setImmediate(resolve));
        quiet = received === before ? quiet + 1 : 0;
      }
      await look();
      const done = once(socket, "close");
      socket.close();
      await done;
    },
  };
}
