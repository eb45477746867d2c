import type { Clock, Timer } from "../../message/clock.ts";
import { faultText } from "../../message/errors.ts";
import type { Logger } from "../../platform/logger.ts";
import { sleep } from "../../platform/sleep.ts";
import { ChainCheck, type ChainFault, claimOf, hashOf, type Link, START } from "./chain.ts";
import { type AuditEntry, type AuditRecord, isSameButForIds } from "./entry.ts";
import { type AuditFiles, firstOf, type NumberedLine } from "./files.ts";

/**
 * The audit of a node: who asked for what, for which nodes, what was decided and why; append-only, each record chained to the one
 * before by its hash.
 *
 * A record is durable with whatever it tells of: its line joins the journal's turn, and costs no write to the disk of its own. Messages
 * of one turn that follow each other and differ in nothing but their ids share a record, so that a frame of a hundred costs one. Soon
 * after, lines are moved in groups to the files of the audit; the journal keeps the link at which the files begin and that at which
 * they end, so that a file that was cut or removed is found.
 */
export interface AuditJournal {
  /** Groups of lines that are not in the files yet, in order. */
  audited(): readonly (readonly string[])[];
  /** Adds a group, under the number of its first record. */
  setAudited(no: number, lines: readonly string[]): void;
  dropAudited(no: number): void;
  auditEnds: AuditEnds | undefined;
  atTurnEnd(work: () => void): void;
  flushed(): Promise<void>;
  /** The error of the disk, since it refuses. */
  readonly fault: string | undefined;
}

/** The link before the first record of the files, and the last record in them. */
export interface AuditEnds {
  readonly start: Link;
  readonly head: Link;
}

export interface AuditOptions {
  readonly journal: AuditJournal;
  /** Absent: the lines stay in the journal. */
  readonly files: AuditFiles | undefined;
  readonly clock: Clock;
  readonly log: Pick<Logger, "error" | "warn" | "info">;
  readonly keep: () => { readonly age: number; readonly bytes: number };
  /** Hears each time why the files cannot be written, and `undefined` once they can be again. */
  readonly onFault?: (fault: string | undefined) => void;
}

export interface AuditFilter {
  readonly what?: string | undefined;
  readonly by?: string | undefined;
  readonly subject?: string | undefined;
  readonly refused?: boolean | undefined;
  /** Only records from then on, ms. */
  readonly since?: number | undefined;
  /** Only records with a higher number. */
  readonly after?: number | undefined;
  /** Only records with a lower number. */
  readonly before?: number | undefined;
  /** Only records about messages or a job whose ids begin so. */
  readonly message?: string | undefined;
  readonly limit?: number | undefined;
}

export interface AuditCheck {
  readonly ok: boolean;
  readonly records: number;
  readonly first: number;
  readonly last: number;
  /** The hash of the last record: kept elsewhere, it proves later that nothing before it was changed. */
  readonly head: string;
  readonly faults: readonly ChainFault[];
}

/** How long lines wait in the journal, ms, and the number of them beyond which they are moved at once. */
const MOVE_AFTER = 1_000;
const MOVE_AT = 2_000;
/** The longest pause between two tries while the files cannot be written, ms; the pauses double until then. */
const LONGEST_PAUSE = 60_000;
/** Lines that are looked through before the event loop has its turn. */
const A_TURN = 1_000;
/** The longest that the end waits for the files, ms. */
const END_WITHIN = 5_000;
/** Refusals of one kind that are recorded in a minute; the next record after it tells how many were not. */
const MOST_REFUSALS = 20;
const MINUTE = 60_000;
const HOUR = 3_600_000;
const MOST_KINDS = 1_000;
/** Ids of one record. */
const MOST_IDS = 200;

export class Audit {
  readonly #options: AuditOptions;
  #last: Link;
  /** The latest entry of this turn, and its ids: further ones may join an entry about one message. */
  #open: { readonly entry: AuditEntry; readonly at: number; readonly ids: string[] } | undefined;
  /** Lines of this turn. */
  #turn: string[] = [];
  #turnBegan = false;
  /** The first and the last record of each group that is in the journal. */
  #groups: { readonly first: number; readonly last: number }[] = [];
  /** Lines that are in the journal and not in the files. */
  #waiting: NumberedLine[] = [];
  #timer: Timer | undefined;
  #moving: Promise<void> | undefined;
  /** Why the files cannot be written, and how often that was tried in vain. */
  #fault: { readonly text: string; readonly tries: number } | undefined;
  /** Readers of the files, which stay as they are meanwhile: lines wait in the journal. */
  #readers = 0;
  #ended = false;
  #sweptAt = Number.NEGATIVE_INFINITY;
  #refusals = new Map<string, number>();
  #refusalsSince = 0;

  constructor(options: AuditOptions) {
    this.#options = options;
    const { journal, files } = options;
    const lines: NumberedLine[] = [];
    for (const group of journal.audited()) {
      const claimed = group.map((line) => ({ no: claimOf(line)?.no ?? 0, line })).filter(({ no }) => no > 0);
      const [first, last] = [claimed[0], claimed.at(-1)];
      if (first !== undefined && last !== undefined) this.#groups.push({ first: first.no, last: last.no });
      lines.push(...claimed);
    }
    const tail = files?.tail() ?? START;
    const known = journal.auditEnds?.head ?? START;
    this.#last = [tail, known, ...lines.slice(-1).map(({ no, line }) => ({ no, hash: hashOf(line) }))].reduce((a, b) =>
      b.no > a.no ? b : a,
    );
    // A crash after the files were written and before the journal was: those lines are in both.
    this.#waiting = lines.filter(({ no }) => files === undefined || no > tail.no);
    if (this.#waiting.length < lines.length) this.#settle(lines[lines.length - this.#waiting.length - 1]);
    if (this.#waiting.length > 0) this.#arm();
  }

  /** Records an entry: durable with the journal's next flush. */
  record(entry: AuditEntry): void {
    if (this.#ended) return;
    const { journal, clock } = this.#options;
    const open = this.#open;
    const ids = entry.ids?.length === 1 ? entry.ids : [];
    const [id] = ids;
    const joins = id !== undefined && open !== undefined && open.ids.length > 0 && open.ids.length < MOST_IDS;
    if (joins && isSameButForIds(open.entry, entry)) {
      open.ids.push(id);
      return;
    }
    this.#chain();
    this.#open = { entry, at: clock.now(), ids: [...ids] };
    if (this.#turnBegan) return;
    this.#turnBegan = true;
    journal.atTurnEnd(() => this.#endTurn());
  }

  /** Chains the latest entry: no further ids join it. */
  #chain(): void {
    const open = this.#open;
    if (open === undefined) return;
    this.#open = undefined;
    const { entry, at, ids } = open;
    const no = this.#last.no + 1;
    const text = JSON.stringify(ids.length > 1 ? { ...entry, ids } : entry);
    const line = `{"no":${no},"at":${at},${text.slice(1, -1)},"prev":"${this.#last.hash}"}`;
    this.#last = { no, hash: hashOf(line) };
    this.#waiting.push({ no, line });
    this.#turn.push(line);
  }

  #endTurn(): void {
    this.#turnBegan = false;
    this.#chain();
    const lines = this.#turn;
    this.#turn = [];
    const { no: last } = this.#last;
    const first = last - lines.length + 1;
    this.#options.journal.setAudited(first, lines);
    this.#groups.push({ first, last });
    this.#arm();
  }

  /** Records a refusal, unless many of its kind were recorded this minute: whoever is refused decides how often he asks. */
  refused(kind: string, entry: () => AuditEntry): void {
    const now = this.#options.clock.monotonic();
    if (now - this.#refusalsSince >= MINUTE || this.#refusals.size >= MOST_KINDS) {
      const unrecorded = [...this.#refusals.values()].reduce(
        (sum, count) => sum + Math.max(0, count - MOST_REFUSALS),
        0,
      );
      this.#refusals = new Map();
      this.#refusalsSince = now;
      if (unrecorded > 0)
        this.record({
          what: "decision",
          by: "several",
          allowed: false,
          why: `${unrecorded} more refusals of the same kinds`,
        });
    }
    const count = (this.#refusals.get(kind) ?? 0) + 1;
    this.#refusals.set(kind, count);
    if (count <= MOST_REFUSALS) this.record(entry());
  }

  /** The latest records that pass, oldest first. */
  records({ limit = 100, ...filter }: AuditFilter = {}): Promise<AuditRecord[]> {
    this.#chain();
    return this.#reading(async () => {
      const found: AuditRecord[] = [];
      let looked = 0;
      for await (const line of this.#linesBackwards(filter.before)) {
        if (++looked % A_TURN === 0) await nextTurn();
        const record = parsed(line);
        if (record === undefined) continue;
        if (filter.after !== undefined && record.no <= filter.after) break;
        if (filter.since !== undefined && record.at < filter.since) break;
        if (filter.before !== undefined && record.no >= filter.before) continue;
        if (passes(record, filter) && found.push(record) >= limit) break;
      }
      return found.reverse();
    });
  }

  /** Follows the chain through all files, and through the lines that are still in the journal; a piece of a file at a time. */
  verify(): Promise<AuditCheck> {
    this.#chain();
    return this.#reading(async () => {
      const { journal, files } = this.#options;
      const { start = START, head = START } = journal.auditEnds ?? {};
      const waiting = [...this.#waiting];
      const chain = new ChainCheck(start);
      let place = "the files of the audit";
      for (const name of files?.names() ?? []) {
        place = name;
        let no = 0;
        for await (const line of files?.lines(name) ?? []) chain.line(line, `${name}:${++no}`);
      }
      chain.end(head, place);
      for (const { no, line } of waiting) if (no > chain.last.no) chain.line(line, "the journal");
      const { no, hash } = chain.last;
      const { faults, records } = chain;
      return { ok: faults.length === 0, records, first: start.no + 1, last: no, head: hash, faults };
    });
  }

  /** The files do not change while somebody reads them. */
  async #reading<T>(read: () => Promise<T>): Promise<T> {
    this.#readers++;
    try {
      await this.#moving;
      return await read();
    } finally {
      this.#readers--;
      if (this.#waiting.length > 0) this.#arm();
    }
  }

  /** Moves what waits, and ends. Lines that cannot be moved stay in the journal. */
  async end(): Promise<void> {
    const { clock, journal } = this.#options;
    this.#ended = true;
    this.#chain();
    clock.clearTimeout(this.#timer);
    // A disk that refuses would hold up the end; the lines are in the journal, or as lost as what they tell of.
    if (journal.fault !== undefined) return;
    const over = new AbortController();
    const moved = Promise.resolve(this.#moving).then(() => this.#move());
    await Promise.race([moved, sleep(clock, END_WITHIN, over.signal)]);
    over.abort();
  }

  #arm(): void {
    const { clock, files } = this.#options;
    if (files === undefined || this.#moving !== undefined || this.#readers > 0 || this.#ended) return;
    if (this.#waiting.length >= MOVE_AT && this.#fault === undefined) {
      clock.clearTimeout(this.#timer);
      this.#begin();
    } else this.#timer ??= clock.setTimeout(() => this.#begin(), this.#pause());
  }

  /** How long until lines are moved, ms: longer each time when the files cannot be written. */
  #pause(): number {
    return Math.min(MOVE_AFTER * 2 ** (this.#fault?.tries ?? 0), LONGEST_PAUSE);
  }

  #begin(): void {
    this.#timer = undefined;
    if (this.#readers > 0) return;
    this.#moving ??= this.#move().finally(() => {
      this.#moving = undefined;
      if (this.#waiting.length > 0) this.#arm();
    });
  }

  /** Lines go to the files once they are durable in the journal, and leave it once they are durable there. */
  async #move(): Promise<void> {
    const { journal, files } = this.#options;
    const lines = [...this.#waiting];
    const last = lines.at(-1);
    if (files === undefined || last === undefined) return;
    try {
      await journal.flushed();
      await files.append(lines);
      this.#waiting.splice(0, lines.length);
      this.#settle(last);
      await this.#forget(files);
      this.#worked();
    } catch (error) {
      this.#failed(faultText(error));
    }
  }

  /** One line for each change, however often it is tried. */
  #failed(text: string): void {
    const { log, onFault } = this.#options;
    const before = this.#fault;
    this.#fault = { text, tries: (before?.tries ?? 0) + 1 };
    if (before?.text !== text)
      log.error({ fault: text }, `the audit cannot be written: ${text}; it waits in the journal and is tried again`);
    onFault?.(text);
  }

  #worked(): void {
    const { log, onFault } = this.#options;
    if (this.#fault === undefined) return;
    log.info({ tries: this.#fault.tries }, "the audit is written again");
    this.#fault = undefined;
    onFault?.(undefined);
  }

  /** Notes how far the files go, and drops the groups that are in them. */
  #settle(last: NumberedLine | undefined): void {
    const { journal } = this.#options;
    if (last === undefined) return;
    const start = journal.auditEnds?.start ?? START;
    journal.auditEnds = { start, head: { no: last.no, hash: hashOf(last.line) } };
    const left = this.#groups.findIndex((group) => group.last > last.no);
    for (const { first } of this.#groups.splice(0, left < 0 ? this.#groups.length : left)) journal.dropAudited(first);
  }

  async #forget(files: AuditFiles): Promise<void> {
    const { journal, clock, keep } = this.#options;
    const now = clock.monotonic();
    if (now - this.#sweptAt < HOUR) return;
    this.#sweptAt = now;
    const { age, bytes } = keep();
    const start = await files.forget({ before: clock.now() - age, bytes });
    const ends = journal.auditEnds;
    if (start !== undefined && ends !== undefined) journal.auditEnds = { ...ends, start };
  }

  /** Lines, the newest first; files of which no record is before a number are not read. */
  async *#linesBackwards(before = Number.POSITIVE_INFINITY): AsyncIterable<string> {
    for (const { line } of this.#waiting.toReversed()) yield line;
    const { files } = this.#options;
    for (const name of files?.names().toReversed() ?? [])
      if (firstOf(name) < before) yield* (await files?.read(name))?.toReversed() ?? [];
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function parsed(line: string): AuditRecord | undefined {
  return claimOf(line) === undefined ? undefined : (JSON.parse(line) as AuditRecord);
}

function passes(record: AuditRecord, { what, by, subject, refused, message }: AuditFilter): boolean {
  if (message !== undefined && !isAbout(record, message)) return false;
  if (what !== undefined && record.what !== what) return false;
  if (by !== undefined && record.by !== by && !record.by.startsWith(`${by}@`)) return false;
  if (subject !== undefined && record.subject?.includes(subject) !== true && record.nodes?.includes(subject) !== true)
    return false;
  return refused === undefined || record.allowed === !refused;
}

function isAbout({ ids = [], job }: AuditRecord, beginning: string): boolean {
  return ids.some((id) => id.startsWith(beginning)) || (typeof job === "string" && job.startsWith(beginning));
}
