/**
 * The broker as the daemon sees it: packets out, packets in, and whether there is a connection. It promises nothing about
 * delivery: what is published while disconnected is gone, and only an ACK from the other daemon proves anything.
 */
export interface Transport {
  status(): LinkStatus;
  /** Calls `listener` at each change of status, until the returned function is called. */
  onStatus(listener: (status: LinkStatus) => void): () => void;
  /**
   * Calls `listener` when the broker refuses one publish or one subscription for want of permission, until the returned
   * function is called; at most once a minute for the same one. The connection goes on; a refused subscription is asked
   * for again after growing pauses and at each reconnect. Once the broker permits what it has refused, `listener` hears of
   * that too.
   */
  onRefusal(listener: (refusal: Refusal) => void): () => void;
  /** Largest payload the connected broker takes, bytes; the last known, or the usual, while there is none. */
  maxPayload(): number;
  /**
   * Something waits for room: the broker may take more by now. It is asked anew, but not more often than after growing
   * pauses, and `maxPayload` says what came of it.
   */
  askLimits(): void;
  /** A prefix of subjects that reach this connection alone: replies are asked for at `${inbox}.<anything>`. */
  readonly inbox: string;
  /** Lasts until it is ended, across reconnects. `*` and `>` are NATS wildcards. What `listener` throws is only logged. */
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
  /** The operation is permitted now. */
  readonly over?: true;
}

/** Why there is no connection, as far as it decides what to do about it. */
export type LinkCode = "broker-unreachable" | "broker-auth" | "broker-full" | "broker-tls";

export type LinkStatus =
  /** Never connected yet; `fault`: why the last attempt failed. */
  | { readonly state: "connecting"; readonly fault?: string; readonly code?: LinkCode }
  | { readonly state: "connected"; readonly server: string }
  | { readonly state: "disconnected"; readonly fault: string; readonly code?: LinkCode }
  /** A broker answers, but refuses these credentials. Attempts go on. */
  | { readonly state: "denied"; readonly fault: string; readonly code?: LinkCode }
  | { readonly state: "closed" };
