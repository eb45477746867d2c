import type { Config } from "../../config/config.ts";

/** The fault of destinations that somebody names for an outcome; `undefined`: the configuration has each of them. */
export function replyFault(
  names: readonly string[],
  { destinations }: Pick<Config, "destinations">,
): string | undefined {
  const missing = names.find((name) => !Object.hasOwn(destinations, name));
  if (missing === undefined) return undefined;
  const known = Object.keys(destinations);
  const which = known.length === 0 ? "it names none" : `it has ${known.join(", ")}`;
  return `there is no destination ${JSON.stringify(missing)} in steward.yaml of this node; ${which}`;
}

/** Said where there is no room for another reply. */
export const NO_ROOM_FOR_REPLIES = "too many replies wait for their destinations; `steward errands` lists them";
