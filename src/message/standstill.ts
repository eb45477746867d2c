/** Something that should move and does not, though its node is there: since when, ms since 1970, and why. */
export interface Standstill {
  readonly since: number;
  readonly reason: string;
}

/** A lane that stands still; its receiver is the node of its subject. */
export interface StuckLane extends Standstill {
  readonly subject: string;
}

/** A process that cannot work, among lanes that stand still. */
export function asLane({ role, subject, since, reason }: StuckLane & { readonly role: string }): StuckLane {
  return { subject: role === "core" ? subject : `${role} ${subject}`, since, reason };
}
