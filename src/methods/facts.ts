import type { Json } from "../message/message.ts";
import type { Fact } from "../message/target/compare.ts";
import { isFact, isFactKey, MOST_FACT_BYTES, MOST_FACTS } from "../message/target/facts.ts";
import { isTime } from "../message/wire/packet.ts";
import { checkObject } from "./check.ts";
import { defineMethod, type Method } from "./define.ts";

/** The facts of a node that changed since central last acknowledged some, or all of them. */
export interface FactsTold {
  /** The time of the node, ms. */
  readonly at: number;
  /** True: `set` holds all facts, and every other one is gone. */
  readonly all?: true;
  /** Each fact, and since when it is so by the node's clock, ms. */
  readonly set: Readonly<Record<string, readonly [value: Fact, since: number]>>;
  readonly gone?: readonly string[];
}

function checkFacts(data: Json): void {
  checkObject(data, { at: "number" });
  const { at, all, set, gone = [] } = data as unknown as FactsTold;
  if (!isTime(at)) throw new Error("at: expected a time");
  if (all !== undefined && all !== true) throw new Error("all: expected true");
  if (typeof set !== "object" || set === null || Array.isArray(set)) throw new Error("set: expected facts by name");
  if (
    !Array.isArray(gone) ||
    gone.length > MOST_FACTS ||
    !gone.every((key) => typeof key === "string" && isFactKey(key))
  )
    throw new Error("gone: expected names of facts");
  const entries = Object.entries(set as Readonly<Record<string, unknown>>);
  if (entries.length > MOST_FACTS) throw new Error(`set: at most ${MOST_FACTS} facts`);
  for (const [key, entry] of entries) {
    if (!isFactKey(key)) throw new Error("set: expected names of facts");
    if (!Array.isArray(entry) || entry.length !== 2 || !isFact(entry[0]) || !isTime(entry[1]))
      throw new Error("set: expected a value and a time for each fact");
  }
  if (Buffer.byteLength(JSON.stringify(set)) > MOST_FACT_BYTES)
    throw new Error(`set: at most ${MOST_FACT_BYTES} bytes`);
}

/** A node tells central its facts. Central's ACK is the proof that they came; what got none is told again. */
export function facts(links: { factsTold(origin: string, told: FactsTold): void }): Method {
  return defineMethod({
    name: "facts",
    summary: "A node tells how it is: system, disks, addresses, facts of its own. Told when they change.",
    event: {
      transient: true,
      check: checkFacts,
      async handle(batch, { origin }) {
        for (const { data } of batch) links.factsTold(origin, data as unknown as FactsTold);
        return undefined;
      },
    },
  });
}
