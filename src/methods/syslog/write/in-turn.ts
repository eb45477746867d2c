/** The latest work on each directory. */
const last = new Map<string, Promise<unknown>>();

/** Runs work on one directory one after the other: the sink and the removal of old logs do not know of each other. */
export async function inTurn<T>(directory: string, work: () => Promise<T>): Promise<T> {
  const before = last.get(directory) ?? Promise.resolve();
  const mine = before.then(work, work);
  const over = mine.catch(() => undefined);
  last.set(directory, over);
  try {
    return await mine;
  } finally {
    if (last.get(directory) === over) last.delete(directory);
  }
}
