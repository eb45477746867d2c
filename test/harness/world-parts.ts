import type { Clock } from "../../src/message/clock.ts";
import { StewardError } from "../../src/message/errors.ts";
import type { Store } from "../../src/runtime/journal/store.ts";
import type { Log } from "../../src/runtime/observe/log.ts";
import type { Line } from "./list-log.ts";

/** Parts that a daemon of a world gets in place of the real ones. */
export type CrashableStore = Store & { crash(): void };

/** A log that keeps what the present life says, from `info` on. */
export function worldLog(lines: Line[], alive: () => boolean): Log {
  const make = (bound: object): Log => {
    const write = (level: Line["level"]) => (fields: object, text: string) => {
      if (alive()) lines.push({ level, fields: { ...bound, ...fields }, text });
    };
    return {
      debug: () => undefined,
      info: write("info"),
      warn: write("warn"),
      error: write("error"),
      child: (fields) => make({ ...bound, ...fields }),
      setLevel: () => undefined,
      enabled: (level) => level !== "debug" && level !== "trace",
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
export function slowStore(store: CrashableStore, clock: Clock, ms: () => number): CrashableStore {
  const armed = new Set<number>();
  const flushed = async (): Promise<void> => {
    const wait = ms();
    if (wait > 0) await new Promise<void>((resolve) => clock.setTimeout(resolve, wait));
    await store.flushed();
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
  const insistOpen = (): void => {
    if (closed) throw new StewardError("journal-failed", { path: "memory", fault: "it is closed" });
  };
  return {
    ...store,
    flushed,
    async close() {
      // What the turn still has to write belongs to it.
      const done = store.close();
      closed = true;
      await done;
    },
    atTurnEnd(work) {
      insistOpen();
      store.atTurnEnd(work);
    },
    put(table, key, value) {
      insistOpen();
      store.put(table, key, value);
      commitAfter(1);
    },
    putText(table, key, json, fresh) {
      insistOpen();
      store.putText(table, key, json, fresh);
      commitAfter(1);
    },
    remove(table, key) {
      insistOpen();
      store.remove(table, key);
      commitAfter(1);
    },
    putSoon(table, key, value) {
      insistOpen();
      store.putSoon(table, key, value);
      commitAfter(50);
    },
    removeSoon(table, key) {
      insistOpen();
      store.removeSoon(table, key);
      commitAfter(50);
    },
  };
}
