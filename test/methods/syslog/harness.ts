import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import type { Clock } from "../../../src/message/clock.ts";
import type { Json } from "../../../src/message/message.ts";
import type { SourceContext } from "../../../src/methods/define.ts";
import type { LogRecord } from "../../../src/methods/syslog/record.ts";
import type { Logger } from "../../../src/platform/logger.ts";
import { systemClock } from "../../../src/platform/system-clock.ts";

/** A directory of the test's own, removed after it. */
export function temporaryDirectories(): () => Promise<string> {
  const made: string[] = [];
  afterEach(async () => {
    for (const directory of made.splice(0)) await rm(directory, { recursive: true, force: true });
  });
  return async () => {
    const directory = await mkdtemp(join(tmpdir(), "steward-syslog-"));
    made.push(directory);
    return directory;
  };
}

/** Keeps what is emitted, with its checkpoint, as a journal would; can be told to be slow or to fail. */
export class RecordingContext implements SourceContext {
  readonly domain = "test";
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: LogRecord[][] = [];
  readonly drops = new Map<string, number>();
  readonly failures: Error[] = [];
  readonly said: { level: string; text: string }[] = [];
  readonly alerts: { code: string; text: string }[] = [];
  readonly faults: (string | undefined)[] = [];
  /** Bytes of the longest line, and how many were longer. */
  longest = 32 * 1024;
  longer = 0;
  checkpoint: Json | undefined;
  /** While set, `emit` waits for it. */
  gate: Promise<void> | undefined;
  /** While set, `emit` rejects with it and nothing is kept. */
  broken: Error | undefined;
  #changed: (() => void)[] = [];

  constructor(options: { clock?: Clock; checkpoint?: Json | undefined } = {}) {
    this.clock = options.clock ?? systemClock;
    this.checkpoint = options.checkpoint;
    const say = (level: string) => (_fields: object, text: string) => {
      this.said.push({ level, text });
      this.#notify();
    };
    this.log = { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
  }

  get lines(): LogRecord[] {
    return this.events.flat();
  }

  get texts(): string[] {
    return this.lines.map((line) => line.text);
  }

  async emit(data: Json, checkpoint?: Json): Promise<void> {
    await this.gate;
    if (this.broken !== undefined) throw this.broken;
    this.events.push(structuredClone((data as { lines: LogRecord[] }).lines));
    if (checkpoint !== undefined) this.checkpoint = structuredClone(checkpoint);
    this.#notify();
  }

  async mark(checkpoint: Json): Promise<void> {
    this.checkpoint = structuredClone(checkpoint);
  }

  lineBytes(): number {
    return this.longest;
  }

  divided(lines: number): void {
    this.longer += lines;
  }

  dropped(reason: string, count: number): void {
    this.drops.set(reason, (this.drops.get(reason) ?? 0) + count);
    this.#notify();
  }

  alert(code: string, text: string): void {
    this.alerts.push({ code, text });
    this.#notify();
  }

  blocked(fault: string | undefined): void {
    this.faults.push(fault);
    this.#notify();
  }

  fail(error: Error): void {
    this.failures.push(error);
    this.#notify();
  }

  /** Resolves once `condition` holds; looked at whenever something was emitted, dropped, failed or said. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#changed.push(resolve));
  }

  #notify(): void {
    for (const wake of this.#changed.splice(0)) wake();
  }
}

/** Holds a promise open until it is told. */
export function gate(): { readonly closed: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined;
  const closed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { closed, open };
}
