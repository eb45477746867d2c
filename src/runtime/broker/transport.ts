/**
 * The broker as the daemon sees it: packets out, packets in, and whether there is a connection. It promises nothing about
 * delivery: what is published while disconnected is gone, and only an ACK from the other daemon proves anything.
 */
export interface Transport {
  status(): LinkStatus;
  /** Calls `listener` at each change of status, until the returned function is called. */
  onStatus(listener: (status: LinkStatus) => void): () => void;
  /** Largest payload the connected broker takes, bytes; a cautious value while there is none. */
  maxPayload(): number;
  /** A prefix of subjects that reach this connection alone: replies are asked for at `${inbox}.<anything>`. */
  readonly inbox: string;
  /** Lasts until it is ended, across reconnects. `*` and `>` are NATS wildcards. */
  subscribe(subject: string, listener: (packet: Packet) => void): Subscription;
  /**
   * Hands a packet to the broker at the end of this turn of the event loop, with all others of the turn. False when
   * there is no connection: then it was not sent. A subject without subscriber is answered at `reply` with
   * `noResponders`.
   */
  publish(subject: string, payload: Uint8Array, reply?: string): boolean;
  /** Resolves when the broker has taken everything published before; rejects without a connection. */
  flush(): Promise<void>;
  /** Sends what is collected, then ends the connection for good. */
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

export type LinkStatus =
  | { readonly state: "connecting"; readonly fault?: string }
  | { readonly state: "connected"; readonly server: string }
  | { readonly state: "disconnected"; readonly fault: string }
  /** Connected, but the broker refuses credentials or a permission. */
  | { readonly state: "denied"; readonly fault: string }
  | { readonly state: "closed" };
