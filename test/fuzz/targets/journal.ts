import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { readLog } from "../../../src/journal/store/read-log.ts";
import { openLog } from "../../../src/journal/store/write-ahead-log.ts";
import { systemClock } from "../../../src/platform/system-clock.ts";
import { damaged } from "../damage.ts";
import { insist, type Target } from "../target.ts";
import { temporaryRoom } from "./runner.ts";

/** What a disk may give back. */
const RECORDS: readonly unknown[] = Array.from({ length: 12 }, (_, n) => ({ n, text: "é\u0000".repeat(n * 7) }));

/** A log of one segment as this very code writes it, without the empty rest of its file. Made once for each room. */
async function written(directory: string): Promise<Buffer> {
  const source = join(directory, "source");
  const kept = join(directory, "valid");
  if (existsSync(kept)) return readFileSync(kept);
  mkdirSync(source);
  const log = openLog(source, readLog(source, 0), systemClock);
  await new Promise<void>((resolve, reject) =>
    log.append(
      RECORDS.map((record) => [JSON.stringify(record)]),
      (error) => (error === null ? resolve() : reject(error)),
    ),
  );
  const { size } = log;
  log.close();
  const bytes = readFileSync(join(source, "wal-0.log")).subarray(0, size);
  writeFileSync(kept, bytes);
  return bytes;
}

/** The input tells what happens to the log: pairs of a place and what is laid over it; or it is the whole file. */
export const writeAheadLogs: Target = {
  name: "write-ahead-log",
  about: "damage to a log segment: triples of place (two bytes) and value, laid over a valid log; and the file itself",
  runs: 800,
  input: damaged(fc.uint8Array({ minLength: 3, maxLength: 12 })),
  open: temporaryRoom,
  async check(input, { directory }) {
    const valid = await written(directory);
    const laid = Buffer.from(valid);
    for (let at = 0; at + 2 < input.length; at += 3) {
      const place = (((input[at] ?? 0) << 8) | (input[at + 1] ?? 0)) % laid.length;
      laid[place] = input[at + 2] ?? 0;
    }
    const texts = RECORDS.map((record) => JSON.stringify(record));
    for (const content of [
      laid,
      laid.subarray(0, (input[0] ?? 0) * 8),
      Buffer.concat([laid, input]),
      Buffer.from(input),
    ]) {
      const target = join(directory, "damaged");
      mkdirSync(target, { recursive: true });
      writeFileSync(join(target, "wal-0.log"), content);
      const read = readLog(target, 0).records.map((record) => JSON.stringify(record));
      insist(read.length <= texts.length, "there are more records than were written");
      read.forEach((record, n) => {
        insist(record === texts[n], `record ${n} was never written: ${record.slice(0, 100)}`);
      });
    }
  },
};
