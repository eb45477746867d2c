import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { TRAILER } from "../../../src/journal/store/log-format.ts";
import { readLog } from "../../../src/journal/store/read-log.ts";
import { openLog, type Rotated, type WriteAheadLog } from "../../../src/journal/store/write-ahead-log.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { tempDir } from "../../harness/temp.ts";

const append = (log: WriteAheadLog, ...records: unknown[]): Promise<void> =>
  new Promise((resolve, reject) => {
    const done = (error: Error | null): void => (error === null ? resolve() : reject(error));
    log.append(
      records.map((record) => [JSON.stringify(record)]),
      done,
    );
  });
const rotated = async (log: WriteAheadLog): Promise<number> =>
  (await new Promise<Rotated>((resolve) => log.rotate(resolve))).complete;
const filesOf = (directory: string): string[] => readdirSync(directory).map((name) => join(directory, name));
const all = (directory: string, released = 0): unknown[] => [...readLog(directory, released).records];
const opened = (directory: string, released = 0): WriteAheadLog =>
  openLog(directory, readLog(directory, released), new SimulatedClock());

describe("the write-ahead log", () => {
  it("gives back what was appended, in order, through one life after another", async () => {
    const directory = await tempDir();
    expect(all(directory)).toEqual([]);
    for (let life = 0; life < 4; life++) {
      const log = opened(directory);
      await append(log, `${life} a`, { life, text: "é\u0000界\ud83d\ude00" });
      await append(log, [life]);
      log.close();
    }
    expect(all(directory)).toEqual(
      [0, 1, 2, 3].flatMap((life) => [`${life} a`, { life, text: "é\u0000界\ud83d\ude00" }, [life]]),
    );
  });

  it("keeps what has a lone surrogate or a key with a meaning to JavaScript as it was", async () => {
    const directory = await tempDir();
    const log = opened(directory);
    const text = '{"__proto__":{"a":1},"b":"\\ud800"}';
    await append(log, JSON.parse(text));
    log.close();
    expect(all(directory).map((record) => JSON.stringify(record))).toEqual([text]);
  });

  it("goes on in files that it has, once what they hold is released, and never before", async () => {
    const directory = await tempDir();
    const log = opened(directory);
    const wanted: number[] = [];
    let released = 0;
    for (let n = 1; n <= 30; n++) {
      await append(log, n);
      wanted.push(n);
      const complete = await rotated(log);
      expect(all(directory, released)).toEqual(wanted);
      if (n % 3 === 0) {
        released = complete;
        log.release(complete);
        wanted.length = 0;
      }
    }
    log.close();
    expect(all(directory, released)).toEqual([]);
    expect(filesOf(directory).length).toBeLessThanOrEqual(5);
  });

  it("takes nothing that an earlier segment left in the same file for its own", async () => {
    const directory = await tempDir();
    const log = opened(directory);
    for (let i = 0; i < 50; i++) await append(log, `old ${i}`);
    log.release(await rotated(log));
    await append(log, "between");
    log.release(await rotated(log));
    await append(log, "new 0");
    log.close();
    expect(all(directory, 2)).toEqual(["new 0"]);
    const next = opened(directory, 2);
    await append(next, "newer");
    next.close();
    expect(all(directory, 2)).toEqual(["new 0", "newer"]);
  });

  it("reads up to the first record that is torn, wherever it is torn, past a turned bit, and goes on in the next life", async () => {
    const directory = await tempDir();
    const log = opened(directory);
    const ends = [0];
    for (const record of ["first", "second", "third"]) {
      await append(log, record);
      ends.push(log.size);
    }
    log.close();
    const [file = ""] = filesOf(directory);
    const whole = readFileSync(file);
    const end = ends.at(-1) ?? 0;
    for (let cut = 0; cut < end; cut++) {
      // What a power cut left of a write: its beginning, and zeros.
      const torn = Buffer.from(whole);
      torn.fill(0, cut);
      writeFileSync(file, torn);
      const survived = ["first", "second", "third"].filter((_, i) => (ends[i + 1] ?? 0) - TRAILER <= cut);
      expect(all(directory)).toEqual(survived);
    }
    for (let at = 0; at < end; at++) {
      const flipped = Buffer.from(whole);
      flipped[at] = (flipped[at] ?? 0) ^ 0x10;
      writeFileSync(file, flipped);
      expect(all(directory)).toEqual(["first", "second", "third"]);
    }
    writeFileSync(file, whole);
    truncateSync(file, (ends[2] ?? 0) + 3);
    const next = opened(directory);
    await append(next, "fourth");
    next.close();
    expect(all(directory)).toEqual(["first", "second", "fourth"]);
  });

  it("is not misled by files of others, nor by one that was cut short when it was made", async () => {
    const directory = await tempDir();
    for (const name of ["data.mdb", "wal-x.log", "wal-7.log.bak"]) writeFileSync(join(directory, name), "not mine");
    writeFileSync(join(directory, "wal-0.log"), "x");
    const log = opened(directory);
    await append(log, 1);
    log.close();
    expect(all(directory)).toEqual([1]);
    expect(readFileSync(join(directory, "wal-x.log"), "utf8")).toBe("not mine");
  });

  it("holds a record that is larger than its file", async () => {
    const directory = await tempDir();
    const log = opened(directory);
    const large = "x".repeat(log.capacity + 1000);
    await append(log, "before", large, "after");
    expect(log.size).toBeGreaterThan(log.capacity);
    log.close();
    expect(all(directory)).toEqual(["before", large, "after"]);
  });

  it("has its files at their full size, readable by nobody else", async () => {
    const directory = await tempDir();
    const log = opened(directory);
    log.close();
    const [file = ""] = filesOf(directory);
    expect(statSync(file).size).toBe(log.capacity);
    expect(statSync(file).mode & 0o077).toBe(0);
  });
});
