import type { Json } from "../message.ts";
import { CONTROL_DOMAIN, parseSubject } from "../subject.ts";

const LENGTH = 80;

/** One line that says what a message is for, for lists: its data, or, of a message between daemons, words. */
export function summariseMessage({ subject, data }: { readonly subject: string; readonly data: Json }): string {
  const words = subject.endsWith(`.${CONTROL_DOMAIN}`) ? controlWords(subject, data) : undefined;
  return words === undefined ? summarise(data) : shortened(words);
}

/** A message between daemons in words; `undefined`: it is none that this version knows. */
function controlWords(subject: string, data: Json): string | undefined {
  const { kind, method } = parseSubject(subject);
  const fields = (typeof data === "object" && data !== null && !Array.isArray(data) ? data : {}) as Fields;
  return WORDS[`${kind}.${method}`]?.(fields);
}

type Fields = Readonly<Record<string, Json | undefined>>;

const count = (value: Json | undefined, thing: string): string => {
  const many = Array.isArray(value) ? value.length : 0;
  return `${many} ${thing}${many === 1 ? "" : "s"}`;
};
const word = (value: Json | undefined): string => (typeof value === "string" ? value : "?");

const WORDS: Readonly<Record<string, (fields: Fields) => string | undefined>> = {
  "command.cancel": ({ id }) => `cancel ${word(id)}`,
  "command.process": ({ verb, subject }) =>
    verb === "ps" ? "list the processes" : `${word(verb)} the process ${word(subject)}`,
  "command.ping": () => "are you there?",
  "command.compare": ({ open }) => `what became of ${count(open, "command")}?`,
  "command.may": ({ origin, subject }) => `may ${word(origin)} send ${word(subject)}?`,
  "command.trust": ({ list, rekey, peers }) => {
    if (rekey === true) return "make new keys";
    if (Array.isArray(peers)) return `send the keys of ${peers.map(word).join(", ")}`;
    const { body } = (list ?? {}) as { readonly body?: Json };
    const { version } = (body ?? {}) as { readonly version?: Json };
    return typeof version === "number" ? `trust list ${version}: whom to trust from now on` : undefined;
  },
  "event.errorlog": ({ code, text, over }) => `${over === true ? "over: " : ""}${word(code)}: ${word(text)}`,
};

/** One line of a message's data, for lists. */
export function summarise(data: Json): string {
  let text: string;
  if (Array.isArray(data) && data.every((part) => typeof part === "string")) text = data.map(quoted).join(" ");
  else if (typeof data === "object" && data !== null && "script" in data && typeof data.script === "string")
    text = data.script;
  else if (typeof data === "object" && data !== null && "argv" in data && Array.isArray(data.argv))
    return summarise(data.argv);
  else text = JSON.stringify(data);
  return shortened(text);
}

function shortened(text: string): string {
  const line = /\s/.test(text) ? text.replace(/\s+/g, " ").trim() : text;
  return line.length > LENGTH ? `${line.slice(0, LENGTH - 1)}…` : line;
}

function quoted(part: string): string {
  return /[\s'"]/.test(part) || part === "" ? `'${part.replaceAll("'", "'\\''")}'` : part;
}
