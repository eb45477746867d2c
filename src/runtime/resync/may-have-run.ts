import type { Journal } from "../../journal/journal.ts";
import { kindOf, parseSubject } from "../../message/subject.ts";
import type { Frame, FrameItem } from "../../message/wire/frame.ts";
import type { MethodFacts } from "../../methods/define.ts";
import type { Vouching } from "./vouch-ask.ts";

/**
 * Finds commands of a frame that may have begun here before, without a record in this journal: in an earlier life of the
 * daemon, on a disk that is lost, or after this disk was copied.
 */
export interface BegunBeforeOptions {
  readonly journal: Journal;
  readonly routes: { method(name: string): MethodFacts | undefined };
  readonly vouching: Pick<Vouching, "life" | "isUnproved">;
}

export class BegunBefore {
  readonly #options: BegunBeforeOptions;
  /** Highest number of a lane that an earlier life of this daemon may have received. */
  readonly #sentBeforeUs = new Map<string, number>();
  /** The frame that was asked about last: all its messages have one lane. */
  #asked: { readonly frame: Frame | undefined; readonly sentBefore: number } = { frame: undefined, sentBefore: 0 };

  constructor(options: BegunBeforeOptions) {
    this.#options = options;
  }

  /** Takes from the first frame of a lane in this life the highest number that was sent before. */
  note({ origin, epoch, first, sentBefore = first - 1 }: Frame, subject: string): void {
    if (kindOf(subject) !== "command") return;
    const lane = `${origin} ${epoch} ${subject}`;
    if (!this.#sentBeforeUs.has(lane)) this.#sentBeforeUs.set(lane, sentBefore);
  }

  /**
   * The frame was first sent to an earlier journal of this node (a lost disk), which may have run the command. A frame
   * addressed to that journal may have been overtaken by a second sending of the same messages.
   */
  onLostDisk(frame: Frame, subject: string, item: FrameItem, seq: number): boolean {
    const { receiverEpoch, receiverNow = receiverEpoch, sentBefore = 0 } = frame;
    if (receiverEpoch === undefined || kindOf(subject) !== "command") return false;
    const { epoch, renewed } = this.#options.journal;
    const sentToOther = seq <= sentBefore && (renewed || receiverEpoch !== epoch);
    if (!sentToOther && receiverNow === epoch) return false;
    // An idempotent command is run again, unless its origin has withdrawn it (skip marker).
    return !("data" in item) || this.#method(subject)?.command?.idempotent !== true;
  }

  /** True if the command may have begun without a record: an idempotent one begins before it is durable, and a crash forgets it. */
  unrecorded(frame: Frame, subject: string, seq: number): boolean {
    if (frame !== this.#asked.frame) {
      const { origin, epoch } = frame;
      this.#asked = { frame, sentBefore: this.#sentBeforeUs.get(`${origin} ${epoch} ${subject}`) ?? 0 };
    }
    if (seq > this.#asked.sentBefore) return false;
    const method = this.#method(subject);
    return method === undefined || method.command?.idempotent === true;
  }

  /**
   * The command may have reached this node before the last restart. If the disk was rolled back since, the journal has
   * forgotten that, so its origin is asked first.
   */
  isUnproved({ origin, sentBefore = 0, receiverLife }: Frame, subject: string, seq: number): boolean {
    const { vouching } = this.#options;
    const forUs = receiverLife === undefined || receiverLife === vouching.life;
    if ((seq > sentBefore && forUs) || kindOf(subject) === "event" || !vouching.isUnproved(origin)) return false;
    return this.#method(subject)?.command?.idempotent !== true;
  }

  #method(subject: string): MethodFacts | undefined {
    return this.#options.routes.method(parseSubject(subject).method);
  }
}
