import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Journal, openJournal } from "../../src/journal/journal.ts";
import { JOURNAL_VERSION } from "../../src/journal/records.ts";
import { openLmdbStore } from "../../src/journal/store/lmdb-store.ts";
import type { Store } from "../../src/journal/store/store.ts";
import { SimulatedClock } from "../harness/clock.ts";
import { seededRandom } from "../harness/random.ts";
import { accountOf } from "./account.ts";
import { type Packed, packed, unpack } from "./files.ts";
import { firstPart, NODE, START, secondPart } from "./story.ts";

/**
 * Golden journals: the files of a journal as a version of steward left them, killed in the middle of its work, and what it
 * said of itself. A journal that was released stays readable for ever, and says the same.
 */
export interface Golden {
  readonly files: Packed;
  readonly account: unknown;
}

/** A directory and the store in it, until `end`. */
interface Opened {
  readonly journal: Journal;
  readonly store: Store;
  end(): Promise<void>;
}

/** A recorded journal is at home wherever it is opened. */
const HOME = "golden";
const DATA = "data.mdb";

function openAt(path: string): Opened {
  const clock = new SimulatedClock(START + 100_000);
  const store = openLmdbStore(path, clock, undefined, () => HOME);
  const journal = openJournal(store, { node: NODE, path, clock, random: seededRandom(1) });
  return { journal, store, end: () => journal.close() };
}

/**
 * Lives the story in `path`, up to a power cut of which `left` is what the disk had: the first part in the tables, as an
 * orderly end left them, and the second in the log alone.
 */
async function live(path: string, left: string): Promise<void> {
  const first = openAt(path);
  await firstPart(first.journal, () => first.journal.flushed()).finally(first.end);
  cpSync(join(path, DATA), join(left, DATA));
  const { journal, end } = openAt(path);
  try {
    // Moves the nothing that there is to be moved: what comes now stays in the log until its clock goes on.
    await journal.flushed();
    await secondPart(journal, () => journal.flushed());
    cpSync(path, left, { recursive: true, filter: (from) => !from.endsWith(".mdb") });
  } finally {
    await end();
  }
}

export async function record(scratch: string): Promise<Golden> {
  const left = join(scratch, "left");
  await live(join(scratch, "alive"), left);
  const files = packed(left);
  return { files, account: await accountIn(files, join(scratch, "read")) };
}

/** What the journal in these files says of itself. */
export async function accountIn(files: Packed, path: string): Promise<unknown> {
  unpack(files, path);
  const { journal, store, end } = openAt(path);
  try {
    return accountOf(journal, store);
  } finally {
    await end();
  }
}

export function folderOf(root: string, version = JOURNAL_VERSION): string {
  return join(root, "test/golden", `v${version}`);
}

export function readGolden(folder: string): Golden {
  const read = (name: string): unknown => JSON.parse(readFileSync(join(folder, name), "utf8"));
  return { files: read("journal.json") as Packed, account: read("expected.json") };
}

/** The golden journal of this version, as its files. */
export function goldenAt(path: string): void {
  unpack(readGolden(folderOf(fileURLToPath(new URL("../..", import.meta.url)))).files, path);
}

/** Writes the golden journal of this version. Returns where. */
export async function writeGolden(root: string): Promise<string> {
  const scratch = mkdtempSync(join(tmpdir(), "steward-golden-"));
  try {
    const { files, account } = await record(scratch);
    const folder = folderOf(root);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "journal.json"), `${JSON.stringify(files, null, 1)}\n`);
    writeFileSync(join(folder, "expected.json"), `${JSON.stringify(account, null, 2)}\n`);
    return folder;
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
