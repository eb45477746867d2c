import type { JobRecord, JobStand } from "../records.ts";
import type { Store } from "../store/store.ts";

/** The rows of jobs: `[job, 0]` the order, `[job, 1]` the present state. */
export class JobRows {
  readonly #store: Store;
  readonly #ids: Set<string>;

  constructor(store: Store) {
    this.#store = store;
    this.#ids = new Set([...store.range("jobs", {})].map(({ key }) => String((key as [string, number])[0])));
  }

  /** The ids of all jobs, the oldest first. */
  get ids(): ReadonlySet<string> {
    return this.#ids;
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  /** The order of a job; `undefined`: there is none, or its row was damaged. */
  record(id: string): JobRecord | undefined {
    return this.#ids.has(id) ? (this.#store.get("jobs", [id, 0]) as JobRecord | undefined) : undefined;
  }

  stand(id: string): JobStand | undefined {
    return this.#ids.has(id) ? (this.#store.get("jobs", [id, 1]) as JobStand | undefined) : undefined;
  }

  add(record: JobRecord): void {
    this.#ids.add(record.id);
    this.#store.put("jobs", [record.id, 0], record, true);
  }

  setStand(id: string, stand: JobStand): void {
    this.#store.put("jobs", [id, 1], stand);
  }

  drop(id: string): void {
    this.#ids.delete(id);
    this.#store.remove("jobs", [id, 0]);
    this.#store.remove("jobs", [id, 1]);
  }
}
