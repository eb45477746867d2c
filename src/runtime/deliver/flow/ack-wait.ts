import type { Clock, Timer } from "../../../message/clock.ts";
import type { LinkTo } from "../link-to.ts";

/** The timer for the ACK of the frames of one lane. */
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

  took(ms: number): void {
    this.#took = ms;
  }

  arm(): void {
    this.#set(this.#options.link.profile.ackTimeout, this.#options.onNone);
  }

  /** Waits less for a receiver that is heard again after a silence: an ACK that does not come soon is lost. */
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
