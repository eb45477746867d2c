import type { Journal } from "../../journal/journal.ts";
import type { OutLane, OutRecord } from "../../journal/records.ts";
import type { Clock } from "../../message/clock.ts";
import { isFinal, type State } from "../../message/lifecycle.ts";
import { CONTROL_DOMAIN, kindOf, receiverOf } from "../../message/subject.ts";
import type { Announcer } from "../../observe/announce.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Holding } from "./holding.ts";
import type { Submitter } from "./submit.ts";

export interface WithdrawalOptions {
  readonly journal: Journal;
  readonly holding: Holding;
  readonly submitter: Submitter;
  readonly announce: Pick<Announcer, "withdrawn">;
  readonly fleet: Pick<Fleet, "reach">;
  readonly clock: Clock;
}

/** The answer to the wish to take a message of this node back. */
export type Withdrawn =
  | { readonly kind: "done"; readonly id: string }
  | { readonly kind: "requested"; readonly id: string; readonly reason: string }
  | { readonly kind: "tooLate"; readonly id: string; readonly state: State };

/** Takes messages of this node back: before they are sent by itself, later by asking their nodes. */
export class Withdrawal {
  readonly #options: WithdrawalOptions;

  constructor(options: WithdrawalOptions) {
    this.#options = options;
  }

  /** The answer is true once the journal is flushed. `undefined`: this node has sent no message with this id. */
  cancel(id: string): Withdrawn | undefined {
    const { holding, journal } = this.#options;
    const held = holding.find(id);
    if (held !== undefined) {
      holding.end(held.group, [held.index], "cancelled", "cancelled while it was held");
      return { kind: "done", id };
    }
    const found = journal.outbox.find(id);
    return found === undefined ? undefined : this.#sent(found.lane, found.record);
  }

  #sent(lane: OutLane, { message: { id, subject } }: OutRecord): Withdrawn {
    const { journal, submitter, announce, clock } = this.#options;
    const { outbox } = journal;
    const found = outbox.find(id);
    const state = found === undefined ? "cancelled" : outbox.stateOf(lane, found.record);
    if (isFinal(kindOf(subject), state)) return { kind: "tooLate", id, state };
    const withdrawn = outbox.withdraw(id, "cancelled", clock.now(), "cancelled before it was sent");
    if (withdrawn !== undefined) {
      void journal.flushed().then(
        () => announce.withdrawn([withdrawn]),
        () => undefined,
      );
      return { kind: "done", id };
    }
    if (kindOf(subject) === "event") return { kind: "tooLate", id, state };
    const node = receiverOf(subject);
    const [asked] = submitter.submit([
      { subject: `${node}.command.cancel.${CONTROL_DOMAIN}`, data: { id }, deliverBy: null },
    ]);
    if (asked !== undefined) outbox.cancelRequested(id, { cancelRequestedAt: clock.now(), cancelId: asked.message.id });
    return { kind: "requested", id, reason: this.#outlook(node, state) };
  }

  #outlook(node: string, state: State): string {
    const link = this.#options.fleet.reach(node);
    if (state === "sent") {
      const when = link === "online" ? `${node} was asked to cancel it` : `it is cancelled when ${node} is heard again`;
      return `${node} may not have the message yet: ${when}`;
    }
    const end =
      link === "online" ? "was asked to end it" : `is asked to end it when it is heard again (its link is ${link})`;
    return `${node} has the message and ${end}`;
  }
}
