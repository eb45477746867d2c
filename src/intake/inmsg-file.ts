import { lstat, rename } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { archiveIn } from "./archive.ts";
import type { Intake } from "./drop-folder.ts";
import { fileTaker, type IntakeOptions } from "./file-taker.ts";
import { watchFolder } from "./watched-folder.ts";
import { markOf } from "./whole-file.ts";

/** Looks at a file that is not ripe yet, and while the journal takes nothing; ms apart. */
const BUSY = 250;
const BLOCKED = 5_000;

export interface InmsgFileOptions extends IntakeOptions {
  /** The file, such as `inmsg.txt` in the data directory. It may be missing or empty. */
  readonly file: string;
  /** Where `done/` and `rejected/` are; on the same file system. Default: the file's own folder. */
  readonly archive?: string;
}

/**
 * Takes what is written to one well-known file, again and again. Once its content is whole the file is claimed, that is
 * renamed to `.<name>.claimed`, and only then taken: whoever appends later makes a new file, and nothing is read twice. A
 * claimed file of an earlier daemon comes first; there is never more than one.
 */
export function openInmsgFile(options: InmsgFileOptions): Intake {
  const { file, clock, log, blocked } = options;
  const folder = dirname(file);
  const name = basename(file);
  const claimed = join(folder, `.${name}.claimed`);
  const taker = fileTaker(archiveIn(options.archive ?? folder), options);

  async function look(): Promise<number | null> {
    const progress = await taker.deal(claimed, name, archiveName());
    if (progress === "blocked") return BLOCKED;
    if (progress === "waiting") return BUSY;
    taker.keepOnly(new Set([file]));
    const present = await markOf(file);
    if (present === undefined) await expectAbsent(file);
    if (present === undefined || present.size === 0) return null;
    if ((await taker.look(file, name)) === "ripe") await rename(file, claimed);
    return BUSY;
  }

  /** `inmsg.20300101T120000Z.txt`: sorts by time, and tells the files of a day apart. */
  function archiveName(): string {
    const time = new Date(clock.now()).toISOString().replace(/[-:]|\.\d+/g, "");
    const extension = extname(name);
    return `${basename(name, extension)}.${time}${extension}`;
  }

  return watchFolder({
    folder,
    clock,
    concerns: (changed) => changed === name,
    look,
    trouble: () => taker.trouble,
    failed: `cannot use the message file ${file}`,
    log,
    blocked,
  });
}

/** @throws Error when something stands in the place of the file that is none */
async function expectAbsent(file: string): Promise<void> {
  const found = await lstat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (found !== undefined && !found.isFile())
    throw new Error("it is no regular file; move it away, and write a file there");
}
