import type { Clock } from "../message/clock.ts";
import { StewardError } from "../message/errors.ts";
import type { NewId } from "../message/id.ts";
import type { Json } from "../message/message.ts";
import { receiverOf } from "../message/subject.ts";
import type { Envelope } from "../message/wire/envelope.ts";
import { encodeItem } from "../message/wire/frame.ts";
import type { Transport } from "./transport.ts";

/** The sender of a frame: its node, the identity of its journal, and the clock and ids for its messages. */
export interface Sender {
  readonly node: string;
  readonly epoch: string;
  /** The present life of its daemon. */
  readonly life: string;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly envelope: Pick<Envelope, "seal" | "knows" | "session">;
}

/** One event outside all lanes, as a frame: never journalled, and sent again only by `TransientSender`. */
export function transientFrame(
  subject: string,
  { node, epoch, life, clock, newId, envelope }: Sender,
  data: Json,
): Uint8Array {
  const now = clock.now();
  const item = { id: newId(), createdAt: now, deliverBy: null, timeout: null, data };
  const time = { sentAt: now, life, uptime: clock.monotonic() };
  return envelope.seal(subject, { origin: node, epoch, ...time, first: 0, acked: 0 }, [encodeItem(item)], null);
}

interface Sent {
  readonly subject: string;
  readonly data: Json;
  session: number;
  /** When it was last sealed again, monotonic ms. */
  at: number;
}

/** The shortest time between two sendings of one event, ms: two machines that run as one node answer in turn. */
const AGAIN = 1_000;

/**
 * Sends events outside all lanes. An event that its receiver cannot open, because it was sealed for another life of that
 * daemon, is sealed again as soon as the present life is known.
 */
export class TransientSender {
  readonly #sender: () => Sender;
  readonly #transport: Pick<Transport, "inbox" | "publish">;
  readonly #kept: number;
  readonly #sent: Sent[] = [];

  /** `kept`: how many events may be sealed again, the latest. */
  constructor(sender: () => Sender, transport: Pick<Transport, "inbox" | "publish">, kept: number) {
    this.#sender = sender;
    this.#transport = transport;
    this.#kept = kept;
  }

  send(subject: string, data: Json): void {
    const sent = { subject, data, session: 0, at: Number.NEGATIVE_INFINITY };
    this.#sent.push(sent);
    if (this.#sent.length > this.#kept) this.#sent.shift();
    this.#publish(sent);
  }

  /** The receiver refuses events of this subject: they were sealed for another life of its daemon. */
  sealAgain(subject: string): void {
    const { clock, envelope } = this.#sender();
    const session = envelope.session(receiverOf(subject));
    const now = clock.monotonic();
    for (const sent of this.#sent) {
      if (sent.subject !== subject || sent.session === session || now - sent.at < AGAIN) continue;
      sent.at = now;
      this.#publish(sent);
    }
  }

  #publish(sent: Sent): void {
    const sender = this.#sender();
    const { subject, data } = sent;
    sent.session = sender.envelope.session(receiverOf(subject));
    try {
      const frame = transientFrame(subject, sender, data);
      this.#transport.publish(subject, frame, `${this.#transport.inbox}.${subject}.0`);
    } catch (error) {
      // A node without keys here is told nothing; the next event tries again.
      if (!(error instanceof StewardError) || error.code !== "receiver-unknown") throw error;
    }
  }
}
