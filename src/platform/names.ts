import {
  closeSync,
  constants,
  type Dirent,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { readdir } from "node:fs/promises";
import { basename, join, sep } from "node:path";
import { StewardError } from "../message/errors.ts";

/**
 * The one way from a name to a path. A name comes from the wire, from a file or from a folder that others may write to; a
 * root comes from the configuration, and links in it are followed. Below a root a name is one step, and no link is followed.
 *
 * On Linux a folder is held open and named by its descriptor, so that a rename or a link which appears meanwhile changes
 * nothing. Elsewhere the real path is checked after opening.
 */

/** Bytes that a file system takes for one name. */
const LONGEST = 255;
const HELD = "/proc/self/fd";

/** Says why a text cannot be the name of one file; `undefined`: it can. */
export function nameFault(name: string): string | undefined {
  if (name === "") return "it is empty";
  if (name === "." || name === "..") return "it leads to another folder";
  if (name.includes("/") || (sep !== "/" && name.includes(sep))) return "it is a path, not a name";
  if (name.includes("\0")) return "it holds a NUL character";
  if (!name.isWellFormed() || name.includes("\uFFFD")) return "it is not UTF-8";
  const bytes = Buffer.byteLength(name);
  return bytes > LONGEST ? `it has ${bytes} bytes, ${LONGEST} are allowed` : undefined;
}

/** The path of a name in a folder. @throws StewardError `name-refused` */
export function pathIn(folder: string, name: string): string {
  const fault = nameFault(name);
  if (fault !== undefined) throw refused(folder, name, fault);
  return join(folder, name);
}

/** A folder that is held open. */
export interface HeldFolder {
  /** A path that leads to this very folder until it is closed. */
  readonly path: string;
  close(): void;
}

/**
 * Holds the folder that `names` lead to from `root`, one step each. Missing ones are made, with mode 0700, and synced into
 * the folder above.
 * @throws StewardError `name-refused` for a bad name, for a link, and for a folder that has another name in fact
 */
export function holdFolder(root: string, names: readonly string[]): HeldFolder {
  mkdirSync(root, { recursive: true, mode: 0o700 });
  let held = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    let path = root;
    for (const name of names) {
      const next = stepInto(held, path, name);
      closeSync(held);
      held = next;
      path = join(path, name);
    }
    const own = held;
    return { path: pathOf(own, path), close: () => closeSync(own) };
  } catch (error) {
    closeSync(held);
    throw error;
  }
}

/**
 * Opens a file below a root without following a link. `O_NONBLOCK`, so that a FIFO in its place holds nobody up.
 * @returns its descriptor
 * @throws StewardError `name-refused`, and the errors of `open`
 */
export function openIn(folder: string, name: string, flags: number, mode = 0o600): number {
  const path = pathIn(folder, name);
  let fd: number;
  try {
    fd = openSync(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ELOOP") throw refused(folder, name, "it is a link");
    throw error;
  }
  try {
    if (!fstatSync(fd).isFile()) throw refused(folder, name, "it is no regular file");
    insistOnName(fd, path, folder, name);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Writes a new file, for its user alone, in place of what has its name. @throws StewardError `name-refused` */
export function writeIn(folder: string, name: string, content: string | Buffer): void {
  rmSync(pathIn(folder, name), { force: true });
  const fd = openIn(folder, name, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL);
  try {
    writeFileSync(fd, content);
  } finally {
    closeSync(fd);
  }
}

/**
 * Holds a directory that may be anywhere below a root, links in its path included, as long as it lies there in the end.
 * @throws StewardError `name-refused` when it lies elsewhere, and the errors of `open`
 */
export function holdBelow(root: string, path: string): HeldFolder {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const real = realOf(fd, path);
    const above = realpathSync(root);
    if (real !== above && !real.startsWith(above.endsWith(sep) ? above : above + sep))
      throw refused(root, path, "it lies outside");
    return { path: pathOf(fd, real), close: () => closeSync(fd) };
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** The names of the real folders, or the regular files, in a folder, sorted: no links. Empty without a folder. */
export async function namesIn(folder: string, kind: "folders" | "files"): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const fits = (entry: Dirent): boolean => (kind === "folders" ? entry.isDirectory() : entry.isFile());
    return entries.flatMap((entry) => (fits(entry) ? [entry.name] : [])).sort();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw error;
  }
}

function stepInto(held: number, above: string, name: string): number {
  const folder = pathOf(held, above);
  const path = pathIn(folder, name);
  const open = (): number => openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  let fd: number;
  try {
    try {
      fd = open();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      mkdirSync(path, { mode: 0o700 });
      fsyncSync(held);
      fd = open();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ELOOP" || code === "ENOTDIR") throw refused(above, name, "it is a link, or no folder");
    throw error;
  }
  try {
    insistOnName(fd, path, above, name);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** A file system that does not tell capitals apart finds `Ship1` under `ship1`: two names must not be one place. */
function insistOnName(fd: number, path: string, folder: string, name: string): void {
  const real = basename(realOf(fd, path));
  if (real !== name && real.toLowerCase() === name.toLowerCase())
    throw refused(folder, name, `${real} is there already, and this file system takes the two for one`);
}

function realOf(fd: number, path: string): string {
  return hasDescriptors() ? readlinkSync(`${HELD}/${fd}`) : realpathSync.native(path);
}

function pathOf(fd: number, path: string): string {
  return hasDescriptors() ? `${HELD}/${fd}` : path;
}

let descriptors: boolean | undefined;

function hasDescriptors(): boolean {
  descriptors ??= existsSync(HELD);
  return descriptors;
}

function refused(folder: string, name: string, fault: string): StewardError {
  return new StewardError("name-refused", { folder, name: JSON.stringify(name.slice(0, 200)), fault });
}
