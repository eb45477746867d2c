import { readdir } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { type Identity, identify, type Position, sameFile, TailedFile } from "./tailed-file.ts";

/**
 * Where a log's earlier files are: in the same directory, named as logrotate and its like name them. For `access.log`:
 * `access.log.1` (the higher the older), `access.log-20261122`, `access-2026-11-22.log` (the lower the older). Compressed ones
 * cannot be followed.
 */
interface RotatedName {
  /** Names of one style are one sequence. */
  readonly style: string;
  /** Sorts a sequence, oldest first. */
  readonly age: string;
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
      return { style: `${before}${middle[0]}N${after}`, age: String(999 - Number(middle.slice(1))).padStart(3, "0") };
    }
    if (/^[.\-_]\d[\d._T:-]*$/.test(middle)) {
      return { style: `${before}${middle.replace(/\d/g, "0")}${after}`, age: middle };
    }
  }
  return undefined;
}

/** The file that holds what was read up to `position`, opened there: by inode, or a copy of it by its first bytes. */
export async function locate(path: string, position: Position): Promise<TailedFile | undefined> {
  const base = basename(path);
  const candidates: { name: string; same: boolean; age: string }[] = [];
  for (const entry of await entries(path)) {
    const same = sameFile(entry, position);
    const rotated = rotatedName(base, entry.name);
    const ours = entry.name === base || rotated !== undefined;
    // Without first bytes to compare, a file of another name may just have been given the inode.
    const candidate = position.head.length === 0 ? same && ours : same || ours;
    if (candidate) candidates.push({ name: entry.name, same, age: rotated?.age ?? "" });
  }
  // The file itself, else the latest copy: logs whose first lines are alike have copies that are alike.
  candidates.sort((a, b) => Number(b.same) - Number(a.same) || (a.age < b.age ? 1 : -1));
  for (const { name } of candidates) {
    const file = await tryOpen(join(dirname(path), name));
    if (file === undefined) continue;
    if (await file.resume(position)) return file;
    await file.close();
  }
  return undefined;
}

/** The files that were rotated away after `last` was, oldest first, each at its beginning. */
export async function rotatedAfter(path: string, last: Identity, known: readonly Identity[]): Promise<TailedFile[]> {
  const base = basename(path);
  const rotated = (await entries(path)).flatMap((entry) => {
    const name = rotatedName(base, entry.name);
    return name === undefined ? [] : [{ entry, ...name }];
  });
  const from = rotated.find(({ entry }) => sameFile(entry, last));
  if (from === undefined) return [];
  const later = rotated
    .filter(({ entry, style, age }) => style === from.style && age > from.age && !known.some((k) => sameFile(k, entry)))
    .sort((a, b) => (a.age < b.age ? -1 : 1));
  const files: TailedFile[] = [];
  for (const { entry } of later) {
    const file = await tryOpen(join(dirname(path), entry.name));
    if (file !== undefined) files.push(file);
  }
  return files;
}

/** The regular files beside `path`, itself included; only itself where the directory may not be listed. */
async function entries(path: string): Promise<(Identity & { readonly name: string })[]> {
  const directory = dirname(path);
  const found: (Identity & { readonly name: string })[] = [];
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EACCES" || error.code === "EPERM") return [basename(path)];
    throw error;
  });
  for (const name of names) {
    try {
      const { dev, ino, regular } = await identify(join(directory, name));
      if (regular) found.push({ name, dev, ino });
    } catch {
      // Gone since it was listed, or a dangling link: not what is looked for.
    }
  }
  return found;
}

async function tryOpen(path: string): Promise<TailedFile | undefined> {
  try {
    return await TailedFile.open(path);
  } catch {
    // Removed or not permitted: as good as not there.
    return undefined;
  }
}
