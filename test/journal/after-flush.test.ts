import { expect, test } from "vitest";
import { AfterFlush } from "../../src/journal/after-flush.ts";

/** A store that gives one promise to all who ask in one turn. */
class OneFlush {
  asked = 0;
  readonly #shared: { readonly promise: Promise<void>; readonly settle: (error?: unknown) => void }[] = [];

  begin(): void {
    let settle: (error?: unknown) => void = () => undefined;
    const promise = new Promise<void>((resolve, reject) => {
      settle = (error) => (error === undefined ? resolve() : reject(error));
    });
    this.#shared.unshift({ promise, settle });
  }

  readonly flushed = (): Promise<void> => {
    this.asked++;
    return this.#shared[0]?.promise ?? Promise.resolve();
  };

  end(error?: unknown): void {
    this.#shared.at(-1)?.settle(error);
    this.#shared.pop();
  }
}

test("each is called once, in order, when its own turn is durable and no sooner", async () => {
  const store = new OneFlush();
  const after = new AfterFlush(store.flushed);
  const heard: string[] = [];
  store.begin();
  after.add(() => void heard.push("a"), fail);
  after.add(() => void heard.push("b"), fail);
  store.begin();
  after.add(() => void heard.push("c"), fail);
  await Promise.resolve();
  expect(heard).toEqual([]);
  store.end();
  await Promise.resolve();
  expect(heard).toEqual(["a", "b"]);
  store.end();
  await Promise.resolve();
  expect(heard).toEqual(["a", "b", "c"]);
});

test("one that throws hears of that itself, and the others go on; a disk that refuses fails them all", async () => {
  const store = new OneFlush();
  const after = new AfterFlush(store.flushed);
  const heard: string[] = [];
  store.begin();
  const bad = (): void => {
    throw new Error("bad");
  };
  after.add(bad, (error) => void heard.push(`failed: ${(error as Error).message}`));
  after.add(() => void heard.push("b"), fail);
  store.end();
  await Promise.resolve();
  expect(heard).toEqual(["failed: bad", "b"]);
  store.begin();
  after.add(fail, (error) => void heard.push(String(error)));
  after.add(fail, (error) => void heard.push(String(error)));
  store.end("no room");
  await Promise.resolve();
  await Promise.resolve();
  expect(heard.slice(2)).toEqual(["no room", "no room"]);
});

function fail(): void {
  throw new Error("it was called");
}
