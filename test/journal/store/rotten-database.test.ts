import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openJournal } from "../../../src/journal/journal.ts";
import { openLmdbStore } from "../../../src/journal/store/lmdb-store.ts";
import { keyBytes, keyOf, ownKey, rowText } from "../../../src/journal/store/row-text.ts";
import type { Key, Store } from "../../../src/journal/store/store.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { seededRandom } from "../../harness/random.ts";
import { tempDir } from "../../harness/temp.ts";

const PAGE = 4096;
const ROW = "the row that is harmed";
/** Where a node has the size of its data, the size of its key, and its key. */
const NODE = { size: 0, keySize: 6, key: 8 };
/** Where a page has its flags. */
const PAGE_FLAGS = 18;

const stores = (path: string): Store => openLmdbStore(path, new SimulatedClock(), undefined, () => "the same disk");

/** A journal at rest with some rows of several tables. */
async function atRest(): Promise<{ readonly path: string; readonly database: Buffer }> {
  const path = join(await tempDir(), "journal");
  const store = stores(path);
  for (let i = 0; i < 5; i++) {
    store.put("nodes", `ship${2 * i}`, { ship: i });
    store.put("out", [1, i], { item: i });
    store.put("progress", [i + 1, 0], { of: i });
  }
  store.put("nodes", "ship4", ROW);
  await store.flushed();
  await store.close();
  rmSync(join(path, "lock.mdb"));
  cpSync(path, `${path}-at-rest`, { recursive: true });
  return { path, database: readFileSync(join(path, "data.mdb")) };
}

/** The place of the node, in the file, that has this text as its key or in its data. */
function nodeOf(database: Buffer, text: string): { readonly node: number; readonly page: number } {
  const at = database.lastIndexOf(text);
  const page = at - (at % PAGE);
  const places = Array.from({ length: database.readUInt16LE(page + 20) / 2 }, (_, i) =>
    database.readUInt16LE(page + 24 + 2 * i),
  );
  const node = Math.max(...places.map((place) => page + 24 + place).filter((place) => place < at));
  return { node, page };
}

/** The journal with bytes of its database changed, opened: what it says and has. */
async function opened(path: string, database: Buffer, change: (bytes: Buffer) => unknown) {
  const bytes = Buffer.from(database);
  change(bytes);
  rmSync(path, { recursive: true });
  cpSync(`${path}-at-rest`, path, { recursive: true });
  writeFileSync(join(path, "data.mdb"), bytes);
  const store = stores(path);
  const nodes = [...store.range("nodes", {})].map(({ key }) => key);
  // It takes rows, and has them in LMDB when it is opened again.
  for (let i = 0; i < 5; i++) store.put("nodes", `new${i}`, i);
  await store.flushed();
  await store.close();
  const { damage, gaps, mended, fault } = store;
  const later = stores(path);
  const [kept, rows] = [[...later.range("nodes", {})].length, [...later.range("aside", {})].length];
  await later.close();
  return { damage, gaps, mended, fault, aside: rows, nodes, kept };
}

describe("a database of which one bit turned", () => {
  const all = ["ship0", "ship2", "ship4", "ship6", "ship8"];

  it("misses rows of which the size or the place turned, before LMDB reads what is not theirs", async () => {
    const { path, database } = await atRest();
    const { node } = nodeOf(database, ROW);
    for (const [place, bits] of [
      [NODE.size + 1, 1],
      [NODE.size, 8],
      [NODE.keySize, 4],
    ] as const) {
      const found = await opened(path, database, (bytes) => {
        bytes[node + place] = (bytes[node + place] ?? 0) ^ bits;
      });
      expect(found).toMatchObject({ gaps: true, fault: undefined });
      expect(found.damage).toMatch(/^data.mdb was damaged \(nodes: page \d+ has (nodes that do not|a node)/);
      expect(found.kept).toBe(found.nodes.length + 5);
    }
  });

  it("gives a row its own key back, whether LMDB can read the turned one or not", async () => {
    const { path, database } = await atRest();
    const { node } = nodeOf(database, ROW);
    const end = NODE.key + "ship4".length;
    for (let at = NODE.key; at < end; at++)
      for (let bit = 0; bit < 8; bit++) {
        const found = await opened(path, database, (bytes) => {
          bytes[node + at] = (bytes[node + at] ?? 0) ^ (1 << bit);
        });
        // A key out of order with its neighbours takes its page along.
        if (found.gaps) continue;
        expect(found).toMatchObject({ damage: undefined, nodes: all, aside: 0, kept: 10 });
      }
  }, 60_000);

  it("sets a row aside of which the key is damaged beyond that, and goes on", async () => {
    const { path, database } = await atRest();
    // The first key of its page: each that is lower is in order.
    const key = database.lastIndexOf("ship0");
    const found = await opened(path, database, (bytes) => bytes.write("\0\u0001\0\u0001\0", key));
    expect(found).toMatchObject({ gaps: false, fault: undefined, nodes: all.slice(1), aside: 1, kept: 9 });
  });

  it("is made anew, without a loss, where a flag of a page keeps LMDB from writing to it", async () => {
    const { path, database } = await atRest();
    const { page } = nodeOf(database, ROW);
    for (const flag of [0x20, 0x40, 0x80]) {
      const found = await opened(path, database, (bytes) => {
        bytes[page + PAGE_FLAGS + 1] = (bytes[page + PAGE_FLAGS + 1] ?? 0) | flag;
      });
      expect(found).toMatchObject({ gaps: false, damage: undefined, fault: undefined, nodes: all, kept: 10 });
      expect(found.mended).toBe("data.mdb was damaged (pages that LMDB cannot write to: 1)");
    }
  });

  it("is made anew where the flags of a tree turned, which LMDB would not open", async () => {
    const { path, database } = await atRest();
    // Of the main tree, in each of the two first pages.
    for (const at of [100, PAGE + 100]) {
      const found = await opened(path, database, (bytes) => {
        bytes[at] = (bytes[at] ?? 0) ^ 4;
      });
      expect(found).toMatchObject({ fault: undefined, kept: found.nodes.length + 5 });
      expect(found.mended ?? found.damage).toMatch(/its page \d has a tree of another kind/);
    }
  });

  it("keeps the later form of a row, from the log, when the earlier one lies under a turned key", async () => {
    const { path } = await atRest();
    const store = stores(path);
    store.put("nodes", "ship4", "later");
    store.remove("nodes", "ship6");
    await store.flushed();
    const image = readdirSync(path).map((name) => [name, readFileSync(join(path, name))] as const);
    await store.close();
    for (const ship of ["ship4", "ship6"]) {
      for (const [name, bytes] of image) {
        const harmed = Buffer.from(bytes);
        if (name === "data.mdb") {
          const at = harmed.lastIndexOf(ship) + 4;
          harmed[at] = (harmed[at] ?? 0) ^ 1;
        }
        writeFileSync(join(path, name), harmed);
      }
      rmSync(join(path, "lock.mdb"), { force: true });
      const after = stores(path);
      expect([after.get("nodes", "ship4"), after.get("nodes", "ship6")]).toEqual(["later", undefined]);
      expect([...after.range("nodes", {})].map(({ key }) => key)).toEqual(all.filter((name) => name !== "ship6"));
      await after.close();
    }
  });
});

describe("the keys of rows", () => {
  const random = seededRandom(3);
  const text = (length: number): string =>
    Array.from({ length }, () => String.fromCodePoint(32 + Math.floor(random.next() * 0xd000))).join("");
  const number = (): number => {
    // LMDB's keys have no zero that stands alone.
    const whole = Math.floor((random.next() - 0.5) * 2 ** Math.floor(random.next() * 53)) || 1;
    return random.next() < 0.1 ? whole / 8 : whole;
  };
  const part = (): string | number =>
    random.next() < 0.5 ? number() : text(Math.floor(random.next() ** 3 * 120) + (random.next() < 0.9 ? 1 : 0));
  const key = (): Key => (random.next() < 0.5 ? part() : [part(), part(), ...(random.next() < 0.3 ? [part()] : [])]);

  it("are all known again by their bytes, as LMDB has them", async () => {
    const path = join(await tempDir(), "journal");
    const keys = [...Array.from({ length: 2_000 }, key), "", "\u0000", "\u0004", ["", 0], [0, ""], "ä".repeat(70)];
    expect(keys.filter((each) => keyOf(keyBytes(each)) === undefined)).toEqual([]);
    const store = stores(path);
    for (const each of keys) store.put("taken", each, "");
    await store.flushed();
    await store.close();
    const again = stores(path);
    // A key that was not known by its bytes would have had its database made anew.
    expect([again.mended, again.damage]).toEqual([undefined, undefined]);
    await again.close();
  });

  it("are found from any bytes that differ in one bit, and from no others", () => {
    const bytes = keyBytes(["ship1", 7]);
    const sum = (of: Key): string => rowText("out", of, "0");
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const turned = Buffer.from(bytes);
      turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(ownKey("out", turned, sum(["ship1", 7]))).toEqual(["ship1", 7]);
    }
    expect(ownKey("out", keyBytes(["ship9", 70]), sum(["ship1", 7]))).toBeUndefined();
    for (const none of [Buffer.alloc(0), Buffer.from([0]), Buffer.from([6]), Buffer.alloc(3000, 65)])
      expect(keyOf(none)).toBeUndefined();
  });
});

describe("a journal that was put back", () => {
  it("counts commands for its own node as sent to the one before: they may have run since", async () => {
    const path = join(await tempDir(), "journal");
    const clock = new SimulatedClock();
    const life = (disk: string, seed: number) => {
      const store = openLmdbStore(path, clock, undefined, () => disk);
      return openJournal(store, { node: "central", path, clock, random: seededRandom(seed) });
    };
    const before = life("one disk", 1);
    const queue = (id: string, to: string) => {
      const subject = `${to}.command.shellcommand.os`;
      const times = { createdAt: 0, deliverBy: null, timeout: null };
      before.outbox.enqueue([{ id, subject, origin: "central", ...times, data: ["true"] }], true);
    };
    queue("01M8QSPCGHKACVC5P4YDQJMGMV", "central");
    queue("01M8QSPCGHKACVC5P4YDQJMGMW", "ship1");
    await before.flushed();
    await before.close();
    const after = life("another disk", 2);
    expect(after.restored).toBe("its files are a copy");
    const lanes = [...after.outbox.lanes.values()].map(({ subject, sent, receiverEpoch }) => [
      subject,
      sent,
      receiverEpoch,
    ]);
    expect(lanes).toEqual([
      ["central.command.shellcommand.os", 1, before.epoch],
      ["ship1.command.shellcommand.os", 0, undefined],
    ]);
    await after.close();
  });
});
