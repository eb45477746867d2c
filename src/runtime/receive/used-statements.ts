import type { Journal } from "../../journal/journal.ts";
import type { Clock } from "../../message/clock.ts";
import { StewardError } from "../../message/errors.ts";
import type { Message } from "../../message/message.ts";
import { useOf } from "../../security/operators/statement.ts";

/**
 * The statements of operators that this node has taken a command for, until they expire: a second command with one of them
 * is refused, also after a restart. The rows lie among the journal's checkpoints, written with the command that they came with.
 */
const MOST = 100_000;
/** Statements are kept longer than they hold, for clocks that differ. */
const GRACE = 3_600_000;

export class UsedStatements {
  readonly #journal: Pick<Journal, "statements" | "inbox">;
  readonly #clock: Pick<Clock, "now">;
  /** The time until which each is kept, by the id of its message or the run of its order, the oldest first. */
  readonly #until = new Map<string, number>();
  #sweepAt = 0;

  constructor(journal: Pick<Journal, "statements" | "inbox">, clock: Pick<Clock, "now">) {
    this.#journal = journal;
    this.#clock = clock;
    for (const [id, until] of journal.statements.all()) this.#until.set(id, until);
  }

  /** @throws StewardError `command-signature` where the statement was used, or no more can be remembered */
  insistUnused(message: Pick<Message, "id" | "operator">, operator: string): void {
    if (this.#until.has(useOf(message)))
      throw new StewardError("command-signature", { operator, fault: "it was used already: a command runs once" });
    if (this.#journal.inbox.done(message.id) !== undefined)
      throw new StewardError("command-signature", { operator, fault: "its command has ended here already" });
    if (this.#until.size < MOST) return;
    this.#sweep();
    if (this.#until.size >= MOST)
      throw new StewardError("command-signature", {
        operator,
        fault: `${MOST} signed commands are remembered here already`,
      });
  }

  /** Notes that the command was taken, in the journal's present turn. */
  used(message: Pick<Message, "id" | "operator">): void {
    const { until } = message.operator?.statement ?? {};
    if (until === undefined) return;
    if (this.#clock.now() >= this.#sweepAt) this.#sweep();
    const use = useOf(message);
    this.#until.set(use, until + GRACE);
    this.#journal.statements.put(use, until + GRACE);
  }

  #sweep(): void {
    const now = this.#clock.now();
    this.#sweepAt = now + GRACE;
    for (const [id, until] of this.#until) {
      if (until > now) continue;
      this.#until.delete(id);
      this.#journal.statements.drop(id);
    }
  }
}
