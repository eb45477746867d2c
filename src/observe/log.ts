import { type DestinationStream, pino, stdSerializers } from "pino";
import { prettyFactory } from "pino-pretty";
import type { Clock } from "../message/clock.ts";
import { printable } from "../message/text/printable.ts";
import type { Logger } from "../platform/logger.ts";
import { LineWriter } from "./line-writer.ts";

export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "silent";

const RANK: Readonly<Record<LogLevel, number>> = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, silent: 100 };

export interface Log extends Logger {
  /** A log whose lines all carry `fields`, such as `{role, actor}`. */
  child(fields: object): Log;
  /** Changes the level of this log and of all its relatives. */
  setLevel(level: LogLevel): void;
  /** True when a line of this level would be written; for lines that are dear to prepare. */
  enabled(level: Exclude<LogLevel, "silent">): boolean;
  /** Lines that were lost because nobody took them. */
  readonly lost: number;
  /** Resolves when everything logged so far was handed to the system, or after a second. For a daemon that stops. */
  flush(): Promise<void>;
  /** Hands over within this turn, as far as that goes without waiting. For a daemon that crashes. */
  flushNow(): void;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** For people at a terminal: one coloured line each instead of JSON. */
  readonly pretty: boolean;
  readonly clock: Clock;
  /** This node's name, on every line. */
  readonly node?: string;
  /** Colour for people; default: on standard output, unless NO_COLOR is set. */
  readonly colour?: boolean;
  /** Where lines go instead of standard output. */
  readonly destination?: { write(line: string): unknown };
}

/**
 * The daemon's log: pino, written from this process (no worker threads), one JSON object a line. A reader of standard
 * output that stalls or goes away, and a full disk behind it, cost lines, never the daemon.
 */
export function openLog(options: LogOptions): Log {
  const { clock } = options;
  // The name on every line is this node's: another one that a line is about is its peer.
  const about = (fields: object): object => {
    if (options.node === undefined || !("node" in fields)) return fields;
    const { node: peer, ...rest } = fields;
    return peer === options.node ? rest : { peer, ...rest };
  };
  const output = options.destination === undefined ? new LineWriter(1, clock) : undefined;
  const lines = output ?? options.destination ?? { write: () => undefined };
  const base = pino(
    {
      level: "trace",
      base: options.node === undefined ? {} : { node: options.node },
      formatters: { level: (level) => ({ level }) },
      serializers: { err: stdSerializers.err, error: stdSerializers.err },
      timestamp: () => `,"time":${clock.now()}`,
    },
    options.pretty
      ? prettyStream(lines, options.colour ?? (output !== undefined && (process.env.NO_COLOR ?? "") === ""))
      : { write: (line) => void lines.write(line) },
  );
  // Children of pino keep the level that they were born with; this one is shared.
  const shared = { rank: RANK[options.level] };
  const line =
    (logger: typeof base, level: "debug" | "info" | "warn" | "error") =>
    (fields: object, text: string): void => {
      if (shared.rank <= RANK[level]) logger[level](about(fields), text);
    };
  const wrap = (logger: typeof base): Log => ({
    debug: line(logger, "debug"),
    info: line(logger, "info"),
    warn: line(logger, "warn"),
    error: line(logger, "error"),
    child: (fields) => wrap(logger.child(about(fields)) as typeof base),
    setLevel: (level) => {
      shared.rank = RANK[level];
    },
    enabled: (level) => shared.rank <= RANK[level],
    get lost() {
      return output?.lost ?? 0;
    },
    flush: async () => output?.flush(),
    flushNow: () => output?.flushNow(),
  });
  return wrap(base);
}

/** Formats each line before it is written, in the same turn. */
function prettyStream(destination: { write(line: string): unknown }, colorize: boolean): DestinationStream {
  const format = prettyFactory({
    colorize,
    singleLine: true,
    translateTime: "SYS:HH:MM:ss.l",
    // Text that came over the wire must not steer the terminal.
    messageFormat: (line, key) => printable(String(line[key] ?? "")),
  });
  return { write: (line) => destination.write(format(line)) };
}
