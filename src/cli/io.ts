import type { Clock } from "../message/clock.ts";
import { StewardError } from "../message/errors.ts";
import { textOf } from "../message/text/text.ts";

/** The world as the command line sees it; a test hands in its own. */
export interface CliIo {
  readonly stdin: StandardInput;
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** In place of /etc/steward/steward.yaml. */
  readonly systemConfig?: string;
  /** The arguments as the system has them, each ended by NUL; `undefined` where it does not tell. */
  rawArguments?(): Uint8Array | undefined;
  readonly clock: Clock;
  readonly signals: Signals;
  /** From now on a reader that closes its pipe does not end this process: later output is lost. */
  outliveReaders(): void;
  /** Ends the process without waiting for anything. */
  exitNow(code: number): void;
}

export interface StandardInput extends AsyncIterable<Uint8Array | string> {
  /** True when standard input has input for a command. The answer comes soon, also on a pipe that stays empty. */
  waits(): Promise<boolean>;
  /** True: a person types. */
  readonly isTerminal?: boolean;
  /** True when input came after the answer was false. */
  readonly came: boolean;
}

export interface Sink {
  write(chunk: string | Uint8Array): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export type SignalName = "SIGINT" | "SIGTERM" | "SIGHUP";

export interface Signals {
  /** Calls `listener` at each signal of that name, until the returned function is called. */
  on(name: SignalName, listener: () => void): () => void;
}

/**
 * All of standard input, as text.
 * @throws StewardError `text-invalid` when it is not UTF-8
 */
export async function readAll(stdin: AsyncIterable<Uint8Array | string>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk as Uint8Array));
  return checkedText(Buffer.concat(chunks), "standard input");
}

/** The text in bytes that were read from `name`. @throws StewardError `text-invalid` when it is not UTF-8 */
export function checkedText(bytes: Uint8Array, name: string): string {
  const read = textOf(bytes);
  if ("text" in read) return read.text;
  throw new StewardError("text-invalid", { where: name, fault: read.fault });
}
