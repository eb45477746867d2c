import { isId } from "../../message/id.ts";
import type { Json } from "../../message/message.ts";
import { isToken } from "../../message/subject.ts";
import { checkObject } from "../../methods/check.ts";
import { defineMethod, type Method } from "../../methods/define.ts";

/** The question of a node to the origin of commands that it holds, and the answer. Presence, like a hello: never journalled. */
export const VOUCH = "vouch";

/** `life`: of the daemon that asks; an answer to an earlier life proves nothing. `epoch`: of its journal. */
export type Vouch =
  | { readonly life: string; readonly epoch: string; readonly ids: readonly string[] }
  | { readonly life: string; readonly word: Word };

/** The facts that an origin learned from the journal that asks. */
export interface Word {
  /** The origin's own journal. */
  readonly epoch: string;
  /** The commands that it was asked about. */
  readonly ids: readonly string[];
  /** The highest number that its journal acknowledged, of lanes to the node. */
  readonly acked: readonly (readonly [subject: string, seq: number])[];
  /** The highest number that came from its journal, and the message that had it where known, of lanes from the node. */
  readonly had: readonly (readonly [subject: string, seq: number, id: string | null])[];
  /** Commands that the node has reported as begun, and as ended. */
  readonly begun: readonly string[];
  readonly ended: readonly string[];
  /** Commands that the origin does not know, or that it ended itself. */
  readonly disowned: readonly string[];
  /** Earlier epochs of the origin's journal, with the highest number that each had given on its lanes to the node. */
  readonly was?: readonly (readonly [epoch: string, given: readonly (readonly [subject: string, upTo: number])[]])[];
}

export function vouchMethod(vouching: { heard(origin: string, vouch: Vouch): void }): Method {
  return defineMethod({
    name: VOUCH,
    summary: "A node asks the origin of commands that it holds whether it was told of their begin or end.",
    event: {
      transient: true,
      check: checkVouch,
      async handle(batch, { origin }) {
        for (const { data } of batch) vouching.heard(origin, data as unknown as Vouch);
        return undefined;
      },
    },
  });
}

function checkVouch(data: Json): void {
  checkObject(data, { life: "string" });
  const { life, word } = data as { readonly life: Json; readonly word?: Json };
  if (!isId(life)) throw new Error("life: expected an id");
  const said = word === undefined ? data : word;
  checkObject(said, { epoch: "string", ids: "strings" });
  const { epoch, ids } = said as unknown as Word;
  if (!isToken(epoch)) throw new Error("epoch: expected letters, digits, _ and -");
  if (!ids.every(isId)) throw new Error("ids: expected ids of messages");
  if (word === undefined) return;
  checkObject(word, { begun: "strings", ended: "strings", disowned: "strings" });
  const { acked, had } = word as { readonly acked?: Json; readonly had?: Json };
  if (!Array.isArray(acked) || !acked.every((entry) => isPlace(entry, 2))) throw new Error("acked: expected numbers");
  if (!Array.isArray(had) || !had.every((entry) => isPlace(entry, 3))) throw new Error("had: expected numbers");
  const { was = [] } = word as { readonly was?: Json };
  if (!Array.isArray(was) || !was.every(isEarlier)) throw new Error("was: expected epochs with numbers");
}

function isEarlier(entry: Json): boolean {
  if (!Array.isArray(entry) || entry.length !== 2) return false;
  const [epoch, given] = entry as readonly Json[];
  return isToken(epoch) && Array.isArray(given) && given.every((place) => isPlace(place, 2));
}

function isPlace(entry: Json, length: number): boolean {
  if (!Array.isArray(entry) || entry.length !== length) return false;
  const [subject, seq, id = null] = entry as readonly Json[];
  return typeof subject === "string" && Number.isSafeInteger(seq) && (id === null || typeof id === "string");
}
