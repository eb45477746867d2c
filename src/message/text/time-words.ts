import { isSubject, parseSubject } from "../subject.ts";

/**
 * Fields that steward adds to every answer in JSON, for programs: one rule.
 *
 * - A time is called `at`, `since`, `asOf` or `deliverBy`, or by a name that ends so: `startedAt`, `linkSince`, `nextDeliverBy`.
 *   Beside such an `x`, milliseconds since 1970, stands `xTime`, the same as RFC 3339 text; `null` beside `null`.
 * - Beside each `subject` stand its parts `node` (the receiver), `method` and `domain`.
 *
 * The contents of a message (`data`, `result`), the labels and values of nodes and the details of an error stay as they are.
 */
export function isTimeKey(key: string): boolean {
  return /^(?:at|since|asOf|deliverBy)$|(?:At|Since|DeliverBy)$/.test(key);
}

const OPAQUE: ReadonlySet<string> = new Set(["data", "result", "details", "labels", "values"]);
const LATEST = 8.64e15;

export function withTimes(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(withTimes);
  const out: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const inner = (value as Readonly<Record<string, unknown>>)[key];
    out[key] = typeof inner !== "object" || OPAQUE.has(key) ? inner : withTimes(inner);
    if (inner === null || typeof inner === "number") {
      const word = wordBeside(key);
      if (word !== undefined) out[word] = rfc3339(inner);
    } else if (key === "subject" && isSubject(inner)) Object.assign(out, partsOf(inner, value));
  }
  return out;
}

/** The names of fields that were looked at, with that of the field beside them: there are few, and thousands of rows have them. */
const words = new Map<string, string | undefined>();
const MOST_WORDS = 1_000;

function wordBeside(key: string): string | undefined {
  if (words.has(key)) return words.get(key);
  const word = isTimeKey(key) ? `${key}Time` : undefined;
  if (words.size < MOST_WORDS) words.set(key, word);
  return word;
}

/** The parts that the value does not name itself. */
function partsOf(subject: string, value: object): Readonly<Record<string, string>> {
  const { node, method, domain } = parseSubject(subject);
  return Object.fromEntries(Object.entries({ node, method, domain }).filter(([key]) => !Object.hasOwn(value, key)));
}

function rfc3339(time: number | null): string | null {
  return time === null || !(Math.abs(time) <= LATEST) ? null : new Date(time).toISOString();
}
