import type { Dirent } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { pathIn } from "../platform/names.ts";
import { archiveIn } from "./archive.ts";
import { fileTaker, type IntakeOptions } from "./file-taker.ts";
import { watchFolder } from "./watched-folder.ts";

/** Looks of a folder with files that are not ripe yet, and of one that waits for the journal; ms apart. */
const BUSY = 250;
const BLOCKED = 5_000;
/** Files that are looked at in one look; the others wait for their turn. */
const AT_ONCE = 1_000;

const TAKEN = /^[^.].*\.(ya?ml|json)$/i;
const UNFINISHED = /^\.|\.(tmp|part)$|~$/i;

/** True for a name in which U+FFFD stands for bytes that are not UTF-8: the file cannot be opened by that name. */
const misread = (name: string): boolean => name.includes("\uFFFD");

/** The reason why a file is not taken; empty: it is taken. */
function reasonAgainst(entry: Dirent): string {
  if (misread(entry.name)) return "its name is not UTF-8; rename it";
  if (!TAKEN.test(entry.name)) return "only *.yaml, *.yml and *.json are taken";
  return entry.isFile() ? "" : "it is no regular file; links are not followed";
}

export interface DropFolderOptions extends IntakeOptions {
  /** Made if it is missing; `done/` and `rejected/` are inside. */
  readonly folder: string;
}

export interface Intake {
  /** Takes no more files; resolves once the one that is being taken is dealt with. */
  close(): Promise<void>;
}

/**
 * Takes every `*.yaml`, `*.yml` and `*.json` that is put into a folder, in the order of their names; also what lay there
 * before. Left alone: names that begin with a dot or end in `.tmp`, `.part` or `~`, folders, links and special files. So a
 * writer that can stall writes under such a name and renames.
 */
export function openDropFolder(options: DropFolderOptions): Intake {
  const { folder, clock, log, blocked } = options;
  const taker = fileTaker(archiveIn(folder), options);
  const ignored = new Set<string>();

  async function look(): Promise<number | null> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const entries = await readdir(folder, { withFileTypes: true });
    const names = entries
      .map((entry) => entry.name)
      .filter((name) => TAKEN.test(name) && !misread(name))
      .sort();
    const next = await takeAll(names);
    warnOfOthers(entries.filter((entry) => !entry.isDirectory()));
    return next;
  }

  async function takeAll(names: readonly string[]): Promise<number | null> {
    taker.keepOnly(new Set(names.map((name) => pathIn(folder, name))));
    let next = names.length > AT_ONCE ? BUSY : null;
    for (const name of names.slice(0, AT_ONCE)) {
      if (closing) break;
      const progress = await taker.deal(pathIn(folder, name), name);
      // The files behind it would be refused as well, and would get ahead of it if they were not.
      if (progress === "blocked") return BLOCKED;
      if (progress === "waiting") next = BUSY;
    }
    return next;
  }

  function warnOfOthers(entries: readonly Dirent[]): void {
    const others = entries.filter(({ name }) => !UNFINISHED.test(name)).filter((entry) => reasonAgainst(entry) !== "");
    for (const entry of others)
      if (!ignored.has(entry.name)) log.warn({ file: entry.name }, `file left alone: ${reasonAgainst(entry)}`);
    ignored.clear();
    for (const { name } of others) ignored.add(name);
  }

  let closing = false;
  const watched = watchFolder({
    folder,
    clock,
    concerns: (name) => TAKEN.test(name),
    look,
    trouble: () => taker.trouble,
    failed: `cannot use the drop folder ${folder}`,
    log,
    blocked,
  });
  return {
    close() {
      closing = true;
      return watched.close();
    },
  };
}
