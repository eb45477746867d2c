import type { Config } from "../../config/config.ts";
import type { Clock, Random } from "../../message/clock.ts";
import type { Envelope } from "../../message/wire/envelope.ts";
import { openIdentity } from "../../security/keys/identity-files.ts";
import { SealedEnvelope } from "../../security/seal/sealed-envelope.ts";
import { type OpenedTrust, openTrust } from "../../security/trust/open-trust.ts";
import { OwnKeys } from "../../security/trust/own-keys.ts";

/** The keys of this node, the trust that it has in others, and the envelope that goes by both. */
export interface Sealing {
  readonly keys: OwnKeys;
  readonly opened: OpenedTrust;
  readonly envelope: Envelope;
}

/** @throws StewardError `identity-unsafe`, `identity-damaged`, `registry-damaged`, `trust-damaged` */
export function openSealing(config: Config, { clock, random }: { clock: Clock; random: Random }): Sealing {
  const { data, node } = config;
  const keys = new OwnKeys(data, openIdentity(data, random));
  const opened = openTrust(config, { identity: keys.identity, clock, random });
  keys.onChange(() => opened.trust.rekeyed(keys.identity));
  return { keys, opened, envelope: new SealedEnvelope({ node, keys, trust: opened.trust, random }) };
}
