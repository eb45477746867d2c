import { z } from "zod";
import { faultText, StewardError } from "../../message/errors.ts";
import { nodeNameFault } from "../../message/node-name.ts";
import { readHours, timeZoneFault } from "../../message/schedule/hours.ts";
import { isSubject, isToken, parseSubject, tokenFault } from "../../message/subject.ts";
import { boundFault } from "../../message/target/bound.ts";
import {
  DURATION,
  formatDuration,
  formatSize,
  NEVER,
  NEVER_TOO,
  readDuration,
  readSize,
  SIZE,
} from "../../message/text/units.ts";
import { isLoopback } from "../../platform/host/loopback.ts";
import { patternFault, scriptDigest } from "../policy/argument-pattern.ts";
import { GROUP, OPERATOR } from "../policy/rule.ts";
import { kind, kinds, mapping, setting } from "./about.ts";
import { nearest } from "./nearest.ts";

/**
 * The kinds of value that a setting can have. Each checks itself (zod), says in words what it expects, and knows why a
 * value that people tend to write is not that.
 */

interface TextOptions {
  /** The pattern that editors check; no stricter than `fault`. */
  readonly shape?: RegExp;
  readonly hides?: (value: unknown) => boolean;
  readonly quoted?: boolean;
}

/** Text that passes `fault`, which says in words what is wrong with it. */
export function text(
  expects: string,
  fault: (text: string) => string | undefined,
  { shape, hides, quoted = false }: TextOptions = {},
) {
  const base = z.string().min(1);
  const shaped = shape === undefined ? base : base.regex(shape);
  const why = (value: unknown) =>
    typeof value !== "string" ? quoteHint(value) : value === "" ? undefined : fault(value);
  return kind(
    shaped.refine((value) => fault(value) === undefined),
    { expects, why, quoted, ...(hides === undefined ? {} : { hides }) },
  );
}

const TOKEN = "[A-Za-z0-9_][A-Za-z0-9_-]{0,62}";

export const name = () => text("a name", nodeNameFault, { shape: new RegExp(`^${TOKEN}$`) });

/** A sender: a node, all members of a group, or the operator whom a signature names. */
export const sender = () =>
  text(
    'the name of a node, group:NAME, operator:NAME, or "*" for any node',
    (value) => {
      const [kind, name] = value.startsWith(GROUP)
        ? ["group", value.slice(GROUP.length)]
        : value.startsWith(OPERATOR)
          ? ["operator", value.slice(OPERATOR.length)]
          : ["node", value];
      return name === "*" && kind !== "group" ? undefined : tokenFault(name);
    },
    { shape: new RegExp(`^((group:)?${TOKEN}|operator:(${TOKEN}|\\*)|\\*)$`) },
  );

export const secret = () => text("text", () => undefined, { hides: () => true });

const ONE_PATTERN = 'a pattern such as "systemctl * nginx" or [systemctl, "*", nginx]';

/** A pattern of an argument vector; see policy/argument-pattern.ts for its forms. */
export function pattern() {
  const word = () => kind(z.string(), { expects: "text", why: quoteHint });
  const words = (expects: string) => kind(z.union([z.string(), z.array(word()).min(1)]), { expects });
  const one = () => kind(z.string().min(1), { expects: "text", why: quoteHint });
  const full = mapping({
    argv: setting(words("the program and its arguments, a text or a list").optional(), {
      description: "The program and its arguments. One of argv and script is given.",
      example: ["systemctl", "*", "nginx"],
    }),
    script: setting(one().optional(), {
      description: "The digest of a script, `sha256:…`; no pattern sees into a script.",
      example: scriptDigest("uptime"),
    }),
    shell: setting(one().optional(), {
      description: "The shell that the script asks for; absent: none, or /bin/sh.",
      example: "/bin/bash",
    }),
    args: setting(words("the arguments of a script, a text or a list").optional(), {
      description: "The arguments of the script; absent: none.",
      example: ["..."],
    }),
    cwd: setting(one().optional(), {
      description: "The directory that the command asks for; absent: none.",
      example: "/srv/*",
    }),
    env: setting(kind(z.record(z.string(), one()), { expects: "a mapping of names and patterns" }).optional(), {
      description: "Variables that the command may set, each with a pattern of its value; absent: none.",
      example: { LANG: "*" },
    }),
    input: setting(one().optional(), {
      description: "What the program may read on its standard input: a pattern, or `sha256:…`; absent: nothing.",
      example: "*",
    }),
  });
  const why = (value: unknown): string | undefined => {
    if (Array.isArray(value)) return value.every((word) => typeof word === "string") ? patternFault(value) : undefined;
    if (typeof value === "string") return value === "" ? undefined : patternFault(value);
    const read = full.safeParse(value);
    return read.success ? patternFault(read.data) : quoteHint(value);
  };
  return kind(
    z
      .union([z.string().min(1), z.array(word()), full])
      .refine((value) => patternFault(value) === undefined, { abort: true }),
    { expects: ONE_PATTERN, why, quoted: true, text: (value) => (value as { readonly text: string }).text },
  );
}

export const hours = () =>
  kind(
    z.string().refine((value) => "spans" in readHours(value)),
    {
      expects: 'hours such as "Mon-Fri 08:00-18:00"',
      why: (value) => {
        const read = typeof value === "string" ? readHours(value) : undefined;
        return read !== undefined && "fault" in read ? read.fault : undefined;
      },
      quoted: true,
      text: (value) => (value as { readonly text: string }).text,
    },
  );

export const timeZone = () => text("the name of a time zone such as Europe/Oslo", timeZoneFault);

/** The subject of a rule, in which `*` stands for any name. */
export const ruledSubject = () =>
  text(
    "<command|event>.<method>.<domain>, * for any",
    (value) => {
      const tokens = value.split(".");
      if (tokens[0] === "*") tokens[0] = "command";
      return receivedFault(tokens.map((token) => (token === "*" ? "any" : token)).join("."));
    },
    { shape: new RegExp(`^(command|event|\\*)\\.(${TOKEN}|\\*)\\.(${TOKEN}|\\*)$`) },
  );

export const argument = () =>
  text("text", (value) => (value.includes("\0") ? "an argument holds no NUL character" : undefined), { quoted: true });

export const path = () => text("a path", pathFault);

export const keyFile = () =>
  text(
    "the path of a file",
    (value) => (isSeed(value) ? "this is the seed itself; write it to a file" : pathFault(value)),
    {
      hides: isSeed,
    },
  );

/** Two public keys of a node in one word; their checksums are verified where they are used. */
export const publicKeys = () =>
  text(
    "the keys of a node, U….X…",
    (value) => {
      if (/^S[UX]/.test(value)) return "this is a seed, which stays on its own machine: write the public keys";
      return PUBLIC_KEYS.test(value) ? undefined : "copy it whole from `steward trust` at the management station";
    },
    { shape: PUBLIC_KEYS, hides: isSeed },
  );

const PUBLIC_KEYS = /^U[A-Z2-7]{55}\.X[A-Z2-7]{55}$/;
export const EXAMPLE_KEYS =
  "UBHAVZGHAYFCRIMB5DJMSOVVHHTX2W7K4MHQKU7J5GIX4V2ZCR2TPXAS.XBI4QGTO7OBVEKYKYPMZD6TYHPJSPSVCKVXEGLBZ6JUAP3XZPGQPSNBP";

/** A user or a group of the system. */
const ACCOUNT = /^[A-Za-z_][A-Za-z0-9_.-]{0,62}\$?$|^\d{1,10}$/;
export const account = () =>
  kind(z.union([z.string().regex(ACCOUNT), z.number().int().min(0).max(MOST_ID)]).transform(String), {
    expects: "a name or a number",
    why: (value) => (typeof value === "string" ? "the system has no such names" : undefined),
  });
/** The number above it means "no user" to the kernel. */
const MOST_ID = 2 ** 32 - 2;

export const variable = () => text("the name of a variable", variableFault, { shape: /^[A-Za-z_][A-Za-z0-9_]*$/ });

/** One variable, or all that begin alike: `LC_*`. */
export const variables = () =>
  text("the name of a variable", (value) => variableFault(value.replace(/(?<=.)\*$/, "")), {
    shape: /^[A-Za-z_][A-Za-z0-9_]*\*?$/,
  });

function variableFault(value: string): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(value)) return "letters, digits and _ make a name";
  return value.startsWith("STEWARD_") ? "variables of steward's own stay with the daemon" : undefined;
}

export const secretName = () => text("the name of a secret", tokenFault, { shape: new RegExp(`^${TOKEN}$`) });

/** A mapping of names of secrets. */
export function bySecret<S extends z.ZodType>(element: S, expects: string) {
  return kind(z.record(z.string().regex(new RegExp(`^${TOKEN}$`)), element), {
    expects,
    format: (value) => JSON.stringify(value),
  });
}

export const mask = () =>
  kind(z.string().regex(/^0?[0-7]{3}$/), {
    expects: 'three octal digits in quotes, such as "027"',
    why: (value) => (typeof value === "number" ? "put it in quotes" : undefined),
  });

export const receivedSubject = () =>
  text("<command|event>.<method>.<domain>", receivedFault, {
    shape: new RegExp(`^(command|event)\\.${TOKEN}\\.${TOKEN}$`),
  });

/** A subject with its receiver. */
export const receivedBy = () =>
  text("<node>.<command|event>.<method>.<domain>", subjectFault, {
    shape: new RegExp(`^${TOKEN}\\.(command|event)\\.${TOKEN}\\.${TOKEN}$`),
  });

export const nkey = () =>
  text(
    "the public nkey of a user, U and 55 more characters",
    (value) =>
      isSeed(value)
        ? "this is a seed, which only its owner may have"
        : /^U[A-Z2-7]{55}$/.test(value)
          ? undefined
          : "`nk -inkey FILE -pubout` prints it",
    { hides: isSeed },
  );

export const sentSubject = () =>
  text(
    "<node>.event.<method>.<domain>",
    (value) => {
      const fault = subjectFault(value);
      if (fault !== undefined) return fault;
      return parseSubject(value).kind === "event" ? undefined : "a source makes events, not commands";
    },
    { shape: new RegExp(`^${TOKEN}\\.event\\.${TOKEN}\\.${TOKEN}$`) },
  );

const SERVER =
  /^(?:(?:nats|tls):\/\/)?(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?::(\d{1,5}))?$/;
export const server = () =>
  text(
    "an address such as nats://127.0.0.1:4222",
    (value) => {
      if (value.includes("@")) return "credentials are written under broker: user and password, or token";
      const match = SERVER.exec(value);
      if (match === null)
        return /^\w+:\/\//.test(value) && !/^(nats|tls):/.test(value)
          ? "use nats:// or tls://"
          : "write nats://<host>:<port>";
      return match[1] === undefined || isPort(Number(match[1]), 1) ? undefined : "a port is a number from 1 to 65535";
    },
    { shape: SERVER, hides: (value) => typeof value === "string" && value.includes("@") },
  );

/** An address of the syslog source; without a host it is the loopback address. */
const LISTENER = /^(?:udp|tcp):\/\/(?:\[[0-9A-Fa-f:.]+(?:%\w+)?\]|[A-Za-z0-9._-]*):(\d{1,5})\/?$/;
export const syslogAddress = () =>
  text(
    "an address such as udp://127.0.0.1:5514",
    (value) => {
      const match = LISTENER.exec(value);
      return match !== null && isPort(Number(match[1]), 0)
        ? undefined
        : "write udp://<address>:<port> or tcp://<address>:<port>";
    },
    { shape: LISTENER },
  );

export const host = () =>
  text("an IP address or a host name", (value) =>
    /^[0-9A-Za-z:._-]+$/.test(value) ? undefined : "write it without scheme and port",
  );

export const postAddress = () =>
  text("an address such as https://example.org/hook", (value) => {
    if (!URL.canParse(value)) return "write https://<host>/<path>";
    const { protocol, username, password } = new URL(value);
    if (username !== "" || password !== "") return "credentials are written to a file and named by tokenFile";
    return protocol === "https:" || protocol === "http:" ? undefined : "use https:// or http://";
  });

export const mailbox = () =>
  text("a mailbox such as office@example.org", (value) =>
    /^[^\s@,<>"-][^\s@,<>"]*@[^\s@,<>"]+$/.test(value) && value.length <= 254 ? undefined : "write name@host",
  );

export const natsSubject = () =>
  text("a NATS subject such as alerts.fleet", (value) => {
    if (!/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+){0,15}$/.test(value)) return "letters, digits, _ and -, with dots between";
    if (!value.startsWith("alerts.")) return "it begins with alerts., for central may publish no other ones";
    return isSubject(value) ? "nodes would take it for a message of steward's" : undefined;
  });

const HOST_PORT = /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})$/;
export const hostPort = () =>
  text("<host>:<port>", (value) => (readHostPort(value) ? undefined : "write it as in 127.0.0.1:9464"), {
    shape: HOST_PORT,
  });

export function readHostPort(value: string): { host: string; port: number } | undefined {
  const match = HOST_PORT.exec(value);
  const port = Number(match?.[3]);
  return match !== null && isPort(port, 0) ? { host: match[1] ?? match[2] ?? "", port } : undefined;
}

/** The address of a page, as a browser shows it. */
const WEB_ADDRESS = /^https?:\/\/[A-Za-z0-9.:[\]_-]+\/?$/;
export const webAddress = () =>
  text(
    "an address such as https://fleet.example.org",
    (value) => {
      const url = WEB_ADDRESS.test(value) && URL.canParse(value) ? new URL(value) : undefined;
      if (url === undefined) return "write https://<host>, with a port where it is not 443, and no path";
      if (url.protocol === "https:" || isLoopback(url.hostname.replace(/^\[|\]$/g, ""))) return undefined;
      return "a login crosses no network in the clear: write https://";
    },
    { shape: WEB_ADDRESS },
  );

const isPort = (port: number, least: number): boolean => port >= least && port <= 65535;

interface Measure {
  readonly name: string;
  readonly shape: RegExp;
  readonly read: (text: string) => number | undefined;
  readonly format: (value: number) => string;
  /** The unit that a bare number may be meant in. */
  readonly usual: readonly [unit: string, name: string];
}

const DURATIONS: Measure = {
  ...{ name: "duration", shape: DURATION, read: readDuration, format: formatDuration },
  usual: ["s", "seconds"],
};
const SIZES: Measure = { name: "size", shape: SIZE, read: readSize, format: formatSize, usual: ["B", "bytes"] };

/** Milliseconds, between the two texts. */
export const duration = (least: string, most: string) => measured(DURATIONS, least, most);

/** Bytes, between the two texts. */
export const size = (least: string, most: string) => measured(SIZES, least, most);

function measured({ name: measure, shape, read, format, usual: [unit, units] }: Measure, least: string, most: string) {
  const [lowest = 0, highest = 0] = [read(least), read(most)];
  const expects = `a ${measure} from ${least} to ${most}`;
  const schema = z
    .string()
    .regex(shape)
    .transform((value, context) => {
      const result = read(value);
      if (result !== undefined && result >= lowest && result <= highest) return result;
      context.addIssue({ code: "custom", message: expects });
      return z.NEVER;
    });
  const why = (value: unknown): string | undefined => {
    if (typeof value === "number" || (typeof value === "string" && /^\d+$/.test(value)))
      return `it has no unit; write ${value}${unit} if it means ${units}`;
    if (typeof value !== "string" || read(value) !== undefined) return undefined;
    return `write a number and a unit, as in ${format(lowest)} or ${format(highest)}`;
  };
  return kind(schema, { expects, why, format: (value) => (typeof value === "number" ? format(value) : "none") });
}

export const wholeNumber = (least: number, most: number) =>
  kind(z.number().int().min(least).max(most), { expects: `a whole number from ${least} to ${most}`, why: numberHint });

export const decimal = (least: number, most: number) =>
  kind(z.number().min(least).max(most), { expects: `a number from ${least} to ${most}`, why: numberHint });

export const flag = () => kind(z.boolean(), { expects: "true or false", why: flagHint });

export function oneOf<const V extends readonly [string, ...string[]]>(...values: V) {
  const why = (value: unknown): string | undefined => {
    const near = typeof value === "string" ? nearest(value, values) : undefined;
    return near === undefined ? undefined : `did you mean ${JSON.stringify(near)}?`;
  };
  return kind(z.enum(values), { expects: `one of ${values.join(", ")}`, why });
}

/** `word` in place of the value turns it off; so does null, and for `never` the other words that people have for it. */
export function orOff<S extends z.ZodType>(word: string, schema: S, expects: string) {
  const off = z.literal(word === NEVER ? [NEVER, ...NEVER_TOO] : [word]).transform(() => null);
  const { why, format = String } = kinds.get(schema) ?? {};
  return kind(z.union([off, schema, z.null()]), {
    expects: `${expects}, or ${word}`,
    format: (value) => (value === null ? word : format(value)),
    ...(why === undefined ? {} : { why }),
  });
}

export function listOf<S extends z.ZodType>(element: S, expects: string, least = 0) {
  const why = (value: unknown): string | undefined => {
    if (typeof value === "string") return `write [${isToken(value) ? value : JSON.stringify(value)}]`;
    return Array.isArray(value) ? "it is empty" : undefined;
  };
  const { quoted = false, text: textOf = String } = kinds.get(element) ?? {};
  const format = (value: unknown): string => {
    if (!Array.isArray(value) || (value.length === 0 && quoted)) return "none";
    const texts = value.map(textOf);
    return quoted ? JSON.stringify(texts) : `[${texts.join(", ")}]`;
  };
  return kind(z.array(element).min(least), { expects, why, format });
}

/** Texts by names: `{class: tanker}`. */
export function textsByName(expects: string) {
  return kind(
    z.record(
      z.string(),
      text("text", () => undefined),
    ),
    { expects, format: inBraces },
  );
}

/** `groups:` of the file: a target, or a list of them, by the name of the group. */
export function groups() {
  const target = text("a target", () => undefined);
  const one = kind(z.union([target, z.array(target).min(1)]), {
    expects: "a target such as site=hamburg, or a list of targets",
    why: (value) => (Array.isArray(value) && value.length === 0 ? "it is empty" : undefined),
  });
  return kind(z.record(z.string(), one), {
    expects: "names and targets, such as {north: site=hamburg}",
    format: inBraces,
  });
}

/** A target that bounds what people may do. */
export const boundTarget = () => text("a target over names, groups and labels", boundFault);

/** A compiled mapping on one line: `{class: tanker}`. */
export function inBraces(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(inBraces).join(", ")}]`;
  return `{${Object.entries(value)
    .map(([key, inside]) => `${key}: ${inBraces(inside)}`)
    .join(", ")}}`;
}

export function flagHint(value: unknown): string | undefined {
  if (typeof value !== "string") return undefined;
  if (value === "true" || value === "false") return "remove the quotes";
  const word = { yes: "true", on: "true", no: "false", off: "false" }[value.toLowerCase()];
  return word === undefined ? undefined : `write ${word}`;
}

function numberHint(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" && Number.isFinite(Number(value)) ? "remove the quotes" : undefined;
}

function quoteHint(value: unknown): string | undefined {
  return typeof value === "number" || typeof value === "boolean" ? "put it in quotes" : undefined;
}

const isSeed = (value: unknown): boolean => typeof value === "string" && /^S[A-Z][A-Z2-7]{40,}$/.test(value);

function pathFault(value: string): string | undefined {
  if (value.includes("\0") || value.includes("\n")) return "a path is one line of text";
  if (value.startsWith("~")) return "~ is not expanded; write the path in full";
  if (value.includes("${")) return "environment variables are taken in broker.user, password and token only";
  return undefined;
}

function receivedFault(value: string): string | undefined {
  const tokens = value.split(".");
  if (tokens.length === 4 && (tokens[1] === "command" || tokens[1] === "event")) {
    return `leave the node out: ${tokens.slice(1).join(".")}`;
  }
  if (tokens.length !== 3) return `it has ${tokens.length === 1 ? "1 part" : `${tokens.length} parts`}, 3 are needed`;
  if (tokens[0] !== "command" && tokens[0] !== "event")
    return `it begins with ${JSON.stringify(tokens[0])}, not with command or event`;
  return subjectFault(`this.${value}`);
}

function subjectFault(value: string): string | undefined {
  try {
    parseSubject(value);
    return undefined;
  } catch (thrown) {
    return thrown instanceof StewardError ? String(thrown.details.fault) : faultText(thrown);
  }
}
