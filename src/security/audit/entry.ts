import type { Json } from "../../message/message.ts";
import type { Vector } from "../../methods/define.ts";

/** One thing that somebody asked for, and what was decided. */
export interface AuditEntry {
  /** `submit` at the sender, `decision` at the receiver, `operation` of the local API, `trust`, `policy`. */
  readonly what: string;
  /** The asker: a node, `operator@node`, `a plain NATS publisher`, or `local` for the users of the socket. */
  readonly by: string;
  readonly allowed: boolean;
  /** The line that decided, or the reason of a refusal. */
  readonly why?: string;
  readonly subject?: string;
  /** The nodes that it is for. */
  readonly nodes?: readonly string[];
  /** Ids of messages. */
  readonly ids?: readonly string[];
  /** The arguments of a command, without secrets; see `redacted`. */
  readonly arguments?: Json;
  readonly [more: string]: Json | undefined;
}

/** An entry as it is recorded: numbered, at a time by this node's clock, and chained to the one before. */
export interface AuditRecord extends AuditEntry {
  readonly no: number;
  /** Wall time, ms. */
  readonly at: number;
  /** The hash of the record before. */
  readonly prev: string;
}

/** True if one record can tell of both: they differ in nothing but their ids. */
export function isSameButForIds(a: AuditEntry, b: AuditEntry): boolean {
  for (const key in a) if (key !== "ids" && !isSame(a[key], b[key])) return false;
  for (const key in b) if (!(key in a)) return false;
  return true;
}

function isSame(a: Json | undefined, b: Json | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (!Array.isArray(a) || !Array.isArray(b)) return JSON.stringify(a) === JSON.stringify(b);
  return a.length === b.length && a.every((part, i) => isSame(part, b[i]));
}

/** Characters of one argument that are recorded, and arguments of one command. */
const LONGEST = 200;
const MOST = 64;

/**
 * The arguments of a command as they are recorded: an argument that names a secret shows its name alone, values of variables and
 * what goes to the standard input never appear, and a script is named by its digest.
 */
export function redacted(vector: Vector | readonly string[], scriptDigest: (script: string) => string): Json {
  const { argv, script, cwd, env, input } = "argv" in vector ? vector : { argv: vector };
  const shown = argv.slice(0, MOST).map(redactedText);
  const list = argv.length > MOST ? [...shown, `… and ${argv.length - MOST} more`] : shown;
  if (script === undefined && cwd === undefined && env === undefined && input === undefined) return list;
  return {
    ...(script === undefined ? {} : { script: scriptDigest(script) }),
    argv: list,
    ...(cwd === undefined ? {} : { cwd: redactedText(cwd) }),
    ...(env === undefined ? {} : { env: Object.keys(env).slice(0, MOST) }),
    ...(input === undefined ? {} : { input: `${input.text.length} characters` }),
  };
}

/** A text that names a secret is replaced by the reference alone: what stands around it may belong to the secret. */
function redactedText(text: string): string {
  const secrets = text.match(/secret:[\w-]+/g);
  if (secrets !== null) return secrets.join(" ");
  return text.length <= LONGEST ? text : `${text.slice(0, LONGEST)}… (${text.length} characters)`;
}
