/** Days of the week from Sunday, and months, by the three letters with which they begin. */
export const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
export const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

const LONG = [
  ...["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"],
  ...["january", "february", "march", "april", "may", "june", "july", "august", "september"],
  ...["october", "november", "december"],
];

/** The place of a name in its list, as `mon`, `Monday`, `mondays`; `undefined`: it is none. */
export function numberOfName(names: readonly string[], text: string): number | undefined {
  const lower = text.toLowerCase();
  const short = lower.slice(0, 3);
  const at = names.indexOf(short);
  if (at < 0) return undefined;
  if (lower === short) return at;
  // Longer beginnings are words in use: tues, thurs, sept.
  return LONG.some((name) => `${name}s`.startsWith(lower) && name.startsWith(short)) ? at : undefined;
}
