import type { Transport } from "../../broker/transport.ts";
import type { Journal } from "../../journal/journal.ts";

/**
 * How much the broker takes at once, as its sources have to know it also while there is no broker: what it said last is kept
 * over restarts. `undefined`: no broker has ever said it.
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
