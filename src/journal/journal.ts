import type { Clock, Random } from "../message/clock.ts";
import { StewardError } from "../message/errors.ts";
import { idMaker } from "../message/id.ts";
import type { Json } from "../message/message.ts";
import { DeadLetters } from "./dead-letters.ts";
import { Inbox } from "./inbox.ts";
import { mend, namesOf } from "./mend.ts";
import { Outbox } from "./outbox.ts";
import { type Checkpoint, JOURNAL_VERSION } from "./records.ts";
import type { Key, SetAside, Store } from "./store/store.ts";

/**
 * The durable record of one node: what it owes to others (`outbox`), what it took from others and what came of it
 * (`inbox`), and where its sources and sinks stand. All verbs take effect at once in memory; the world may learn of
 * them only after `flushed()`. What one turn of the event loop does becomes durable together or not at all.
 */
export interface Journal {
  /** Random identity of this journal: a new one means a new disk. */
  readonly epoch: string;
  /** Why it was found to be an earlier state of itself; its epoch is new. */
  readonly restored: string | undefined;
  /** The epochs that it had before the present one, the latest first. */
  readonly ancestors: readonly string[];
  /** What was damaged when it was opened, and was set aside or mended; one sentence each. */
  readonly damaged: readonly string[];
  /** Called with each row that is set aside from now on: what follows from it is done at the next opening. */
  onSetAside(listener: (row: SetAside) => void): void;
  readonly outbox: Outbox;
  readonly inbox: Inbox;
  readonly deadLetters: DeadLetters;
  /**
   * Others know more of this journal than it knows of itself: it was restored. From its next opening on it is another one,
   * and what it holds unfinished may have run since.
   */
  renew(): void;
  /** The host has not been booted since it was opened before: nobody put the host back meanwhile. */
  readonly sameBoot: boolean;
  /** It will be another one at its next opening. */
  readonly renewed: boolean;
  /** Resolves when everything done before this call is durable. @throws StewardError `journal-failed` */
  flushed(): Promise<void>;
  /** Calls `work` once this turn has done what it does; its writes go along in the same transaction. */
  atTurnEnd(work: () => void): void;
  checkpoint(key: string): Json | undefined;
  setCheckpoint(checkpoint: Checkpoint): void;
  /** What a file intake took under this key before; `undefined`: nothing. */
  taken(key: string): readonly string[] | undefined;
  setTaken(key: string, ids: readonly string[]): void;
  /** Forgets those for which `goes` says so, of the next `limit` (two or more) that it comes to, round and round. */
  sweepTaken(goes: (key: string, ids: readonly string[]) => boolean, limit: number): void;
  nodes(): { name: string; snapshot: Json }[];
  setNode(name: string, snapshot: Json): void;
  /** Bytes in use, at most a second old. */
  bytes(): number;
  /** What the disk says since it refused a write; it is tried again until it takes it. */
  readonly fault: string | undefined;
  /** Bytes that the disk has left for everybody, and its size. */
  room(): { readonly free: number; readonly size: number };
  /** Forgets what ended before `before` (ms), but for times that are spared; at most `limit` records. Never what is owed. */
  sweep(before: number, limit: number, spared?: (at: number) => boolean): number;
  close(): Promise<void>;
}

/** Earlier epochs that a journal remembers. */
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
  const inbox = new Inbox(store, deadLetters);
  /** A journal that was put back may have forgotten what ran since; one that lost single rows knows what it has. */
  const renew = (putBack = true): string => {
    const fresh = Buffer.from(random.bytes(8)).toString("hex");
    store.put("meta", "epoch", fresh);
    if (putBack) inbox.doubt();
    return fresh;
  };
  const home = store.get("meta", "home") as string | undefined;
  const copied = home !== undefined && home !== store.identity;
  // What is missing had been acknowledged, or had run: the same as with a backup.
  const damage = store.gaps ? withKept(store, store.damage) : store.damage;
  const putBack = damage ?? (copied ? "its files are a copy" : undefined);
  const restored = putBack ?? mending.renew;
  if (home !== store.identity) store.put("meta", "home", store.identity);
  const known = store.get("meta", "epoch") as string | undefined;
  const epoch = known === undefined || restored !== undefined ? renew(putBack !== undefined) : known;
  // ACKs went to an earlier epoch; a life that renews itself may still hear some of them.
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
  let renewed = false;
  /** The key at which the next sweep of what was taken begins. */
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
    inbox,
    deadLetters,
    flushed: () => store.flushed(),
    atTurnEnd: (work) => store.atTurnEnd(work),
    checkpoint: (key) => store.get("checkpoints", key) as Json | undefined,
    setCheckpoint: ({ key, value }) => store.put("checkpoints", key, value),
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
    setNode: (name, snapshot) => store.putText("nodes", name, JSON.stringify(snapshot)),
    bytes() {
      const now = clock.monotonic();
      if (now - measured.at >= 1000) measured = { at: now, bytes: store.bytes() };
      return measured.bytes;
    },
    get fault() {
      return store.fault;
    },
    room: () => store.room(),
    sweep: (before, limit, spared) => outbox.sweep(before, limit, spared) + inbox.sweep(before, limit, spared),
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
