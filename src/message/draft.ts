import type { Json } from "./message.ts";

/** A message as an operator writes it, before it has an id. */
export interface Draft {
  /** `<node>.<command|event>.<method>.<domain>` */
  readonly subject: string;
  readonly data: Json;
  /** Milliseconds from now; `null` waits for ever; absent: the configured default. */
  readonly deliverBy?: number | null;
  /** Milliseconds; absent: the configured default. */
  readonly timeout?: number;
  /** Refuse a receiver that this daemon has never heard of and that its configuration does not name. */
  readonly knownNodesOnly?: boolean;
}
