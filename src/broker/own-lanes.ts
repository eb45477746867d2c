import type { Packet, Subscription, Transport } from "./transport.ts";

/**
 * A transport on which the lanes of a node to itself need no broker: their frames and ACKs stay in this process. Questions
 * outside of all lanes go to the broker as ever, for another host of the same name may answer them.
 */
export function withOwnLanes(node: string, transport: Transport): Transport {
  return new OwnLanes(node, transport);
}

/** The number behind the last point of a reply: that of a frame on a lane is 1 or more. */
const OUTSIDE_LANES = ".0";

class OwnLanes implements Transport {
  readonly #node: string;
  readonly #transport: Transport;
  readonly #listeners = new Map<string, Set<(packet: Packet) => void>>();
  #ended = false;

  constructor(node: string, transport: Transport) {
    this.#node = node;
    this.#transport = transport;
  }

  get inbox(): string {
    return this.#transport.inbox;
  }

  status() {
    return this.#transport.status();
  }

  onStatus(listener: Parameters<Transport["onStatus"]>[0]): () => void {
    return this.#transport.onStatus(listener);
  }

  onRefusal(listener: Parameters<Transport["onRefusal"]>[0]): () => void {
    return this.#transport.onRefusal(listener);
  }

  maxPayload(): number {
    return this.#transport.maxPayload();
  }

  askLimits(): void {
    this.#transport.askLimits();
  }

  subscribe(subject: string, listener: (packet: Packet) => void): Subscription {
    const listeners = this.#listeners.get(subject) ?? new Set();
    this.#listeners.set(subject, listeners.add(listener));
    const subscription = this.#transport.subscribe(subject, listener);
    return {
      end: () => {
        listeners.delete(listener);
        subscription.end();
      },
    };
  }

  publish(subject: string, payload: Uint8Array, reply?: string): boolean {
    const { inbox } = this;
    const isAnswer = subject.startsWith(`${inbox}.`) && !subject.endsWith(OUTSIDE_LANES);
    const isFrame = reply?.startsWith(`${inbox}.`) === true && !reply.endsWith(OUTSIDE_LANES);
    const isOwn = isAnswer
      ? subject.startsWith(`${inbox}.${this.#node}.`)
      : subject.startsWith(`${this.#node}.`) && isFrame;
    if (!isOwn) return this.#transport.publish(subject, payload, reply);
    const packet = { subject, payload, noResponders: false, ...(reply === undefined ? {} : { reply }) };
    const to = isAnswer ? `${inbox}.>` : `${this.#node}.>`;
    setImmediate(() => {
      if (!this.#ended) for (const listener of this.#listeners.get(to) ?? []) listener(packet);
    });
    return true;
  }

  flush(): Promise<void> {
    return this.#transport.flush();
  }

  close(): Promise<void> {
    this.#ended = true;
    return this.#transport.close();
  }
}
