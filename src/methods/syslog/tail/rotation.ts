import { lstat, readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, extname } from "node:path";
import { nameFault, pathIn } from "../../../platform/names.ts";
import { type Identity, keyOf, sameFile } from "./log-file.ts";

/**
 * The name of an earlier file of a log, in the log's directory, as logrotate and its like give it. For `access.log`:
 * `access.log.1`, `access.log-20261122`, `access-2026-11-22.log`, `access.log.old`, each of them also compressed. The name
 * proves that a file belongs to the log, but not its age: programs count upwards as well as downwards.
 */
export interface RotatedName {
  /** Names of one style are one sequence. */
  readonly style: string;
  /** Sort key within a sequence, as logrotate counts, oldest first; used for files that were last changed at the same time. */
  readonly age: string;
  /** True for names like `access-1.log`, which may belong to another log. */
  readonly doubtful: boolean;
}

export function rotatedName(base: string, name: string): RotatedName | undefined {
  const extension = extname(base);
  const stem = basename(base, extension);
  const forms: readonly (readonly [string, string])[] =
    extension === ""
      ? [[base, ""]]
      : [
          [base, ""],
          [stem, extension],
        ];
  for (const [before, after] of forms) {
    if (!name.startsWith(before) || !name.endsWith(after) || name.length <= before.length + after.length) continue;
    const middle = name.slice(before.length, name.length - after.length);
    if (/^[.-]\d{1,3}$/.test(middle)) {
      const age = String(999 - Number(middle.slice(1))).padStart(3, "0");
      return { style: `${before}${middle[0]}N${after}`, age, doubtful: after !== "" };
    }
    if (/^[.\-_]\d[\d._TZ:-]*$/.test(middle)) {
      return { style: `${before}${middle.replace(/\d/g, "0")}${after}`, age: middle, doubtful: false };
    }
    if (/^[.\-_](?:old|prev|previous)$/.test(middle)) {
      return { style: `${before}${middle}${after}`, age: "", doubtful: false };
    }
  }
  // multilog, svlogd and s6-log name their files so, in a directory for each log.
  const tai = base === "current" ? /^@([0-9a-f]{24})\.[su]$/.exec(name) : null;
  return tai === null ? undefined : { style: "@", age: tai[1] ?? "", doubtful: false };
}

const PACKED = /\.(?:gz|xz|zst|bz2|lzma|lz4|Z|zip)$/;
/** The ending of the compressed files that can be read here. */
export const READABLE = ".gz";

/** A file of the log, as found in its directory. */
export interface Entry extends Identity {
  readonly name: string;
  readonly size: number;
  /** Time of the last change, ns. */
  readonly mtime: bigint;
  /** Time of creation, ns; 0 on file systems without it. */
  readonly birth: bigint;
  /** The file at the log's own path. */
  readonly live: boolean;
  readonly rotated: RotatedName | undefined;
  /** The ending of a compressed file. */
  readonly packed: string | undefined;
}

/** A log and its earlier files, and a stamp that changes with the names in their directories. */
export interface Listing {
  readonly entries: readonly Entry[];
  readonly stamp: string;
}

const ROUNDS = 5;

/** The log and its earlier files, each once, the oldest first. */
export async function listLogs(path: string): Promise<Listing> {
  const target = await realpath(path).catch(() => path);
  const bases = new Set([basename(path), basename(target)]);
  const directories = [...new Set([dirname(path), dirname(target)])];
  for (let round = 1; ; round++) {
    const stamp = await stampOf(path);
    const found = new Map<string, Entry>();
    for (const directory of directories) {
      for (const name of await namesIn(directory)) {
        const belongs = belonging(bases, target, name);
        if (belongs === undefined && !bases.has(name)) continue;
        const entry = await entryAt(pathIn(directory, name), belongs, lstat);
        if (entry !== undefined && !found.has(keyOf(entry))) found.set(keyOf(entry), entry);
      }
    }
    const live = await entryAt(path, undefined, stat);
    if (live !== undefined) found.set(keyOf(live), { ...live, live: true });
    // A file that was renamed during the reading may be under none of the names read.
    if (round < ROUNDS && stamp !== (await stampOf(path))) continue;
    return { entries: [...found.values()].sort(older), stamp };
  }
}

/** A text that changes when a file in the log's directories appears, goes or is renamed. */
export async function stampOf(path: string): Promise<string> {
  const target = await realpath(path).catch(() => path);
  const times: string[] = [target];
  for (const directory of new Set([dirname(path), dirname(target)])) {
    const found = await stat(directory, { bigint: true }).catch(() => undefined);
    times.push(`${found?.mtimeNs ?? ""}`);
  }
  return times.join(" ");
}

/** The path of a file with this identity, under any name, in the log's directory or one level below. */
export async function findMoved(path: string, identity: Identity): Promise<string | undefined> {
  const directory = dirname(path);
  const below: string[] = [];
  for (const name of await namesIn(directory)) {
    const found = await lstat(pathIn(directory, name), { bigint: true }).catch(() => undefined);
    if (found?.isDirectory()) below.push(pathIn(directory, name));
    else if (found?.isFile() && sameFile(identify(found), identity)) return pathIn(directory, name);
  }
  for (const folder of below) {
    for (const name of await namesIn(folder)) {
      const found = await lstat(pathIn(folder, name), { bigint: true }).catch(() => undefined);
      if (found?.isFile() && sameFile(identify(found), identity)) return pathIn(folder, name);
    }
  }
  return undefined;
}

function belonging(bases: ReadonlySet<string>, target: string, name: string): RotatedName | undefined {
  const plain = name.replace(PACKED, "");
  for (const base of bases) {
    const rotated = rotatedName(base, plain);
    if (rotated !== undefined) return rotated;
  }
  // A link to a file with a date in its name has led to other files of that form before.
  const shape = shapeOf(basename(target));
  if (/0{4}-?00-?00/.test(shape) && shapeOf(plain) === shape) return { style: shape, age: plain, doubtful: false };
  return undefined;
}

const shapeOf = (name: string): string => name.replace(/\d/g, "0");

function older(a: Entry, b: Entry): number {
  if (a.live !== b.live) return a.live ? 1 : -1;
  if (a.mtime !== b.mtime) return a.mtime < b.mtime ? -1 : 1;
  const [x, y] = [a.rotated?.age ?? "", b.rotated?.age ?? ""];
  return x < y ? -1 : x > y ? 1 : 0;
}

const identify = ({ dev, ino }: { readonly dev: bigint; readonly ino: bigint }): Identity => ({
  dev: `${dev}`,
  ino: `${ino}`,
});

/** The names in a directory; none if it is absent or may not be listed. */
async function namesIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((name) => nameFault(name) === undefined);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (["EACCES", "EPERM", "ENOENT", "ENOTDIR"].includes(code)) return [];
    throw error;
  }
}

/** `look`: the path of the log itself may be a link. A link beside it is none of its earlier files: it could lead anywhere. */
async function entryAt(
  name: string,
  rotated: RotatedName | undefined,
  look: typeof stat | typeof lstat,
): Promise<Entry | undefined> {
  // A name that is gone since it was listed is left out.
  const found = await look(name, { bigint: true }).catch(() => undefined);
  if (!found?.isFile()) return undefined;
  const packed = rotated === undefined ? undefined : PACKED.exec(name)?.[0];
  return {
    ...identify(found),
    name,
    size: Number(found.size),
    mtime: found.mtimeNs,
    birth: found.birthtimeNs,
    live: false,
    rotated,
    packed,
  };
}
