import type { PublisherConfig } from "../config/config.ts";
import { CONTROL_DOMAIN } from "../message/subject.ts";

/** The owner of a key that the broker lets in. */
export type Login =
  /** An accepted node. `peers`: the nodes beside central that it exchanges frames with. */
  | { readonly kind: "node"; readonly node: string; readonly key: string; readonly peers: readonly string[] }
  /** The bearer of an open invitation, until the invitation is spent, expired or withdrawn. `name`: of its inbox. */
  | { readonly kind: "invitation"; readonly name: string; readonly key: string };

/** All logins at the broker: the registry of central. Keys are the public nkeys of users, `U…`. */
export interface Logins {
  list(): readonly Login[];
  /** Calls `changed` after each change, until the returned function is called. */
  onChange(changed: () => void): () => void;
}

/** The subjects that one login may use at the broker. */
export interface Permissions {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/**
 * The name, and so the inbox, of a connection without credentials: a node that central does not know yet. No node can have
 * a name that begins with `-`.
 */
export const NEWCOMER = "-newcomer";
const INBOX = "_INBOX.";

/** The one subject of central that a login without a node may publish. */
export function introductionSubject(central: string): string {
  return `${central}.event.introduction.${CONTROL_DOMAIN}`;
}

/** True for a subject that belongs to one connection, to which answers go. */
export function isInbox(reply: string): boolean {
  return reply.startsWith(INBOX);
}

/**
 * A node reads its own subjects and inbox, writes to central and its peers (central also to the subjects of its alerts), and answers in their inboxes. The fourth part
 * of an inbox subject is the receiver of the frame that is answered, so no node answers for another one.
 */
export function nodePermissions(
  { node, peers }: Pick<Login & { kind: "node" }, "node" | "peers">,
  central: string,
  publishers: readonly PublisherConfig[],
): Permissions {
  const others = [...new Set([central, ...peers])].filter((other) => other !== node);
  const plain = publishers.filter(({ subjects }) => subjects.some((subject) => subject.startsWith(`${node}.`)));
  const written =
    node === central
      ? ["*.command.>", "*.event.>", "alerts.>", `${INBOX}*.*.${central}.>`]
      : others.flatMap((other) => [`${other}.command.>`, `${other}.event.>`, `${INBOX}${other}.*.${node}.>`]);
  return {
    publish: [...written, ...plain.map(inboxOf)],
    subscribe: [`${node}.>`, `${INBOX}${node}.>`],
  };
}

/** A login without a node introduces itself to central, and hears the answer. */
export function introductionPermissions(name: string, central: string): Permissions {
  return { publish: [introductionSubject(central)], subscribe: [`${INBOX}${name}.>`] };
}

export function publisherPermissions(publisher: PublisherConfig): Permissions {
  return { publish: publisher.subjects, subscribe: [inboxOf(publisher)] };
}

function inboxOf({ name }: PublisherConfig): string {
  return `${INBOX}-${name}.>`;
}
