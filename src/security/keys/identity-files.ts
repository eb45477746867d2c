import {
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  type Stats,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import type { Random } from "../../message/clock.ts";
import { faultText, StewardError } from "../../message/errors.ts";
import { syncFolder } from "../../platform/durable-file.ts";
import { Identity, newSeeds, type Seeds } from "./identity.ts";
import { type KeyUse, seedBytes } from "./key-text.ts";

/**
 * The keys of a node in its data directory: `identity/sign.nk` and `identity/seal.nk`, and below `identity/previous/` the
 * pair before the last change of keys. A pair is written in a folder of another name that is then renamed, so a crash
 * leaves no half of it.
 *
 * Keys that others could read or have written are refused: a node that went on with them would look safe and not be.
 */
const FOLDER = "identity";
const MADE = "identity.new";
const REPLACED = "identity.old";
const PREVIOUS = "previous";
const FILES = { sign: "sign.nk", seal: "seal.nk" } as const;
/** A seed has 58 characters; a longer file is none. */
const MOST_BYTES = 256;

/** The identity of a data directory, made if there is none; `owner`: as in `readIdentity`. @throws StewardError `identity-unsafe`, `identity-damaged` */
export function openIdentity(data: string, random: Random, owner?: number): Identity {
  // A change of keys was cut short by a crash: the keys before are still those that others know.
  if (!exists(join(data, FOLDER)) && exists(join(data, REPLACED))) renameSync(join(data, REPLACED), join(data, FOLDER));
  if (exists(join(data, FOLDER))) return readIdentity(data, owner);
  writeIdentity(data, newSeeds(random));
  return readIdentity(data);
}

/**
 * The identity of a data directory that has one. `owner`: the user to whom its files must belong, by default the one who
 * reads. @throws StewardError `identity-unsafe`, `identity-damaged`
 */
export function readIdentity(data: string, owner = process.getuid?.()): Identity {
  const folder = join(data, FOLDER);
  const previous = join(folder, PREVIOUS);
  return new Identity(readPair(folder, owner), exists(previous) ? new Identity(readPair(previous, owner)) : undefined);
}

/** The present seeds: for a change of keys, and to log in to the broker. @throws StewardError like `readIdentity` */
export function readSeeds(data: string): Seeds {
  return readPair(join(data, FOLDER));
}

/** Writes the keys of a data directory, durably; `previous`: the pair before them, whose packets are still opened. */
export function writeIdentity(data: string, seeds: Seeds, previous?: Seeds): void {
  const [made, folder, replaced] = [join(data, MADE), join(data, FOLDER), join(data, REPLACED)];
  rmSync(made, { recursive: true, force: true });
  writePair(made, seeds);
  if (previous !== undefined) writePair(join(made, PREVIOUS), previous);
  // A folder cannot be renamed over a full one.
  rmSync(replaced, { recursive: true, force: true });
  if (exists(folder)) renameSync(folder, replaced);
  renameSync(made, folder);
  syncFolder(data);
  rmSync(replaced, { recursive: true, force: true });
}

/** The seeds of the pair beside the present one; `undefined`: there is none. @throws StewardError like `readIdentity` */
export function readOtherSeeds(data: string): Seeds | undefined {
  const folder = join(data, FOLDER, PREVIOUS);
  return exists(folder) ? readPair(folder) : undefined;
}

function writePair(folder: string, seeds: Seeds): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const use of ["sign", "seal"] as const)
    writeFileSync(join(folder, FILES[use]), `${seeds[use]}\n`, { mode: 0o600, flush: true });
  syncFolder(folder);
}

function readPair(folder: string, owner = process.getuid?.()): Seeds {
  insistPrivate(folder, lstatSync(folder), "700", owner);
  return { sign: readSeed(folder, "sign", owner), seal: readSeed(folder, "seal", owner) };
}

function readSeed(folder: string, use: KeyUse, owner: number | undefined): string {
  const file = join(folder, FILES[use]);
  const text = readPrivate(file, owner).trim();
  if (seedBytes(use, text) !== undefined) return text;
  throw new StewardError("identity-damaged", { file, fault: "it holds no seed, or one that was changed" });
}

function readPrivate(file: string, owner: number | undefined): string {
  let opened: number | undefined;
  try {
    opened = openSync(file, "r");
    insistPrivate(file, fstatSync(opened), "600", owner);
    const bytes = Buffer.alloc(MOST_BYTES);
    return bytes.toString("latin1", 0, readSync(opened, bytes));
  } catch (error) {
    if (error instanceof StewardError) throw error;
    throw new StewardError("identity-damaged", { file, fault: faultText(error) }, { cause: error });
  } finally {
    if (opened !== undefined) closeSync(opened);
  }
}

function insistPrivate(path: string, { mode, uid }: Stats, wanted: "600" | "700", owner: number | undefined): void {
  // Windows has no modes.
  if (owner === undefined) return;
  if (uid !== owner)
    throw new StewardError("identity-unsafe", {
      path,
      fault: `it belongs to user ${uid}, and the daemon runs as user ${owner}`,
      command: `chown ${owner} ${path}`,
    });
  if ((mode & 0o077) === 0) return;
  const fault = `others than its owner may use it (mode ${(mode & 0o777).toString(8)})`;
  throw new StewardError("identity-unsafe", { path, fault, command: `chmod ${wanted} ${path}` });
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
