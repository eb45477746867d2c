import type { Json } from "../message.ts";

const LENGTH = 80;

/** One line of a message's data, for lists. */
export function summarise(data: Json): string {
  let text: string;
  if (Array.isArray(data) && data.every((part) => typeof part === "string")) text = data.map(quoted).join(" ");
  else if (typeof data === "object" && data !== null && "script" in data && typeof data.script === "string")
    text = data.script;
  else if (typeof data === "object" && data !== null && "argv" in data && Array.isArray(data.argv))
    return summarise(data.argv);
  else text = JSON.stringify(data);
  const line = /\s/.test(text) ? text.replace(/\s+/g, " ").trim() : text;
  return line.length > LENGTH ? `${line.slice(0, LENGTH - 1)}…` : line;
}

function quoted(part: string): string {
  return /[\s'"]/.test(part) || part === "" ? `'${part.replaceAll("'", "'\\''")}'` : part;
}
