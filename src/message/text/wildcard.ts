/** The pattern that was matched last: one is matched against thousands of texts in a row. */
let last = { pattern: "", parts: [""] as readonly string[] };

/** `*` stands for any run of characters, every other character for itself. The time grows with the length alone. */
export function wildcardMatches(pattern: string, text: string): boolean {
  if (pattern !== last.pattern) last = { pattern, parts: pattern.split("*") };
  return partsMatch(last.parts, text);
}

/** The pattern by the texts between its stars: `a*b` is ["a", "b"]. */
export function partsMatch(parts: readonly string[], text: string): boolean {
  const first = parts[0] ?? "";
  if (parts.length === 1) return text === first;
  const end = parts.at(-1) ?? "";
  if (!text.startsWith(first) || text.length < first.length + end.length || !text.endsWith(end)) return false;
  let at = first.length;
  for (let i = 1; i < parts.length - 1; i++) {
    const part = parts[i] ?? "";
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > text.length - end.length) return false;
    at = found + part.length;
  }
  return true;
}
