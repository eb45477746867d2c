import type { Json } from "../../message/message.ts";
import { type OperatorRecord, operatorFault } from "./operator-record.ts";
import type { Speaker } from "./speaker.ts";

/** The place that the operators come from: central's registry, or the trust list of an edge. */
export interface OperatorSource {
  readonly operators: readonly Json[];
}

/** The operators that this node knows. Follows its source: a removed operator is refused from the next question on. */
export class OperatorDirectory {
  readonly #source: () => OperatorSource | undefined;
  #read: readonly Json[] | undefined;
  #byName: ReadonlyMap<string, OperatorRecord> = new Map();
  #byKey: ReadonlyMap<string, OperatorRecord> = new Map();

  /** `source` answers `undefined` where nodes have no keys: there are no operators then. */
  constructor(source: () => OperatorSource | undefined) {
    this.#source = source;
  }

  named(name: string): OperatorRecord | undefined {
    this.#follow();
    return this.#byName.get(name);
  }

  /** The operator who has this key now. */
  holder(key: string): OperatorRecord | undefined {
    this.#follow();
    return this.#byKey.get(key);
  }

  /** The operator who had this key before a change of keys. */
  formerHolder(key: string): OperatorRecord | undefined {
    this.#follow();
    for (const record of this.#byName.values())
      if (record.former?.some((one) => one.key === key) === true) return record;
    return undefined;
  }

  all(): readonly OperatorRecord[] {
    this.#follow();
    return [...this.#byName.values()];
  }

  #follow(): void {
    const operators = this.#source()?.operators ?? [];
    if (operators === this.#read) return;
    this.#read = operators;
    const records = operators.flatMap((each) =>
      operatorFault(each) === undefined ? [each as unknown as OperatorRecord] : [],
    );
    this.#byName = new Map(records.map((record) => [record.name, record]));
    this.#byKey = new Map(records.map((record) => [record.key, record]));
  }
}

/** An operator as a speaker at the API of `node`. */
export function speakerOf({ name, key, role, on, methods }: OperatorRecord, node: string, by: Speaker["by"]): Speaker {
  const bounds = { ...(on === undefined ? {} : { on }), ...(methods === undefined ? {} : { methods }) };
  const speaker = { name: `${name}@${node}`, operator: name, key, role, by };
  return Object.keys(bounds).length === 0 ? speaker : { ...speaker, bounds };
}
