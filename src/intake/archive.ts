import { lstat, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

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
    done: (path, name, ids) => move(path, join(folder, "done"), name, ".ids", `${ids.join("\n")}\n`, kept),
    rejected: (path, name, cause) => move(path, join(folder, "rejected"), name, ".error", `${cause}\n`, kept),
  };
}

/** The sidecar is written first, so that no file ever stands there without its explanation. */
async function move(
  path: string,
  folder: string,
  name: string,
  suffix: string,
  sidecar: string,
  kept: number,
): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (!(await lstat(folder)).isDirectory()) throw new Error(`${folder} is a link, and links are not followed`);
  const present = new Set(await readdir(folder));
  const target = freeName(present, name, suffix);
  await writeWhole(join(folder, target + suffix), join(folder, `.${target}${suffix}`), sidecar);
  await rename(path, join(folder, target));
  if (present.size > 2 * (kept + SLACK)) await prune(folder, [...present], suffix, kept);
  return target;
}

/**
 * Writes the sidecar whole, then gives it its name. A full disk must not keep the file in the intake: the move needs no
 * room, and the log has the explanation too.
 */
async function writeWhole(path: string, draft: string, text: string): Promise<void> {
  try {
    // A draft that is left from before, or a link that somebody put there, is removed and never written through.
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
  for (const name of present.filter((entry) => !entry.endsWith(suffix))) {
    // The change time is when it was moved here; the modification time may be years older.
    const at = await lstat(join(folder, name)).then(
      (found) => found.ctimeMs,
      () => undefined,
    );
    if (at !== undefined) aged.push({ name, at });
  }
  aged.sort((a, b) => b.at - a.at || (a.name < b.name ? 1 : -1));
  for (const { name } of aged.slice(kept)) {
    await rm(join(folder, name), { force: true });
    await rm(join(folder, name + suffix), { force: true });
  }
}
