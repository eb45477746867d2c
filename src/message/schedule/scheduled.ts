import type { Draft } from "../draft.ts";
import type { Json } from "../message.ts";
import { CONTROL_DOMAIN, isSubject, receiverOf } from "../subject.ts";

/** The method by which a node is given schedules, and tells central of its schedules and their runs. */
export const SCHEDULE = "schedule";

/** The command that an order lets a node run again and again; `undefined`: the message is no such order. */
export function scheduledBy({
  subject,
  data,
}: Pick<Draft, "subject" | "data">): Pick<Draft, "subject" | "data"> | undefined {
  if (!subject.endsWith(`.command.${SCHEDULE}.${CONTROL_DOMAIN}`)) return undefined;
  const { set } = (data ?? {}) as { readonly set?: { readonly subject?: unknown; readonly data?: Json } };
  const scheduled = `${receiverOf(subject)}.${String(set?.subject)}`;
  return isSubject(scheduled) ? { subject: scheduled, data: set?.data ?? null } : undefined;
}
