import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished } from "vitest";
import { openLmdbStore } from "../../src/journal/store/lmdb-store.ts";
import { type Bounds, compareKeys, type Key, type Store, TABLES, type Table } from "../../src/journal/store/store.ts";
import { SimulatedClock } from "../harness/clock.ts";
import { type Disk, emptyDisk, openMemoryStore } from "../twins/memory-store.ts";

/** One disk, and the stores that are opened on it one after the other. */
export interface StoreHost {
  open(): Store;
  /** Cuts the power: the open store is gone, the next one finds what was on the disk at this moment. */
  crash(): Promise<void>;
  /** Lets time pass: what may wait is written in any case, what is kept twice is kept once. */
  pass(): Promise<void>;
  /** Ends what is open and removes everything. */
  remove(): Promise<void>;
}

export const storeHosts: readonly { readonly name: string; readonly make: () => StoreHost }[] = [
  { name: "in memory", make: memoryHost },
  { name: "on LMDB", make: lmdbHost },
];

export function memoryHost(disk: Disk = emptyDisk()): StoreHost {
  let store: ReturnType<typeof openMemoryStore> | undefined;
  return {
    open: () => {
      store = openMemoryStore(disk);
      return store;
    },
    crash: async () => store?.crash(),
    pass: async () => undefined,
    remove: async () => undefined,
  };
}

/** A power cut is played by a copy of the directory, taken within the turn: what is not yet on disk is not in it. */
export function lmdbHost(): StoreHost {
  const root = mkdtempSync(join(tmpdir(), "steward-store-"));
  const clock = new SimulatedClock();
  let generation = 0;
  let latest: Store | undefined;
  const path = (): string => join(root, `journal${generation}`);
  return {
    open() {
      const store = openLmdbStore(path(), clock, undefined, () => root);
      const close = store.close;
      let closed: Promise<void> | undefined;
      store.close = () => {
        closed ??= close();
        return closed;
      };
      latest = store;
      return store;
    },
    async crash() {
      const before = path();
      generation++;
      mkdirSync(path());
      for (const file of readdirSync(before))
        if (file !== "lock.mdb") copyFileSync(join(before, file), join(path(), file));
      await latest?.close();
      rmSync(before, { recursive: true });
    },
    pass: () => clock.advance(5000),
    async remove() {
      await latest?.close();
      rmSync(root, { recursive: true });
      if (clock.armed > 0) throw new Error(`${clock.armed} timers are left`);
    },
  };
}

/** A host for one test, removed when it is over. */
export function hosted(make: () => StoreHost): StoreHost {
  const host = make();
  onTestFinished(() => host.remove());
  return host;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const rows = (store: Store, table: Table, bounds: Bounds = {}): [Key, unknown][] =>
  [...store.range(table, bounds)].map(({ key, value }) => [key, value]);
const keysOf = (store: Store, table: Table, bounds: Bounds = {}): Key[] =>
  rows(store, table, bounds).map(([key]) => key);

/** What every store promises. */
export function describeStore(name: string, make: () => StoreHost): void {
  describe(`the store ${name}`, () => {
    it("shows a write to reads at once, before and after it is committed, and after a reopening", async () => {
      const host = hosted(make);
      let store = host.open();
      const see = (): void => {
        expect(store.get("meta", "a")).toEqual({ n: 2, list: ["x"] });
        expect(store.get("meta", "gone")).toBeUndefined();
        expect(store.get("meta", "never")).toBeUndefined();
        expect(store.get("out", [1, 7])).toBe("seven");
        expect(store.get("done", "a")).toBeUndefined();
        expect(rows(store, "meta")).toEqual([["a", { n: 2, list: ["x"] }]]);
        expect(rows(store, "out")).toEqual([[[1, 7], "seven"]]);
      };
      store.put("meta", "a", { n: 1 });
      store.put("meta", "a", { n: 2, list: ["x"] });
      store.put("meta", "gone", 1);
      store.remove("meta", "gone");
      store.remove("meta", "never");
      store.put("out", [1, 7], "seven");
      see();
      await turn();
      see();
      await store.flushed();
      see();
      await turn();
      see();
      await store.close();
      store = host.open();
      see();
    });

    const stored: Key[] = [-1, 2, [2, 1], [2, 9], 10, "a", ["a", 1, "x"], ["a", 2], ["a", "b"], "ab", "b"];
    const written: Key[] = [0, [2, 5], 11, ["a", 1], ["a", 10], "aa", "c"];
    const removed: Key[] = [[2, 9], "ab"];
    const all = [...stored, ...written]
      .filter((key) => !removed.some((gone) => compareKeys(gone, key) === 0))
      .sort(compareKeys);

    it("walks what is committed and what is not in one order, both ways, within bounds and limits", async () => {
      const store = hosted(make).open();
      for (const key of stored) store.put("out", key, `old ${key}`);
      await store.flushed();
      await turn();
      for (const key of written) store.put("out", key, `new ${key}`);
      for (const key of removed) store.remove("out", key);
      store.put("out", "b", "changed");

      for (let round = 0; round < 2; round++) {
        expect(keysOf(store, "out")).toEqual(all);
        expect(keysOf(store, "out", { reverse: true })).toEqual([...all].reverse());
        expect(rows(store, "out", { from: "b", to: "bb" })).toEqual([["b", "changed"]]);
        for (const from of [undefined, ...all, [2, 4], "a\uffff"] as (Key | undefined)[]) {
          for (const to of [undefined, ...all, [3], "~"] as (Key | undefined)[]) {
            const bounds = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
            const inside = all.filter(
              (key) =>
                (from === undefined || compareKeys(key, from) >= 0) && (to === undefined || compareKeys(key, to) < 0),
            );
            expect(keysOf(store, "out", bounds)).toEqual(inside);
            expect(keysOf(store, "out", { ...bounds, reverse: true })).toEqual([...inside].reverse());
            expect(keysOf(store, "out", { ...bounds, limit: 2 })).toEqual(inside.slice(0, 2));
            expect(keysOf(store, "out", { ...bounds, limit: 3, reverse: true })).toEqual(
              [...inside].reverse().slice(0, 3),
            );
            expect(keysOf(store, "out", { ...bounds, limit: 0 })).toEqual([]);
          }
        }
        await store.flushed();
        await turn();
      }
    });

    it("looks at few rows beside those that it gives out, whatever else was written and is not moved yet", async () => {
      const store = hosted(make).open();
      let looks = 0;
      const watched = (lane: number, no: number): Key =>
        Object.defineProperty([0, no], 0, {
          get: () => {
            looks++;
            return lane;
          },
        }) as Key;
      const reads = (): void => {
        for (const lane of [3, 777, 1999]) {
          expect(rows(store, "out", { from: [lane], to: [lane + 1] })).toEqual([
            [[lane, 1], `${lane} 1`],
            [[lane, 2], `${lane} 2`],
          ]);
          expect(keysOf(store, "out", { from: [lane], to: [lane, 9], reverse: true, limit: 1 })).toEqual([[lane, 2]]);
          expect(keysOf(store, "out", { from: [lane, 2], to: [lane + 1], limit: 1 })).toEqual([[lane, 2]]);
          expect(keysOf(store, "out", { from: [lane, 3], to: [lane + 1] })).toEqual([]);
        }
      };
      for (let no = 1; no <= 2; no++)
        for (let lane = 0; lane < 2000; lane++) store.put("out", watched(lane, no), `${lane} ${no}`);
      reads();
      looks = 0;
      reads();
      const ofOneWrite = looks;
      // One more row costs its place in the order, and not the order of all.
      for (let lane = 5000; lane < 5005; lane++) {
        store.put("out", watched(lane, 1), "another");
        reads();
      }
      expect(ofOneWrite).toBeLessThan(1000);
      expect(looks).toBeLessThan(7 * ofOneWrite);
    });

    it("shows what is written and removed before it while rows are walked", async () => {
      const store = hosted(make).open();
      for (const key of ["a", "c", "e", "g"]) store.put("ids", key, `old ${key}`);
      await store.flushed();
      for (const key of ["b", "d", "f"]) store.put("ids", key, `new ${key}`);
      const seen: Key[] = [];
      for (const { key } of store.range("ids", {})) {
        seen.push(key);
        store.remove("ids", key);
        if (key === "b") store.put("ids", "b2", "between");
      }
      expect(seen.filter((key) => key !== "b2")).toEqual(["a", "b", "c", "d", "e", "f", "g"]);
    });

    it("lets rows be removed while they are walked", async () => {
      const store = hosted(make).open();
      for (let i = 0; i < 50; i++) store.put("ids", `k${String(i).padStart(2, "0")}`, i);
      await store.flushed();
      for (let i = 50; i < 60; i++) store.put("ids", `k${i}`, i);
      const seen: Key[] = [];
      for (const { key } of store.range("ids", {})) {
        seen.push(key);
        store.remove("ids", key);
      }
      expect(seen).toHaveLength(60);
      expect(keysOf(store, "ids")).toEqual([]);
      await store.flushed();
      await turn();
      expect(keysOf(store, "ids")).toEqual([]);
    });

    it("keeps its tables apart", async () => {
      const store = hosted(make).open();
      for (const table of TABLES) store.put(table, "same", table);
      await store.flushed();
      await turn();
      for (const table of TABLES) expect(rows(store, table)).toEqual([["same", table]]);
    });

    it("gives back any JSON as it was", async () => {
      const host = hosted(make);
      let store = host.open();
      const values = fc.sample(fc.jsonValue({ maxDepth: 5 }), { numRuns: 200, seed: 7 });
      const more = [
        2 ** 32,
        -(2 ** 40),
        Number.MAX_SAFE_INTEGER,
        1e300,
        5e-324,
        "",
        "\u0000",
        "界😀",
        [],
        {},
        { a: null, b: [[], {}] },
        "x".repeat(100_000),
      ];
      const list = [...values, ...more]
        .map((value) => JSON.parse(JSON.stringify(value)) as unknown)
        .filter((value) => !JSON.stringify(value).includes('"__proto__"'));
      for (const [i, value] of list.entries()) store.put("dead", i, value);
      await store.flushed();
      await store.close();
      store = host.open();
      for (const [i, value] of list.entries()) expect(store.get("dead", i)).toEqual(value);
    });

    it("keeps after a power cut what was flushed, and of the turn that was not, nothing", async () => {
      const host = hosted(make);
      let store = host.open();
      store.put("meta", "kept", 1);
      store.put("meta", "removed", 1);
      store.remove("meta", "removed");
      await store.flushed();
      store.put("meta", "kept", 2);
      store.put("out", [1, 1], "lost");
      store.remove("meta", "never");
      await host.crash();
      store = host.open();
      expect(rows(store, "meta")).toEqual([["kept", 1]]);
      expect(rows(store, "out")).toEqual([]);
    });

    it("never has a write that may wait later on disk than one made after it, and writes it at the end at the latest", async () => {
      const host = hosted(make);
      let store = host.open();
      store.putSoon("meta", "a", 1);
      expect(store.get("meta", "a")).toBe(1);
      store.put("meta", "b", 1);
      store.putSoon("meta", "b", 2);
      store.removeSoon("meta", "a");
      expect(rows(store, "meta")).toEqual([["b", 2]]);
      await store.flushed();
      expect(rows(store, "meta")).toEqual([["b", 2]]);
      await host.crash();
      store = host.open();
      // Whether what may wait was written is left open, in this order.
      expect(["a1b1", "b1", "b2"]).toContain(
        rows(store, "meta")
          .map(([key, value]) => `${key}${value}`)
          .join(""),
      );
      store.putSoon("meta", "c", 1);
      store.removeSoon("meta", "b");
      await store.close();
      store = host.open();
      expect(store.get("meta", "c")).toBe(1);
      expect(store.get("meta", "b")).toBeUndefined();
      store.putSoon("meta", "d", 1);
      await host.pass();
      await store.flushed();
      expect(store.get("meta", "d")).toBe(1);
    });

    it("keeps the order of all writes of a turn, those that may wait among the others", async () => {
      const host = hosted(make);
      let store = host.open();
      store.put("out", [1, 1], "message");
      store.put("lanes", "lane", { acked: 0 });
      await store.flushed();
      store.put("lanes", "lane", { acked: 0, next: 2 });
      store.removeSoon("out", [1, 1]);
      store.putTextSoon("lanes", "lane", JSON.stringify({ acked: 1, next: 2 }));
      await store.flushed();
      await host.crash();
      store = host.open();
      const lane = store.get("lanes", "lane");
      const message = store.get("out", [1, 1]);
      // Both of what may wait, or neither.
      expect([
        [{ acked: 1, next: 2 }, undefined],
        [{ acked: 0, next: 2 }, "message"],
      ]).toContainEqual([lane, message]);
    });

    it("resolves `flushed` when there was nothing to write", async () => {
      const store = hosted(make).open();
      await store.flushed();
      await store.flushed();
    });

    it("says how much it holds", async () => {
      const host = hosted(make);
      let store = host.open();
      const empty = store.bytes();
      for (let i = 0; i < 500; i++) store.put("out", [1, i], "x".repeat(400));
      await store.close();
      store = host.open();
      expect(store.bytes() - empty).toBeGreaterThanOrEqual(500 * 400);
    });

    it("behaves like a sorted map through any sequence of writes, flushes, reopenings and power cuts", async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { maxLength: 60 }), async (operations) => {
          const host = make();
          try {
            await compare(host, operations);
          } finally {
            await host.remove();
          }
        }),
        { numRuns: name.includes("LMDB") ? 60 : 400 },
      );
    });
  });
}

const part = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constantFrom("a", "b", "ab"));
/** A text and the number that reads the same are never keys of one table. */
const someKey: fc.Arbitrary<Key> = fc.oneof(
  part,
  fc.tuple(part, part),
  fc.tuple(fc.constant("a"), part, part),
) as fc.Arbitrary<Key>;
const table = fc.constantFrom<Table>("out", "ids");
const bounds: fc.Arbitrary<Bounds> = fc.record(
  { from: someKey, to: someKey, reverse: fc.boolean(), limit: fc.nat({ max: 5 }) },
  { requiredKeys: [] },
);
const operation = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant("put" as const), table, key: someKey, value: fc.nat() }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("remove" as const), table, key: someKey }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant("putSoon" as const), table, key: someKey, value: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant("removeSoon" as const), table, key: someKey }) },
  { weight: 6, arbitrary: fc.record({ op: fc.constant("range" as const), table, bounds }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constantFrom("turn" as const, "flush" as const, "pass" as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom("reopen" as const, "crash" as const) }) },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;
type Model = Map<string, { table: Table; key: Key; value: unknown }>;

async function compare(host: StoreHost, operations: readonly Operation[]): Promise<void> {
  let store = host.open();
  let model: Model = new Map();
  /** The model without what may wait and still does. */
  let certain: Model = new Map();
  /** What may be on the disk: as it was when last flushed, or at the end of any turn since; nothing of the present turn. */
  let onDisk: Model[] = [new Map()];
  const write = (table: Table, key: Key, value: unknown, soon: boolean): void => {
    const name = JSON.stringify([table, key]);
    if (value === undefined) model.delete(name);
    else model.set(name, { table, key, value });
    if (!soon) certain = new Map(model);
  };
  const settled = (...states: Model[]): void => {
    onDisk = states.map((state) => new Map(state));
  };
  const agree = (wanted: Model): boolean => {
    const flat = (list: [Table, Key, unknown][]): string => JSON.stringify(list);
    const have = (["out", "ids"] as const).flatMap((table) =>
      rows(store, table).map(([key, value]): [Table, Key, unknown] => [table, key, value]),
    );
    const want = (["out", "ids"] as const).flatMap((table) =>
      inOrder(wanted, table).map(({ key, value }): [Table, Key, unknown] => [table, key, value]),
    );
    return flat(have) === flat(want);
  };
  for (const step of operations) {
    switch (step.op) {
      case "put":
      case "putSoon":
        store[step.op](step.table, step.key, step.value);
        write(step.table, step.key, step.value, step.op === "putSoon");
        expect(store.get(step.table, step.key)).toBe(step.value);
        break;
      case "remove":
      case "removeSoon":
        store[step.op](step.table, step.key);
        write(step.table, step.key, undefined, step.op === "removeSoon");
        expect(store.get(step.table, step.key)).toBeUndefined();
        break;
      case "range": {
        const { from, to, reverse, limit } = step.bounds;
        const inside = inOrder(model, step.table).filter(
          ({ key }) =>
            (from === undefined || compareKeys(key, from) >= 0) && (to === undefined || compareKeys(key, to) < 0),
        );
        if (reverse === true) inside.reverse();
        expect(rows(store, step.table, step.bounds)).toEqual(
          inside.slice(0, limit).map(({ key, value }) => [key, value]),
        );
        break;
      }
      case "turn":
        await turn();
        onDisk.push(new Map(certain));
        break;
      case "pass":
        await host.pass();
        onDisk.push(new Map(certain), new Map(model));
        break;
      case "flush":
        await store.flushed();
        settled(certain, model);
        break;
      case "reopen":
        await store.close();
        store = host.open();
        certain = new Map(model);
        settled(model);
        expect(agree(model)).toBe(true);
        break;
      case "crash": {
        await host.crash();
        store = host.open();
        const found = onDisk.find(agree);
        expect(found, "what is on the disk was never the state at the end of a turn").toBeDefined();
        model = new Map(found);
        certain = new Map(found);
        settled(model);
        break;
      }
    }
  }
  expect(agree(model)).toBe(true);
}

function inOrder(model: Model, table: Table): { key: Key; value: unknown }[] {
  return [...model.values()].filter((row) => row.table === table).sort((a, b) => compareKeys(a.key, b.key));
}
