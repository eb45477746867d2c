import type { Clock } from "../message/clock.ts";

/** The world as the command line sees it; a test hands in its own. */
export interface CliIo {
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly clock: Clock;
  readonly signals: Signals;
  /** Ends the process without waiting for anything. */
  exitNow(code: number): void;
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

/** All of standard input, as text. */
export async function readAll(stdin: AsyncIterable<Uint8Array | string>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(typeof chunk === "string" ? Buffer.from(chunk) : Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}
