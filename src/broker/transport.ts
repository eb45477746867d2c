/**
 * The broker as the daemon sees it: packets out, packets in, and the state of the connection. Delivery is not promised: a
 * packet published while disconnected is lost, and only an ACK of the other daemon proves that one arrived.
 */
export interface Transport {
  status(): LinkStatus;
  /** Calls `listener` at each change of status, until the returned function is called. */
  onStatus(listener: (status: LinkStatus) => void): () => void;
  /**
   * Calls `listener` when the broker refuses a publish or a subscription for want of permission, at most once a minute for
   * each, and when it permits it again; until the returned function is called. The connection goes on; a refused
   * subscription is asked for again after growing pauses and at each reconnect.
   */
  onRefusal(listener: (refusal: Refusal) => void): () => void;
  /** `max_payload` of the connected broker, bytes; while there is none the last known value, or the default. */
  maxPayload(): number;
  /** Asks the broker for `max_payload` anew, at most after growing pauses: a packet may be too large for the known value. */
  askLimits(): void;
  /** Prefix of the subjects that reach this connection alone, for replies: `${inbox}.<anything>`. */
  readonly inbox: string;
  /** Lasts until it is ended, across reconnects. `*` and `>` are NATS wildcards. Errors of `listener` are only logged. */
  subscribe(subject: string, listener: (packet: Packet) => void): Subscription;
  /**
   * Hands a packet to the broker at the end of this turn of the event loop, with all others of the turn: the payload must
   * not be changed after the call. False when there is no connection: then it was not sent. A subject without subscriber
   * is answered at `reply` with `noResponders`.
   * @throws StewardError `message-too-large` above `maxPayload()`, when connected.
   */
  publish(subject: string, payload: Uint8Array, reply?: string): boolean;
  /** Resolves when the broker has taken everything published before; rejects without a connection, or when it is lost. */
  flush(): Promise<void>;
  /** Sends what is collected, then ends the connection for good. Takes at most a few seconds. */
  close(): Promise<void>;
}

export interface Packet {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly reply?: string;
  readonly noResponders: boolean;
}

export interface Subscription {
  end(): void;
}

export interface Refusal {
  readonly operation: "publish" | "subscribe";
  readonly subject: string;
  /** True once the broker permits the operation. */
  readonly over?: true;
}

/** The kind of a failure, by which its remedy is chosen. */
export type LinkCode = "broker-unreachable" | "broker-auth" | "broker-full" | "broker-tls";

export type LinkStatus =
  /** Never connected yet; `fault`: why the last attempt failed. */
  | { readonly state: "connecting"; readonly fault?: string; readonly code?: LinkCode }
  | { readonly state: "connected"; readonly server: string }
  | { readonly state: "disconnected"; readonly fault: string; readonly code?: LinkCode }
  /** A broker answers, but refuses the login. Attempts go on. */
  | { readonly state: "denied"; readonly fault: string; readonly code?: LinkCode }
  | { readonly state: "closed" };
