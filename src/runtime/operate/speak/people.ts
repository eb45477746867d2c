import { StewardError } from "../../../message/errors.ts";
import type { Json } from "../../../message/message.ts";
import { boundFault } from "../../../message/target/bound.ts";
import type { MayWord } from "../../../methods/may.ts";
import { speakerOf } from "../../../security/operators/directory.ts";
import type { OperatorRecord } from "../../../security/operators/operator-record.ts";
import { Roster } from "../../../security/operators/roster.ts";
import { giverName, hasRole, type Speaker } from "../../../security/operators/speaker.ts";
import { Registrar } from "../../enrol/registrar.ts";
import type { OperateOptions } from "../rooms.ts";
import type { KeyOrder, OperatorOrderOf, OperatorRemoved, OperatorView } from "../table/operators.ts";
import { Reach } from "./reach.ts";

/** The operators as they are shown, and decisions on them. */
export class People {
  readonly #options: OperateOptions;
  readonly #speaker: Speaker;

  constructor(options: OperateOptions, speaker: Speaker) {
    this.#options = options;
    this.#speaker = speaker;
  }

  list(): OperatorView[] {
    return this.#options.operators.all().map(viewOf);
  }

  /** The word of this node on an operator who would send to a subject: a layer in front of the policy of the receiver. */
  word(name: string, subject: string): MayWord {
    const { operators, config } = this.#options;
    const { node } = config();
    const layer = `operators of ${node}`;
    const record = operators.named(name);
    if (record === undefined) return { allowed: false, layer, where: layer, fault: `there is no operator ${name}` };
    const where = `${layer}: ${name}, role ${record.role}`;
    const speaker = speakerOf(record, node, "signature");
    const fault =
      record.standing === "removed"
        ? "the operator was removed"
        : hasRole(speaker, "operator")
          ? new Reach(this.#options, speaker).fault(subject)
          : "that role sends nothing";
    return fault === undefined ? { allowed: true, layer, where } : { allowed: false, layer, where, fault };
  }

  /** @throws StewardError `not-central`, `security-off`, `operator-exists`, … */
  async add(name: string, order: OperatorOrderOf): Promise<OperatorView> {
    const fault = order.on === undefined ? undefined : boundFault(order.on);
    if (fault !== undefined) throw new StewardError("usage", { fault: `--on: ${fault}`, command: "operator add" });
    return this.#written(this.#roster().add(name, order, this.#by));
  }

  /** Cancels what the operator asked for and that was not sent. @throws StewardError `not-central`, `security-off`, `operator-absent` */
  async remove(name: string): Promise<OperatorRemoved> {
    const record = this.#roster().remove(name, this.#by);
    const cancelled = this.#withdraw(name);
    await this.#written(record);
    return { name, cancelled };
  }

  /** Ends the messages of an operator that are held, or queued and not sent. */
  #withdraw(name: string): number {
    const { core, clock } = this.#options;
    const { journal, announce, holding } = core();
    const reason = `${name} was removed`;
    const queued = [...journal.outbox.open(() => true)].flatMap(({ record: { message } }) =>
      message.operator?.name === name ? [message.id] : [],
    );
    const withdrawn = queued.flatMap((id) => journal.outbox.withdraw(id, "cancelled", clock.now(), reason) ?? []);
    if (withdrawn.length > 0)
      void journal.flushed().then(
        () => announce.withdrawn(withdrawn),
        () => undefined,
      );
    const groups = journal.held.groups.filter(({ record }) => record.operator === name);
    const ended = groups.map((group) => holding.end(group, group.held(), "cancelled", reason));
    return withdrawn.length + ended.reduce((sum, count) => sum + count, 0);
  }

  /** @throws StewardError `not-central`, `security-off`, `operator-absent`, `role-denied`, … */
  async rekey(name: string, { key, signature }: KeyOrder): Promise<OperatorView> {
    const { operator, name: who, role } = this.#speaker;
    if (operator !== name && !hasRole(this.#speaker, "admin"))
      throw new StewardError("role-denied", {
        who,
        has: `the role ${role}`,
        needs: "admin",
        operation: `change the key of ${name}`,
        remedy: `Let ${name} type \`steward operator rekey\``,
      });
    return this.#written(this.#roster().rekey(name, key, signature, this.#by));
  }

  get #by(): string {
    return giverName(this.#speaker, this.#options.config().node);
  }

  async #written(record: OperatorRecord): Promise<OperatorView> {
    await this.#options.core().journal.flushed();
    return viewOf(record);
  }

  #roster(): Roster {
    const { config, core, operators, clock } = this.#options;
    const { enrolment } = core();
    const { node, central } = config();
    if (enrolment === undefined) throw new StewardError("security-off");
    if (!(enrolment instanceof Registrar)) throw new StewardError("not-central", { node, central });
    const write = (records: readonly OperatorRecord[]): void =>
      enrolment.registry.setOperators(records as unknown as readonly Json[]);
    return new Roster({ operators, now: () => clock.now(), write });
  }
}

function viewOf({ former = [], ...record }: OperatorRecord): OperatorView {
  return { ...record, formerKeys: former.length };
}
