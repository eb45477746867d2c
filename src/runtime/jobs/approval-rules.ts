import type { Config } from "../../config/config.ts";
import { covers } from "../../config/policy/rule.ts";
import type { Draft } from "../../message/draft.ts";
import { scheduledBy } from "../../message/schedule/scheduled.ts";
import { receiverOf, withoutReceiver } from "../../message/subject.ts";
import { GivenLabels, type GivenLabelsOptions } from "./given-labels.ts";

export interface ApprovalRulesOptions extends GivenLabelsOptions {
  readonly config: () => Pick<Config, "node" | "groups" | "approvals">;
}

/** The rules of `approvals`: the requests that two people must want. */
export class ApprovalRules {
  readonly #options: ApprovalRulesOptions;

  constructor(options: ApprovalRulesOptions) {
    this.#options = options;
  }

  /** The rule for which a request with these messages needs an approval, in words; `undefined`: it needs none. */
  rule(requested: readonly Pick<Draft, "subject" | "data">[]): string | undefined {
    // A speaker who schedules a command wants what the command does.
    const messages = requested.flatMap((message) => [message, scheduledBy(message) ?? []].flat());
    const labels = new GivenLabels(this.#options);
    for (const [i, { subject, on, nodes }] of this.#options.config().approvals.entries()) {
      const meant = new Set(
        messages
          .filter((message) => covers(subject, withoutReceiver(message.subject)))
          .map((message) => receiverOf(message.subject))
          .filter((node) => on === undefined || labels.matches(on, node)),
      );
      if (meant.size >= nodes)
        return `approvals[${i}]: ${subject}${on === undefined ? "" : ` on ${on}`}${nodes > 1 ? `, from ${nodes} nodes on` : ""}`;
    }
    return undefined;
  }
}
