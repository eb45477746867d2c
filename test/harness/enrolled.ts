import { mkdirSync } from "node:fs";
import type { Random } from "../../src/message/clock.ts";
import { systemClock, systemRandom } from "../../src/platform/system-clock.ts";
import type { Identity } from "../../src/security/keys/identity.ts";
import { openIdentity } from "../../src/security/keys/identity-files.ts";
import { EdgeTrust } from "../../src/security/trust/edge-trust.ts";
import { Registry } from "../../src/security/trust/registry.ts";

interface Installed {
  readonly name: string;
  readonly data: string;
}

/**
 * Enrols a fleet on disk as `invite` and `join` would, without a daemon: identities, central's registry, each edge's list.
 * `acquainted`: pairs of edges that know each other's keys; "all" pairs if wished.
 */
export function enrolFleet(
  central: Installed,
  edges: readonly Installed[],
  acquainted: readonly (readonly [string, string])[] | "all" = [],
  random: Random = systemRandom,
): ReadonlyMap<string, Identity> {
  const identities = new Map<string, Identity>();
  for (const { name, data } of [central, ...edges]) {
    mkdirSync(data, { recursive: true, mode: 0o700 });
    identities.set(name, openIdentity(data, random));
  }
  const own = (name: string): Identity => identities.get(name) as Identity;
  const { name: node, data } = central;
  const registry = new Registry({ data, node, identity: own(node), clock: systemClock, random });
  for (const { name } of edges) {
    if (registry.record(name) !== undefined) continue;
    const [invited] = registry.invite([{ node: name }], 60_000, "test");
    registry.introduce(name, own(name).keys, invited?.secret);
  }
  const names = edges.map(({ name }) => name);
  const pairs =
    acquainted === "all" ? names.flatMap((a, i) => names.slice(i + 1).map((b) => [a, b] as const)) : acquainted;
  for (const [a, b] of pairs) registry.introducePeers(a, b);
  for (const { name, data: place } of edges) {
    const pin = own(node).keys;
    const trust = new EdgeTrust({ data: place, node: name, central: node, pin, identity: own(name) });
    const list = registry.listFor(name);
    if (list !== undefined) trust.take(list);
  }
  return identities;
}
