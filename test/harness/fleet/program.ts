import { type ChildProcess, spawn } from "node:child_process";
import { PATIENCE } from "../eventually.ts";
import { atTestEnd } from "../temp.ts";

/** A program as a child process, with all that it wrote. It is killed, if it still runs, when the test is over. */
export interface ProgramEnd {
  /** `null` when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** Written to its standard input, which is then closed. */
  readonly input?: string;
}

interface Watcher {
  look(): void;
  ended(): void;
}

export class Program {
  readonly pid: number;
  readonly ended: Promise<ProgramEnd>;
  readonly #child: ChildProcess;
  readonly #gone: Promise<void>;
  readonly #words: string;
  readonly #watchers = new Set<Watcher>();
  #stdout = "";
  #stderr = "";
  #alive = true;

  constructor(file: string, args: readonly string[], { cwd, env, input }: ProgramOptions) {
    this.#words = args.join(" ");
    const child = spawn(file, args, { cwd, env, stdio: ["pipe", "pipe", "pipe"] });
    this.#child = child;
    this.pid = child.pid ?? 0;
    child.stdin.on("error", () => undefined);
    child.stdin.end(input ?? "");
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#stdout += text;
      this.#look();
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text;
      this.#look();
    });
    this.#gone = new Promise((resolve) => {
      child.once("exit", () => resolve());
      child.once("error", () => resolve());
    });
    this.ended = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => {
        this.#alive = false;
        for (const watcher of [...this.#watchers]) watcher.ended();
        resolve({ code, signal, stdout: this.#stdout, stderr: this.#stderr });
      });
    });
    this.ended.catch(() => undefined);
    atTestEnd(
      () => this.kill(),
      () => child.kill("SIGKILL"),
    );
  }

  /** Resolves when the process itself has ended, whoever still holds its pipes. */
  get gone(): Promise<void> {
    return this.#gone;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Resolves once what it wrote, from `from` on, holds this; rejects when it ends or the time is over before. */
  saw(pattern: RegExp, { stream = "stdout", from = 0, within = 15_000 }: SawOptions = {}): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const done = (settle: () => void): void => {
        clearTimeout(timer);
        this.#watchers.delete(watcher);
        settle();
      };
      const text = (): string => (stream === "stdout" ? this.#stdout : this.#stderr).slice(from);
      const refuse = (why: string): void =>
        done(() => reject(new Error(`${why} before ${pattern}: ${this.describe()}`)));
      const watcher: Watcher = {
        look: () => {
          const found = pattern.exec(text());
          if (found !== null) done(() => resolve(found));
        },
        ended: () => refuse("it ended"),
      };
      const timer = setTimeout(() => refuse(`${within} ms went by`), within * PATIENCE);
      this.#watchers.add(watcher);
      watcher.look();
      if (!this.#alive && this.#watchers.has(watcher)) watcher.ended();
    });
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Signals it and waits for its end. */
  async end(name: NodeJS.Signals, within = 20_000): Promise<ProgramEnd> {
    this.signal(name);
    return await this.within(within);
  }

  /** Its end; when it takes longer it is killed, and that is an error. */
  async within(ms: number): Promise<ProgramEnd> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        this.#child.kill("SIGKILL");
        reject(new Error(`it did not end within ${ms} ms: ${this.describe()}`));
      }, ms * PATIENCE);
    });
    try {
      return await Promise.race([this.ended, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  async kill(): Promise<void> {
    if (this.#alive) this.#child.kill("SIGKILL");
    await this.#gone;
    // Whoever inherited its pipes may hold them for ever.
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
    await this.ended.catch(() => undefined);
  }

  /** For the message of a failed test. */
  describe(): string {
    return `${this.#words}\n--- stdout\n${this.#stdout.slice(-4000)}\n--- stderr\n${this.#stderr.slice(-4000)}`;
  }

  #look(): void {
    for (const watcher of [...this.#watchers]) watcher.look();
  }
}

interface SawOptions {
  readonly stream?: "stdout" | "stderr";
  readonly from?: number;
  readonly within?: number;
}
