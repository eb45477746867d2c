/** One line of the protocol, or one message with its payload. */
export interface ClientPart {
  readonly bytes: Buffer;
  /** Bytes of the payload, before the last line break; 0: a line. */
  readonly payload: number;
}

const HEADER = /^H?PUB .* (\d+)$/i;

/** Cuts the bytes of a NATS client into parts: its PUB and HPUB carry a payload, all else is a line. */
export class ClientMessages {
  #rest: Buffer = Buffer.alloc(0);

  /** The parts that are whole with this chunk. */
  take(chunk: Buffer): ClientPart[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const parts: ClientPart[] = [];
    for (let part = this.#next(); part !== undefined; part = this.#next()) parts.push(part);
    return parts;
  }

  #next(): ClientPart | undefined {
    const end = this.#rest.indexOf("\r\n");
    if (end === -1) return undefined;
    const size = HEADER.exec(this.#rest.toString("latin1", 0, end))?.[1];
    const length = size === undefined ? end + 2 : end + 2 + Number(size) + 2;
    if (this.#rest.length < length) return undefined;
    const bytes = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return { bytes, payload: Number(size ?? 0) };
  }
}
