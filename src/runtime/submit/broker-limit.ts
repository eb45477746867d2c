import type { Transport } from "../../broker/transport.ts";
import type { Journal } from "../../journal/journal.ts";

/**
 * The largest payload that the broker takes, `undefined` before the first connection. The sources need it also while there
 * is no broker, so the last one is kept in the journal.
 */
const KEY = "broker max_payload";

export class BrokerLimit {
  readonly #transport: Transport;
  readonly #journal: Journal;

  constructor(transport: Transport, journal: Journal) {
    this.#transport = transport;
    this.#journal = journal;
  }

  get bytes(): number | undefined {
    const kept = this.#journal.checkpoint(KEY);
    if (this.#transport.status().state !== "connected") return typeof kept === "number" ? kept : undefined;
    const bytes = this.#transport.maxPayload();
    if (bytes !== kept) this.#journal.setCheckpoint({ key: KEY, value: bytes });
    return bytes;
  }
}
