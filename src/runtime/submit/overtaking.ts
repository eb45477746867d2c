import type { Journal } from "../../journal/journal.ts";
import { StewardError } from "../../message/errors.ts";
import { isFinal } from "../../message/lifecycle.ts";
import type { Message } from "../../message/message.ts";
import { kindOf, receiverOf } from "../../message/subject.ts";
import type { Publishers } from "../deliver/publishers.ts";

export interface OvertakingOptions {
  readonly journal: Journal;
  readonly publishers: Pick<Publishers, "wake" | "moved">;
}

/**
 * Messages that go before others which wait on their lanes. Only messages that were never on the wire change their places, so
 * that each still has one number and its receiver still takes them in the order of these; urgent ones keep their order among
 * each other, and so do the rest.
 */
export class Overtaking {
  readonly #options: OvertakingOptions;

  constructor(options: OvertakingOptions) {
    this.#options = options;
  }

  /** Urgent messages were written to lanes just now. */
  written(messages: readonly Message[]): void {
    const urgent = messages.filter(isUrgent);
    for (const [subject, deliverBy] of new Map(urgent.map((each) => [each.subject, each.deliverBy])))
      this.#rearrange(
        subject,
        (waiting) => [...waiting.filter(isUrgent), ...waiting.filter((message) => !isUrgent(message))],
        deliverBy,
      );
  }

  /** Moves messages that wait for a node ahead of all others, in this order: all of them, or none. @throws StewardError `queue-order` */
  first(node: string, ids: readonly string[]): void {
    const subjects = new Map<string, string[]>();
    for (const id of ids) {
      const subject = this.#subjectOf(node, id);
      subjects.set(subject, [...(subjects.get(subject) ?? []), id]);
    }
    for (const [subject, own] of subjects)
      this.#rearrange(subject, (waiting) => {
        const ahead = own.flatMap((id) => waiting.find((message) => message.id === id) ?? []);
        const others = waiting.filter((message) => !ahead.includes(message));
        return [
          ...ahead.map((message): Message => (isUrgent(message) ? message : { ...message, urgent: true })),
          ...others,
        ];
      });
  }

  /** @throws StewardError for a message that does not wait on a lane to this node */
  #subjectOf(node: string, id: string): string {
    const { outbox, held } = this.#options.journal;
    const refused = (fault: string) => new StewardError("queue-order", { id, fault });
    const found = outbox.find(id);
    if (found === undefined) {
      const kept = held.find(id);
      const stand = kept?.group.at(kept.index);
      if (kept === undefined || stand === 1) throw new StewardError("message-unknown", { id });
      if (stand !== 0) throw refused(`it is ${stand?.state}`);
      throw refused("it is held, and goes when its reason is gone; see the column WHY");
    }
    const { lane, record } = found;
    if (receiverOf(lane.subject) !== node) throw refused(`it is for ${receiverOf(lane.subject)}`);
    const state = outbox.stateOf(lane, record);
    if (isFinal(kindOf(lane.subject), state)) throw refused(`it is ${state}`);
    if (record.seq <= lane.sent) throw refused("it was sent already");
    if (kindOf(lane.subject) === "event") throw refused("events keep their order");
    return lane.subject;
  }

  #rearrange(
    subject: string,
    inOrder: (waiting: readonly Message[]) => readonly Message[],
    deliverBy: number | null = null,
  ): void {
    const { journal, publishers } = this.#options;
    // The deadlines of messages are noted by their numbers.
    publishers.wake(subject, deliverBy ?? Number.POSITIVE_INFINITY);
    publishers.moved(subject, journal.outbox.rearrange(subject, inOrder));
  }
}

function isUrgent({ urgent }: Message): boolean {
  return urgent === true;
}
