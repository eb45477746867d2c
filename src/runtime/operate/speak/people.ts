import { StewardError } from "../../../message/errors.ts";
import type { Json } from "../../../message/message.ts";
import { boundFault } from "../../../message/target/bound.ts";
import type { OperatorRecord } from "../../../security/operators/operator-record.ts";
import { Roster } from "../../../security/operators/roster.ts";
import { giverName, hasRole, type Speaker } from "../../../security/operators/speaker.ts";
import { Registrar } from "../../enrol/registrar.ts";
import type { KeyOrder, OperatorOrderOf, OperatorView } from "../operations.ts";
import type { OperateOptions } from "../rooms.ts";

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

  /** @throws StewardError `not-central`, `security-off`, `operator-exists`, … */
  async add(name: string, order: OperatorOrderOf): Promise<OperatorView> {
    const fault = order.on === undefined ? undefined : boundFault(order.on);
    if (fault !== undefined) throw new StewardError("usage", { fault: `--on: ${fault}`, command: "operator add" });
    return this.#written(this.#roster().add(name, order, this.#by));
  }

  /** @throws StewardError `not-central`, `security-off`, `operator-absent` */
  async remove(name: string): Promise<OperatorView> {
    return this.#written(this.#roster().remove(name, this.#by));
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
