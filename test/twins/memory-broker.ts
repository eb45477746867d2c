import type { LinkStatus, Packet, Refusal, Subscription, Transport } from "../../src/broker/transport.ts";
import type { Clock, Random } from "../../src/message/clock.ts";
import { StewardError } from "../../src/message/errors.ts";
import { SubjectTree } from "./subject-tree.ts";

/**
 * A broker within the process, under the same contract as the real one, for tests and simulations. Every packet is copied
 * and travels to its receiver in a later turn of the event loop. It can go down and come back; each link can be cut for
 * itself, and can lose, delay, repeat, reorder or damage packets, decided by the random source and the clock handed in.
 */
export interface MemoryBrokerOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Bytes; 1 MB like a NATS broker's default. */
  readonly maxPayload?: number;
  /** Told what a listener threw. */
  readonly onFault?: (error: unknown) => void;
}

/** Probabilities from 0 to 1, times in ms. */
export interface LinkFaults {
  readonly drop?: number;
  readonly duplicate?: number;
  readonly flip?: number;
  /** Every packet takes this long. */
  readonly delay?: number;
  /** This share of packets is held back for up to `within`, so that later ones overtake them. */
  readonly reorder?: { readonly share: number; readonly within: number };
}

export interface MemoryLink extends Transport {
  /** Ends the connection; it stays ended until `reconnect`. */
  disconnect(fault?: string): void;
  reconnect(): void;
  /** Faults of what this link sends, and of what it receives; `{}` heals. A drop of 1 is a half-open link. */
  setFaults(faults: { readonly out?: LinkFaults; readonly in?: LinkFaults }): void;
  /** The broker refuses this link's use of a subject from now on. */
  refuse(refusal: Refusal): void;
  /** It does so no longer. */
  permit(refusal: Refusal): void;
}

interface Subscribed {
  readonly link: Link;
  readonly subject: string;
  readonly listener: (packet: Packet) => void;
  ended: boolean;
}

interface Sent {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly reply: string | undefined;
}

export class MemoryBroker {
  readonly clock: Clock;
  readonly random: Random;
  /** Links learn of a change when they connect, or ask. */
  maxPayload: number;
  readonly subscriptions = new SubjectTree<Subscribed>();
  readonly #onFault: (error: unknown) => void;
  readonly #links = new Set<Link>();
  readonly #watchers: ((packet: Packet) => void)[] = [];
  #up = true;

  constructor(options: MemoryBrokerOptions) {
    this.clock = options.clock;
    this.random = options.random;
    this.maxPayload = options.maxPayload ?? 1_048_576;
    this.#onFault = options.onFault ?? (() => undefined);
  }

  get isUp(): boolean {
    return this.#up;
  }

  /** A new link; it is connected in a later turn, when the broker is up. */
  connect(name: string): MemoryLink {
    const link = new Link(this, name, () => this.#links.delete(link));
    this.#links.add(link);
    setImmediate(() => link.returnFromLoss());
    return link;
  }

  /** The broker dies: all links are lost, and what is on its way with them. */
  down(fault = "the broker closed the connection"): void {
    this.#up = false;
    for (const link of this.#links) link.lose(fault);
  }

  /** It is back, empty; links that were not cut for themselves return. */
  up(): void {
    this.#up = true;
    for (const link of this.#links) setImmediate(() => link.returnFromLoss());
  }

  /** Hands over each packet that has reached its receiver. */
  watch(watcher: (packet: Packet) => void): void {
    this.#watchers.push(watcher);
  }

  reached(packet: Packet): void {
    for (const watcher of this.#watchers) watcher(packet);
  }

  /** Puts a packet of the broker's own to all that listen to its subject. */
  inject(packet: Packet): void {
    if (!this.#up) return;
    for (const match of this.subscriptions.match(packet.subject))
      if (match.link.connected) match.link.deliver(match, { ...packet, payload: packet.payload.slice() });
  }

  route(from: Link, { subject, payload, reply }: Sent): void {
    if (!this.#up) return;
    const matches = this.subscriptions.match(subject).filter(({ link }) => link.connected);
    for (const match of matches) {
      match.link.deliver(match, {
        subject,
        payload: payload.slice(),
        noResponders: false,
        ...(reply === undefined ? {} : { reply }),
      });
    }
    if (matches.length > 0 || reply === undefined) return;
    for (const match of this.subscriptions.match(reply)) {
      if (match.link === from) from.deliver(match, { subject: reply, payload: new Uint8Array(0), noResponders: true });
    }
  }

  guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#onFault(error);
    }
  }
}

class Link implements MemoryLink {
  readonly inbox: string;
  readonly #broker: MemoryBroker;
  readonly #onClosed: () => void;
  readonly #subscriptions = new Set<Subscribed>();
  readonly #statusListeners = new Set<(status: LinkStatus) => void>();
  readonly #refusalListeners = new Set<(refusal: Refusal) => void>();
  readonly #refused = new Set<string>();
  #status: LinkStatus = { state: "connecting" };
  #maxPayload: number;
  /** Counts connections: a packet on its way does not survive the one it belongs to. */
  #connection = 0;
  #collected: Sent[] = [];
  #cut = false;
  #closing: Promise<void> | undefined;
  #out: LinkFaults = {};
  #in: LinkFaults = {};

  constructor(broker: MemoryBroker, name: string, onClosed: () => void) {
    this.#broker = broker;
    this.#onClosed = onClosed;
    this.#maxPayload = broker.maxPayload;
    this.inbox = `_INBOX.${name}.${Buffer.from(broker.random.bytes(12)).toString("hex")}`;
  }

  get connected(): boolean {
    return this.#status.state === "connected";
  }

  status(): LinkStatus {
    return this.#status;
  }

  onStatus(listener: (status: LinkStatus) => void): () => void {
    this.#statusListeners.add(listener);
    return () => this.#statusListeners.delete(listener);
  }

  onRefusal(listener: (refusal: Refusal) => void): () => void {
    this.#refusalListeners.add(listener);
    return () => this.#refusalListeners.delete(listener);
  }

  maxPayload(): number {
    return this.#maxPayload;
  }

  askLimits(): void {
    if (this.connected) this.#maxPayload = this.#broker.maxPayload;
  }

  subscribe(subject: string, listener: (packet: Packet) => void): Subscription {
    const subscribed: Subscribed = { link: this, subject, listener, ended: false };
    this.#subscriptions.add(subscribed);
    this.#bind(subscribed);
    return {
      end: () => {
        subscribed.ended = true;
        this.#subscriptions.delete(subscribed);
        this.#broker.subscriptions.remove(subject, subscribed);
      },
    };
  }

  publish(subject: string, payload: Uint8Array, reply?: string): boolean {
    if (!this.connected || this.#closing !== undefined) return false;
    const limit = this.#maxPayload;
    if (payload.length > limit) throw new StewardError("message-too-large", { subject, bytes: payload.length, limit });
    if (this.#collected.length === 0) setImmediate(() => this.#handOver());
    this.#collected.push({ subject, payload: payload.slice(), reply });
    return true;
  }

  async flush(): Promise<void> {
    const connection = this.#connection;
    if (!this.connected) throw new StewardError("broker-unreachable", { servers: "memory", fault: "not connected" });
    this.#handOver();
    await new Promise((resolve) => setImmediate(resolve));
    if (connection !== this.#connection || !this.connected) {
      throw new StewardError("broker-unreachable", { servers: "memory", fault: "the connection was lost" });
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#shut();
    return this.#closing;
  }

  async #shut(): Promise<void> {
    if (this.connected) await this.flush().catch(() => undefined);
    for (const subscribed of this.#subscriptions) this.#broker.subscriptions.remove(subscribed.subject, subscribed);
    this.#subscriptions.clear();
    this.#tell({ state: "closed" });
    this.#statusListeners.clear();
    this.#refusalListeners.clear();
    this.#onClosed();
  }

  disconnect(fault = "the connection was cut"): void {
    this.#cut = true;
    this.lose(fault);
  }

  reconnect(): void {
    this.#cut = false;
    this.returnFromLoss();
  }

  setFaults(faults: { readonly out?: LinkFaults; readonly in?: LinkFaults }): void {
    this.#out = faults.out ?? {};
    this.#in = faults.in ?? {};
  }

  refuse({ operation, subject }: Refusal): void {
    this.#refused.add(`${operation} ${subject}`);
    if (operation !== "subscribe") return;
    for (const subscribed of this.#subscriptions) {
      if (subscribed.subject !== subject) continue;
      this.#broker.subscriptions.remove(subject, subscribed);
      this.#bind(subscribed);
    }
  }

  permit({ operation, subject }: Refusal): void {
    if (!this.#refused.delete(`${operation} ${subject}`)) return;
    for (const subscribed of this.#subscriptions) if (subscribed.subject === subject) this.#bind(subscribed);
    for (const listener of this.#refusalListeners)
      setImmediate(() => this.#broker.guarded(() => listener({ operation, subject, over: true })));
  }

  lose(fault: string): void {
    if (this.#status.state === "closed") return;
    this.#collected = [];
    for (const subscribed of this.#subscriptions) this.#broker.subscriptions.remove(subscribed.subject, subscribed);
    this.#tell(this.#connection === 0 ? { state: "connecting", fault } : { state: "disconnected", fault });
  }

  returnFromLoss(): void {
    if (this.#cut || !this.#broker.isUp || this.connected || this.#status.state === "closed") return;
    this.#connection++;
    this.#maxPayload = this.#broker.maxPayload;
    for (const subscribed of this.#subscriptions) this.#bind(subscribed, true);
    this.#tell({ state: "connected", server: "memory" });
  }

  deliver(subscribed: Subscribed, packet: Packet): void {
    const connection = this.#connection;
    this.#travel(this.#in, packet, (arrived) => {
      if (subscribed.ended || connection !== this.#connection || !this.connected) return;
      if (!arrived.noResponders) this.#broker.reached({ ...arrived, payload: arrived.payload.slice() });
      this.#broker.guarded(() => subscribed.listener(arrived));
    });
  }

  #bind(subscribed: Subscribed, connecting = false): void {
    if (!connecting && !this.connected) return;
    if (this.#isRefused({ operation: "subscribe", subject: subscribed.subject })) return;
    this.#broker.subscriptions.add(subscribed.subject, subscribed);
  }

  #handOver(): void {
    const batch = this.#collected;
    const connection = this.#connection;
    this.#collected = [];
    // As a broker does: who sends more than it takes is shown the door.
    if (batch.some(({ payload }) => payload.length > this.#broker.maxPayload)) {
      this.lose("Maximum Payload Violation");
      setImmediate(() => this.returnFromLoss());
      return;
    }
    for (const sent of batch) {
      if (this.#isRefused({ operation: "publish", subject: sent.subject })) continue;
      this.#travel(this.#out, sent, (arrived) => {
        if (connection === this.#connection && this.connected) this.#broker.route(this, arrived);
      });
    }
  }

  /** Hands a packet on after what this direction of the link does to it; untouched, in the next turn and in order. */
  #travel<P extends { readonly payload: Uint8Array }>(
    faults: LinkFaults,
    packet: P,
    arrive: (packet: P) => void,
  ): void {
    const { clock, random } = this.#broker;
    const happens = (probability = 0): boolean => probability > 0 && random.next() < probability;
    if (happens(faults.drop)) return;
    for (let copies = happens(faults.duplicate) ? 2 : 1; copies > 0; copies--) {
      const arrived = happens(faults.flip) ? { ...packet, payload: flipped(packet.payload, random) } : packet;
      const held = happens(faults.reorder?.share) ? random.next() * (faults.reorder?.within ?? 0) : 0;
      const ms = (faults.delay ?? 0) + held;
      if (ms > 0) clock.setTimeout(() => arrive(arrived), ms);
      else setImmediate(() => arrive(arrived));
    }
  }

  #isRefused(refusal: Refusal): boolean {
    if (!this.#refused.has(`${refusal.operation} ${refusal.subject}`)) return false;
    for (const listener of this.#refusalListeners) setImmediate(() => this.#broker.guarded(() => listener(refusal)));
    return true;
  }

  #tell(status: LinkStatus): void {
    if (JSON.stringify(status) === JSON.stringify(this.#status)) return;
    this.#status = status;
    for (const listener of this.#statusListeners) this.#broker.guarded(() => listener(status));
  }
}

function flipped(payload: Uint8Array, random: Random): Uint8Array {
  const copy = payload.slice();
  const at = Math.floor(random.next() * copy.length);
  copy[at] = (copy[at] ?? 0) ^ (1 << Math.floor(random.next() * 8));
  return copy;
}
