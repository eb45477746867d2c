import type { Json } from "../../../message/message.ts";
import type { Speaker } from "../../../security/operators/speaker.ts";
import type { OperateOptions } from "../rooms.ts";

/** The deeds of a speaker, as the audit records them. */
export class Deeds {
  readonly #core: OperateOptions["core"];
  readonly #by: string;

  constructor({ core }: Pick<OperateOptions, "core">, { name }: Speaker) {
    this.#core = core;
    this.#by = name;
  }

  record(operation: string, more: Readonly<Record<string, Json>>, what = "operation"): void {
    this.#core().audit.record({ what, by: this.#by, allowed: true, operation, ...more });
  }
}
