import type { AuditQuery, AuditRecordOf } from "../../runtime/operate/table/audit.ts";

/** Records of one answer, and those that are kept of one audit: a page that is open all day shows no more. */
const PAGE = 200;
const NEWER = 1_000;
const MOST = 5_000;

/** The records of an audit that pass a filter, the newest first: read once each, further back page by page. */
export interface AuditView {
  readonly records: readonly AuditRecordOf[];
  /** `more`: there may be older ones; `most`: no older ones are shown. */
  readonly end: "all" | "more" | "most";
}

export class AuditPages {
  readonly #ask: (query: AuditQuery) => Promise<readonly AuditRecordOf[]>;
  readonly #since: () => number | undefined;
  /** The oldest first. */
  #records: readonly AuditRecordOf[] = [];
  #isWhole = false;

  /** `since`: the time from which on records are shown, ms; `undefined`: from the beginning. */
  constructor(ask: (query: AuditQuery) => Promise<readonly AuditRecordOf[]>, since: () => number | undefined) {
    this.#ask = ask;
    this.#since = since;
  }

  /** Reads what came since, or the newest page. */
  async newer(): Promise<AuditView> {
    const last = this.#records.at(-1)?.no;
    const limit = last === undefined ? PAGE : NEWER;
    const since = this.#since();
    const came = await this.#ask({
      limit,
      ...(last === undefined ? {} : { after: last }),
      ...(since === undefined ? {} : { since }),
    });
    const isGap = came.length >= limit;
    const kept = isGap ? [] : this.#records.filter(({ no, at }) => no <= (last ?? 0) && at >= (since ?? 0));
    if (isGap || last === undefined) this.#isWhole = !isGap;
    this.#records = [...kept, ...came].slice(-MOST);
    return this.#view();
  }

  /** Reads a page of older ones. */
  async older(): Promise<void> {
    const [first] = this.#records;
    if (first === undefined) return;
    const since = this.#since();
    const older = await this.#ask({ limit: PAGE, before: first.no, ...(since === undefined ? {} : { since }) });
    if (this.#records[0] !== first) return;
    if (older.length < PAGE) this.#isWhole = true;
    this.#records = [...older, ...this.#records];
  }

  #view(): AuditView {
    const end = this.#records.length >= MOST ? "most" : this.#isWhole ? "all" : "more";
    return { records: this.#records.toReversed(), end };
  }
}
