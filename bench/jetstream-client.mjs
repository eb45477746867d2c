/** JetStream by its own subjects, as every client speaks to it: streams in files, pull consumers, an ACK for each message. */
const AT_ONCE = 256;

async function api(nc, subject, body) {
  const reply = await nc.request(`$JS.API.${subject}`, JSON.stringify(body), { timeout: 10_000 });
  const answer = JSON.parse(reply.string());
  if (answer.error !== undefined) throw new Error(`${subject}: ${answer.error.description}`);
  return answer;
}

/** A work queue in a file, and its one pull consumer. */
export async function makeQueue(nc, name, subject) {
  await api(nc, `STREAM.CREATE.${name}`, { name, subjects: [subject], retention: "workqueue", storage: "file" });
  const config = { durable_name: "all", ack_policy: "explicit", max_ack_pending: 20_000 };
  await api(nc, `CONSUMER.DURABLE.CREATE.${name}.all`, { stream_name: name, config });
}

/** Publishes, and resolves when the stream has it. */
export async function publish(nc, subject, payload) {
  const reply = await nc.request(subject, payload, { timeout: 60_000 });
  const { error } = JSON.parse(reply.string());
  if (error !== undefined) throw new Error(error.description);
}

/** Pulls the messages of a queue, so that some are always on the way. */
export function pull(nc, name, take) {
  const inbox = `_INBOX.pull.${name}.${process.pid}`;
  let asked = 0;
  const ask = () => {
    asked += AT_ONCE;
    nc.publish(`$JS.API.CONSUMER.MSG.NEXT.${name}.all`, JSON.stringify({ batch: AT_ONCE }), { reply: inbox });
  };
  nc.subscribe(inbox, {
    callback: (_error, message) => {
      if (message.reply === undefined || message.reply === "") return;
      asked--;
      if (asked < AT_ONCE) ask();
      take(message);
    },
  });
  ask();
  ask();
}
