import type { Transport } from "../../../src/broker/transport.ts";
import type { Store } from "../../../src/journal/store/store.ts";
import type { Clock } from "../../../src/message/clock.ts";
import { StewardError } from "../../../src/message/errors.ts";
import type { OutputListener, Run, Spawner } from "../../../src/methods/spawner.ts";
import type { Log } from "../../../src/observe/log.ts";
import type { MemoryLink } from "../../twins/memory-broker.ts";
import type { Line } from "../list-log.ts";

/** Parts that a daemon of a world gets in place of the real ones. */
export type CrashableStore = Store & {
  readonly isClosed: boolean;
  crash(): void;
  /** Puts the first so many turns that were not flushed on the disk after all, each of them whole. */
  survive(turns: number, open: () => Store): void;
};

/**
 * Where a life may end: before a write of the journal, before and after a group commit, before a packet is sent, when one
 * has come, when a timer fires, when a method has begun and when it is about to say that it ended.
 */
export const POINTS = ["write", "flush", "flushed", "send", "receive", "timer", "begin", "end"] as const;
export type Point = (typeof POINTS)[number];

/** A log that keeps what the present life says, from `info` on. */
export function worldLog(lines: Line[], alive: () => boolean): Log {
  const ranks = ["trace", "debug", "info", "warn", "error", "silent"];
  let least = ranks.indexOf("info");
  const make = (bound: object): Log => {
    const write = (level: Line["level"]) => (fields: object, text: string) => {
      if (alive() && ranks.indexOf(level) >= least) lines.push({ level, fields: { ...bound, ...fields }, text });
    };
    return {
      debug: write("debug"),
      info: write("info"),
      warn: write("warn"),
      error: write("error"),
      child: (fields) => make({ ...bound, ...fields }),
      setLevel: (level) => {
        least = ranks.indexOf(level);
      },
      enabled: (level) => ranks.indexOf(level) >= least,
      lost: 0,
      flush: async () => undefined,
      flushNow: () => undefined,
    };
  };
  return make({});
}

/**
 * A store whose group commits take time. As on a real disk, what nobody asks for is committed soon all the same: a turn's
 * writes at once, those that may wait a little later.
 */
export function slowStore(
  store: Store & { crash(): void },
  clock: Clock,
  ms: () => number,
  reach: (point: Point) => void = () => undefined,
): CrashableStore {
  const armed = new Set<number>();
  const turns = new UnflushedTurns(store);
  /** No group commit ends before one that began earlier, also when the disk becomes faster in between. */
  let last: Promise<unknown> = Promise.resolve();
  const flushed = (): Promise<void> => {
    const flush = flushAfter(last);
    last = flush.catch(() => undefined);
    return flush;
  };
  const flushAfter = async (before: Promise<unknown>): Promise<void> => {
    reach("flush");
    const wait = ms();
    if (wait > 0) await new Promise<void>((resolve) => clock.setTimeout(resolve, wait));
    await store.flushed();
    if (!dead) turns.clear();
    await before;
    if (dead) return await new Promise(() => undefined);
    reach("flushed");
  };
  const commitAfter = (delay: number): void => {
    if (armed.has(delay)) return;
    armed.add(delay);
    clock.setTimeout(() => {
      armed.delete(delay);
      flushed().catch(() => undefined);
    }, delay);
  };
  let closed = false;
  let dead = false;
  const insistOpen = (): void => {
    if (closed) throw new StewardError("journal-failed", { path: "memory", fault: "it is closed" });
  };
  const write = (make: (into: Store) => void, delay: number): void => {
    // Killed in the middle of a turn, a daemon goes on to the end of that: what it writes then was never written.
    if (dead) return;
    insistOpen();
    reach("write");
    if (dead) return;
    make(store);
    turns.add(make);
    commitAfter(delay);
  };
  return {
    ...store,
    get fault() {
      return store.fault;
    },
    get isClosed() {
      return closed;
    },
    flushed,
    crash() {
      dead = true;
      store.crash();
    },
    survive: (count, open) => turns.replay(count, open),
    async close() {
      // What the turn still has to write belongs to it.
      const done = store.close();
      closed = true;
      await done;
    },
    atTurnEnd(work) {
      insistOpen();
      turns.untilDone(work);
    },
    put: (table, key, value, fresh) => {
      const kept = structuredClone(value);
      write((into) => into.put(table, key, kept, fresh), 1);
    },
    putText: (table, key, json, fresh) => write((into) => into.putText(table, key, json, fresh), 1),
    remove: (table, key) => write((into) => into.remove(table, key), 1),
    putSoon: (table, key, value) => {
      const kept = structuredClone(value);
      write((into) => into.putSoon(table, key, kept), 50);
    },
    putTextSoon: (table, key, json) => write((into) => into.putTextSoon(table, key, json), 50),
    removeSoon: (table, key) => write((into) => into.removeSoon(table, key), 50),
  };
}

/** What was written and not flushed, by turns of the event loop: each of them is on a disk as a whole or not at all. */
class UnflushedTurns {
  readonly #store: Store;
  readonly #whole: ((into: Store) => void)[][] = [];
  #open: ((into: Store) => void)[] = [];
  #toDo = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  add(write: (into: Store) => void): void {
    this.#open.push(write);
    if (this.#open.length === 1) this.#close();
  }

  /** A turn is not over before all that is to be done at its end is done. */
  untilDone(work: () => void): void {
    this.#toDo++;
    this.#store.atTurnEnd(() => {
      this.#toDo--;
      work();
    });
  }

  #close(): void {
    this.#store.atTurnEnd(() => {
      if (this.#toDo > 0) return this.#close();
      this.#whole.push(this.#open);
      this.#open = [];
    });
  }

  /** They are on the disk. */
  clear(): void {
    this.#whole.length = 0;
  }

  replay(count: number, open: () => Store): void {
    if (count === 0 || this.#whole.length === 0) return;
    const store = open();
    for (const write of this.#whole.slice(0, count).flat()) write(store);
    // A disk that refuses has taken none of it.
    store.close().catch(() => undefined);
  }
}

/** A link that tells of each packet that it carries. `read`: when the daemon comes to read what has come. */
export function mortalLink(
  link: MemoryLink,
  reach: (point: Point) => void,
  read: (packet: () => void) => void = (packet) => packet(),
): Transport {
  return {
    inbox: link.inbox,
    status: () => link.status(),
    // A process that stands still hears that its link came or went when it goes on.
    onStatus: (listener) => link.onStatus((status) => read(() => listener(status))),
    onRefusal: (listener) => link.onRefusal(listener),
    maxPayload: () => link.maxPayload(),
    askLimits: () => link.askLimits(),
    flush: () => link.flush(),
    close: () => link.close(),
    publish(subject, payload, reply) {
      reach("send");
      return link.publish(subject, payload, reply);
    },
    subscribe: (subject, listener) =>
      link.subscribe(subject, (packet) =>
        read(() => {
          reach("receive");
          // Cut off by its own death, it hears nothing any more.
          if (link.status().state === "connected") listener(packet);
        }),
      ),
  };
}

/** A spawner that starts and ends nothing for a daemon that is dead. */
export function mortalSpawner(spawner: Spawner, alive: () => boolean, arrives: (read: () => void) => void): Spawner {
  const living = <T>(act: () => Promise<T>): Promise<T> => (alive() ? heard(act()) : new Promise(() => undefined));
  const heard = <T>(said: Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      said.then(
        (value) => arrives(() => resolve(value)),
        (error) => arrives(() => reject(error)),
      );
    });
  const heardOf = (run: Run): Run => ({
    pid: run.pid,
    end: heard(run.end),
    cancel: () => run.cancel(),
    look: () => heard(run.look()),
  });
  const listening =
    (onOutput: OutputListener): OutputListener =>
    (parts) =>
      arrives(() => void (alive() && onOutput(parts)));
  return {
    prepare: (id) => living(() => spawner.prepare(id)),
    isOnlyPrepared: (id) => living(() => spawner.isOnlyPrepared(id)),
    start: async (spec, onOutput) => heardOf(await living(() => spawner.start(spec, listening(onOutput)))),
    adopt: async (id, onOutput) => {
      const run = await living(() => spawner.adopt(id, listening(onOutput)));
      return run === undefined ? undefined : heardOf(run);
    },
    forget: (id) => living(() => spawner.forget(id)),
    recorded: () => living(() => spawner.recorded()),
    close: () => spawner.close(),
  };
}
