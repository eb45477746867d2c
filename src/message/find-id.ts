import { StewardError } from "./errors.ts";
import { isId } from "./id.ts";

/** How many of several ids are named. */
const NAMED = 5;
/** Fewer characters at the end of an id would fit too many. */
const LEAST_SUFFIX = 4;

/**
 * The one id that somebody means: the whole of it, its beginning, its end (ids of one run differ there only), or `@1` for the
 * newest message, `@2` for the one before it. `newest` gives the ids that there are, the newest first; `beginning`, those
 * that begin so, which may be quicker to find.
 * @throws StewardError `unknown`, `message-ambiguous`
 */
export function findId(
  written: string,
  newest: () => Iterable<string>,
  beginning: (prefix: string) => Iterable<string> = (prefix) => [...newest()].filter((id) => id.startsWith(prefix)),
  unknown: "message-unknown" | "dead-letter-unknown" | "job-unknown" = "message-unknown",
): string {
  const text = written.toUpperCase();
  if (isId(text as unknown)) return text;
  const nth = /^@([1-9]\d{0,5})$/.exec(text)?.[1];
  const none = (): StewardError => new StewardError(unknown, { id: written });
  if (nth !== undefined) {
    let at = 0;
    for (const id of newest()) if (++at === Number(nth)) return id;
    throw none();
  }
  let found = new Set(beginning(text));
  let part = "beginning";
  if (found.size === 0 && text.length >= LEAST_SUFFIX) {
    found = new Set([...newest()].filter((id) => id.endsWith(text)));
    part = "end";
  }
  const [id] = found;
  if (id === undefined) throw none();
  if (found.size === 1) return id;
  const named = [...found].slice(0, NAMED).join(", ");
  const more = found.size > NAMED ? ", …" : "";
  throw new StewardError("message-ambiguous", { id: written, part, count: found.size, ids: `${named}${more}` });
}
