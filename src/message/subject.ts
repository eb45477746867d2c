import { StewardError } from "./errors.ts";
import { inQuotes } from "./text/printable.ts";

/**
 * `<node>.<command|event>.<method>.<domain>`: what a message is about and who receives it. `node` is the receiver.
 * Case-sensitive. A token is 1 to 63 letters, digits, `_` or `-`, and does not begin with `-`: so it is a valid NATS
 * token, a valid file name, and nothing that a shell or a path could misread.
 */
export type Kind = "command" | "event";

export interface Subject {
  readonly node: string;
  readonly kind: Kind;
  readonly method: string;
  readonly domain: string;
}

const TOKEN = /^[A-Za-z0-9_][A-Za-z0-9_-]{0,62}$/;

export function isToken(text: unknown): text is string {
  return typeof text === "string" && TOKEN.test(text);
}

/** The fault of a token, in words; `undefined`: there is none. */
export function tokenFault(text: string): string | undefined {
  if (TOKEN.test(text)) return undefined;
  if (text === "") return "it is empty";
  if (text.length > 63) return `it has ${text.length} characters, 63 are allowed`;
  if (text.startsWith("-")) return "it begins with '-'";
  const bad = [...text].find((c) => !/[A-Za-z0-9_-]/.test(c)) ?? "";
  return `${inQuotes(bad)} is not allowed; use letters, digits, '_' and '-'`;
}

export function isSubject(text: unknown): text is string {
  if (typeof text !== "string") return false;
  const [node, kind, method, domain, ...more] = text.split(".");
  const isKind = kind === "command" || kind === "event";
  return isKind && more.length === 0 && isToken(node) && isToken(method) && isToken(domain);
}

export function checkToken(what: "node" | "method" | "domain", text: string): string {
  const fault = tokenFault(text);
  if (fault !== undefined)
    throw new StewardError("subject-invalid", { subject: quoted(text), fault: `${what}: ${fault}` });
  return text;
}

/**
 * Subjects seen lately: a daemon meets the same ones over and over. The older half is let go at once, so that a round over all
 * nodes of a large fleet finds its subjects again.
 */
let seen = new Map<string, Subject>();
let before = new Map<string, Subject>();
const SEEN = 16_384;

/** @throws StewardError `subject-invalid`, naming the token and what is wrong with it. */
export function parseSubject(text: string): Subject {
  const known = seen.get(text);
  if (known !== undefined) return known;
  const subject = before.get(text) ?? readSubject(text);
  if (seen.size >= SEEN) {
    before = seen;
    seen = new Map();
  }
  seen.set(text, subject);
  return subject;
}

function readSubject(text: string): Subject {
  const invalid = (fault: string): StewardError =>
    new StewardError("subject-invalid", { subject: quoted(text), fault });
  const tokens = text.split(".");
  const [node = "", kind = "", method = "", domain = ""] = tokens;
  if (tokens.length !== 4)
    throw invalid(`it has ${tokens.length} parts, 4 are needed: <node>.<command|event>.<method>.<domain>`);
  for (const [what, token] of Object.entries({ node, method, domain })) {
    const fault = tokenFault(token);
    if (fault !== undefined) throw invalid(`${what}: ${fault}`);
  }
  if (kind !== "command" && kind !== "event")
    throw invalid(`the second part is ${inQuotes(kind, LONGEST)}, it must be "command" or "event"`);
  return { node, kind, method, domain };
}

/** Characters of a wrong subject that are shown. */
const LONGEST = 100;

/** Text that is no subject may be anything: it must stay one short line wherever it is shown. */
export function quoted(text: string): string {
  return text.length <= LONGEST && /^[\x20-\x7e]+$/.test(text) ? text : inQuotes(text, LONGEST);
}

export function formatSubject(subject: Subject): string {
  return `${subject.node}.${subject.kind}.${subject.method}.${subject.domain}`;
}

/** The receiver of a subject that is known to be valid. */
export function receiverOf(subject: string): string {
  return subject.slice(0, subject.indexOf("."));
}

/** `<kind>.<method>.<domain>` of a subject that is known to be valid. */
export function withoutReceiver(subject: string): string {
  return subject.slice(subject.indexOf(".") + 1);
}

/** The kind of a subject that is known to be valid. */
export function kindOf(subject: string): Kind {
  return subject.charCodeAt(subject.indexOf(".") + 1) === 99 /* c */ ? "command" : "event";
}

/** The domain of the messages between daemons beside the work: hello, cancel, compare, … */
export const CONTROL_DOMAIN = "steward";
