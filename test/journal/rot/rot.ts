import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Journal, openJournal } from "../../../src/journal/journal.ts";
import { openLmdbStore } from "../../../src/journal/store/lmdb-store.ts";
import type { Store } from "../../../src/journal/store/store.ts";
import { accountOf } from "../../golden/account.ts";
import { type Packed, unpack } from "../../golden/files.ts";
import { NODE, START } from "../../golden/story.ts";
import { SimulatedClock } from "../../harness/clock.ts";
import { seededRandom } from "../../harness/random.ts";

/**
 * One bit of a journal at rest is turned, and a daemon's journal is opened on it. The judge knows what the journal said of
 * itself before: nothing may be sent or started that was not accepted so, nothing may begin that had ended or begun, and
 * what is not as before must be told.
 */
export interface Flip {
  readonly file: string;
  readonly byte: number;
  readonly bit: number;
}

interface Account {
  readonly epoch: string;
  readonly lanes: readonly {
    readonly subject: string;
    readonly sent: number;
    readonly next: number;
    readonly owed: readonly { readonly seq: number; readonly text: string; readonly skip?: string }[];
  }[];
  readonly sent: readonly {
    readonly message: { readonly id: string; readonly data: unknown };
    readonly state: string;
  }[];
  readonly pending: readonly {
    readonly message: { readonly id: string };
    readonly state: string;
    readonly doubtful?: true;
  }[];
}

interface Opened {
  readonly account: Account;
  readonly told: boolean;
  readonly journal: Journal;
}

const HOME = "golden";

/** Bytes of each file in which a flip can matter: behind them are zeros that nobody wrote. */
export function extents(files: Packed, scratch: string): Map<string, number> {
  const path = join(scratch, "extents");
  unpack(files, path);
  const sizes = new Map<string, number>();
  for (const name of readdirSync(path)) {
    const bytes = readFileSync(join(path, name));
    let end = bytes.length;
    while (end > 0 && bytes[end - 1] === 0) end--;
    sizes.set(name, Math.min(bytes.length, end + 32));
  }
  rmSync(path, { recursive: true });
  return sizes;
}

/** A flip, each bit of each file as likely as any other. */
export function anyFlip(sizes: ReadonlyMap<string, number>, next: () => number): Flip {
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  let at = Math.floor(next() * total);
  for (const [file, size] of sizes) {
    if (at < size) return { file, byte: at, bit: Math.floor(next() * 8) };
    at -= size;
  }
  throw new Error("there are no files");
}

/** What the journal in these files says of itself. */
export async function sound(files: Packed, scratch: string): Promise<Account> {
  const { account, journal } = await openAfter(files, scratch, undefined);
  await journal.close();
  return account;
}

/** What the judge objects to; empty: nothing. */
export async function judge(files: Packed, flip: Flip, before: Account, scratch: string): Promise<string[]> {
  const wrong: string[] = [];
  let opened: Opened;
  try {
    opened = await openAfter(files, scratch, flip);
  } catch (error) {
    return [`it cannot be opened: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`];
  }
  const { account, told, journal } = opened;
  compare(before, account, journal.restored !== undefined, wrong);
  if (!told && withoutEpoch(before) !== withoutEpoch(account))
    wrong.push("something is not as before, and nothing was told");
  await journal.close();
  // The next life goes on from there, and has nothing new to tell.
  try {
    const { store, journal: again } = openAt(join(scratch, "journal"));
    if (again.restored !== undefined || again.damaged.length > 0)
      wrong.push(`told twice: ${again.restored ?? again.damaged.join()}`);
    if (again.epoch !== account.epoch) wrong.push("it has another epoch in its next life");
    const next = read(again, store);
    compare(before, next, journal.restored !== undefined, wrong);
    await again.close();
  } catch (error) {
    wrong.push(`it cannot be opened again: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }
  return wrong;
}

/** @param isAnother the journal goes on as another one: its numbers may begin lower */
function compare(before: Account, account: Account, isAnother: boolean, wrong: string[]): void {
  const owedBefore = new Map(
    before.lanes.flatMap(({ subject, owed }) => owed.map((item) => [`${subject} ${item.seq}`, item] as const)),
  );
  for (const { subject, owed, next, sent } of account.lanes) {
    const lane = before.lanes.find((each) => each.subject === subject);
    if (lane === undefined) wrong.push(`there was no lane ${subject}`);
    else if (!isAnother && (next < lane.next || sent < lane.sent))
      wrong.push(`${subject} gives numbers again: ${next} ${sent}`);
    for (const { seq, text, skip } of owed) {
      if (skip !== undefined) continue;
      const was = owedBefore.get(`${subject} ${seq}`);
      // What was acknowledged may be sent once more, as it was: its receiver knows its id.
      const id = (JSON.parse(text) as { i: string }).i;
      const data = (JSON.parse(text) as { d: unknown }).d;
      const kept = before.sent.find(({ message }) => message.id === id);
      const same = was === undefined ? JSON.stringify(kept?.message.data) === JSON.stringify(data) : was.text === text;
      if (!same) wrong.push(`${subject} ${seq} would be sent as ${text}`);
      if (was?.skip !== undefined) wrong.push(`${subject} ${seq} was withdrawn, and would be sent`);
    }
  }
  for (const { message, state, doubtful } of account.pending) {
    const was = before.pending.find((each) => each.message.id === message.id);
    const begins = state === "received" && doubtful !== true;
    if (was === undefined && begins) wrong.push(`${message.id} had ended, and would begin`);
    if (was?.state === "running" && begins) wrong.push(`${message.id} had begun, and would begin again`);
    if (was !== undefined && JSON.stringify(was.message) !== JSON.stringify(message))
      wrong.push(`${message.id} would run as ${JSON.stringify(message)}`);
  }
}

function withoutEpoch(account: Account): string {
  return JSON.stringify({ ...account, epoch: "" });
}

function read(journal: Journal, store: Store): Account {
  return accountOf(journal, store) as Account;
}

async function openAfter(files: Packed, scratch: string, flip: Flip | undefined): Promise<Opened> {
  const path = join(scratch, "journal");
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  unpack(files, path);
  if (flip !== undefined) {
    const file = join(path, flip.file);
    const bytes = readFileSync(file);
    bytes[flip.byte] = (bytes[flip.byte] ?? 0) ^ (1 << flip.bit);
    writeFileSync(file, bytes);
  }
  const { journal, store } = openAt(path);
  const account = read(journal, store);
  return { account, journal, told: journal.restored !== undefined || journal.damaged.length > 0 };
}

function openAt(path: string): { journal: Journal; store: Store } {
  const clock = new SimulatedClock(START + 100_000);
  const store = openLmdbStore(path, clock, undefined, () => HOME);
  const journal = openJournal(store, { node: NODE, path, clock, random: seededRandom(1) });
  return { journal, store };
}
