import { type Sender, TransientSender } from "../../broker/transient.ts";
import type { Transport } from "../../broker/transport.ts";
import type { Timer } from "../../message/clock.ts";
import type { Json } from "../../message/message.ts";
import { CONTROL_DOMAIN } from "../../message/subject.ts";
import type { Ack } from "../../message/wire/frame.ts";
import type { Hello } from "../../methods/hello.ts";

/**
 * Says hello to central when the link comes up and at each interval, and bye at the end, without the journal.
 * Central says hello to itself: another node that has its name hears it.
 *
 * A hello is whole when central may not know its content: the first one on a connection, one after a change, one after an
 * unanswered one, and one after an answer of another life of central's daemon. All others are brief.
 */
export interface PresenceOptions extends Sender {
  readonly central: string;
  readonly self: Greeter;
  readonly transport: Transport;
}

/** Composes whole hellos; `every` is the time until the next one. */
export interface Greeter {
  hello(): Hello;
}

/** The most brief hellos between two whole ones. */
const BRIEF_IN_A_ROW = 11;
/** The shortest time between two hellos out of turn, ms. */
const GREET_AGAIN = 1_000;

export class Presence {
  readonly #options: PresenceOptions;
  readonly #sender: TransientSender;
  #timer: Timer | undefined;
  /** The last whole hello without its time, and the life of central's daemon that has answered it. */
  #told: { readonly text: string; life?: string | undefined } | undefined;
  #unanswered = false;
  /** When the last whole hello was said out of turn, monotonic ms. */
  #begunAt = Number.NEGATIVE_INFINITY;
  #brief = 0;

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#sender = new TransientSender(() => options, options.transport, 1);
  }

  /** Says a whole hello now, and goes on at each interval. */
  begin(): void {
    this.#told = undefined;
    this.#begunAt = this.#options.clock.monotonic();
    this.#say();
  }

  end(): void {
    this.#options.clock.clearTimeout(this.#timer);
  }

  bye(reason: string): void {
    this.end();
    this.#send("bye", { reason });
  }

  /** Says a whole hello out of turn: something has changed that central should hear of. */
  tell(): void {
    const { clock } = this.#options;
    const wait = this.#begunAt + GREET_AGAIN - clock.monotonic();
    if (wait <= 0) {
      this.begin();
      return;
    }
    this.end();
    this.#timer = clock.setTimeout(() => this.begin(), wait);
  }

  /** Takes an ACK of central for a hello of this node. */
  answered({ receiverLife }: Ack): void {
    this.#unanswered = false;
    if (this.#told === undefined) return;
    const { life } = this.#told;
    this.#told.life = receiverLife;
    if (life === undefined || life === receiverLife) return;
    const { clock } = this.#options;
    // Two centrals with one name answer in turn, and must not be greeted without end.
    if (clock.monotonic() - this.#begunAt < GREET_AGAIN) this.#told = undefined;
    else this.begin();
  }

  /** Central did not open what was sent on this subject: it was sealed for another life of its daemon. */
  sealAgain(subject: string): void {
    this.#sender.sealAgain(subject);
  }

  get subject(): string {
    return `${this.#options.central}.event.hello.${CONTROL_DOMAIN}`;
  }

  #say(): void {
    this.end();
    const hello = this.#options.self.hello();
    this.#send("hello", this.#next(hello));
    this.#timer = this.#options.clock.setTimeout(() => this.#say(), hello.every);
  }

  /** The data of the next hello: whole or brief. */
  #next(hello: Hello): Json {
    const text = JSON.stringify({ ...hello, now: 0 });
    const isKnown = this.#told?.text === text && this.#told.life !== undefined;
    const mayBeBrief = isKnown && !this.#unanswered && this.#brief < BRIEF_IN_A_ROW;
    this.#unanswered = true;
    if (mayBeBrief) {
      this.#brief++;
      return { life: hello.life };
    }
    this.#brief = 0;
    this.#told = { text, life: this.#told?.life };
    return hello as unknown as Json;
  }

  #send(method: "hello" | "bye", data: Json): void {
    const { node, central } = this.#options;
    if (node === central && method === "bye") return;
    this.#sender.send(`${central}.event.${method}.${CONTROL_DOMAIN}`, data);
  }
}
