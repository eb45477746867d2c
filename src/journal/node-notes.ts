import type { FactsRecord, HistoryRecord, LabelsRecord } from "./records.ts";
import type { Store } from "./store/store.ts";

/** The rows of `labels` and `facts`, one for each node, and of `history`, one for each while. */
export class NodeNotes {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  *labels(): Iterable<readonly [node: string, record: LabelsRecord]> {
    for (const { key, value } of this.#store.range("labels", {})) yield [String(key), value as LabelsRecord];
  }

  *facts(): Iterable<readonly [node: string, record: FactsRecord]> {
    for (const { key, value } of this.#store.range("facts", {})) yield [String(key), value as FactsRecord];
  }

  factsOf(node: string): FactsRecord | undefined {
    return this.#store.get("facts", node) as FactsRecord | undefined;
  }

  *history(): Iterable<readonly [no: number, record: HistoryRecord]> {
    for (const { key, value } of this.#store.range("history", {})) yield [key as number, value as HistoryRecord];
  }

  historyOf(no: number): HistoryRecord | undefined {
    return this.#store.get("history", no) as HistoryRecord | undefined;
  }

  /** A loss of it in a crash is a time that is not known. */
  setHistory(no: number, record: HistoryRecord): void {
    this.#store.putSoon("history", no, record);
  }

  dropHistory(no: number): void {
    this.#store.remove("history", no);
  }

  setLabels(node: string, record: LabelsRecord): void {
    this.#store.put("labels", node, record);
  }

  dropLabels(node: string): void {
    this.#store.remove("labels", node);
  }

  dropFacts(node: string): void {
    this.#store.remove("facts", node);
  }

  /** A loss of it in a crash does no harm: the node tells all of it to the next life of the daemon. */
  setFacts(node: string, record: FactsRecord): void {
    this.#store.putSoon("facts", node, record);
  }
}
