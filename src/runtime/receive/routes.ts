import type { SubscribeConfig } from "../../config/config.ts";
import type { InRecord } from "../../journal/records.ts";
import { StewardError } from "../../message/errors.ts";
import type { Message } from "../../message/message.ts";
import { parseSubject } from "../../message/subject.ts";
import type { Method, MethodFacts } from "../../methods/define.ts";
import type { Permission } from "../../security/policy/permission.ts";
import type { Storage } from "../upkeep/storage.ts";
import { Backlog, Route } from "./route.ts";

/** The routes of this node by subject, and the backlogs of subjects that have no route any more. */
export class Routes {
  readonly #node: string;
  readonly #storage: Pick<Storage, "hasRoom">;
  readonly #permission: Permission;
  readonly #methods: ReadonlyMap<string, Method>;
  readonly #routes = new Map<string, Route>();
  readonly #backlogs = new Map<string, Backlog>();

  /** `pending`: messages that earlier lives of the daemon took and did not finish. */
  constructor(
    node: string,
    methods: ReadonlyMap<string, Method>,
    storage: Pick<Storage, "hasRoom">,
    permission: Permission,
    pending: readonly InRecord[] = [],
  ) {
    this.#node = node;
    this.#methods = methods;
    this.#storage = storage;
    this.#permission = permission;
    for (const { message } of pending) this.#backlog(message.subject).taken(message.origin);
  }

  add(config: SubscribeConfig): Route {
    const method = this.#methods.get(config.method);
    if (method === undefined || method[config.kind] === undefined) throw this.#unknown(config.method);
    const subject = `${this.#node}.${config.subject}`;
    const route = new Route(subject, config, method, {
      backlog: this.#backlog(subject),
      permission: this.#permission,
    });
    this.#routes.set(subject, route);
    return route;
  }

  remove(subject: string): void {
    this.#routes.delete(subject);
  }

  /** Counts the end of a message. Returns the route of its subject, if there still is one. */
  finished({ subject, origin }: Pick<Message, "subject" | "origin">): Route | undefined {
    const route = this.#routes.get(subject);
    if (route === undefined) this.#backlog(subject).finished(origin);
    else route.finished(origin);
    return route;
  }

  /** Why waiting messages of a subject are not handled; `undefined`: they are. */
  stuck(subject: string): string | undefined {
    const route = this.#routes.get(subject);
    if (route === undefined) return `${this.#node} takes nothing on ${subject} any more: its subscription is gone`;
    return route.process === undefined ? `the process of ${subject} does not run on ${this.#node}` : undefined;
  }

  /** Subjects whose waiting messages are not handled, or cannot begin, with the reason; at most so many. */
  unattended(most: number): (readonly [subject: string, reason: string])[] {
    const found: (readonly [string, string])[] = [];
    const note = (subject: string): void => {
      const reason = this.stuck(subject) ?? this.#routes.get(subject)?.process?.waitsFor();
      if (reason !== undefined && found.length < most) found.push([subject, reason]);
    };
    for (const [subject, { messages }] of this.#backlogs) if (messages > 0) note(subject);
    return found;
  }

  /** How many more messages may be taken on a route. */
  credit(route: Route): number {
    return this.hasRoom() ? route.room : 0;
  }

  /** False: the journal takes no new work. */
  hasRoom(): boolean {
    return this.#storage.hasRoom();
  }

  get(subject: string): Route | undefined {
    return this.#routes.get(subject);
  }

  all(): IterableIterator<Route> {
    return this.#routes.values();
  }

  /** @throws StewardError why this node does not take the subject */
  find(subject: string): Route {
    const route = this.#routes.get(subject);
    if (route !== undefined) return route;
    const { method, kind } = parseSubject(subject);
    if (this.#methods.get(method)?.[kind] === undefined) throw this.#unknown(method);
    throw new StewardError("subject-not-subscribed", { node: this.#node, subject });
  }

  method(name: string): MethodFacts | undefined {
    return this.#methods.get(name);
  }

  #backlog(subject: string): Backlog {
    let backlog = this.#backlogs.get(subject);
    if (backlog === undefined) {
      backlog = new Backlog();
      this.#backlogs.set(subject, backlog);
    }
    return backlog;
  }

  #unknown(method: string): StewardError {
    return new StewardError("method-unknown", {
      node: this.#node,
      method,
      known: [...this.#methods.keys()].sort().join(", "),
    });
  }
}
