import { StewardError } from "../../../message/errors.ts";
import { hasRole, type Speaker } from "../../../security/operators/speaker.ts";
import type { Name } from "../routes.ts";
import type { AnyEntry } from "../table/entry.ts";
import { type Operations, TABLE } from "../table.ts";

/** Refuses an operation to a speaker whose role is below the one that the table names. @throws StewardError `role-denied` */
export function insistRole(speaker: Speaker, name: Name): void {
  const { needs, summary } = TABLE[name] as AnyEntry;
  if (hasRole(speaker, needs)) return;
  const { name: who, role, operator } = speaker;
  const remedy =
    operator === undefined
      ? `Sign with your own key (STEWARD_OPERATOR_KEY or --as, see docs/operators.md), or an admin sets \`operators: {socket: ${needs}}\` in steward.yaml`
      : `An admin can give it: \`steward operator add ${operator} --role ${needs} --replace\``;
  const has = role === "anyone" ? "no role" : `the role ${role}`;
  throw new StewardError("role-denied", { who, has, needs, operation: summary, remedy });
}

/** The operations as one speaker may ask for them: none is reached without the check of its role. */
export function guarded(operations: Operations, speaker: Speaker): Operations {
  const checked: Record<string, unknown> = { durable: () => operations.durable() };
  for (const name of Object.keys(TABLE) as Name[])
    checked[name] = (...asked: unknown[]) => {
      insistRole(speaker, name);
      return (operations[name] as (...asked: unknown[]) => unknown).apply(operations, asked);
    };
  return checked as unknown as Operations;
}
