import type { SubscribeConfig } from "../config/config.ts";
import { StewardError } from "../message/errors.ts";
import type { Json } from "../message/message.ts";
import type { Method } from "../methods/define.ts";

/**
 * Whether an origin may send this to this subject. The node decides by itself, from its own configuration.
 *
 * @throws StewardError `permission-denied`
 */
export function authorise(origin: string, subject: string, data: Json, config: SubscribeConfig, method: Method): void {
  if (!config.from.includes(origin) && !config.from.includes("*")) {
    throw new StewardError("permission-denied", { origin, subject, fault: `from is [${config.from.join(", ")}]` });
  }
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

/** `*` stands for any run of characters, everything else for itself. */
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
