/** Variables that set language and time zone, harmless to any program. */
export const LOCALE: readonly string[] = ["LANG", "LANGUAGE", "LC_*", "TZ"];

/** True if a variable is in a list in which `NAME*` stands for all that begin so. */
export function isNamed(variable: string, names: readonly string[]): boolean {
  return names.some((name) => (name.endsWith("*") ? variable.startsWith(name.slice(0, -1)) : variable === name));
}
