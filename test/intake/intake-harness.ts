import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Handed, IntakeOptions } from "../../src/intake/file-taker.ts";
import type { Draft } from "../../src/message/draft.ts";
import type { StewardError } from "../../src/message/errors.ts";
import type { JobOrderOf } from "../../src/runtime/operate/table/jobs.ts";
import { SimulatedClock } from "../harness/clock.ts";

interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly fields: Record<string, unknown>;
  readonly text: string;
}

/** A journal that remembers keys, a clock that stands still, a folder of its own, and what the intake reported. */
export class IntakeHarness {
  readonly folder: string;
  readonly clock = new SimulatedClock();
  readonly logged: LogLine[] = [];
  readonly taken: (Handed & { readonly name: string })[] = [];
  readonly rejected: { readonly name: string; readonly error: StewardError }[] = [];
  /** What was journalled, in order; each key once. */
  readonly journal = new Map<string, { readonly drafts: readonly Draft[]; readonly ids: readonly string[] }>();
  /** Set to make the journal refuse. */
  refuse: Error | undefined;
  attempts = 0;

  constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<IntakeHarness> {
    return new IntakeHarness(await mkdtemp(join(tmpdir(), "steward-intake-")));
  }

  get options(): IntakeOptions {
    const log = (level: LogLine["level"]) => (fields: object, text: string) => {
      this.logged.push({ level, fields: { ...fields }, text });
    };
    return {
      clock: this.clock,
      log: { debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") },
      take: async (drafts, key) => this.#take(drafts, key),
      takeJob: async (order, key) => this.#takeJob(order, key),
      onTaken: (taken) => this.taken.push(taken),
      onRejected: (rejected) => this.rejected.push(rejected),
    };
  }

  /** Subjects that were journalled, in order. */
  get subjects(): string[] {
    return [...this.journal.values()].flatMap(({ drafts }) => drafts.map((draft) => draft.subject));
  }

  #take(drafts: readonly Draft[], key: string): Handed {
    this.attempts++;
    if (this.refuse !== undefined) throw this.refuse;
    const known = this.journal.get(key);
    if (known !== undefined) return { ids: known.ids, duplicate: true };
    const ids = drafts.map((_, i) => `id-${this.journal.size}-${i}`);
    this.journal.set(key, { drafts, ids });
    return { ids, duplicate: false };
  }

  #takeJob(order: JobOrderOf, key: string): Handed {
    return this.#take([order], key);
  }

  /** Lets time pass in small steps, with real file operations in between, until something is so; bounded. */
  async until(condition: () => boolean | Promise<boolean>, limit = 120_000): Promise<void> {
    for (let passed = 0; passed <= limit; passed += 50) {
      if (await condition()) return;
      await this.pass(50);
    }
    throw new Error(`not so after ${limit} ms: ${JSON.stringify(this.logged)}`);
  }

  /** Lets so much time pass; file operations that it starts come to their end. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 50) {
      await this.clock.advance(Math.min(50, left));
      // As many trips through the thread pool as one look makes, so that it is over.
      for (let i = 0; i < 12; i++) await stat(this.folder).catch(() => undefined);
    }
  }

  async list(folder = "."): Promise<string[]> {
    return (await readdir(join(this.folder, folder)).catch(() => [])).sort();
  }

  read(path: string): Promise<string> {
    return readFile(join(this.folder, path), "utf8");
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}

export const noteFor = (node: string): string => `- {to: ${node}, event: note, domain: d}\n`;
