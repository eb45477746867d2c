import type { Config } from "../../config/config.ts";
import type { Clock, Random } from "../../message/clock.ts";
import type { Identity } from "../keys/identity.ts";
import { parseKeys } from "../keys/public-keys.ts";
import { EdgeTrust } from "./edge-trust.ts";
import { Registry } from "./registry.ts";

/** Central keeps the registry; every other node has the list that central signed for it. */
export type OpenedTrust =
  | { readonly role: "central"; readonly trust: Registry }
  | { readonly role: "edge"; readonly trust: EdgeTrust };

interface TrustSurroundings {
  readonly identity: Identity;
  readonly clock: Clock;
  readonly random: Random;
}

/** @throws StewardError `registry-damaged`, `trust-damaged`, `file-unreadable` */
export function openTrust(
  { data, node, central, centralKey }: Pick<Config, "data" | "node" | "central" | "centralKey">,
  { identity, clock, random }: TrustSurroundings,
): OpenedTrust {
  if (node === central) return { role: "central", trust: new Registry({ data, node, identity, clock, random }) };
  const pin = centralKey === undefined ? undefined : parseKeys(centralKey);
  return { role: "edge", trust: new EdgeTrust({ data, node, central, pin, identity }) };
}
