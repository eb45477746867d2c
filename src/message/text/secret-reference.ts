/**
 * References to secrets in the texts of a command: `secret:NAME`, also within a text (`--password=secret:NAME`), unless a
 * letter, a digit, _ or - stands before it. `secret::NAME` stands for the text `secret:NAME` itself.
 */
const REFERENCE = /(?<![A-Za-z0-9_-])secret:(:?)([A-Za-z0-9_][A-Za-z0-9_-]{0,62})/g;

/** True if `withSecrets` would change the text. */
export function hasReference(text: string): boolean {
  return text.includes("secret:") && text.search(REFERENCE) >= 0;
}

/** The names in a text, each once. */
export function secretsIn(text: string): string[] {
  if (!text.includes("secret:")) return [];
  return [...new Set([...text.matchAll(REFERENCE)].flatMap(([, colon, name = ""]) => (colon === "" ? [name] : [])))];
}

/** The text with the secrets in place of the names; a name that is not there stays. */
export function withSecrets(text: string, secrets: ReadonlyMap<string, string>): string {
  if (!text.includes("secret:")) return text;
  return text.replace(REFERENCE, (reference, colon: string, name: string) =>
    colon === "" ? (secrets.get(name) ?? reference) : `secret:${name}`,
  );
}
