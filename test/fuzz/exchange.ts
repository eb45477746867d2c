import { connect } from "node:net";

/** Sends all and half-closes; what came back until the other end closed too. */
export function exchange(path: string, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    const parts: Buffer[] = [];
    const socket = connect({ path, allowHalfOpen: true });
    socket.on("data", (part) => {
      parts.push(part);
      // A stream of events has no end.
      if (/text\/event-stream/.test(parts[0]?.toString("latin1") ?? "")) socket.destroy();
    });
    socket.on("error", () => undefined);
    socket.on("end", () => socket.destroy());
    socket.on("close", () => resolve(Buffer.concat(parts).toString("latin1")));
    socket.end(bytes);
  });
}
