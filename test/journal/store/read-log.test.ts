import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openJournal } from "../../../src/journal/journal.ts";
import { openLmdbStore } from "../../../src/journal/store/lmdb-store.ts";
import { FILE_HEADER, FRAME_HEADER, headerOf, LOG_VERSION, TRAILER } from "../../../src/journal/store/log-format.ts";
import { readLog } from "../../../src/journal/store/read-log.ts";
import { TABLES } from "../../../src/journal/store/store.ts";
import { CAPACITY, openLog, type Rotated, type WriteAheadLog } from "../../../src/journal/store/write-ahead-log.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { seededRandom } from "../../harness/random.ts";
import { tempDir } from "../../harness/temp.ts";

const opened = (directory: string): WriteAheadLog => openLog(directory, readLog(directory, 0), new SimulatedClock());

/** Bytes of a frame with one number of two digits. */
const FRAME = FRAME_HEADER + "[11]".length + TRAILER;

const append = (log: WriteAheadLog, record: unknown): Promise<void> =>
  new Promise((resolve, reject) =>
    log.append([[JSON.stringify(record)]], (error) => (error === null ? resolve() : reject(error))),
  );

const rotated = (log: WriteAheadLog): Promise<Rotated> => new Promise((resolve) => log.rotate(resolve));

/** Three segments with two records each; gives where the first and the second record of each end. */
async function threeSegments(): Promise<{ directory: string; ends: number[] }> {
  const directory = await tempDir();
  const log = opened(directory);
  const ends: number[] = [];
  for (let segment = 1; segment <= 3; segment++) {
    const before = log.size;
    for (const n of [1, 2]) {
      await append(log, segment * 10 + n);
      ends.push(log.size - before);
    }
    if (segment < 3) await rotated(log);
  }
  log.close();
  return { directory, ends };
}

/** One segment with two records. */
async function twoRecords(): Promise<{ directory: string }> {
  const directory = await tempDir();
  const log = opened(directory);
  for (const n of [11, 12]) await append(log, n);
  log.close();
  return { directory };
}

const imageOf = (directory: string): Map<string, Buffer> =>
  new Map(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name))]));

function restore(directory: string, image: ReadonlyMap<string, Buffer>): void {
  for (const name of readdirSync(directory)) rmSync(join(directory, name));
  for (const [name, bytes] of image) writeFileSync(join(directory, name), bytes);
}

/** The file as it is when only its beginning was written. */
const torn = (
  [name, bytes]: readonly [string, Buffer | undefined] = ["none", undefined],
  cut: number,
): [string, Buffer] => [name, Buffer.from(bytes ?? []).fill(0, cut)];

/** The file that holds the segment. */
function fileOf(directory: string, segment: number): string {
  const name = [...readLog(directory, 0).files].find(([, held]) => held === segment)?.[0];
  return join(directory, name ?? "none");
}

/** Turns several bits. */
function damage(file: string, at: number): void {
  const bytes = readFileSync(file);
  bytes[at] = (bytes[at] ?? 0) ^ 0x1a;
  writeFileSync(file, bytes);
}

describe("a log that rotted", () => {
  it("gives what lies before the hole and after it, and says where the hole is", async () => {
    for (const [segment, at, left] of [
      [1, FILE_HEADER + 13, [12, 21, 22, 31, 32]],
      [1, FILE_HEADER + 41, [11, 21, 22, 31, 32]],
      [2, FILE_HEADER + 13, [11, 12, 22, 31, 32]],
      [2, FILE_HEADER + 41, [11, 12, 21, 31, 32]],
      [3, FILE_HEADER + 13, [11, 12, 21, 22, 32]],
      [3, FILE_HEADER + 41, [11, 12, 21, 22, 31]],
    ] as const) {
      const { directory } = await threeSegments();
      damage(fileOf(directory, segment), at);
      const state = readLog(directory, 0);
      expect(state.records).toEqual(left);
      expect(state.hole).toContain(`segment ${segment} of its log is damaged`);
      expect(state.goesOnAfter).toBe((left as readonly number[]).includes(32));
    }
  });

  it("puts one turned bit right, wherever it is, and says where", async () => {
    const { directory } = await threeSegments();
    for (const segment of [1, 2, 3]) {
      const file = fileOf(directory, segment);
      const whole = readFileSync(file);
      for (let at = 0; at < FILE_HEADER + 2 * FRAME; at++) {
        const rotten = Buffer.from(whole);
        rotten[at] = (rotten[at] ?? 0) ^ (1 << (at % 8));
        writeFileSync(file, rotten);
        const state = readLog(directory, 0);
        expect(state).toMatchObject({ records: [11, 12, 21, 22, 31, 32], hole: undefined });
        const inFrame = (at - FILE_HEADER) % FRAME;
        // A frame is whole without its trailer, and the header puts itself right.
        if (at >= FILE_HEADER && inFrame < FRAME - TRAILER)
          expect(state.mended).toBe(`segment ${segment} of its log had a turned bit at byte ${at - inFrame}`);
      }
      writeFileSync(file, whole);
    }
  });

  it("knows a segment that is missing, and one of which the header is damaged", async () => {
    for (const spoil of [(file: string) => rmSync(file), (file: string) => damage(file, 9)]) {
      const { directory } = await threeSegments();
      spoil(fileOf(directory, 2));
      expect(readLog(directory, 0)).toMatchObject({
        ...{ records: [11, 12, 31, 32], hole: "segment 2 of its log is missing", goesOnAfter: true },
      });
    }
    const { directory } = await threeSegments();
    damage(fileOf(directory, 3), 9);
    expect(readLog(directory, 0)).toMatchObject({
      ...{ records: [11, 12, 21, 22], goesOnAfter: false },
      hole: "the header of its log's segment 3 is damaged",
    });
  });

  it("takes the last write, torn, for what nobody was told of", async () => {
    const { directory } = await threeSegments();
    const file = fileOf(directory, 3);
    writeFileSync(file, readFileSync(file).fill(0, FILE_HEADER + 2 * FRAME - TRAILER - 2));
    expect(readLog(directory, 0)).toMatchObject({ records: [11, 12, 21, 22, 31], hole: undefined });
  });

  it("does not take the last write for torn that is whole in length, whichever byte of it rotted", async () => {
    const { directory } = await threeSegments();
    const file = fileOf(directory, 3);
    const whole = readFileSync(file);
    const from = FILE_HEADER + FRAME;
    for (let at = from + FRAME_HEADER; at < from + FRAME - TRAILER; at++)
      for (const bits of [0x81, 0x18, 0xff]) {
        const rotten = Buffer.from(whole);
        rotten[at] = (rotten[at] ?? 0) ^ bits;
        writeFileSync(file, rotten);
        expect(readLog(directory, 0)).toMatchObject({
          records: [11, 12, 21, 22, 31],
          hole: `segment 3 of its log is damaged at byte ${from}`,
        });
      }
  });

  it("is sound whatever an earlier segment left behind, numbers as its own among them", async () => {
    const directory = await tempDir();
    const log = opened(directory);
    // The body of a frame of segment n is n bytes long in the segments that come before.
    const longest = 40;
    for (let segment = 1; segment < longest + 12; segment++) {
      if (segment > 10) expect(readLog(directory, segment - 1)).toMatchObject({ hole: undefined, mended: undefined });
      for (let length = 3; length < longest; length++) await append(log, "x".repeat(length));
      log.release((await rotated(log)).complete);
      await append(log, 1);
      expect(readLog(directory, segment)).toMatchObject({ hole: undefined, records: [1] });
    }
    log.close();
  }, 60_000);

  it("misses a file that is gone or has lost its end, unless all was safe elsewhere", async () => {
    const expected = { files: 3, bytes: CAPACITY };
    for (const spoil of [(file: string) => rmSync(file), (file: string) => truncateSync(file, 0)]) {
      const { directory } = await threeSegments();
      expect(readLog(directory, 0, expected).hole).toBeUndefined();
      spoil(fileOf(directory, 3));
      expect(readLog(directory, 0, expected)).toMatchObject({
        records: [11, 12, 21, 22],
        hole: expect.stringMatching(/^its log has 2 files of 3$|^wal-\d\.log of its log has 0 bytes of \d+$/),
      });
      expect(readLog(directory, 2).hole).toBeUndefined();
    }
  });

  it("misses a file that lost its end once, and keeps what that file still has until its rows are safe elsewhere", async () => {
    const expected = { files: 3, bytes: CAPACITY };
    for (const bytes of [0, FILE_HEADER + FRAME]) {
      const { directory } = await threeSegments();
      const file = fileOf(directory, 3);
      truncateSync(file, bytes);
      const found = readLog(directory, 0, expected);
      expect(found).toMatchObject({
        records: [11, 12, 21, 22, ...(bytes === 0 ? [] : [31])],
        hole: expect.stringContaining(`has ${bytes} bytes of`),
      });
      const log = openLog(directory, found, new SimulatedClock());
      await append(log, 41);
      expect(readLog(directory, 0).records).toEqual([...found.records, 41]);
      const { complete, begun } = await rotated(log);
      log.release(complete);
      log.close();
      expect(readLog(directory, complete, { ...expected, begun }).hole).toBeUndefined();
      expect(readdirSync(directory).length).toBeLessThanOrEqual(5);
    }
  });

  it("misses the segment that was begun, whether its rows are being moved or were moved, and none that was not", async () => {
    const { directory } = await threeSegments();
    const [newest, older] = [fileOf(directory, 3), fileOf(directory, 1)];
    for (const bytes of [Buffer.alloc(CAPACITY), readFileSync(older)]) {
      writeFileSync(newest, bytes);
      const expected = { files: 3, bytes: CAPACITY };
      const hole = "the segment of its log after 2 is missing";
      expect(readLog(directory, 0, expected)).toMatchObject({ records: [11, 12, 21, 22], hole });
      expect(readLog(directory, 2, { ...expected, begun: 3 })).toMatchObject({ records: [], hole });
      expect(readLog(directory, undefined, { ...expected, begun: 3 })).toMatchObject({ hole });
      // Nobody wrote down what comes next, or an earlier version moved the mark beyond it.
      for (const begun of [undefined, 2]) expect(readLog(directory, 2, { ...expected, begun }).hole).toBeUndefined();
    }
  });

  it("is sound wherever the power went between two segments, and goes on from there", async () => {
    const { directory } = await twoRecords();
    const before = imageOf(directory);
    const log = opened(directory);
    const { complete, begun } = await rotated(log);
    log.close();
    const after = imageOf(directory);
    expect([complete, begun]).toEqual([1, 2]);
    const from = FILE_HEADER + 2 * FRAME;
    const header = [...after].find(
      ([name, bytes]) => bytes.compare(before.get(name) ?? bytes) !== 0 && name !== "wal-0.log",
    );
    const points: { readonly image: Map<string, Buffer>; readonly mark: number; readonly begun?: number }[] = [];
    // The header, then the last frame of the segment before it, then the mark.
    for (let cut = 0; cut <= FILE_HEADER; cut++)
      points.push({ image: new Map([...before, torn(header, cut)]), mark: 0 });
    for (let cut = from; cut <= from + FRAME; cut++)
      points.push({ image: new Map([...after, torn(["wal-0.log", after.get("wal-0.log")], cut)]), mark: 0 });
    points.push({ image: after, mark: 1, begun: 2 });
    for (const { image, mark, begun } of points) {
      restore(directory, image);
      const expected = { files: 3, bytes: CAPACITY, begun };
      const state = readLog(directory, mark, expected);
      expect([state.hole, state.records]).toEqual([undefined, mark === 0 ? [11, 12] : []]);
      const next = openLog(directory, state, new SimulatedClock());
      await append(next, 21);
      next.close();
      expect(readLog(directory, mark, expected)).toMatchObject({
        hole: undefined,
        records: mark === 0 ? [11, 12, 21] : [21],
      });
      // A segment that is begun and has nothing is written, and no other.
      if (mark === 1) expect(readLog(directory, mark, expected).highest).toBe(2);
    }
  });

  it("begins no segment while the last one that it began is empty, in this life and the next", async () => {
    const { directory } = await twoRecords();
    const log = opened(directory);
    for (let i = 0; i < 3; i++) expect(await rotated(log)).toEqual({ complete: 1, begun: 2 });
    log.release(1);
    expect(log.size).toBe(0);
    log.close();
    const next = openLog(directory, readLog(directory, 1), new SimulatedClock());
    expect(await rotated(next)).toEqual({ complete: 1, begun: 2 });
    next.close();
  });

  it("is read from its oldest segment on when nobody knows which of them are safe elsewhere", async () => {
    const { directory } = await threeSegments();
    expect(readLog(directory, undefined)).toMatchObject({ records: [11, 12, 21, 22, 31, 32], hole: undefined });
    rmSync(fileOf(directory, 1));
    expect(readLog(directory, undefined)).toMatchObject({ records: [21, 22, 31, 32], hole: undefined });
  });

  it("is sound again once something was written after the hole", async () => {
    const { directory } = await threeSegments();
    damage(fileOf(directory, 2), FILE_HEADER + 41);
    const log = opened(directory);
    await append(log, 41);
    log.close();
    expect(readLog(directory, 0)).toMatchObject({ records: [11, 12, 21, 31, 32, 41], hole: undefined });
  });

  it("is not read at all when a newer program wrote it", async () => {
    const { directory } = await threeSegments();
    const file = fileOf(directory, 3);
    const bytes = readFileSync(file);
    headerOf({ segment: 3, before: { segment: 2, at: 0, crc: 0 } }, LOG_VERSION + 1).copy(bytes);
    writeFileSync(file, bytes);
    expect(() => readLog(directory, 0)).toThrow(expect.objectContaining({ code: "journal-version" }));
    expect(readLog(directory, 3).records).toEqual([]);
  });

  it("names its tables in an order that only grows", () => {
    expect(TABLES.slice(0, 17).join(" ")).toBe(
      "meta lanes out ids sources pending done checkpoints nodes output dead taken cancelled learned progress aside subjects",
    );
  });
});

describe("a journal on a log that rotted", () => {
  it("counts as restored: it has what came after the hole, a new epoch, once, and says why", async () => {
    const directory = await tempDir();
    let lives = 0;
    const life = (path: string) => {
      const clock = new SimulatedClock();
      const store = openLmdbStore(path, clock, undefined, () => "the same disk");
      const journal = openJournal(store, { node: "ship1", path, clock, random: seededRandom(++lives) });
      return journal;
    };
    const before = life(join(directory, "before"));
    for (const value of [1, 2, 3]) {
      before.setCheckpoint({ key: "a", value });
      await before.flushed();
    }
    // As a power cut leaves it: what is in the log did not reach LMDB.
    powerCut(join(directory, "before"), join(directory, "after"));
    await before.close();
    for (const name of readdirSync(join(directory, "after"))) {
      const file = join(directory, "after", name);
      const at = readFileSync(file).indexOf('[7,"a",2]');
      if (name.startsWith("wal-") && at !== -1) damage(file, at);
    }
    const after = life(join(directory, "after"));
    expect(after.checkpoint("a")).toBe(3);
    expect(after.restored).toMatch(/segment \d+ of its log is damaged at byte \d+/);
    expect(after.epoch).not.toBe(before.epoch);
    await after.flushed();
    powerCut(join(directory, "after"), join(directory, "later"));
    await after.close();
    const later = life(join(directory, "later"));
    expect([later.epoch, later.restored, later.checkpoint("a")]).toEqual([after.epoch, undefined, 3]);
    await later.close();
  });
});

describe("a store of which the newest segment is gone", () => {
  const storeIn = (path: string, clock = new SimulatedClock()) =>
    openLmdbStore(path, clock, undefined, () => "the same disk");
  const newestOf = (path: string): string =>
    readdirSync(path)
      .filter((name) => name.startsWith("wal-"))
      .map((name) => ({ name, segment: readLog(path, 0).files.get(name) ?? 0 }))
      .toSorted((a, b) => b.segment - a.segment)[0]?.name ?? "none";

  it("tells of it, be it all zeros or a whole one of an earlier time", async () => {
    const directory = await tempDir();
    const live = join(directory, "live");
    const store = storeIn(live);
    store.put("meta", "first", 1);
    await store.flushed();
    const older = readFileSync(fileOf(live, 1));
    for (const bytes of [Buffer.alloc(CAPACITY), older]) {
      let lost = false;
      // Sooner or later the rows before are moved, and those accepted since are in the newest segment alone.
      for (let n = 0; n < 20 && !lost; n++) {
        store.put("meta", "accepted", `${bytes[0]} ${n}`);
        await store.flushed();
        const [whole, harmed] = [join(directory, `whole ${bytes[0]} ${n}`), join(directory, `harmed ${bytes[0]} ${n}`)];
        for (const path of [whole, harmed]) powerCut(live, path);
        writeFileSync(join(harmed, newestOf(harmed)), bytes);
        const after = storeIn(harmed);
        lost = after.get("meta", "accepted") !== store.get("meta", "accepted");
        expect(after.damage).toMatch(/^the segment of its log after \d+ is missing$/);
        await after.close();
        const sound = storeIn(whole);
        expect([sound.damage, sound.get("meta", "accepted")]).toEqual([undefined, `${bytes[0]} ${n}`]);
        await sound.close();
      }
      expect(lost).toBe(true);
    }
    await store.close();
  });

  it("does without its log after an orderly end, and also when it is killed before it takes anything", async () => {
    const directory = await tempDir();
    const path = join(directory, "closed");
    const first = storeIn(path);
    first.put("meta", "kept", 1);
    await first.flushed();
    await first.close();
    for (const name of readdirSync(path)) if (name.startsWith("wal-")) rmSync(join(path, name));
    const second = storeIn(path);
    expect(second.damage).toBeUndefined();
    powerCut(path, join(directory, "killed"));
    await second.close();
    const third = storeIn(join(directory, "killed"));
    expect([third.damage, third.get("meta", "kept")]).toEqual([undefined, 1]);
    third.put("meta", "more", 2);
    await third.flushed();
    powerCut(join(directory, "killed"), join(directory, "again"));
    await third.close();
    for (const name of readdirSync(join(directory, "again")))
      if (name.startsWith("wal-")) rmSync(join(directory, "again", name));
    const fourth = storeIn(join(directory, "again"));
    expect(fourth.damage).toMatch(/^its log has 0 files of \d$/);
    await fourth.close();
  });
});

function powerCut(from: string, to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(from)) if (name !== "lock.mdb") copyFileSync(join(from, name), join(to, name));
}
