import { FACILITIES, type LogRecord, SEVERITIES } from "../record.ts";

/**
 * Parses one syslog message, without its framing. Never throws and never loses text: everything that is not recognised as
 * part of a header stays in `text`, which is always the end of the message. Forms, tried in this order:
 *   RFC 5424    <PRI>1 TIME HOST APP PID MSGID [SD] TEXT
 *   ISO time    <PRI>2026-11-22T14:20:55.123456+01:00 HOST APP[PID]: TEXT      (rsyslog's forward format)
 *   RFC 3164    <PRI>Nov 22 14:20:55 HOST APP[PID]: TEXT, with or without host, tag, pid, year; local time
 *   the rest    <PRI>APP[PID]: TEXT, <PRI>TEXT, TEXT
 */
export function parseSyslog(message: string, now: number): LogRecord {
  const [whole, digits] = /^\ufeff?<(\d{1,3})> ?/.exec(message) ?? [];
  const code = Number(digits ?? Number.NaN);
  const priority: Partial<LogRecord> = {};
  let rest = message;
  if (whole !== undefined && code <= 191) {
    const facility = FACILITIES[code >> 3];
    const severity = SEVERITIES[code & 7];
    Object.assign(priority, { facility, severity });
    rest = message.slice(whole.length);
    const modern = rfc5424(rest);
    if (modern !== undefined) return { ...priority, ...modern };
  } else {
    rest = message.replace(/^\ufeff/, "");
  }
  const dated = timestamped(rest, now);
  if (dated !== undefined) return { ...priority, ...withoutMark(dated) };
  return { ...priority, ...withoutMark((code <= 191 ? tagged(rest) : undefined) ?? { text: rest }) };
}

/** A byte order mark at the beginning of the text, after any header, is removed. */
function withoutMark(record: LogRecord): LogRecord {
  return record.text.startsWith("\ufeff") ? { ...record, text: record.text.slice(1) } : record;
}

const HEADER = /^[1-9]\d{0,2} (\S{1,64}) (\S{1,255}) (\S{1,255}) (\S{1,255}) (\S{1,255})(?: |$)/;

function rfc5424(rest: string): LogRecord | undefined {
  const [whole, timestamp = "", host = "", app = "", pid = "", msgid = ""] = HEADER.exec(rest) ?? [];
  if (whole === undefined) return undefined;
  const time = timestamp === "-" ? undefined : isoTime(timestamp);
  if (time === undefined && timestamp !== "-") return undefined;
  const { elements, end } = structuredData(rest, whole.length);
  const text = rest.slice(end).replace(/^\ufeff/, "");
  const named = { time, host: nil(host), app: nil(app), pid: nil(pid), msgid: nil(msgid) };
  return { ...defined(named), ...(elements.length === 0 ? {} : { structured: elements }), text };
}

/** The elements, and the index at which the text begins. Malformed or truncated data counts as text. */
function structuredData(rest: string, start: number): { elements: string[]; end: number } {
  if (rest[start] === "-" && (rest[start + 1] === " " || start + 1 === rest.length))
    return { elements: [], end: start + 2 };
  const elements: string[] = [];
  const ELEMENT = /\[[^\s="\]]{1,255}(?: +[^\s="\]]{1,255}="(?:[^"\\\]]|\\[\s\S])*")* *\]/y;
  let at = start;
  for (;;) {
    ELEMENT.lastIndex = at;
    const [element] = ELEMENT.exec(rest) ?? [];
    if (element === undefined) break;
    elements.push(element);
    at += element.length;
  }
  if (elements.length > 0 && at === rest.length) return { elements, end: at };
  if (elements.length > 0 && rest[at] === " ") return { elements, end: at + 1 };
  return { elements: [], end: start };
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const ISO = /^(\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d{1,9})?(?:Z|[+-]\d{2}:?\d{2})?)(?::? +|:?$)/i;
const BSD = /^[*.]?([A-Z][a-z]{2}) {1,2}(\d{1,2})(?: (\d{4}))? (\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?::? +|:?$)/;
/** A zone between a time and a colon, or between a time and the host. */
const ZONE = /^([A-Z]{1,5}|(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?)(?:: *|(?= |$) *)/;

function timestamped(rest: string, now: number): LogRecord | undefined {
  const iso = ISO.exec(rest);
  const found = iso ?? BSD.exec(rest);
  if (found === null) return undefined;
  const after = rest.slice(found[0].length);
  const zone = iso === null ? zoneOf(after) : undefined;
  const time = iso === null ? bsdTime(found, now, zone?.minutes) : isoTime(iso[1] ?? "");
  if (time === undefined) return undefined;
  // An unknown zone stays in the text, together with its time.
  if (zone !== undefined && zone.minutes === undefined) return { text: rest };
  return { time, ...hostAndTag(after.slice(zone?.length ?? 0)) };
}

const HOST = /^([A-Za-z0-9_][A-Za-z0-9_.:%-]{0,254}) +/;

/** A first word that ends like a tag is the tag, of a message without a host. */
function hostAndTag(rest: string): LogRecord {
  const direct = tagged(rest);
  if (direct !== undefined) return direct;
  const [whole, host] = HOST.exec(rest) ?? [];
  if (whole === undefined || host === undefined) return { text: rest };
  // Cisco ASA writes "host : %ASA-…: text".
  const after = rest.slice(whole.length).replace(/^: /, "");
  return { host, ...(tagged(after) ?? { text: after }) };
}

const TAG = /^([^\s:[\]]{1,128})(?:\[([^\]\s]{1,64})\]:|\[(\d{1,10})\](?= |$)|:(?= |$)) ?/;

function tagged(rest: string): LogRecord | undefined {
  const [whole, app, pid, bare] = TAG.exec(rest) ?? [];
  if (whole === undefined || app === undefined) return undefined;
  return { app, ...defined({ pid: pid ?? bare }), text: rest.slice(whole.length) };
}

function isoTime(text: string): string | undefined {
  const upper = text.toUpperCase().replace(" ", "T").replace(",", ".");
  const [, year, month, day, hour, minute, second, fraction = "", zone = ""] =
    /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:?\d{2})?$/.exec(upper) ?? [];
  if (year === undefined) return undefined;
  if (!inRange(Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second))) return undefined;
  const wholeSecond = second === "60" ? "59" : second;
  const zoned = zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone;
  return stamp(Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${wholeSecond}.${millis(fraction)}${zoned}`));
}

/** Minutes east of UTC of the zone names that are unambiguous, or nearly so. */
const ZONES: Readonly<Record<string, number>> = {
  ...{ UTC: 0, GMT: 0, UCT: 0, Z: 0, WET: 0, WEST: 60, CET: 60, CEST: 120, MET: 60, MEST: 120, EET: 120, EEST: 180 },
  ...{ MSK: 180, EST: -300, EDT: -240, CDT: -300, MST: -420, MDT: -360, PST: -480, PDT: -420, AKST: -540 },
  ...{ AKDT: -480, HST: -600, JST: 540, KST: 540, HKT: 480, SGT: 480, AEST: 600, AEDT: 660, AWST: 480, NZST: 720 },
  ...{ NZDT: 780 },
};

/** The zone at the beginning of the text after a time. A word that may be a tag or a host is no zone. */
function zoneOf(after: string): { readonly length: number; readonly minutes: number | undefined } | undefined {
  const [whole, word = ""] = ZONE.exec(after) ?? [];
  if (whole === undefined) return undefined;
  const [, name = "", sign, hours, minutes = "0"] = /^([A-Z]*)(?:([+-])(\d{1,2}):?(\d{2})?)?$/.exec(word) ?? [];
  const offset = Number(hours) * 60 + Number(minutes);
  if (sign !== undefined)
    return { length: whole.length, minutes: offset > 840 ? undefined : Number(`${sign}${offset}`) };
  const known = ZONES[name];
  const colon = whole.includes(":");
  if (known !== undefined && (colon || known === 0)) return { length: whole.length, minutes: known };
  // Routers write the zone before the colon, and a message that begins with a per cent sign.
  return colon && name.length >= 3 && after.startsWith("%", whole.length)
    ? { length: whole.length, minutes: undefined }
    : undefined;
}

const DAY = 86_400_000;

/**
 * A time without a zone is local time. A time without a year is in the latest year in which it is at most a day ahead, because
 * a log tells of the past, and a clock that was never set begins with a January.
 */
function bsdTime(found: RegExpExecArray, now: number, zone: number | undefined): string | undefined {
  const [, name = "", day, year, hour, minute, second, fraction = ""] = found;
  const month = MONTHS.indexOf(name);
  const [d, h, m, s] = [Number(day), Number(hour), Number(minute), Math.min(Number(second), 60)];
  if (month === -1 || !inRange(month, d, h, m, Number(second))) return undefined;
  const thisYear = new Date(now).getFullYear();
  const years = year === undefined ? [thisYear - 1, thisYear, thisYear + 1] : [Number(year)];
  const times = years
    .flatMap((y) => timeOf([y, month, d, h, m, Math.min(s, 59), Number(millis(fraction))], zone))
    .filter((time) => year !== undefined || time <= now + DAY);
  return times.length === 0 ? undefined : stamp(Math.max(...times));
}

/** An empty list for a day that the year does not have. */
function timeOf([y, month, d, h, m, s, ms]: [number, number, number, number, number, number, number], zone?: number) {
  if (new Date(y, month, d).getDate() !== d) return [];
  if (zone === undefined) return [new Date(y, month, d, h, m, s, ms).getTime()];
  return [Date.UTC(y, month, d, h, m, s, ms) - zone * 60_000];
}

function inRange(month: number, day: number, hour: number, minute: number, second: number): boolean {
  return month >= 0 && month < 12 && day >= 1 && day <= 31 && hour < 24 && minute < 60 && second <= 60;
}

const millis = (fraction: string): string => fraction.slice(0, 3).padEnd(3, "0");

function stamp(time: number): string | undefined {
  if (Number.isNaN(time)) return undefined;
  const text = new Date(time).toISOString();
  return text.length === 24 ? text : undefined;
}

const nil = (field: string): string | undefined => (field === "-" ? undefined : field);

function defined(fields: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
