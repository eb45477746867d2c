import type { Config } from "./config.ts";

/**
 * The sign that a changed file is the beginning of a longer one: it lacks entries that it had, or ends in the middle of
 * a line. The words follow "steward.yaml has changed and …"; `undefined`: there is no such sign.
 */
export function doubtOf(before: Config, after: Config, text: string): string | undefined {
  const kept = new Set(after.written);
  const sections = before.written.filter((key) => !kept.has(key));
  const lost = [
    ...removed("subscription", before.subscribe, after.subscribe),
    ...removed("publication", before.publish, after.publish),
    ...sections.map((key) => `\`${key}:\``),
  ];
  if (lost.length > 0) return `has lost ${lost.join(", ")}`;
  return /[\n\r}\]]\s*$/.test(text.slice(-100)) ? undefined : "ends without a line break";
}

function removed(
  what: string,
  before: Config["subscribe" | "publish"],
  after: Config["subscribe" | "publish"],
): string[] {
  const kept = new Set(after.map(({ subject }) => subject));
  const count = before.filter(({ subject }) => !kept.has(subject)).length;
  if (count === 0) return [];
  return [`${count === before.length ? "all" : count} of ${before.length} ${what}s`];
}
