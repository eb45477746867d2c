import { faultText, StewardError } from "../../message/errors.ts";
import type { Json } from "../../message/message.ts";
import { CONTROL_DOMAIN, isToken } from "../../message/subject.ts";
import { defineMethod, type Method } from "../../methods/define.ts";
import type { Signed } from "../../security/keys/signed.ts";
import type { TrustList } from "../../security/trust/trust-list.ts";

/** The method by which central hands a node its trust list, and a node asks central for the keys of others. */
export const TRUST = "trust";

/**
 * `list`: central's word to a node. `rekey`: the node shall make new keys, and answers with their proof. `peers`: a node asks
 * central for the keys of other nodes.
 */
export type TrustOrder =
  | { readonly list: Signed<TrustList> }
  | { readonly rekey: true }
  | { readonly peers: readonly string[] };

/** The part of the enrolment that takes the orders of this method. */
export interface TrustTaker {
  /** @throws StewardError why the order is not taken */
  take(origin: string, order: TrustOrder): Json;
}

const MOST_PEERS = 100;

export function trustSubject(node: string): string {
  return `${node}.command.${TRUST}.${CONTROL_DOMAIN}`;
}

export function trustMethod(taker: TrustTaker): Method {
  return defineMethod({
    name: TRUST,
    summary: "Takes the signed list of nodes that this node may trust, and gives out the keys of nodes.",
    command: {
      idempotent: true,
      check: checkOrder,
      run: async ({ data, origin }) => {
        try {
          return { state: "succeeded", result: taker.take(origin, data as unknown as TrustOrder) };
        } catch (error) {
          if (!(error instanceof StewardError)) throw error;
          return { state: "failed", reason: faultText(error) };
        }
      },
    },
  });
}

function checkOrder(data: Json): void {
  const { list, rekey, peers } = (data ?? {}) as Readonly<Record<string, Json | undefined>>;
  if (typeof list === "object" && list !== null && "body" in list) return;
  if (rekey === true) return;
  if (Array.isArray(peers) && peers.length > 0 && peers.length <= MOST_PEERS && peers.every(isToken)) return;
  throw new Error("expected a trust list, names of peers, or an order to change keys");
}
