import { type Signal, signal } from "@preact/signals";
import type { NodeView } from "../../runtime/operate/table/nodes.ts";
import type { Time } from "./browser.ts";
import { type Client, sentenceOf } from "./client.ts";
import type { Happening } from "./happenings.ts";

/**
 * All nodes, as a mirror of the daemon's: read in pages when the stream opens and after a gap; from then on a change of a node's
 * state is put in as it comes, and the node is read again soon after, many in one request. Rows that a reader sees are read
 * again every few seconds, for a sign of life is no happening. In a large fleet a row that nobody sees waits until somebody
 * does, or until the whole list is read: its states are true meanwhile, its numbers are as old as its "as of".
 */
export interface Mirror {
  readonly rows: ReadonlyMap<string, NodeView>;
  /** When the whole list was last read, by the clock of this browser; 0: never. */
  readonly readAt: number;
  readonly fault?: string;
}

const PAGE = 1_000;
/** Most nodes of one request for some of them. */
const SOME = 200;
const SOON = 250;
const SHOWN_AGAIN = 3_000;
/** Interval of reading the whole list again, ms; in a large fleet so much for each node, which bounds its cost for the daemon. */
const WHOLE_AGAIN = 60_000;
const WHOLE_AGAIN_EACH = 30;
/** In a fleet of no more nodes each change is read, whoever sees it. */
const FEW = 200;
/** The list is shown anew no more often than this, ms: each time it is sorted. */
const SHOW_EVERY = 250;
/** Interval of a fleet of thousands, ms. */
const SHOW_MANY_EVERY = 600;
const MANY = 2_000;

export class NodeMirror {
  readonly mirror: Signal<Mirror> = signal({ rows: new Map(), readAt: 0 });
  readonly #client: Client;
  readonly #time: Time;
  readonly #rows = new Map<string, NodeView>();
  readonly #dirty = new Set<string>();
  /** For each request under way, the nodes of which a newer state came meanwhile. */
  readonly #overtaken = new Set<Set<string>>();
  #shown: ReadonlySet<string> = new Set();
  #readAt = 0;
  #fault: string | undefined;
  #readingAll = false;
  #readAgain = false;
  #readingSome = false;
  #showing: (() => void) | undefined;
  #showedAt = 0;

  constructor(client: Client, time: Time) {
    this.#client = client;
    this.#time = time;
    this.#soon();
    this.#keepShown();
    this.#keepWhole();
  }

  /** Names of the rows that somebody sees now. */
  shows(names: readonly string[]): void {
    this.#shown = new Set(names);
  }

  happened(happening: Happening): void {
    if (happening.type === "node") {
      const { name, region, to, at, cause } = happening;
      const row = this.#rows.get(name);
      if (row !== undefined && ["link", "session", "work", "trust", "storage"].includes(region)) {
        const link = region === "link" ? { linkSince: at, cause } : {};
        this.#rows.set(name, { ...row, [region]: to.split(".").at(-1), ...link } as NodeView);
        for (const names of this.#overtaken) names.add(name);
        this.#show();
      }
      this.#dirty.add(name);
    } else if (happening.type === "message") {
      const [node = ""] = happening.subject.split(".");
      this.#dirty.add(node);
    }
  }

  /** Reads the whole list, page by page; an answer that fails leaves what is there. */
  async readAll(): Promise<void> {
    if (this.#readingAll) {
      this.#readAgain = true;
      return;
    }
    this.#readingAll = true;
    const begun = this.#time.now();
    const overtaken = this.#asking();
    const due = [...this.#dirty];
    this.#dirty.clear();
    try {
      const names = new Set<string>();
      for (let after: string | undefined = ""; after !== undefined; ) {
        const page: readonly NodeView[] = await this.#client.nodes({ limit: PAGE, ...(after === "" ? {} : { after }) });
        for (const row of page) {
          names.add(row.name);
          this.#put(row, overtaken);
        }
        after = page.length < PAGE ? undefined : page.at(-1)?.name;
      }
      for (const name of this.#rows.keys()) if (!names.has(name)) this.#rows.delete(name);
      this.#readAt = begun;
      this.#fault = undefined;
    } catch (thrown) {
      for (const name of due) this.#dirty.add(name);
      this.#fault = sentenceOf(thrown);
    }
    this.#overtaken.delete(overtaken);
    this.#readingAll = false;
    this.#show();
    if (!this.#readAgain) return;
    this.#readAgain = false;
    void this.readAll();
  }

  async #readSome(names: readonly string[]): Promise<void> {
    if (names.length === 0 || this.#readingSome || this.#readAt === 0) return;
    this.#readingSome = true;
    const overtaken = this.#asking();
    try {
      const found = await this.#client.nodes({ names });
      const seen = new Set<string>();
      for (const row of found) {
        seen.add(row.name);
        this.#put(row, overtaken);
      }
      for (const name of names) if (!seen.has(name)) this.#rows.delete(name);
      this.#show();
    } catch {
      // The stream tells whether the daemon is there; the rows keep the time that they are true for.
      for (const name of names) this.#dirty.add(name);
    }
    this.#overtaken.delete(overtaken);
    this.#readingSome = false;
  }

  #asking(): Set<string> {
    const overtaken = new Set<string>();
    this.#overtaken.add(overtaken);
    return overtaken;
  }

  /** Puts in a row that was read, unless the stream told a newer state while the answer was on its way: that node is read again. */
  #put(row: NodeView, overtaken: ReadonlySet<string>): void {
    if (!overtaken.has(row.name)) this.#rows.set(row.name, row);
  }

  #soon(): void {
    this.#time.after(SOON, () => {
      const isFew = this.#rows.size <= FEW;
      const isDue = (name: string): boolean => isFew || this.#shown.has(name) || !this.#rows.has(name);
      const names = [...this.#dirty].filter(isDue).slice(0, SOME);
      if (!this.#readingSome && this.#readAt > 0) {
        for (const name of names) this.#dirty.delete(name);
        void this.#readSome(names);
      }
      this.#soon();
    });
  }

  #keepShown(): void {
    this.#time.after(SHOWN_AGAIN, () => {
      void this.#readSome([...this.#shown].slice(0, SOME));
      this.#keepShown();
    });
  }

  #keepWhole(): void {
    this.#time.after(WHOLE_AGAIN, () => {
      const isDue = this.#time.now() - this.#readAt >= this.#rows.size * WHOLE_AGAIN_EACH;
      if (this.#readAt > 0 && isDue) void this.readAll();
      this.#keepWhole();
    });
  }

  #show(): void {
    const every = this.#rows.size > MANY ? SHOW_MANY_EVERY : SHOW_EVERY;
    this.#showing ??= this.#time.after(Math.max(0, this.#showedAt + every - this.#time.now()), () => {
      this.#showing = undefined;
      this.#showedAt = this.#time.now();
      const fault = this.#fault === undefined ? {} : { fault: this.#fault };
      this.mirror.value = { rows: new Map(this.#rows), readAt: this.#readAt, ...fault };
    });
  }
}
