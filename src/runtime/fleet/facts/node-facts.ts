import type { Journal } from "../../../journal/journal.ts";
import type { FactChange, FactsRecord } from "../../../journal/records.ts";
import type { Fact } from "../../../message/target/compare.ts";
import { type FactSet, MOST_FACTS, sameFact } from "../../../message/target/facts.ts";
import type { FactsTold } from "../../../methods/facts.ts";
import type { Fleet } from "../fleet.ts";

/** Changes that are kept of each node. */
const MOST_CHANGES = 100;
const NONE: FactSet = Object.freeze({});

/**
 * The facts of all nodes. In memory each node has one text with its values alone, for there may be ten thousand nodes; times
 * and changes lie in the journal.
 */
export class NodeFacts {
  readonly #journal: Pick<Journal, "notes">;
  readonly #fleet: Pick<Fleet, "heldBack">;
  readonly #texts = new Map<string, string>();

  constructor({
    journal,
    fleet,
  }: { readonly journal: Pick<Journal, "notes">; readonly fleet: Pick<Fleet, "heldBack"> }) {
    this.#journal = journal;
    this.#fleet = fleet;
    for (const [node, { facts }] of journal.notes.facts()) this.#texts.set(node, textOf(facts));
  }

  /** The values of a node's facts. Each call reads them anew. */
  of(node: string): FactSet {
    const text = this.#texts.get(node);
    return text === undefined ? NONE : (JSON.parse(text) as FactSet);
  }

  /** The value of one fact, which is read without the others. */
  value(node: string, key: string): Fact | undefined {
    const text = this.#texts.get(node);
    return text === undefined ? undefined : valueIn(text, key);
  }

  /** All that is known of a node's facts; `undefined`: it has told none. */
  record(node: string): FactsRecord | undefined {
    return this.#journal.notes.factsOf(node);
  }

  /** Forgets the facts of a node that left the fleet. */
  forget(node: string): void {
    if (this.#texts.delete(node)) this.#journal.notes.dropFacts(node);
  }

  factsTold(node: string, { at, all, set, gone = [] }: FactsTold): void {
    // Two hosts with one name tell in turn, and neither is believed.
    if (this.#fleet.heldBack(node) !== undefined) return;
    const before = this.record(node);
    const known = new Map(Object.entries(before?.facts ?? {}));
    const changes: FactChange[] = [];
    const lost = all === true ? [...known.keys()].filter((key) => !Object.hasOwn(set, key)) : gone;
    for (const key of lost) {
      const entry = known.get(key);
      if (entry === undefined) continue;
      changes.push([at, key, entry[0], null]);
      known.delete(key);
    }
    for (const [key, [value, since]] of Object.entries(set)) {
      const entry = known.get(key);
      // A fact that is as it was keeps its time: a daemon that starts anew has looked anew.
      if (entry !== undefined && sameFact(entry[0], value)) continue;
      if (known.size >= MOST_FACTS && entry === undefined) continue;
      // The first facts of a node are no changes.
      if (before !== undefined) changes.push([since, key, entry?.[0] ?? null, value]);
      known.set(key, [value, since]);
    }
    if (before !== undefined && changes.length === 0) return;
    const facts = Object.fromEntries([...known].sort(([a], [b]) => (a < b ? -1 : 1)));
    const kept = [...(before?.changes ?? []), ...changes].slice(-MOST_CHANGES);
    this.#journal.notes.setFacts(node, { v: 1, at, facts, changes: kept });
    this.#texts.set(node, textOf(facts));
  }
}

/**
 * The value of a key in a text of `textOf`. The name of the key in quotes with a colon behind it stands nowhere else: a text has
 * its own quotes escaped, and no colon behind its closing one.
 */
function valueIn(text: string, key: string): Fact | undefined {
  const name = `${JSON.stringify(key)}:`;
  const found = text.indexOf(name);
  if (found < 0) return undefined;
  VALUE.lastIndex = found + name.length;
  const [value] = VALUE.exec(text) ?? [];
  return value === undefined ? undefined : (JSON.parse(value) as Fact);
}

const VALUE = /"(?:[^"\\]|\\.)*"|\[(?:[^"\]]|"(?:[^"\\]|\\.)*")*\]|[^,}]+/y;

function textOf(facts: FactsRecord["facts"]): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(facts).map(([key, [value]]): [string, Fact] => [key, value])),
  );
}
