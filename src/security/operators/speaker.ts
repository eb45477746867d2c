/**
 * The speakers at this daemon's API. Each request to the operations has a speaker; audit and history name it, and its role says
 * which operations it may ask for.
 */

/** Each role may do all that the roles before it may. `anyone`: nobody has to say who he is. */
export const ROLES = ["anyone", "viewer", "operator", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** The roles that an operator can have. */
export type OperatorRole = Exclude<Role, "anyone">;

export interface Speaker {
  /** The name in audit and history: `ann@central` for an operator, `local` for the users of the socket. */
  readonly name: string;
  readonly role: Role;
  /** The operator's own name; absent: the users of the socket, who have none. */
  readonly operator?: string;
  /** The operator's public key, as it was when the speaker proved itself. */
  readonly key?: string;
  /** The means by which the speaker proved itself, for `steward whoami`. */
  readonly by: "socket" | "signature" | "session" | "token";
  /** The bounds of what it may send; absent: none. */
  readonly bounds?: SpeakerBounds;
}

export interface SpeakerBounds {
  /** A target expression, which counts labels given at central alone; absent: every node. */
  readonly on?: string;
  /** `<method>` or `<method>.<domain>`, a star for any; absent: every method. */
  readonly methods?: readonly string[];
}

/** The users of the socket as audit and history name them. */
export const LOCAL = "local";

/** The daemon itself and its owner: no bounds. */
export const OWNER: Speaker = Object.freeze({ name: LOCAL, role: "admin", by: "socket" });

export function hasRole(speaker: Pick<Speaker, "role">, needed: Role): boolean {
  return ROLES.indexOf(speaker.role) >= ROLES.indexOf(needed);
}

/** The name under which a decision is recorded: the operator, or the node at which an unnamed user of the socket made it. */
export function giverName({ operator, name }: Pick<Speaker, "operator" | "name">, node: string): string {
  return operator === undefined ? node : name;
}
