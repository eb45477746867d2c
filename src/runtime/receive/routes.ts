import type { SubscribeConfig } from "../../config/config.ts";
import type { InRecord } from "../../journal/records.ts";
import { StewardError } from "../../message/errors.ts";
import { parseSubject } from "../../message/subject.ts";
import type { Method } from "../../methods/define.ts";
import { ChurnMap } from "../../platform/churn-map.ts";

/** What this node takes, by subject: the setting, the method, and the process that handles it while it runs. */
export interface Route {
  readonly subject: string;
  config: SubscribeConfig;
  readonly method: Method;
  /** Messages taken and not finished. */
  waiting: number;
  /** Ids of messages that are taken and not yet handed to a process. */
  readonly inHand: ChurnMap<string, InRecord>;
  process: RouteProcess | undefined;
}

/** The subscriber of a subject, as those see it who hand messages to it. */
export interface RouteProcess {
  readonly state: "idle" | "working";
  /** Messages under way. */
  readonly active: number;
  /** Whether a command taken now would run at once; if so, its place is kept for it. */
  reserve(): boolean;
  /** Hands over messages that were taken at that monotonic time; they are durable. */
  feed(records: readonly InRecord[], takenAt: number): void;
}

export class Routes {
  readonly #node: string;
  readonly #methods: ReadonlyMap<string, Method>;
  readonly #routes = new Map<string, Route>();
  /** How many messages wait on subjects that nothing here takes any more. */
  readonly #left = new Map<string, number>();

  constructor(node: string, methods: ReadonlyMap<string, Method>) {
    this.#node = node;
    this.#methods = methods;
  }

  add(config: SubscribeConfig): Route {
    const method = this.#methods.get(config.method);
    if (method === undefined || method[config.kind] === undefined) throw this.#unknown(config.method);
    const subject = `${this.#node}.${config.subject}`;
    const route: Route = { subject, config, method, waiting: 0, inHand: new ChurnMap(), process: undefined };
    this.#routes.set(subject, route);
    this.#left.delete(subject);
    return route;
  }

  /** From now on these may send there, and nobody else; its process goes on. */
  permit(subject: string, from: readonly string[]): void {
    const route = this.#routes.get(subject);
    if (route !== undefined) route.config = { ...route.config, from };
  }

  remove(subject: string): void {
    const waiting = this.#routes.get(subject)?.waiting ?? 0;
    if (waiting > 0) this.#left.set(subject, waiting);
    this.#routes.delete(subject);
  }

  /** One more message, or one less, waits on a subject that nothing here takes. */
  leftOn(subject: string, change: 1 | -1): void {
    const waiting = (this.#left.get(subject) ?? 0) + change;
    if (waiting > 0) this.#left.set(subject, waiting);
    else this.#left.delete(subject);
  }

  /** Why nobody comes to what waits on a subject; `undefined`: somebody does. */
  stuck(subject: string): string | undefined {
    const route = this.#routes.get(subject);
    if (route === undefined) return `${this.#node} takes nothing on ${subject} any more: its subscription is gone`;
    return route.process === undefined ? `the process of ${subject} does not run on ${this.#node}` : undefined;
  }

  /** Subjects on which something waits that nobody comes to, with the reason; at most so many. */
  unattended(most: number): (readonly [subject: string, reason: string])[] {
    const found: (readonly [string, string])[] = [];
    const note = (subject: string): void => {
      const reason = this.stuck(subject);
      if (reason !== undefined && found.length < most) found.push([subject, reason]);
    };
    for (const subject of this.#left.keys()) note(subject);
    for (const { subject, waiting } of this.#routes.values()) if (waiting > 0) note(subject);
    return found;
  }

  get(subject: string): Route | undefined {
    return this.#routes.get(subject);
  }

  all(): IterableIterator<Route> {
    return this.#routes.values();
  }

  /** @throws StewardError why nothing here takes this subject. */
  find(subject: string): Route {
    const route = this.#routes.get(subject);
    if (route !== undefined) return route;
    const { method, kind } = parseSubject(subject);
    if (this.#methods.get(method)?.[kind] === undefined) throw this.#unknown(method);
    throw new StewardError("subject-not-subscribed", { node: this.#node, subject });
  }

  method(name: string): Method | undefined {
    return this.#methods.get(name);
  }

  #unknown(method: string): StewardError {
    return new StewardError("method-unknown", {
      node: this.#node,
      method,
      known: [...this.#methods.keys()].sort().join(", "),
    });
  }
}
