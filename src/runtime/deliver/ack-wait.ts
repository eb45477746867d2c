import type { Clock, Timer } from "../../message/clock.ts";
import type { LinkTo } from "./link-to.ts";

/** How long the frames on the way of one lane are waited for. */
export interface AckWaitOptions {
  readonly clock: Clock;
  readonly link: Pick<LinkTo, "profile">;
  /** No ACK came in time. */
  readonly onNone: () => void;
}

/** The shortest wait for an ACK of a receiver that is heard again, ms. */
const SOON = 250;

export class AckWait {
  readonly #options: AckWaitOptions;
  #timer: Timer | undefined;
  /** How long the last ACK took, ms. */
  #took: number | undefined;

  constructor(options: AckWaitOptions) {
    this.#options = options;
  }

  get isArmed(): boolean {
    return this.#timer !== undefined;
  }

  /** An ACK came after so long, ms. */
  took(ms: number): void {
    this.#took = ms;
  }

  arm(): void {
    this.#set(this.#options.link.profile.ackTimeout, this.#options.onNone);
  }

  /** The receiver is heard again after a silence: an ACK that is not here soon will not come any more. */
  shorten(onNone: () => void): void {
    const patience = this.#options.link.profile.ackTimeout;
    this.#set(Math.min(patience, Math.max(SOON, 2 * (this.#took ?? patience))), onNone);
  }

  end(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #set(ms: number, onNone: () => void): void {
    this.end();
    this.#timer = this.#options.clock.setTimeout(() => {
      this.#timer = undefined;
      onNone();
    }, ms);
  }
}
