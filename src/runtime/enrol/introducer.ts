import { introductionSubject } from "../../broker/logins.ts";
import type { Packet, Subscription, Transport } from "../../broker/transport.ts";
import type { Clock, Random, Timer } from "../../message/clock.ts";
import type { Identity } from "../../security/keys/identity.ts";
import type { PublicKeys } from "../../security/keys/public-keys.ts";
import { type IntroductionAnswer, sealIntroduction } from "../../security/trust/introduction.ts";

/** Says to central which machine this is, again and again until `end`: at first often, and rarely while it only waits. */
export interface IntroducerOptions {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly identity: () => Identity;
  readonly node: string;
  readonly central: string;
  readonly centralKeys: () => PublicKeys | undefined;
  /** The secret of a token, as long as it may be used. */
  readonly secret: () => Uint8Array | undefined;
  readonly answered: (answer: IntroductionAnswer) => void;
}

const FIRST_PAUSE = 1_000;
const LONGEST_PAUSE = 60_000;
/** Between two introductions of a machine that waits to be accepted, or was refused: central answers at once when it changes. */
const WAITING_PAUSE = 300_000;
const KEPT = 4;

export class Introducer {
  readonly #options: IntroducerOptions;
  readonly #answers: Subscription;
  readonly #releases: (() => void)[] = [];
  /** The latest packets, each of which may still be answered. */
  #open: ((payload: Uint8Array) => IntroductionAnswer | undefined)[] = [];
  #timer: Timer | undefined;
  #pause = FIRST_PAUSE;
  #sent = 0;

  constructor(options: IntroducerOptions) {
    this.#options = options;
    const { transport } = options;
    this.#answers = transport.subscribe(`${transport.inbox}.>`, (packet) => this.#answered(packet));
    this.#releases.push(
      transport.onStatus(({ state }) => {
        if (state === "connected") this.again();
      }),
    );
    if (transport.status().state === "connected") this.#say();
  }

  /** Introduces the machine now, and soon again. */
  again(): void {
    this.#pause = FIRST_PAUSE;
    this.#say();
  }

  end(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.#answers.end();
    for (const release of this.#releases.splice(0)) release();
  }

  #say(): void {
    const { transport, clock, random, identity, node, central, centralKeys, secret } = this.#options;
    clock.clearTimeout(this.#timer);
    const keys = centralKeys();
    if (keys === undefined || transport.status().state !== "connected") return;
    const { packet, openAnswer } = sealIntroduction(identity(), keys, { node, secret: secret() }, random.bytes(32));
    this.#open = [openAnswer, ...this.#open].slice(0, KEPT);
    const subject = introductionSubject(central);
    transport.publish(subject, packet, `${transport.inbox}.${subject}.${this.#sent++}`);
    // Many machines that start together do not speak in the same moment.
    this.#timer = clock.setTimeout(() => this.#say(), this.#pause * (0.75 + random.next() / 2));
    this.#pause = Math.min(this.#pause * 2, LONGEST_PAUSE);
  }

  #answered({ payload, noResponders }: Packet): void {
    if (noResponders) return;
    for (const open of this.#open) {
      const answer = open(payload);
      if (answer === undefined || answer.central !== this.#options.central) continue;
      const { clock, random, answered } = this.#options;
      clock.clearTimeout(this.#timer);
      const pause = WAITING_PAUSE * (0.75 + random.next() / 2);
      if (answer.standing !== "accepted") this.#timer = clock.setTimeout(() => this.#say(), pause);
      answered(answer);
      return;
    }
  }
}
