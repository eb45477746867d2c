import { connect } from "nats";
import { publish, pull } from "./jetstream-client.mjs";

// The other end of the commands over JetStream: each is answered through the second stream, and acknowledged after that.
const nc = await connect({ servers: process.argv[2], noAsyncTraces: true });
pull(nc, "commands", (message) => {
  publish(nc, "js.result", message.data).then(
    () => message.respond("+ACK"),
    () => undefined,
  );
});
await nc.flush();
process.stdout.write("ready\n");
process.once("SIGTERM", () => nc.close());
