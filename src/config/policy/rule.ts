import { type Hours, readHours } from "../../message/schedule/hours.ts";
import { CONTROL_DOMAIN, isToken } from "../../message/subject.ts";
import { type ArgumentPattern, readPattern, type WrittenPattern } from "./argument-pattern.ts";

/** The settings that say who may send what, as a subscription and a line of a policy have them. */
export interface WrittenRule {
  /** `<command|event>.<method>.<domain>`; in a policy `*` stands for any name. */
  readonly subject: string;
  readonly from?: readonly string[] | undefined;
  readonly allow?: readonly WrittenPattern[] | undefined;
  readonly deny?: readonly WrittenPattern[] | undefined;
  readonly hours?: readonly string[] | undefined;
  readonly atOnce?: number | undefined;
  readonly signed?: boolean | undefined;
}

/** A rule as it decides. `at` names the file and the line of each of its settings, or the policy that came from central. */
export interface Rule {
  readonly subject: string;
  /** Nodes that may send, their groups replaced by their members; `*` is any. `operator:NAME`: who signed it. */
  readonly from: readonly string[];
  /** `null`: any arguments. */
  readonly allow: readonly ArgumentPattern[] | null;
  readonly deny: readonly ArgumentPattern[];
  /** `null`: always. */
  readonly hours: readonly Hours[] | null;
  /** The messages of one sender on one subject that may be open; `null`: any number. */
  readonly atOnce: number | null;
  /** True: the message must carry the signature of an operator; `null`: it need not. */
  readonly signed: true | null;
  readonly at: RulePlaces;
}

export interface RulePlaces {
  readonly rule: string;
  readonly from: string;
  readonly hours: string;
  readonly atOnce: string;
  readonly signed: string;
}

/** `groups:` of the file: targets, or lists of them, by name. */
export type Groups = Readonly<Record<string, string | readonly string[]>>;

/** Finds the place of a setting of a rule, or of an element of it, for those who read why it decided. */
export type PlaceOf = (key: keyof WrittenRule | undefined, index?: number) => string;

export const GROUP = "group:";
export const OPERATOR = "operator:";

/** Compiles a rule that was checked. `from`: the senders where the rule names none. */
export function readRule(written: WrittenRule, from: readonly string[], groups: Groups, placeOf: PlaceOf): Rule {
  const { subject, allow, deny = [], hours, atOnce = null, signed = false } = written;
  const patterns = (key: "allow" | "deny", list: readonly WrittenPattern[]): ArgumentPattern[] =>
    list.map((pattern, i) => readPattern(pattern, placeOf(key, i)));
  return {
    subject,
    from: withMembers(written.from ?? from, groups),
    allow: allow === undefined ? null : patterns("allow", allow),
    deny: patterns("deny", deny),
    hours: hours === undefined ? null : hours.map(readHours).filter((read) => "spans" in read),
    atOnce,
    signed: signed ? true : null,
    at: {
      rule: placeOf(undefined),
      from: placeOf("from"),
      hours: placeOf("hours"),
      atOnce: placeOf("atOnce"),
      signed: placeOf("signed"),
    },
  };
}

/** Senders, each `group:NAME` replaced by the members of the group. */
export function withMembers(from: readonly string[], groups: Groups): string[] {
  return [
    ...new Set(from.flatMap((who) => (who.startsWith(GROUP) ? membersOf(groups[who.slice(GROUP.length)]) : [who]))),
  ];
}

/**
 * The nodes of a group that names each of them. An expression has no members here: labels and facts are what a node says of
 * itself, and no permission follows from that.
 */
export function membersOf(group: unknown): readonly string[] {
  return Array.isArray(group) && group.every((each) => typeof each === "string" && isToken(each)) ? group : [];
}

/** A rule or a policy as it would be written, without what it does not say. */
export function writtenRule(value: unknown): unknown {
  const { at: _at, ...said } = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    Object.entries(said).flatMap(([key, each]) => {
      if (each === null || each === undefined || (Array.isArray(each) && each.length === 0)) return [];
      return [[key, Array.isArray(each) ? each.map((one) => textOf(one)) : each]];
    }),
  );
}

function textOf(value: unknown): unknown {
  return typeof value === "object" && value !== null && "text" in value ? value.text : value;
}

/**
 * True if a rule speaks of a subject without its node. A star stands for one name, but not for the domain of the messages
 * between daemons: those a rule names in full, so that no rule cuts a node off by mistake.
 */
export function covers(rule: string, subject: string): boolean {
  if (rule === subject) return true;
  const [kind, method, domain] = rule.split(".");
  const [ofKind, ofMethod, ofDomain] = subject.split(".");
  if (ofDomain === CONTROL_DOMAIN && domain !== CONTROL_DOMAIN) return false;
  return isStarOr(kind, ofKind) && isStarOr(method, ofMethod) && isStarOr(domain, ofDomain);
}

const isStarOr = (pattern: string | undefined, token: string | undefined): boolean =>
  pattern === "*" || pattern === token;
