import { type Sender, transientFrame } from "../../broker/transient.ts";
import type { Transport } from "../../broker/transport.ts";
import type { Timer } from "../../message/clock.ts";
import type { Json } from "../../message/message.ts";
import { CONTROL_DOMAIN } from "../../message/subject.ts";
import type { Hello } from "../../methods/hello.ts";

/** Says hello to central: when the link comes up, and at each interval; and bye at the end. Never journalled. */
export class Presence {
  readonly #options: PresenceOptions;
  #timer: Timer | undefined;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** Says hello now, and from now on at each interval. */
  begin(): void {
    this.end();
    this.#send("hello", this.#options.hello() as unknown as Json);
    this.#timer = this.#options.clock.setTimeout(() => this.begin(), this.#options.every());
  }

  end(): void {
    this.#options.clock.clearTimeout(this.#timer);
  }

  bye(reason: string): void {
    this.end();
    this.#send("bye", { reason });
  }

  #send(method: "hello" | "bye", data: Json): void {
    const { node, central, transport } = this.#options;
    if (node === central) return;
    const subject = `${central}.event.${method}.${CONTROL_DOMAIN}`;
    transport.publish(subject, transientFrame(subject, this.#options, data), `${transport.inbox}.${subject}.0`);
  }
}

export interface PresenceOptions extends Sender {
  readonly central: string;
  /** Interval between hellos, ms. */
  readonly every: () => number;
  readonly hello: () => Hello;
  readonly transport: Transport;
}
