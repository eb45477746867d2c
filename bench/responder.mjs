import { connect } from "nats";

// The other end of the bare client's measurements: echoes requests, counts one-way messages, is so many nodes.
const nc = await connect({ servers: process.argv[2], noAsyncTraces: true });
nc.subscribe("bare.echo", { callback: (_error, message) => message.respond(message.data) });
let count = 0;
nc.subscribe("bare.event", { callback: () => count++ });
nc.subscribe("bare.count", {
  callback: (_error, message) => {
    message.respond(String(count));
    count = 0;
  },
});
for (let n = 0; n < Number(process.argv[3] ?? 0); n++)
  nc.subscribe(`bare.fan.${n}`, { callback: (_error, message) => message.respond(message.data) });
await nc.flush();
process.stdout.write("ready\n");
process.once("SIGTERM", () => nc.close());
