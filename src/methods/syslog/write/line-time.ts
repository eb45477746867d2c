const ISO = /^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?)(Z|[+-]\d\d:?\d\d)/;
/** The time of a web server's access log. */
const COMMON = /\[(\d\d)\/([A-Z][a-z]{2})\/(\d{4}):(\d\d:\d\d:\d\d) ([+-]\d\d)(\d\d)\]/;
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
/** A time further inside a line is part of its text. */
const WITHIN = 200;

/** The time that a stored line names, ms since 1970; `undefined`: it names none that is understood. */
export function timeOfLine(line: string): number | undefined {
  const head = line.slice(0, WITHIN);
  const [, time, zone = ""] = ISO.exec(head) ?? [];
  if (time !== undefined) return valid(`${time.replace(" ", "T")}${zone.replace(/^(...)(\d\d)$/, "$1:$2")}`);
  const [, day, month = "", year, clock, hours, minutes] = COMMON.exec(head) ?? [];
  if (day === undefined) return undefined;
  const number = String(MONTHS.indexOf(month) + 1).padStart(2, "0");
  return valid(`${year}-${number}-${day}T${clock}${hours}:${minutes}`);
}

function valid(text: string): number | undefined {
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}
