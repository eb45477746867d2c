import type { ArgumentPattern } from "../../config/policy/argument-pattern.ts";
import { covers, OPERATOR, type Rule } from "../../config/policy/rule.ts";
import { isWithin } from "../../message/schedule/hours.ts";
import { CONTROL_DOMAIN } from "../../message/subject.ts";
import type { Vector } from "../../methods/define.ts";
import { isAllowedBy, isDeniedBy, vectorText } from "./vector.ts";
import type { WeekClock } from "./week-clock.ts";

/** The origin of a message from a plain NATS publisher, which names no node. */
export const PLAIN_PUBLISHER = "a plain NATS publisher";

/** The name of the source of rules that stand in the node's own file; that of its `policy:` begins so. */
export const OWN_FILE = "steward.yaml";

/** The message that is judged. */
export interface Asked {
  /** The node that sent it, proved by its seal; or `PLAIN_PUBLISHER`. */
  readonly origin: string;
  /** The operator whose signature on it was verified. */
  readonly operator: string | undefined;
  /** The node's own file speaks. */
  readonly ownFile: boolean;
  /** Later times are asked for: hours decide then. */
  readonly ahead: boolean;
  /** The open messages of its sender on its subject, without itself. */
  readonly open: number;
  /** The arguments, or why there are none to judge. */
  vector(): Vector | string;
}

/** The line that refuses, and how far the message came before it. */
export interface Refusal {
  readonly at: string;
  readonly fault: string;
  readonly rank: number;
}

const RANKS = { none: 0, from: 1, signed: 2, allow: 3, hours: 4, atOnce: 5, deny: 6 } as const;

const UNSIGNED = "signed is true, and no operator whom this node knows has signed it";

/** One rule, ready to decide. */
interface Line {
  readonly rule: Rule;
  readonly nodes: ReadonlySet<string>;
  readonly operators: ReadonlySet<string>;
  readonly anyNode: boolean;
  readonly anyOperator: boolean;
  readonly plain: boolean;
  /** The place that allows, where no pattern does. */
  readonly by: string;
  readonly patterns: readonly { readonly pattern: ArgumentPattern; readonly by: string }[] | undefined;
}

/**
 * Rules of one source, the node's subscriptions, its `policy:` or a policy of central's, for one subject. A message passes
 * where one of the rules allows it and none denies it; with no rule for its sender it is refused.
 */
export class Layer {
  /** The source, for those who read why it decided. */
  readonly name: string;
  readonly #lines: readonly Line[];
  readonly #week: WeekClock;
  readonly #none: Refusal;
  /** The rules stand in the node's own file, which needs no leave of its own. */
  readonly #isFile: boolean;

  /** `plain`: what a plain publisher sends passes the senders of these rules. */
  constructor(name: string, rules: readonly Rule[], week: WeekClock, plain: boolean | undefined, none = name) {
    this.name = name;
    this.#isFile = name.startsWith(OWN_FILE);
    this.#week = week;
    this.#lines = rules.map((rule) => lineOf(rule, plain));
    this.#none = { at: name, fault: none, rank: RANKS.none };
  }

  /** The place that allows, or the refusal. */
  decide(asked: Asked): string | Refusal {
    const { origin, operator, open } = asked;
    const isOwn = asked.ownFile && this.#isFile;
    let by: string | undefined;
    let refusal = this.#none;
    for (const line of this.#lines) {
      const { rule, patterns } = line;
      if (!isOwn && !isFrom(line, origin, operator)) {
        const fault = origin === PLAIN_PUBLISHER ? "foreign is not set" : `from is [${rule.from.join(", ")}]`;
        refusal = further(refusal, RANKS.from, origin === PLAIN_PUBLISHER ? rule.at.rule : rule.at.from, fault);
        continue;
      }
      if (!isOwn && rule.signed === true && operator === undefined) {
        refusal = further(refusal, RANKS.signed, rule.at.signed, UNSIGNED);
        continue;
      }
      let allows = line.by;
      if (patterns !== undefined || rule.deny.length > 0) {
        const judged = asked.vector();
        if (typeof judged === "string") {
          refusal = further(refusal, RANKS.allow, rule.at.rule, judged);
          continue;
        }
        const denies = rule.deny.find((pattern) => isDeniedBy(pattern, judged));
        if (denies !== undefined)
          return {
            at: denies.at,
            fault: `${vectorText(judged)} matches the pattern ${denies.text} of deny`,
            rank: RANKS.deny,
          };
        const allowed = patterns?.find(({ pattern }) => isAllowedBy(pattern, judged));
        if (allowed === undefined && (patterns !== undefined || judged.script !== undefined)) {
          refusal = further(
            refusal,
            RANKS.allow,
            rule.at.rule,
            unmatched(
              judged,
              patterns?.map(({ pattern }) => pattern),
            ),
          );
          continue;
        }
        allows = allowed?.by ?? line.by;
      }
      if (rule.hours !== null && !asked.ahead && !isWithin(rule.hours, this.#week.minute)) {
        const allowed = rule.hours.map(({ text }) => text).join(", ");
        refusal = further(
          refusal,
          RANKS.hours,
          rule.at.hours,
          `it is ${this.#week.text}, and the hours are ${allowed}`,
        );
        continue;
      }
      if (rule.atOnce !== null && open >= rule.atOnce) {
        refusal = further(
          refusal,
          RANKS.atOnce,
          rule.at.atOnce,
          `${open} messages of the sender are open here, ${rule.atOnce} may be at once`,
        );
        continue;
      }
      by ??= allows;
    }
    return by ?? refusal;
  }
}

/** The rules of a source that speak of a subject without its node. */
export function rulesFor(rules: readonly Rule[], subject: string): Rule[] {
  // Patterns of arguments speak of commands alone.
  return rules.filter(
    (rule) => covers(rule.subject, subject) && (rule.allow === null || !subject.startsWith("event.")),
  );
}

/** A policy that cannot be read refuses everything but the messages between daemons. */
export function isBetweenDaemons(subject: string): boolean {
  return subject.endsWith(`.${CONTROL_DOMAIN}`);
}

/** The one of two refusals that let the message come further. */
function further(before: Refusal, rank: number, at: string, fault: string): Refusal {
  return rank > before.rank ? { at, fault, rank } : before;
}

function lineOf(rule: Rule, plain: boolean | undefined): Line {
  const operators = rule.from.flatMap((who) => (who.startsWith(OPERATOR) ? [who.slice(OPERATOR.length)] : []));
  const anyNode = rule.from.includes("*");
  return {
    rule,
    nodes: new Set(rule.from.filter((who) => !who.startsWith(OPERATOR))),
    operators: new Set(operators),
    anyNode,
    anyOperator: operators.includes("*"),
    plain: plain ?? anyNode,
    by: rule.at.rule,
    patterns: rule.allow?.map((pattern) => ({ pattern, by: `${pattern.at} (allow ${shortText(pattern.text)})` })),
  };
}

function isFrom(line: Line, origin: string, operator: string | undefined): boolean {
  if (operator !== undefined && (line.anyOperator || line.operators.has(operator))) return true;
  if (origin === PLAIN_PUBLISHER) return line.plain;
  return line.anyNode || line.nodes.has(origin);
}

/** The reason of a refusal, with the usual cause: a pattern from the time when a star went over several arguments. */
function unmatched(vector: Vector, patterns: readonly ArgumentPattern[] = []): string {
  const fault = `${vectorText(vector)} matches no pattern of allow`;
  if (vector.script !== undefined) return `${fault}; a script is allowed by its digest`;
  const longer = patterns.find(({ argv, more, ...pattern }) => {
    const last = argv.at(-1);
    if (more || last === undefined || last.length < 2 || vector.argv.length <= argv.length) return false;
    return isAllowedBy({ ...pattern, argv, more: true }, vector);
  });
  if (longer === undefined) return fault;
  return `${fault}; ${shortText(longer.text)} allows ${longer.argv.length} arguments: a last ... allows further ones`;
}

function shortText(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`;
}
