import { createServer, connect as dial, type Server, type Socket } from "node:net";
import { connect, type NatsConnection } from "nats";
import { startBroker, type TestBroker } from "../../harness/fleet/broker.ts";
import { ClientMessages, type ClientPart } from "../../harness/fleet/client-messages.ts";
import { atTestEnd } from "../../harness/temp.ts";

/**
 * A real nats-server with a man in the middle, who has all that a broker has: every packet passes through the rule, which
 * lets it go, holds it back, changes it or sends it elsewhere; and packets can be made up. There are no logins, for a
 * hostile broker asks for none. All of it is gone when the test is over.
 */
export interface HostileBroker {
  /** The broker as nodes see it. */
  readonly broker: TestBroker;
  /** All packets that nodes have sent, in order, whatever became of them. */
  readonly sent: readonly Passed[];
  /** The rule from now on; `undefined`: all goes on as it is. */
  rule(rule: Rule | undefined): void;
  /** Sends a packet of the broker's own making; resolves once the nodes' connections were handed it. */
  inject(packet: Packet): Promise<void>;
  /** Packets that came back for those that were injected. */
  readonly answers: readonly Packet[];
  /** Holds back what matches until it is called again, then sends it on, in order. */
  hold(matches: (packet: Passed) => boolean): () => void;
}

export interface Packet {
  readonly subject: string;
  readonly payload: Buffer;
  readonly reply?: string | undefined;
}

/** A packet with the name under which its sender's connection presented itself. */
export interface Passed extends Packet {
  readonly by: string;
}

/** The packets that go on in place of this one. */
export type Rule = (packet: Passed) => readonly Packet[];

const REPLY = "hostile.";

export async function startHostileBroker(): Promise<HostileBroker> {
  const real = await startBroker();
  const sent: Passed[] = [];
  const answers: Packet[] = [];
  const pairs = new Set<Socket>();
  let rule: Rule | undefined;

  const server = createServer({ noDelay: true }, (client) => {
    const upstream = dial({ port: real.port, host: "127.0.0.1", noDelay: true });
    const messages = new ClientMessages();
    let by = "";
    const ended = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      pairs.add(socket);
      socket.on("error", ended).on("close", () => {
        pairs.delete(socket);
        ended();
      });
    }
    upstream.on("data", (chunk) => client.write(chunk));
    client.on("data", (chunk: Buffer) => {
      for (const part of messages.take(chunk)) {
        by = nameIn(part) ?? by;
        const packet = packetIn(part);
        if (packet === undefined) {
          upstream.write(part.bytes);
          continue;
        }
        const passed = { ...packet, by };
        sent.push(passed);
        for (const next of rule?.(passed) ?? [passed]) upstream.write(written(next));
      }
    });
  });
  const port = await listen(server);
  const nats: NatsConnection = await connect({ servers: real.url });
  nats.subscribe(`${REPLY}>`, {
    callback: (_error, { subject, data }) =>
      void answers.push({ subject: subject.slice(REPLY.length), payload: Buffer.from(data) }),
  });
  await nats.flush();
  atTestEnd(
    async () => {
      await nats.close();
      for (const socket of pairs) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
    () => undefined,
  );
  return {
    broker: { ...real, url: `nats://127.0.0.1:${port}`, port },
    sent,
    answers,
    rule: (next) => {
      rule = next;
    },
    async inject({ subject, payload, reply = `${REPLY}${subject}` }) {
      nats.publish(subject, payload, { reply });
      await nats.flush();
    },
    hold(matches) {
      const held: Passed[] = [];
      rule = (packet) => {
        if (!matches(packet)) return [packet];
        held.push(packet);
        return [];
      };
      return () => {
        rule = undefined;
        for (const { subject, payload, reply } of held)
          nats.publish(subject, payload, reply === undefined ? {} : { reply });
      };
    },
  };
}

const NAME = /^CONNECT .*"name":"([^"]*)"/;

function nameIn({ bytes, payload }: ClientPart): string | undefined {
  return payload > 0 ? undefined : NAME.exec(bytes.toString("latin1"))?.[1];
}

/** A message without headers; nodes send none. */
function packetIn({ bytes, payload }: ClientPart): Packet | undefined {
  if (payload === 0) return undefined;
  const end = bytes.indexOf("\r\n");
  const [verb = "", subject = "", reply] = bytes.toString("latin1", 0, end).split(" ");
  if (verb.toUpperCase() !== "PUB") throw new Error(`a node sent ${verb}`);
  const size = bytes.toString("latin1", 0, end).split(" ").length;
  return { subject, payload: Buffer.from(bytes.subarray(end + 2, -2)), reply: size === 4 ? reply : undefined };
}

function written({ subject, payload, reply }: Packet): Buffer {
  const words = ["PUB", subject, ...(reply === undefined ? [] : [reply]), String(payload.length)];
  return Buffer.concat([Buffer.from(`${words.join(" ")}\r\n`), payload, Buffer.from("\r\n")]);
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}
