import { isToken } from "../../message/subject.ts";
import { publicBytes } from "../keys/key-text.ts";
import type { OperatorRole } from "./speaker.ts";

/** A person as central's registry keeps it, and as the signed trust lists carry it. */
export interface OperatorRecord {
  readonly name: string;
  /** The public key, `U…`. The other half never leaves the person's side. */
  readonly key: string;
  readonly role: OperatorRole;
  /** A target expression over the labels given at central; absent: every node. */
  readonly on?: string;
  /** `<method>` or `<method>.<domain>`, a star for any; absent: every method. */
  readonly methods?: readonly string[];
  /** A removed operator stays in the list: its name never gets another key, and its signatures are refused by name. */
  readonly standing: "accepted" | "removed";
  readonly since: number;
  /** The operator or the node that decided it. */
  readonly by: string;
  /** The keys before, the oldest first, each with its signature on the key that followed. */
  readonly former?: readonly FormerKey[];
}

export interface FormerKey {
  readonly key: string;
  /** base64url; see `succession.ts`. */
  readonly signature: string;
}

export const MOST_OPERATORS = 1_000;
export const MOST_FORMER = 50;
const MOST_METHODS = 100;
const LONGEST_TARGET = 10_000;
/** A method, or a method and a domain, with stars for any characters. */
const METHOD = /^[A-Za-z0-9_*-]{1,63}(\.[A-Za-z0-9_*-]{1,63})?$/;

/** The fault of what should be an operator, in words; `undefined`: it is one. */
export function operatorFault(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null) return "it is no object";
  const { name, key, role, on, methods, standing, since, by, former = [] } = value as Partial<OperatorRecord>;
  if (!isToken(name)) return "name: expected a name";
  if (!isPublicKey(key)) return `${name}: expected the public key of a person, U…`;
  if (role !== "viewer" && role !== "operator" && role !== "admin") return `${name}: no such role`;
  if (on !== undefined && (typeof on !== "string" || on.length > LONGEST_TARGET)) return `${name}: on is no target`;
  const fault = methods === undefined ? undefined : methodsFault(methods);
  if (fault !== undefined) return `${name}: ${fault}`;
  if (standing !== "accepted" && standing !== "removed") return `${name}: no such standing`;
  if (typeof since !== "number" || !Number.isSafeInteger(since) || since < 0) return `${name}: since is no time`;
  if (typeof by !== "string" || by.length > 500) return `${name}: by is no text`;
  if (!Array.isArray(former) || former.length > MOST_FORMER || !former.every(isFormer))
    return `${name}: its former keys are none`;
  return undefined;
}

export function methodsFault(methods: unknown): string | undefined {
  if (!Array.isArray(methods) || methods.length === 0 || methods.length > MOST_METHODS) return "methods is no list";
  const wrong = methods.find((each) => typeof each !== "string" || !METHOD.test(each));
  return wrong === undefined
    ? undefined
    : `${String(wrong).slice(0, 100)} is no method: write shellcommand, shellcommand.nginx or shellcommand.*`;
}

export function isPublicKey(key: unknown): key is string {
  return typeof key === "string" && key.length < 100 && publicBytes("sign", key) !== undefined;
}

function isFormer(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { key, signature } = value as Partial<FormerKey>;
  return isPublicKey(key) && typeof signature === "string" && signature.length <= 100;
}
