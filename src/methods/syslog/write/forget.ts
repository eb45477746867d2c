import { lstat, rm } from "node:fs/promises";
import { isToken } from "../../../message/subject.ts";
import { namesIn, pathIn } from "../../../platform/names.ts";
import type { Forgotten, KeepBounds } from "../../define.ts";
import { inTurn } from "./in-turn.ts";
import { LOG_FILE, openingName } from "./stored.ts";

const DAY = 86_400_000;

/**
 * Removes stored logs that are too old, and the oldest whole days of all logs while there are too many bytes. A log's day
 * here is the day of its last write, by this node's clock, so that an origin with a wrong clock loses no logs.
 *
 * Invariants: logs written today stay. A log is removed as a whole, with the sink's note beside it, and never while the sink
 * is writing in its directory. Memory holds one number for each day, for any number of logs.
 */
export async function forgetLogs(root: string, bounds: KeepBounds): Promise<Forgotten> {
  const { now, bytes, isOld, stopping } = bounds;
  const today = Math.floor(now / DAY);
  const name = Number.isNaN(new Date(now).getTime()) ? "" : `${new Date(now).toISOString().slice(0, 10)}.log`;
  const goes = (log: Log): boolean => log.day !== today && log.name !== name;
  const held = new Map<number, number>();
  let total = 0;
  let some = false;
  for await (const log of stored(root)) {
    if (stopping.aborted) return { files: 0, bytes: 0, early: 0, held: total };
    total += log.bytes;
    if (!goes(log)) continue;
    if (isOld(log.writtenAt)) {
      some = true;
      total -= log.bytes;
    } else held.set(log.day, (held.get(log.day) ?? 0) + log.bytes);
  }
  const crowded = new Set<number>();
  for (const [day, size] of [...held].sort(([a], [b]) => a - b)) {
    if (total <= bytes) break;
    crowded.add(day);
    total -= size;
  }
  const forgotten = { files: 0, bytes: 0, early: 0 };
  if (!some && crowded.size === 0) return { ...forgotten, held: total };
  for await (const { directory, name } of stored(root)) {
    if (stopping.aborted) break;
    await inTurn(directory, async () => {
      // The log may have been written since it was counted.
      const log = await look(directory, name);
      if (log === undefined || !goes(log)) return;
      const old = isOld(log.writtenAt);
      if (!old && !crowded.has(log.day)) return;
      await rm(pathIn(directory, name), { force: true });
      await rm(pathIn(directory, openingName(name)), { force: true });
      forgotten.files++;
      forgotten.bytes += log.bytes;
      if (!old) forgotten.early++;
    });
  }
  return { ...forgotten, held: total };
}

interface Log {
  readonly directory: string;
  readonly name: string;
  readonly bytes: number;
  readonly writtenAt: number;
  readonly day: number;
}

async function* stored(root: string): AsyncGenerator<Log> {
  for (const node of await namesIn(root, "folders")) {
    if (!isToken(node)) continue;
    const own = pathIn(root, node);
    for (const domain of await namesIn(own, "folders")) {
      if (!isToken(domain)) continue;
      const directory = pathIn(own, domain);
      for (const name of await namesIn(directory, "files")) {
        const log = LOG_FILE.test(name) ? await look(directory, name) : undefined;
        if (log !== undefined) yield log;
      }
    }
  }
}

/** `undefined`: the log is gone. */
async function look(directory: string, name: string): Promise<Log | undefined> {
  try {
    const { size, mtimeMs } = await lstat(pathIn(directory, name));
    return { directory, name, bytes: size, writtenAt: mtimeMs, day: Math.floor(mtimeMs / DAY) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
