import type { Clock } from "../message/clock.ts";
import type { TargetedDraft } from "../message/draft.ts";
import { type ErrorCode, faultText, normalise, StewardError } from "../message/errors.ts";
import type { Logger } from "../platform/logger.ts";
import type { JobOrderOf } from "../runtime/operate/table/jobs.ts";
import type { Archive } from "./archive.ts";
import { isJobFile, parseJob } from "./job-file.ts";
import { MAX_FILE_BYTES, parseMessages, tooLarge } from "./message-file.ts";
import { type FileMark, markOf, readWhole } from "./whole-file.ts";

/**
 * One file's way through an intake: growing → settled → judged → handed over → `done/`, or → `rejected/`.
 * - A file is judged only when nothing about it has changed for a while, and again after each change.
 * - A file that may be the beginning of a longer one is given more time than a whole one.
 * - Handed over means that the journal has every message, under the file's key. A crash before the move ends in the same
 *   key being handed over again, which the journal answers as a duplicate.
 * - A journal that has no room leaves the file where it is; everything else that is wrong with it moves it to `rejected/`.
 */
export interface FileTaker {
  /** `ripe`: the file can be judged; also a bad file whose patience is over. */
  look(path: string, name: string): Promise<"absent" | "waiting" | "ripe">;
  /**
   * Deals with the file if it is ripe; then it is kept under the name `as`. `blocked`: the journal takes nothing now.
   */
  deal(path: string, name: string, as?: string): Promise<"absent" | "waiting" | "moved" | "blocked">;
  /** Forgets all files but these. */
  keepOnly(paths: ReadonlySet<string>): void;
  /** Why a file waits that is ripe, in words; `undefined`: none does. */
  readonly trouble: string | undefined;
}

export interface Handed {
  readonly ids: readonly string[];
  /** The journal knew the key already: nothing was sent now. */
  readonly duplicate: boolean;
}

/** The surroundings of an intake. */
export interface IntakeOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Journals all of the drafts or none, once for each key. Refusals are StewardErrors. */
  readonly take: (drafts: readonly TargetedDraft[], key: string) => Promise<Handed>;
  /** Journals the job of a file, once for each key. */
  readonly takeJob: (order: JobOrderOf, key: string) => Promise<Handed>;
  /** A fault of the surroundings for which files wait; `undefined`: there is none any more. */
  readonly blocked?: (fault: string | undefined) => void;
  /** The file is in `done/`. */
  readonly onTaken?: (taken: Handed & { readonly name: string; readonly key: string }) => void;
  readonly onRejected?: (rejected: { readonly name: string; readonly error: StewardError }) => void;
  readonly maxBytes?: number;
}

/** Milliseconds without a change before a file is judged. */
const SETTLE = 500;
/** Milliseconds for a file that does not parse, or is YAML without a last line break: a slow link may have cut it. */
const PATIENCE = 2_000;
/** Milliseconds for an empty file: its writer may have created it only. */
const EMPTY_PATIENCE = 60_000;

const RETRIED: readonly ErrorCode[] = ["journal-full", "journal-disk-full", "journal-failed"];

/** Faults for which a good file cannot be read, and which pass. */
const HINDRANCES: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOMEM", "EAGAIN", "EIO", "ESTALE"]);

interface Seen {
  readonly file: FileMark;
  /** Monotonic time since when it is as it is. */
  readonly since: number;
  verdict?: Verdict | undefined;
  handed?: Handed;
}

interface Verdict {
  readonly patience: number;
  readonly content: Content | StewardError;
}

type Content = { readonly key: string } & (
  | { readonly drafts: readonly TargetedDraft[] }
  | { readonly job: JobOrderOf }
);

type Examined =
  | { readonly kind: "absent" | "waiting" }
  | { readonly kind: "ripe"; readonly found: Seen; readonly content: Content | StewardError };

export function fileTaker(archive: Archive, options: IntakeOptions): FileTaker {
  const { clock, log, take, takeJob, maxBytes = MAX_FILE_BYTES } = options;
  const seen = new Map<string, Seen>();
  /** Why a file waits, by its path. */
  const troubles = new Map<string, string>();

  const waits = (path: string, file: string, fault: string, text: string): void => {
    const trouble = `${text}: ${file}: ${fault}`;
    if (troubles.get(path) !== trouble) log.warn({ file, fault }, text);
    troubles.set(path, trouble);
  };

  async function examine(path: string, name: string): Promise<Examined> {
    const file = await markOf(path);
    if (file === undefined) {
      seen.delete(path);
      troubles.delete(path);
      return { kind: "absent" };
    }
    if (file.isLinked) {
      waits(path, name, "it has a second name, copy it instead", "file left alone: hard links are not taken");
      return { kind: "waiting" };
    }
    const known = seen.get(path);
    if (known === undefined || known.file.mark !== file.mark) {
      seen.set(path, { file, since: clock.monotonic() });
      return { kind: "waiting" };
    }
    const age = clock.monotonic() - known.since;
    if (age < SETTLE) return { kind: "waiting" };
    try {
      known.verdict ??= await judge(path, name, file, age, maxBytes);
    } catch (thrown) {
      waits(path, name, faultText(thrown), "file waits: it cannot be read now");
      return { kind: "waiting" };
    }
    if (known.verdict === undefined || age < known.verdict.patience) return { kind: "waiting" };
    return { kind: "ripe", found: known, content: known.verdict.content };
  }

  async function handOver(found: Seen, content: Content): Promise<Handed | StewardError> {
    if (found.handed !== undefined) return found.handed;
    try {
      const { key } = content;
      found.handed = "job" in content ? await takeJob(content.job, key) : await take(content.drafts, key);
      return found.handed;
    } catch (thrown) {
      return normalise(thrown);
    }
  }

  return {
    look: async (path, name) => (await examine(path, name)).kind,

    async deal(path, name, as = name) {
      const examined = await examine(path, name);
      if (examined.kind !== "ripe") return examined.kind;
      const { found, content } = examined;
      const result = content instanceof StewardError ? content : await handOver(found, content);
      if (result instanceof StewardError && RETRIED.includes(result.code)) {
        waits(path, name, result.message, "file waits: the journal takes no messages");
        return "blocked";
      }
      if ((await markOf(path))?.mark !== found.file.mark) {
        log.warn({ file: name }, "file changed while it was taken: what was added is not read");
      }
      try {
        if (result instanceof StewardError) {
          const moved = await archive.rejected(path, as, `${result.message}\n${result.remedy}`);
          log.warn(
            { file: name, moved: `rejected/${moved}`, code: result.code, fault: result.message },
            "file rejected",
          );
        } else {
          const moved = await archive.done(path, as, result.ids);
          log.info(
            { file: name, moved: `done/${moved}`, messages: result.ids.length, duplicate: result.duplicate },
            "file taken",
          );
        }
      } catch (thrown) {
        waits(path, name, faultText(thrown), "file was dealt with and cannot be moved away");
        return "waiting";
      }
      seen.delete(path);
      troubles.delete(path);
      if (result instanceof StewardError) options.onRejected?.({ name, error: result });
      else if (!(content instanceof StewardError)) options.onTaken?.({ name, key: content.key, ...result });
      return "moved";
    },

    keepOnly(paths) {
      for (const path of seen.keys()) if (!paths.has(path)) seen.delete(path);
      for (const path of troubles.keys()) if (!paths.has(path)) troubles.delete(path);
    },

    get trouble() {
      return troubles.values().next().value;
    },
  };
}

/** `undefined`: it changed while it was read, or it is too early to say. Rejects with a hindrance that is none of the file's. */
async function judge(
  path: string,
  name: string,
  file: FileMark,
  age: number,
  maxBytes: number,
): Promise<Verdict | undefined> {
  const bad = (fault: string, patience = PATIENCE): Verdict => ({
    patience,
    content: new StewardError("message-invalid", { where: name, fault }),
  });
  if (file.size === 0) return bad("the file is empty", EMPTY_PATIENCE);
  if (file.size > maxBytes) return { patience: SETTLE, content: tooLarge(name, file.size, maxBytes) };
  try {
    const whole = await readWhole(path, name, file);
    if (whole === undefined) return undefined;
    if ("fault" in whole.content) return bad(whole.content.fault);
    const { text } = whole.content;
    const mayGoOn = !/[\n\r}\]]\s*$/.test(text.slice(-100));
    if (mayGoOn && age < PATIENCE) return undefined;
    const { key } = whole;
    if (isJobFile(text, { name })) return { patience: SETTLE, content: { job: parseJob(text, { name }), key } };
    return { patience: SETTLE, content: { drafts: parseMessages(text, { name, maxBytes }), key } };
  } catch (thrown) {
    if (thrown instanceof StewardError) return { patience: PATIENCE, content: thrown };
    if (HINDRANCES.has((thrown as NodeJS.ErrnoException).code ?? "")) throw thrown;
    return {
      patience: PATIENCE,
      content: new StewardError("file-unreadable", { file: name, fault: faultText(thrown) }, { cause: thrown }),
    };
  }
}
