import { join } from "node:path";
import { type Api, openApi } from "../../src/api/server.ts";
import type { Reach } from "../../src/cli/cli.ts";
import type { CliIo, SignalName } from "../../src/cli/io.ts";
import { reachDaemon } from "../../src/cli/reach.ts";
import { runCli } from "../../src/cli/run-cli.ts";
import { checkOffline } from "../../src/journal/offline.ts";
import type { Logger } from "../../src/platform/logger.ts";
import { systemClock } from "../../src/platform/system-clock.ts";
import { type FakeOperations, fakeOperations, openDoor } from "../harness/fake-operations.ts";
import { inputOf } from "../harness/input.ts";
import { atTestEnd, tempDir } from "../harness/temp.ts";

const quiet: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/** In this process: another would need a compiled program. */
const checkHere: Reach["checkJournal"] = (path, options) => checkOffline(path, { clock: systemClock, ...options });

export interface Settings {
  /** Width of the terminal; absent: no terminal. */
  readonly columns?: number;
  readonly env?: Record<string, string>;
  readonly stdin?: string | Uint8Array;
  /** A person types this. */
  readonly terminal?: string;
  /** Something comes on standard input once the command was sent. */
  readonly late?: boolean;
  readonly rawArguments?: Uint8Array;
  readonly reach?: Partial<Reach>;
}

/** A command line that runs: what it has printed by now, and what can be done to it. */
export interface Running {
  readonly code: Promise<number>;
  out(): string;
  bytes(): Buffer;
  err(): string;
  /** All, in the order in which it was printed. */
  both(): string;
  signal(name: SignalName): void;
  /** How many listen for signals. */
  listeners(): number;
  /** Resolves once what was printed contains the text. */
  shows(text: string): Promise<void>;
  readonly forced: readonly number[];
}

/** A daemon's API on a socket of its own, with operations in memory behind it, and command lines that talk to it. */
export class World {
  readonly directory: string;
  readonly socket: string;
  readonly ops: FakeOperations = fakeOperations();
  #api: Api | undefined;

  constructor(directory: string) {
    this.directory = directory;
    this.socket = join(directory, "s.sock");
  }

  async up(): Promise<void> {
    this.#api = await openApi({
      daemon: { header: "central" },
      operations: this.ops,
      reception: openDoor(this.ops),
      path: this.socket,
      clock: this.ops.clock,
      log: quiet,
    });
  }

  async down(): Promise<void> {
    await this.#api?.stop();
    this.#api = undefined;
  }

  start(argv: readonly string[], settings: Settings = {}): Running {
    const chunks: { to: "out" | "err"; data: Buffer }[] = [];
    const waiting = new Set<() => void>();
    const listeners = new Map<SignalName, Set<() => void>>();
    const forced: number[] = [];
    const sink = (to: "out" | "err") => ({
      ...(settings.columns === undefined ? {} : { isTTY: true, columns: settings.columns }),
      write: (chunk: string | Uint8Array) => {
        chunks.push({ to, data: Buffer.from(chunk) });
        for (const check of [...waiting]) check();
      },
    });
    const text = (to?: "out" | "err"): string =>
      Buffer.concat(
        chunks.filter((chunk) => to === undefined || chunk.to === to).map((chunk) => chunk.data),
      ).toString();
    const io: CliIo = {
      stdin:
        settings.terminal === undefined
          ? inputOf(settings.stdin, settings.late)
          : { ...inputOf(settings.terminal), waits: async () => false, isTerminal: true },
      stdout: sink("out"),
      stderr: sink("err"),
      env: { STEWARD_SOCKET: this.socket, ...settings.env },
      cwd: this.directory,
      systemConfig: join(this.directory, "etc.yaml"),
      rawArguments: () => settings.rawArguments,
      clock: this.ops.clock,
      signals: {
        on: (name, listener) => {
          const set = listeners.get(name) ?? new Set();
          listeners.set(name, set.add(listener));
          return () => set.delete(listener);
        },
      },
      outliveReaders: () => undefined,
      exitNow: (code) => forced.push(code),
    };
    const code = runCli(argv, io, { ...reachDaemon, checkJournal: checkHere, ...settings.reach });
    return {
      code,
      forced,
      out: () => text("out"),
      bytes: () => Buffer.concat(chunks.filter((chunk) => chunk.to === "out").map((chunk) => chunk.data)),
      err: () => text("err"),
      both: () => text(),
      signal: (name) => {
        for (const listener of [...(listeners.get(name) ?? [])]) listener();
      },
      listeners: () => [...listeners.values()].reduce((sum, set) => sum + set.size, 0),
      shows: (wanted) =>
        new Promise<void>((resolve, reject) => {
          const check = (): void => {
            if (!text().includes(wanted)) return;
            waiting.delete(check);
            resolve();
          };
          waiting.add(check);
          check();
          code.then(
            (ended) => reject(new Error(`ended with ${ended} without ${JSON.stringify(wanted)}:\n${text()}`)),
            reject,
          );
        }),
    };
  }

  /** Runs a command line to its end. */
  async run(argv: readonly string[], settings: Settings = {}): Promise<{ code: number; out: string; err: string }> {
    const running = this.start(argv, settings);
    const code = await running.code;
    return { code, out: running.out(), err: running.err() };
  }

  /** Waits for what comes over the socket; at most ten seconds. */
  async until(condition: () => boolean): Promise<void> {
    const end = performance.now() + 10_000;
    while (!condition()) {
      if (performance.now() > end) throw new Error("it did not come true");
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** The id of the latest message. */
  get latest(): string {
    return this.ops.messageList.at(-1)?.id ?? "";
  }
}

export async function world(): Promise<World> {
  const made = new World(await tempDir());
  await made.up();
  atTestEnd(
    () => made.down(),
    () => undefined,
  );
  return made;
}
