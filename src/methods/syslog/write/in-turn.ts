/** Work on the same directory, one after the other: who writes there and who tidies up there know nothing of each other. */
const last = new Map<string, Promise<unknown>>();

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
