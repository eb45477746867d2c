import type { Clock } from "../../message/clock.ts";
import { StewardError } from "../../message/errors.ts";
import type { CarriedStatement, Message } from "../../message/message.ts";
import { scheduledBy } from "../../message/schedule/scheduled.ts";
import { parseSubject } from "../../message/subject.ts";
import type { OperatorDirectory } from "./directory.ts";
import { isOfMethods } from "./methods.ts";
import type { OperatorRecord } from "./operator-record.ts";
import { isStatement } from "./statement.ts";

/** The clocks of an operator and of a node may differ by so much, ms. */
export const CLOCK_TOLERANCE = 300_000;

type Judged = Pick<Message, "id" | "subject" | "data" | "operator">;

/** Verifies what operators have signed, with the keys that central's signed list names. */
export class CommandSignatures {
  readonly #operators: Pick<OperatorDirectory, "named">;
  readonly #clock: Pick<Clock, "now">;

  constructor(operators: Pick<OperatorDirectory, "named">, clock: Pick<Clock, "now">) {
    this.#operators = operators;
    this.#clock = clock;
  }

  /**
   * The operator who has signed a message; `undefined`: nobody whom this node knows has. `arrives`: its time counts, as it
   * does not for a command that was taken in time and waits here.
   *
   * @throws StewardError `command-signature` for a statement that is false, late, or of an operator who may not make it
   */
  operatorOf(message: Judged, arrives: boolean): string | undefined {
    const { operator } = message;
    if (operator?.statement === undefined) return undefined;
    const record = this.#operators.named(operator.name);
    // The list that names the operator may be on its way: the message counts as unsigned, and the policy decides.
    if (record === undefined) return undefined;
    const fault = this.#fault(message, record, operator.statement, arrives);
    if (fault === undefined) return record.name;
    throw new StewardError("command-signature", { operator: operator.name, fault });
  }

  #fault(message: Judged, record: OperatorRecord, statement: CarriedStatement, arrives: boolean): string | undefined {
    const { name, key, role, methods, standing, former = [] } = record;
    if (standing === "removed") return `${name} is no operator any more`;
    if (!isStatement(key, name, message, statement)) {
      const isFormer = former.some((one) => isStatement(one.key, name, message, statement));
      return isFormer
        ? `it is made with a key that ${name} has changed since: send the command again`
        : "it is not on this command, for this node";
    }
    const untimely = arrives ? this.#timeFault(statement) : undefined;
    if (untimely !== undefined) return untimely;
    if (role === "viewer") return `${name} has the role viewer, which sends nothing`;
    for (const { subject } of [message, scheduledBy(message) ?? message]) {
      const { method, domain } = parseSubject(subject);
      if (methods !== undefined && !isOfMethods(methods, method, domain))
        return `the methods of ${name} are ${methods.join(", ")}`;
    }
    return undefined;
  }

  #timeFault({ until, run }: CarriedStatement): string | undefined {
    const now = this.#clock.now();
    const clock = `and the clock here shows ${new Date(now).toISOString()}`;
    if (now - until > CLOCK_TOLERANCE) return `it held until ${new Date(until).toISOString()}, ${clock}`;
    if (run === undefined) return undefined;
    const from = run.from + (run.run - 1) * run.gap;
    if (from - now <= CLOCK_TOLERANCE) return undefined;
    const which = run.runs === 1 ? "it is" : `run ${run.run} of ${run.runs} is`;
    return `${which} for ${new Date(from).toISOString()} and later, ${clock}`;
  }
}
