import { StewardError } from "../../../message/errors.ts";
import { CONTROL_DOMAIN, parseSubject } from "../../../message/subject.ts";
import { isOfMethods } from "../../../security/operators/methods.ts";
import type { Speaker } from "../../../security/operators/speaker.ts";
import { TRUST } from "../../enrol/trust-method.ts";
import { GivenLabels } from "../../jobs/given-labels.ts";
import type { OperateOptions } from "../rooms.ts";

/**
 * The nodes and methods to which a speaker may send. See `given-labels.ts`.
 */
export class Reach {
  readonly #options: Pick<OperateOptions, "core" | "config">;
  readonly #speaker: Speaker;
  readonly #nodes = new Map<string, boolean>();

  constructor(options: Pick<OperateOptions, "core" | "config">, speaker: Speaker) {
    this.#options = options;
    this.#speaker = speaker;
  }

  /** @throws StewardError `reach-denied` */
  insist(subject: string): void {
    const fault = this.fault(subject);
    if (fault === undefined) return;
    const { name, operator = name } = this.#speaker;
    const { node } = parseSubject(subject);
    throw new StewardError("reach-denied", {
      who: name,
      operator,
      node,
      subject: subject.slice(node.length + 1),
      fault,
    });
  }

  /** For what is done to a node without a message. @throws StewardError `reach-denied` */
  insistNode(node: string, what: string): void {
    const { role, bounds, name, operator = name } = this.#speaker;
    if (role === "admin" || bounds?.on === undefined || this.#isOn(bounds.on, node)) return;
    const fault = `the nodes are those of ${bounds.on}, by labels given at ${this.#options.config().central}`;
    throw new StewardError("reach-denied", { who: name, operator, node, subject: what, fault });
  }

  /** Why the speaker may not send to a subject, in words; `undefined`: he may. */
  fault(subject: string): string | undefined {
    const { role, bounds } = this.#speaker;
    if (role === "admin") return undefined;
    const { node, method, domain } = parseSubject(subject);
    if (method === TRUST && domain === CONTROL_DOMAIN) return "only an admin decides on keys";
    if (bounds === undefined) return undefined;
    const { methods, on } = bounds;
    if (methods !== undefined && !isOfMethods(methods, method, domain)) return `the methods are ${methods.join(", ")}`;
    if (on === undefined || this.#isOn(on, node)) return undefined;
    return `the nodes are those of ${on}, by labels given at ${this.#options.config().central}`;
  }

  #isOn(on: string, node: string): boolean {
    const known = this.#nodes.get(node);
    if (known !== undefined) return known;
    const matches = new GivenLabels({ ...this.#options, labels: this.#options.core().labels }).matches(on, node);
    this.#nodes.set(node, matches);
    return matches;
  }
}
