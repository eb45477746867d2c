import { lstat, readdir, rename, rm, writeFile } from "node:fs/promises";
import { holdFolder, nameFault, pathIn } from "../platform/names.ts";

/** Files kept in each of the two folders, each with its sidecar; older ones are removed. */
const KEPT = 1000;
/** So many more are let in before the older ones are removed together. */
const SLACK = 100;
/** Bytes of a file's name that are kept, so that suffixes still fit into the 255 that file systems allow. */
const NAME_BYTES = 200;

/** Where files go once they are dealt with: `done/` and `rejected/`, each beside a small file that says what came of it. */
export interface Archive {
  /** Moves a taken file to `done/`, with its ids in `<name>.ids`. @returns its new name */
  done(path: string, name: string, ids: readonly string[]): Promise<string>;
  /** Moves a bad file to `rejected/`, with the cause in `<name>.error`. @returns its new name */
  rejected(path: string, name: string, cause: string): Promise<string>;
}

export function archiveIn(folder: string, kept = KEPT): Archive {
  return {
    done: (path, name, ids) => moveInto(folder, "done", path, { name, suffix: ".ids", sidecar: ids.join("\n") }, kept),
    rejected: (path, name, cause) =>
      moveInto(folder, "rejected", path, { name, suffix: ".error", sidecar: cause }, kept),
  };
}

interface Moved {
  readonly name: string;
  readonly suffix: string;
  readonly sidecar: string;
}

/** Others may write to the intake's folder: a link in place of `done/` is refused, and none in it is followed. */
async function moveInto(folder: string, place: string, path: string, moved: Moved, kept: number): Promise<string> {
  const held = holdFolder(folder, [place]);
  try {
    return await move(path, held.path, moved, kept);
  } finally {
    held.close();
  }
}

/** The sidecar is written first, so that no file ever stands there without its explanation. */
async function move(path: string, folder: string, { name, suffix, sidecar }: Moved, kept: number): Promise<string> {
  const present = new Set(await readdir(folder));
  const target = freeName(present, name, suffix);
  await writeWhole(pathIn(folder, target + suffix), pathIn(folder, `.${target}${suffix}`), `${sidecar}\n`);
  await rename(path, pathIn(folder, target));
  if (present.size > 2 * (kept + SLACK)) await prune(folder, [...present], suffix, kept);
  return target;
}

/**
 * Writes the sidecar whole, then gives it its name. A full disk must not keep the file in the intake: the move needs no
 * room, and the log has the explanation too.
 */
async function writeWhole(path: string, draft: string, text: string): Promise<void> {
  try {
    await rm(draft, { force: true });
    await writeFile(draft, text, { mode: 0o600, flag: "wx" });
    await rename(draft, path);
  } catch {
    await rm(draft, { force: true }).catch(() => undefined);
  }
}

/** A name that overwrites neither a file nor its sidecar: `a.yaml`, `a.1.yaml`, `a.2.yaml`, … */
function freeName(present: ReadonlySet<string>, name: string, suffix: string): string {
  const dot = name.lastIndexOf(".");
  const extension = dot > 0 ? name.slice(dot) : "";
  const base = withinBytes(dot > 0 ? name.slice(0, dot) : name, NAME_BYTES);
  for (let n = 0; ; n++) {
    const candidate = n === 0 ? base + extension : `${base}.${n}${extension}`;
    if (!present.has(candidate) && !present.has(candidate + suffix)) return candidate;
  }
}

function withinBytes(text: string, bytes: number): string {
  let kept = text;
  while (Buffer.byteLength(kept) > bytes) kept = kept.slice(0, -1);
  return kept;
}

async function prune(folder: string, present: readonly string[], suffix: string, kept: number): Promise<void> {
  const aged: { readonly name: string; readonly at: number }[] = [];
  for (const name of present.filter((entry) => !entry.endsWith(suffix) && nameFault(entry) === undefined)) {
    // The change time is when it was moved here; the modification time may be years older.
    const at = await lstat(pathIn(folder, name)).then(
      (found) => found.ctimeMs,
      () => undefined,
    );
    if (at !== undefined) aged.push({ name, at });
  }
  aged.sort((a, b) => b.at - a.at || (a.name < b.name ? 1 : -1));
  for (const { name } of aged.slice(kept)) {
    await rm(pathIn(folder, name), { force: true });
    await rm(pathIn(folder, name + suffix), { force: true });
  }
}
