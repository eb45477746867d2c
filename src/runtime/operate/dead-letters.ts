import { StewardError } from "../../message/errors.ts";
import { receiverOf } from "../../message/subject.ts";
import type { OperateOptions } from "./rooms.ts";
import type { Deeds } from "./speak/deeds.ts";
import type { Reach } from "./speak/reach.ts";
import type { Submission } from "./submission.ts";
import type { DeadLetter, DeadQuery } from "./table/messages.ts";
import { viewDead } from "./views.ts";

/** The dead letters of this node: shown, tried again, dropped. */
export class DeadLetters {
  readonly #options: OperateOptions;
  readonly #reach: Reach;
  readonly #submission: Submission;
  readonly #deeds: Deeds;

  constructor(options: OperateOptions, reach: Reach, submission: Submission, deeds: Deeds) {
    this.#options = options;
    this.#reach = reach;
    this.#submission = submission;
    this.#deeds = deeds;
  }

  list({ limit, after }: DeadQuery): DeadLetter[] {
    return this.#options.core().journal.inbox.dead(limit, after).map(viewDead);
  }

  async retry(id: string): Promise<void> {
    const { clock, config, core } = this.#options;
    const { journal, routes } = core();
    const letter = journal.inbox.deadLetter(id);
    if (letter === undefined) throw new StewardError("dead-letter-unknown", { id });
    const { subject, origin, data } = letter.message;
    this.#reach.insist(subject);
    this.#deeds.record("retry a dead letter", { ids: [id] });
    if (receiverOf(subject) !== config().node) {
      // A letter whose message is refused again stays a dead letter.
      await this.#submission.send([{ subject, data }]);
      journal.inbox.dropDead(id);
      await journal.flushed();
      return;
    }
    const route = routes.find(subject);
    route.decide(route.senderOf(letter.message), data);
    if (route.room === 0) throw new StewardError("queue-full", { subject, limit: route.config.queue });
    const record = journal.inbox.exhume(id, clock.now());
    await journal.flushed();
    if (record === undefined) return;
    route.taken(origin);
    route.process?.feed([record], clock.monotonic());
  }

  async drop(id: string): Promise<void> {
    const { journal } = this.#options.core();
    if (!journal.inbox.dropDead(id)) throw new StewardError("dead-letter-unknown", { id });
    this.#deeds.record("drop a dead letter", { ids: [id] });
    await journal.flushed();
  }
}
