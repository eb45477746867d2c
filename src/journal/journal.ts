import type { Clock, Random } from "../message/clock.ts";
import { StewardError } from "../message/errors.ts";
import { idMaker } from "../message/id.ts";
import type { Json } from "../message/message.ts";
import { AfterFlush } from "./after-flush.ts";
import { DeadLetters } from "./dead-letters.ts";
import { Inbox } from "./inbox.ts";
import { Held } from "./jobs/held.ts";
import { JobRows } from "./jobs/job-rows.ts";
import { mend, namesOf } from "./mend.ts";
import { NodeNotes } from "./node-notes.ts";
import { Outbox } from "./outbox.ts";
import { type Checkpoint, JOURNAL_VERSION } from "./records.ts";
import type { Key, SetAside, Store } from "./store/store.ts";

/**
 * The durable record of one node: the messages that it owes to others (`outbox`), the messages that it took from others with
 * their outcomes (`inbox`), and the positions of its sources and sinks. All verbs take effect at once in memory; the world
 * may learn of them only after `flushed()`. All changes of one turn of the event loop become durable together or not at all.
 */
export interface Journal {
  /** Random identity of this journal: a new one means a new disk. */
  readonly epoch: string;
  /** The reason why this opening gave an existing journal another epoch: damage, or files that are a copy. */
  readonly restored: string | undefined;
  /** The journal's epochs before the present one, the latest first. */
  readonly ancestors: readonly string[];
  /** Damage that was found at opening and set aside or mended; one sentence each. */
  readonly damaged: readonly string[];
  /** Calls `listener` with each row that is set aside from now on. The next opening draws the consequences. */
  onSetAside(listener: (row: SetAside) => void): void;
  readonly outbox: Outbox;
  /** Messages that have an id and are in no lane yet. */
  readonly held: Held;
  readonly jobs: JobRows;
  readonly inbox: Inbox;
  readonly deadLetters: DeadLetters;
  /**
   * Gives the journal another epoch from its next opening on, because another node has proved that it was restored.
   * Messages that are pending in it may have run since the copy.
   */
  renew(): void;
  /** True: the host has not been booted since the journal was last opened, so its disk was not put back. */
  readonly sameBoot: boolean;
  /** True after `renew()`. */
  readonly renewed: boolean;
  /** Resolves when everything done before this call is durable. @throws StewardError `journal-failed` */
  flushed(): Promise<void>;
  /** Calls `done` when everything done before this call is durable: cheaper than a promise for each of thousands of lanes. */
  onceFlushed(done: () => void, failed: (error: unknown) => void): void;
  /** Calls `work` at the end of this turn; its writes join the turn's transaction. */
  atTurnEnd(work: () => void): void;
  checkpoint(key: string): Json | undefined;
  setCheckpoint(checkpoint: Checkpoint): void;
  /** The checkpoints whose keys begin so. */
  checkpoints(prefix: string): Iterable<Checkpoint>;
  dropCheckpoint(key: string): void;
  /** Groups of lines of the audit that are not in its files yet, in order; see security/audit. */
  audited(): readonly (readonly string[])[];
  setAudited(no: number, lines: readonly string[]): void;
  dropAudited(no: number): void;
  /** The ends of the files of the audit. */
  auditEnds: AuditEnds | undefined;
  /** Statements of operators that were used, by their messages or their runs: until when each is remembered, ms. */
  readonly statements: {
    all(): Iterable<readonly [use: string, until: number]>;
    put(use: string, until: number): void;
    drop(use: string): void;
  };
  /** The ids that a file intake took under this key before; `undefined`: none. */
  taken(key: string): readonly string[] | undefined;
  setTaken(key: string, ids: readonly string[]): void;
  /** Forgets the keys for which `goes` is true among the next `limit` (two or more), going round all keys call by call. */
  sweepTaken(goes: (key: string, ids: readonly string[]) => boolean, limit: number): void;
  nodes(): { name: string; snapshot: Json }[];
  setNode(name: string, snapshot: Json): void;
  /** The notes on nodes beside their states: labels that were given here, facts that they told. */
  readonly notes: NodeNotes;
  forgetNode(name: string): void;
  /** Bytes in use, at most a second old. */
  bytes(): number;
  /** The disk's error since it refused a write; the write is tried again until the disk takes it. */
  readonly fault: string | undefined;
  /** Free bytes of the disk, and its size. */
  room(): { readonly free: number; readonly size: number };
  /** Forgets records that ended and are older than `before`, ms, except for spared times; at most `limit`. Owed ones stay. */
  sweep(before: number, limit: number, spared?: (at: number) => boolean): number;
  close(): Promise<void>;
}

/** The links before the first and at the last record of the audit's files. */
interface AuditEnds {
  readonly start: AuditLink;
  readonly head: AuditLink;
}

interface AuditLink {
  readonly no: number;
  readonly hash: string;
}

const AUDIT_ENDS = "audit";
const SIGNED = "signed ";
const auditKey = (no: number): string => `audit ${String(no).padStart(16, "0")}`;

/** The epoch of a journal that has lost its own. */
const UNKNOWN = "0000000000000000";
/** Number of earlier epochs that a journal remembers. */
const MOST_ANCESTORS = 8;

/** @throws StewardError `wrong-node`, `journal-version` */
export function openJournal(
  store: Store,
  options: { node: string; path: string; clock: Clock; random: Random; boot?: string | null },
): Journal {
  const { node, path, clock, random, boot = null } = options;
  const version = store.get("meta", "version") as number | undefined;
  if (version !== undefined && version > JOURNAL_VERSION) {
    throw new StewardError("journal-version", { path, version, supported: JOURNAL_VERSION });
  }
  const owner = store.get("meta", "node") as string | undefined;
  if (owner !== undefined && owner !== node) throw new StewardError("wrong-node", { path, owner, node });
  if (version === undefined) {
    store.put("meta", "version", JOURNAL_VERSION);
    store.put("meta", "node", node);
  }
  if (version !== undefined && version < JOURNAL_VERSION) store.put("meta", "version", JOURNAL_VERSION);
  const mending = mend(store, {
    node,
    now: clock.now(),
    newId: idMaker(clock, random),
    lost: store.gaps,
  });
  const deadLetters = new DeadLetters(store);
  const outbox = new Outbox(store, node, deadLetters);
  const held = new Held(store);
  const jobs = new JobRows(store);
  const inbox = new Inbox(store, deadLetters);
  const known = store.get("meta", "epoch") as string | undefined;
  /** A journal that was put back may have forgotten commands that ran since; a journal that lost single rows knows the rest. */
  const renew = (putBack = true): string => {
    const fresh = Buffer.from(random.bytes(8)).toString("hex");
    store.put("meta", "epoch", fresh);
    if (putBack) {
      inbox.doubt();
      outbox.forgotten(known ?? UNKNOWN);
    }
    return fresh;
  };
  const home = store.get("meta", "home") as string | undefined;
  const copied = home !== undefined && home !== store.identity;
  // Rows missing without a trace may stand for acknowledged or executed messages, as after the restore of a backup.
  const damage = store.gaps ? withKept(store, store.damage) : store.damage;
  const putBack = damage ?? (copied ? "its files are a copy" : undefined);
  const restored = putBack ?? mending.renew;
  if (home !== store.identity) store.put("meta", "home", store.identity);
  const epoch = known === undefined || restored !== undefined ? renew(putBack !== undefined) : known;
  // `based`: the epoch that the lanes' ACKs are for. A daemon that renewed its journal may still have heard ACKs for the old one.
  const earlier = (store.get("meta", "based") ?? (known === epoch ? undefined : known)) as string | undefined;
  let ancestors = (store.get("meta", "ancestors") ?? []) as readonly string[];
  if (earlier !== epoch) {
    if (earlier !== undefined) {
      ancestors = [earlier, ...ancestors].slice(0, MOST_ANCESTORS);
      store.put("meta", "ancestors", ancestors);
    }
    outbox.renewed(ancestors, restored === undefined);
    store.put("meta", "based", epoch);
  }
  const sameBoot = boot !== null && store.get("meta", "boot") === boot;
  if (boot !== null && !sameBoot) store.put("meta", "boot", boot);
  outbox.receivers.heard(node, epoch);
  const afterFlush = new AfterFlush(() => store.flushed());
  let renewed = false;
  /** The key at which the next `sweepTaken` begins. */
  let swept: Key | undefined;
  let measured = { at: Number.NEGATIVE_INFINITY, bytes: 0 };

  return {
    epoch,
    restored,
    ancestors,
    damaged: damageOf(store, mending.rows),
    onSetAside(listener) {
      let isOld = true;
      store.onSetAside((row) => {
        if (!isOld) listener(row);
      });
      isOld = false;
    },
    sameBoot,
    renew: () => {
      renewed = true;
      renew();
    },
    get renewed() {
      return renewed;
    },
    outbox,
    held,
    jobs,
    inbox,
    deadLetters,
    flushed: () => store.flushed(),
    onceFlushed: (done, failed) => afterFlush.add(done, failed),
    atTurnEnd: (work) => store.atTurnEnd(work),
    checkpoint: (key) => store.get("checkpoints", key) as Json | undefined,
    setCheckpoint: ({ key, value }) => store.put("checkpoints", key, value),
    audited: () =>
      [...store.range("checkpoints", { from: "audit ", to: "audit!" })].map(({ value }) =>
        (value as { readonly records: readonly Json[] }).records.map((record) => JSON.stringify(record)),
      ),
    checkpoints: function* (prefix) {
      for (const { key, value } of store.range("checkpoints", { from: prefix, to: `${prefix}\uffff` }))
        yield { key: String(key), value: value as Json };
    },
    dropCheckpoint: (key) => store.remove("checkpoints", key),
    // The lines are JSON as it is written here: each is read back as the same text.
    setAudited: (no, lines) => store.putText("checkpoints", auditKey(no), `{"records":[${lines.join(",")}]}`, true),
    dropAudited: (no) => store.remove("checkpoints", auditKey(no)),
    get auditEnds() {
      return store.get("checkpoints", AUDIT_ENDS) as AuditEnds | undefined;
    },
    set auditEnds(ends) {
      store.put("checkpoints", AUDIT_ENDS, ends);
    },
    statements: {
      all: () =>
        [...store.range("checkpoints", { from: SIGNED, to: "signed!" })].map(
          ({ key, value }) => [String(key).slice(SIGNED.length), Number(value)] as const,
        ),
      put: (id, until) => store.put("checkpoints", `${SIGNED}${id}`, until),
      drop: (id) => store.remove("checkpoints", `${SIGNED}${id}`),
    },
    taken: (key) => store.get("taken", key) as readonly string[] | undefined,
    setTaken: (key, ids) => store.put("taken", key, [...ids]),
    sweepTaken(goes, limit) {
      const rows = [...store.range("taken", swept === undefined ? { limit } : { from: swept, limit })];
      const going = rows.filter(({ key, value }) => goes(String(key), value as readonly string[]));
      for (const { key } of going) store.remove("taken", key);
      swept = rows.length < limit ? undefined : rows.at(-1)?.key;
    },
    nodes: () =>
      [...store.range("nodes", {})].map(({ key, value }) => ({ name: String(key), snapshot: value as Json })),
    forgetNode: (name) => store.remove("nodes", name),
    setNode: (name, snapshot) => store.putText("nodes", name, JSON.stringify(snapshot)),
    notes: new NodeNotes(store),
    bytes() {
      const now = clock.monotonic();
      if (now - measured.at >= 1000) measured = { at: now, bytes: store.bytes() };
      return measured.bytes;
    },
    get fault() {
      return store.fault;
    },
    room: () => store.room(),
    sweep: (before, limit, spared = () => false) =>
      held.sweep(before, spared, (owner) => jobs.has(owner)) +
      outbox.sweep(before, limit, spared, (id) => held.groupOf(id) !== undefined) +
      inbox.sweep(before, limit, spared),
    close: () => store.close(),
  };
}

/** A fault of the database, and where its damaged file can be found. */
function withKept({ kept }: Store, fault: string | undefined): string | undefined {
  return fault === undefined || kept === undefined ? fault : `${fault}, and is kept as ${kept}`;
}

function damageOf(store: Store, rows: readonly SetAside[]): string[] {
  const mended = withKept(store, store.mended);
  const told = mended === undefined ? [] : [`the journal was mended, and nothing of it is lost: ${mended}`];
  if (rows.length === 0) return told;
  const many =
    rows.length === 1
      ? "1 row of the journal is damaged, and was"
      : `${rows.length} rows of the journal are damaged, and were`;
  return [
    ...told,
    `${many} set aside: ${namesOf(rows)}; no command starts of which a row was damaged, the rest goes on`,
  ];
}
