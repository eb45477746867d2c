import type { Json } from "../../message/message.ts";
import { isSignedBy, type Signer, signBody } from "../keys/signed.ts";
import { MOST_FORMER, type OperatorRecord, operatorFault } from "./operator-record.ts";

/**
 * The keys that one operator has had. A name never gets another key without the signature of the one before, also not
 * after the operator was removed: who took central over cannot give his own key to a name that nodes know.
 */
const PURPOSE = "operator-key";

interface Succession {
  readonly operator: string;
  readonly from: string;
  readonly to: string;
}

/** The signature with which the holder of a key names the key that follows it. */
export function signSuccession(signer: Signer, operator: string, to: string): string {
  const body: Succession = { operator, from: signer.keys.sign, to };
  return signBody(signer, PURPOSE, body).signature;
}

function isSuccession(operator: string, from: string, to: string, signature: string): boolean {
  const body: Succession = { operator, from, to };
  return isSignedBy(from, PURPOSE, { body, by: from, signature });
}

/** The record with another key, which the present one has signed. @throws RangeError for a signature that is none */
export function succeeded(record: OperatorRecord, key: string, signature: string): OperatorRecord {
  if (!isSuccession(record.name, record.key, key, signature))
    throw new RangeError(`the present key of ${record.name} has not signed the new one`);
  const former = [...(record.former ?? []), { key: record.key, signature }].slice(-MOST_FORMER);
  return { ...record, key, former };
}

/** Why a list of operators may not follow another one; `undefined`: it may. */
export function successionFault(before: readonly Json[], after: readonly Json[]): string | undefined {
  const next = new Map<string, OperatorRecord>();
  for (const each of after) {
    const fault = operatorFault(each);
    if (fault !== undefined) return `operators: ${fault}`;
    const record = each as unknown as OperatorRecord;
    if (next.has(record.name)) return `operators: ${record.name} is named twice`;
    next.set(record.name, record);
  }
  for (const each of before) {
    if (operatorFault(each) !== undefined) continue;
    const { name, key } = each as unknown as OperatorRecord;
    const record = next.get(name);
    if (record === undefined) return `operators: ${name} is missing, whose key is known here`;
    if (!leadsFrom(record, key)) return `operators: ${name} has another key, which the one before has not signed`;
  }
  return undefined;
}

/** True if a chain of signatures leads from `key` to the present key of an operator. */
function leadsFrom({ name, key, former = [] }: OperatorRecord, known: string): boolean {
  if (key === known) return true;
  const start = former.findIndex((one) => one.key === known);
  if (start < 0) return false;
  return former
    .slice(start)
    .every((one, i, chain) => isSuccession(name, one.key, chain[i + 1]?.key ?? key, one.signature));
}
