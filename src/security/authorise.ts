import type { SubscribeConfig } from "../config/config.ts";
import { StewardError } from "../message/errors.ts";
import type { Json } from "../message/message.ts";
import type { Method } from "../methods/define.ts";

/** The origin of a message from a plain NATS publisher, which names no node. */
export const PLAIN_PUBLISHER = "a plain NATS publisher";

/**
 * Checks a message against the one policy of a node, its own configuration, whichever way the message came in; a message
 * of the node to itself too. A plain publisher has no name for `from`: `foreign` takes its place, all else holds for it too.
 *
 * @throws StewardError `permission-denied`, and the errors of the method's check
 */
export function authorise(origin: string, subject: string, data: Json, config: SubscribeConfig, method: Method): void {
  if (origin === PLAIN_PUBLISHER) {
    if (!config.foreign) throw new StewardError("permission-denied", { origin, subject, fault: "foreign is not set" });
  } else if (!config.from.includes(origin) && !config.from.includes("*")) {
    throw new StewardError("permission-denied", { origin, subject, fault: `from is [${config.from.join(", ")}]` });
  }
  method[config.kind]?.check(data);
  if (config.allow === null) return;
  const line = method.command?.describe?.(data);
  if (line === undefined)
    throw new StewardError("permission-denied", { origin, subject, fault: `allow cannot be used with ${method.name}` });
  if (!config.allow.some((pattern) => matches(pattern, line))) {
    throw new StewardError("permission-denied", {
      origin,
      subject,
      fault: `${JSON.stringify(line.slice(0, 200))} matches no pattern of allow`,
    });
  }
}

/** `*` stands for any run of characters, every other character for itself. */
export function matches(pattern: string, text: string): boolean {
  const parts = pattern.split("*");
  const first = parts[0] ?? "";
  if (parts.length === 1) return text === pattern;
  const last = parts.at(-1) ?? "";
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > text.length - last.length) return false;
    at = found + part.length;
  }
  return true;
}
