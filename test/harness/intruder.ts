import { type ConnectionOptions, connect, type NatsConnection, nkeyAuthenticator, nkeys } from "nats";
import { eventuallySeen } from "./eventually.ts";
import { atTestEnd } from "./temp.ts";

/** A bare NATS client with one login, which tries all that the protocol lets it try. It is gone when the test is over. */
export interface Intruder {
  readonly nats: NatsConnection;
  /** Subjects of the packets that it was handed, on any of its subscriptions. */
  readonly heard: readonly string[];
  /** Operations that the broker refused: `publish x`, `subscribe x`. */
  readonly refused: ReadonlySet<string>;
  /** True once the broker has ended the connection. */
  readonly isOut: boolean;
  /** Resolves when the broker has answered. */
  listen(subject: string, queue?: string): Promise<void>;
  publish(subject: string, payload?: Uint8Array | string, reply?: string): Promise<void>;
}

export interface NkeyPair {
  readonly key: string;
  readonly seed: Uint8Array;
}

export function nkeyPair(): NkeyPair {
  const pair = nkeys.createUser();
  return { key: pair.getPublicKey(), seed: pair.getSeed() };
}

export async function intruder(url: string, options: Partial<ConnectionOptions> = {}): Promise<Intruder> {
  const nats = await connect({ servers: url, reconnect: false, noRandomize: true, ...options });
  atTestEnd(
    () => nats.close(),
    () => undefined,
  );
  const heard: string[] = [];
  const refused = new Set<string>();
  let isOut = false;
  void nats.closed().then(() => {
    isOut = true;
  });
  void (async () => {
    for await (const status of nats.status()) {
      const error = (status as { readonly error?: { readonly operation?: string; readonly subject?: string } }).error;
      if (error?.operation !== undefined) refused.add(`${error.operation} ${error.subject}`);
    }
  })();
  return {
    nats,
    heard,
    refused,
    get isOut() {
      return isOut;
    },
    async listen(subject, queue) {
      nats.subscribe(subject, {
        ...(queue === undefined ? {} : { queue }),
        callback: (error, packet) => {
          if (error === null) heard.push(packet.subject);
        },
      });
      await nats.flush();
    },
    async publish(subject, payload = "x", reply) {
      nats.publish(subject, payload, reply === undefined ? {} : { reply });
      await nats.flush();
    },
  };
}

export function withSeed({ seed }: NkeyPair): Pick<ConnectionOptions, "authenticator"> {
  return { authenticator: nkeyAuthenticator(seed) };
}

/** Resolves when the broker refuses this login, as it does for one that is unknown or revoked. */
export async function isDenied(url: string, options: Partial<ConnectionOptions>): Promise<void> {
  await eventuallySeen("the login is refused", async () => {
    try {
      await (await connect({ servers: url, reconnect: false, ...options })).close();
      return false;
    } catch (error) {
      if (/authorization/i.test(String(error))) return true;
      throw error;
    }
  });
}
