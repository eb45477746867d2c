/** Longer texts are not compared line by line: the time would grow with the square of their lengths. */
const MOST_LINES = 400;

/** The lines of `other` that `usual` does not have, after a `+`, and those that are missing in it, after a `-`; `undefined`: too long. */
export function differences(usual: string, other: string): string[] | undefined {
  const [a, b] = [linesOf(usual), linesOf(other)];
  if (a.length > MOST_LINES || b.length > MOST_LINES) return undefined;
  // The length of the longest common run of lines of the rest of both, from each pair of places on.
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--) {
      const row = common[i] as Uint16Array;
      const below = common[i + 1] as Uint16Array;
      row[j] = a[i] === b[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
    }
  const found: string[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      i++;
      j++;
    } else if (j >= b.length || (i < a.length && (common[i + 1]?.[j] ?? 0) >= (common[i]?.[j + 1] ?? 0)))
      found.push(`- ${a[i++]}`);
    else found.push(`+ ${b[j++]}`);
  }
  return found;
}

function linesOf(text: string): string[] {
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}
