import type { z } from "zod";
import type { Name, ROUTES, Words } from "./routes.ts";
import { ALERTS } from "./table/alerts.ts";
import { AUDIT } from "./table/audit.ts";
import { DAEMON, type Gap } from "./table/daemon.ts";
import type { Entries } from "./table/entry.ts";
import { JOBS } from "./table/jobs.ts";
import { LOGINS } from "./table/logins.ts";
import { LOGS } from "./table/logs.ts";
import { MAINTENANCE } from "./table/maintenance.ts";
import { MESSAGES } from "./table/messages.ts";
import { NODES } from "./table/nodes.ts";
import { OPERATORS } from "./table/operators.ts";
import { PROCESSES } from "./table/processes.ts";
import { SCHEDULES } from "./table/schedules.ts";
import type { Shown } from "./table/shape.ts";
import { TRUST } from "./table/trust.ts";

/**
 * The operations of a running daemon, one entry each, under the name that it has in `ROUTES`; a file for each subject has
 * the entries with the schemas of their questions and answers. The server mounts this table and checks by it, the OpenAPI
 * document is written from it, and the types of the client and of the implementation follow from it. Every value that is
 * shown is true `asOf` the time beside it. Failures are StewardErrors.
 */
export const TABLE = {
  ...MESSAGES,
  ...JOBS,
  ...NODES,
  ...MAINTENANCE,
  ...SCHEDULES,
  ...ALERTS,
  ...PROCESSES,
  ...TRUST,
  ...AUDIT,
  ...OPERATORS,
  ...LOGS,
  ...LOGINS,
  ...DAEMON,
} as const satisfies Required<Entries>;

type Table = typeof TABLE;
type Params<P, W extends readonly string[]> = {
  readonly [I in keyof W]: W[I] extends keyof P ? (P[W[I]] extends z.ZodType ? z.infer<P[W[I]]> : never) : never;
};
/** The arguments of an operation: the parameters of its path, in its order, then its query or its body. */
type Asked<N extends Name> = [
  ...(Table[N] extends { params: infer P } ? Params<P, Words<(typeof ROUTES)[N]>> : []),
  ...(Table[N] extends { query: infer Q extends z.ZodType } ? [query?: Shown<Q>] : []),
  ...(Table[N] extends { body: { read: (body: unknown) => infer B } } ? [body: B] : []),
];
type Answered<N extends Name> = Shown<Table[N]["answer"]["shape"]>;
type Streams = { [N in Name]: Table[N]["answer"]["kind"] extends "stream" ? N : never }[Name];

/** The daemon implements this: the compiler refuses an entry without implementation. */
export type Operations = {
  [N in Exclude<Name, Streams>]: (...asked: Asked<N>) => Answered<N> | Promise<Answered<N>>;
} & {
  /** Calls `listener` for each item from now on, until the returned function is called. */
  [N in Streams]: (listener: (item: Answered<N>) => void) => () => void;
} & {
  /** Resolves when the state that was shown until now is durable. */
  durable(): Promise<void>;
};

/** One item of a stream, or a gap: the number of items that its reader was too slow for. */
export type Item<N extends Streams = Streams> = Answered<N> | ({ readonly type: "gap" } & Gap);

/** The operations as a client has them. A stream is open, so that nothing is missed, once its promise resolves. */
export type Client = {
  readonly [N in Exclude<Name, Streams>]: (...asked: Asked<N>) => Promise<Answered<N>>;
} & {
  readonly [N in Streams]: (...asked: [...Asked<N>, signal?: AbortSignal]) => Promise<AsyncIterableIterator<Item<N>>>;
};
