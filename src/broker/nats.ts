import { type Msg, type Subscription as NatsSubscription, PermissionViolationError } from "nats";
import type { Clock, Random } from "../message/clock.ts";
import { StewardError } from "../message/errors.ts";
import type { Logger } from "../platform/logger.ts";
import { type Address, type Connection, type Dial, dialBroker, dialCode, dialFault, isDenial } from "./nats-dial.ts";
import { Refusals } from "./refusals.ts";
import type { LinkCode, LinkStatus, Packet, Refusal, Subscription, Transport } from "./transport.ts";

/**
 * The transport over a real NATS broker, which never gives up:
 *
 *   connecting ──► connected ⇄ disconnected      closed: from anywhere, by `close()` alone
 *        └───⇄ denied ⇄──┴──────────┘            denied: a broker refuses the credentials; attempts go on
 *
 * Invariants: subscriptions belong to the transport and are made anew on each connection, before `connected` is told;
 * nothing is handed to the client while there is no connection; nothing a listener throws reaches the client.
 */
export interface NatsTransportOptions {
  readonly broker: Address;
  /** Name of this node: shown by the broker, and part of the inbox, so that a permission `_INBOX.<name>.>` suffices. */
  readonly name: string;
  /** A dead link is noticed within twice this time, ms. */
  readonly pingMs: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export function openNatsTransport(options: NatsTransportOptions): Transport {
  return new NatsTransport(options);
}

const BACKOFF = { min: 200, max: 15_000 };
/** A connection that held this long resets the backoff. */
const SETTLED_MS = 5_000;
const CLOSE_WITHIN_MS = 2_000;
/** Default `max_payload` of nats-server, until a broker has told its own. */
const USUAL_PAYLOAD = 1024 * 1024;
/** Growing pauses between two questions for `max_payload`, ms. */
const ASKING = { min: 2_500, max: 60_000 };

interface Collected {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly reply: string | undefined;
}

interface Subscribed {
  readonly subject: string;
  readonly listener: (packet: Packet) => void;
  ended: boolean;
  bound: NatsSubscription | undefined;
}

class NatsTransport implements Transport {
  readonly inbox: string;
  readonly #options: NatsTransportOptions;
  readonly #subscriptions = new Set<Subscribed>();
  readonly #statusListeners = new Set<(status: LinkStatus) => void>();
  readonly #refusalListeners = new Set<(refusal: Refusal) => void>();
  readonly #refusals: Refusals;
  readonly #flushing = new Set<() => void>();
  readonly #running: Promise<void>;
  #status: LinkStatus = { state: "connecting" };
  #everConnected = false;
  #maxPayload = USUAL_PAYLOAD;
  #collected: Collected[] = [];
  #dial: Dial | undefined;
  /** A second connection, which asks for `max_payload`. */
  #asking: Dial | undefined;
  #askPause = ASKING.min;
  #askAgainAt = 0;
  #connection: Connection | undefined;
  #wake: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: NatsTransportOptions) {
    this.#options = options;
    this.inbox = `_INBOX.${options.name}.${Buffer.from(options.random.bytes(12)).toString("hex")}`;
    this.#refusals = new Refusals({
      ...options,
      again: () => this.#bindRefused(),
      tell: (refusal) => {
        for (const listener of this.#refusalListeners) this.#guarded("refusal listener", () => listener(refusal));
      },
    });
    this.#running = this.#run();
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
    this.#maxPayload = this.#connection?.nats.info?.max_payload ?? this.#maxPayload;
    return this.#maxPayload;
  }

  askLimits(): void {
    const { broker, name, pingMs, clock } = this.#options;
    const now = clock.monotonic();
    if (this.#connection === undefined || this.#asking !== undefined || now < this.#askAgainAt) return;
    this.#askPause = Math.min(ASKING.max, this.#askPause * 2);
    this.#askAgainAt = now + this.#askPause;
    // A broker tells `max_payload` at the beginning of a connection only: a second one asks, and ends at once.
    const dial = dialBroker(broker, name, pingMs);
    this.#asking = dial;
    dial.connected
      .then(
        (asked) => {
          this.#takes(asked.nats.info?.max_payload);
          asked.discard();
        },
        (error) => this.#options.log.debug({ fault: dialFault(error) }, "the broker was not asked for max_payload"),
      )
      .finally(() => {
        this.#asking = undefined;
      });
  }

  #takes(bytes: number | undefined): void {
    const known = this.#connection?.nats.info;
    if (bytes === undefined || known === undefined || known.max_payload === bytes) return;
    this.#options.log.info({ before: known.max_payload, bytes }, "the broker has another max_payload now");
    known.max_payload = bytes;
    this.#askPause = ASKING.min;
  }

  subscribe(subject: string, listener: (packet: Packet) => void): Subscription {
    const subscribed: Subscribed = { subject, listener, ended: false, bound: undefined };
    this.#subscriptions.add(subscribed);
    this.#bind(subscribed);
    return {
      end: () => {
        subscribed.ended = true;
        this.#subscriptions.delete(subscribed);
        if (this.#connection !== undefined) subscribed.bound?.unsubscribe();
      },
    };
  }

  publish(subject: string, payload: Uint8Array, reply?: string): boolean {
    if (this.#connection === undefined || this.#closing !== undefined) return false;
    const limit = this.maxPayload();
    if (payload.length > limit) {
      throw new StewardError("message-too-large", { subject, bytes: payload.length, limit });
    }
    // The end of this turn: after all work that is due now, before the next packet.
    if (this.#collected.length === 0) process.nextTick(() => this.#handOver());
    this.#collected.push({ subject, payload, reply });
    return true;
  }

  async flush(): Promise<void> {
    this.#handOver();
    const connection = this.#connection;
    if (connection === undefined) throw this.#unreachable("not connected");
    // The client never settles a flush of a connection that ends.
    await new Promise<void>((resolve, reject) => {
      const lost = (): void => reject(this.#unreachable("the connection was lost"));
      this.#flushing.add(lost);
      connection.nats
        .flush()
        .then(resolve, lost)
        .finally(() => this.#flushing.delete(lost));
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#shut();
    return this.#closing;
  }

  async #run(): Promise<void> {
    const { broker, name, pingMs, clock, random, log } = this.#options;
    let failures = 0;
    /** The refusal that was warned of since the last connection. */
    let warned: string | undefined;
    while (this.#closing === undefined) {
      this.#dial = dialBroker(broker, name, pingMs);
      try {
        const connection = await this.#dial.connected;
        warned = undefined;
        const from = clock.monotonic();
        const fault = await this.#serve(connection);
        if (clock.monotonic() - from >= SETTLED_MS) failures = 0;
        this.#tell(fault);
      } catch (error) {
        const fault = dialFault(error);
        const code = dialCode(error);
        const line = { servers: broker.servers, fault, code };
        // A broker that answers and refuses needs an operator: a warning, once for each fault.
        if (code === "broker-unreachable" || warned === fault) log.debug(line, "no connection to the broker");
        else {
          warned = fault;
          log.warn(line, "the broker refuses the connection of this node; attempts go on");
        }
        if (isDenial(error)) this.#tell({ state: "denied", fault, code });
        else this.#tell(this.#notConnected(fault, code));
      }
      if (this.#closing === undefined) await this.#wait(backoff(failures++, random));
    }
  }

  /** Serves one connection until it ends; resolves with the status that follows. */
  async #serve(connection: Connection): Promise<LinkStatus> {
    const { nats } = connection;
    const { log } = this.#options;
    this.#connection = connection;
    this.#everConnected = true;
    this.#refusals.clear();
    this.#askPause = ASKING.min;
    for (const subscribed of this.#subscriptions) this.#bind(subscribed);
    this.#tell({ state: "connected", server: nats.getServer() });
    let fault: string | undefined;
    for await (const status of nats.status()) {
      if (status.type === "staleConnection") fault = "the broker stopped answering";
      else if (status.type === "ldm") log.info({ server: status.server }, "the broker is about to shut down");
      else if (status.type !== "error") continue;
      else if (status.error instanceof PermissionViolationError) this.#refusals.refused(refusalOf(status.error));
      else log.warn({ fault: status.error.message }, "the broker reports an error");
    }
    const error = await nats.closed();
    this.#connection = undefined;
    for (const lost of this.#flushing) lost();
    this.#flushing.clear();
    for (const subscribed of this.#subscriptions) subscribed.bound = undefined;
    this.#refusals.clear();
    connection.discard();
    const why = fault ?? dialFault(error ?? undefined);
    const code = error ? dialCode(error) : "broker-unreachable";
    return isDenial(error) ? { state: "denied", fault: why, code } : { state: "disconnected", fault: why, code };
  }

  #bind(subscribed: Subscribed): void {
    if (this.#connection === undefined || this.#closing !== undefined) return;
    subscribed.bound = this.#connection.nats.subscribe(subscribed.subject, {
      callback: (error, message) => {
        this.#connection?.alive();
        // A refused subscription has ended for the client; `#bindRefused` asks for it again.
        if (error !== null) subscribed.bound = undefined;
        else if (!subscribed.ended) this.#receive(subscribed, message);
      },
    });
  }

  #receive(subscribed: Subscribed, message: Msg): void {
    const { subject, data, reply } = message;
    const noResponders = data.length === 0 && message.headers?.code === 503;
    this.#guarded(`listener of ${subscribed.subject}`, () =>
      subscribed.listener({ subject, payload: data, noResponders, ...(reply ? { reply } : {}) }),
    );
  }

  #handOver(): void {
    const batch = this.#collected;
    if (batch.length === 0) return;
    this.#collected = [];
    const nats = this.#connection?.nats;
    if (nats === undefined || nats.isClosed()) {
      this.#options.log.debug({ packets: batch.length }, "the connection was lost before these packets were sent");
      return;
    }
    for (const { subject, payload, reply } of batch) {
      this.#guarded(`publish to ${subject}`, () =>
        nats.publish(subject, payload, reply === undefined ? {} : { reply }),
      );
      if (this.#refusals.some) this.#confirm({ operation: "publish", subject });
    }
  }

  #bindRefused(): void {
    for (const subscribed of this.#subscriptions)
      if (subscribed.bound === undefined) {
        this.#bind(subscribed);
        this.#confirm({ operation: "subscribe", subject: subscribed.subject });
      }
  }

  /** Confirms a repeated operation: a refusal comes before the answer to the flush that follows it. */
  #confirm(asked: Refusal): void {
    const asking = this.#refusals.asked(asked);
    if (asking === undefined) return;
    this.flush().then(
      // The client tells of a refusal a few turns of the event loop later.
      () => setImmediate(() => setImmediate(() => this.#refusals.answered(asked, asking))),
      () => undefined,
    );
  }

  #tell(status: LinkStatus): void {
    if (JSON.stringify(this.#status) === JSON.stringify(status)) return;
    if (this.#closing !== undefined && status.state !== "closed") return;
    this.#status = status;
    for (const listener of this.#statusListeners) this.#guarded("status listener", () => listener(status));
  }

  #notConnected(fault: string, code: LinkCode): LinkStatus {
    return { state: this.#everConnected ? "disconnected" : "connecting", fault, code };
  }

  #wait(ms: number): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const timer = clock.setTimeout(resolve, ms);
      this.#wake = () => {
        clock.clearTimeout(timer);
        resolve();
      };
    });
  }

  async #shut(): Promise<void> {
    this.#handOver();
    // `#closing` is set when this method has returned its promise; the rest runs after that.
    await Promise.resolve();
    this.#wake?.();
    this.#asking?.abandon();
    const connection = this.#connection;
    if (connection === undefined) this.#dial?.abandon();
    else {
      const { clock } = this.#options;
      const timer = clock.setTimeout(() => connection.discard(), CLOSE_WITHIN_MS);
      connection.nats.drain().catch(() => connection.discard());
      await connection.nats.closed();
      clock.clearTimeout(timer);
    }
    await this.#running;
    this.#tell({ state: "closed" });
    this.#statusListeners.clear();
    this.#refusalListeners.clear();
  }

  #guarded(what: string, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#options.log.error({ err: error }, `${what} failed`);
    }
  }

  #unreachable(fault: string): StewardError {
    return new StewardError("broker-unreachable", { servers: this.#options.broker.servers.join(", "), fault });
  }
}

function refusalOf({ operation, subject }: PermissionViolationError): Refusal {
  return { operation: operation === "publish" ? "publish" : "subscribe", subject };
}

/** Milliseconds before the next attempt: random up to a bound that doubles, so that a fleet does not return all at once. */
export function backoff(failures: number, random: Random): number {
  const bound = Math.min(BACKOFF.max, BACKOFF.min * 2 ** (failures + 1));
  return BACKOFF.min + random.next() * (bound - BACKOFF.min);
}
