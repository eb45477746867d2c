import type { Clock } from "../message/clock.ts";
import type { Json } from "../message/message.ts";
import type { Outcome, OutputPart } from "../message/report.ts";
import type { Logger } from "../platform/logger.ts";
import type { Spawner } from "./spawner.ts";

/**
 * A method: something a node can do (a command) or take note of (an event), and, where it has one, a source that makes
 * events out of the world. A method knows nothing of NATS, of the journal's layout or of actors: the world reaches it
 * through its context.
 */
export interface Method {
  readonly name: string;
  readonly summary: string;
  /** Kinds of message that it handles as a receiver. */
  readonly command?: CommandHandler;
  readonly event?: EventHandler;
  readonly sources?: Readonly<Record<string, Source>>;
}

/**
 * A method without the doors to its work. Rooms that have made no decision about a message know no more of it: the doors are
 * opened by `Route.admit` alone, which decides.
 */
export interface MethodFacts extends Omit<Method, "command" | "event"> {
  readonly command?: Omit<CommandHandler, "run" | "prepare" | "answer"> & { readonly answer?: object };
  readonly event?: Omit<EventHandler, "handle">;
}

export function defineMethod(method: Method): Method {
  return method;
}

/** Parses what came from outside into the method's own data; throws a plain Error that says what is wrong. */
export type ParseData<T> = (data: Json) => T;

export interface CommandHandler {
  /** Refuses bad data before the command is accepted. Throws an Error whose message names the fault. */
  check(data: Json): void;
  /**
   * Runs the command. Resolves with its outcome; an expected failure is an outcome with `state: "failed"`, not an
   * exception. A throw is a defect: the process is restarted by its supervisor. `notBegun` is answered only where it is
   * proved that nothing of the command began.
   */
  run(context: CommandContext): Promise<CommandEnd | NotBegun>;
  /**
   * Answers without waiting for anything, where the method can: many commands are then one task and one transaction. Only an
   * idempotent method may have it; `run` then gives the same answer.
   */
  answer?(context: CommandContext): Answer;
  /** Called before the command is recorded as running: gets ready what the start needs, says why it must wait, or refuses it. */
  prepare?(context: CommandContext): Promise<CommandEnd | NotBegun | undefined>;
  /** Milliseconds that it may take to end itself after its timeout; absent: it ends at once. */
  readonly grace?: number;
  /** True where a second run is harmless: a command that was cut short is run again, else it is `interrupted`. */
  readonly idempotent?: boolean;
  /**
   * Takes over a command that was recorded as running before a restart of the daemon, alive or ended. The command is
   * never started again, unless the answer is `notBegun`. `undefined`: the command cannot be taken over, and is
   * `interrupted`.
   */
  adopt?(context: CommandContext): Promise<CommandEnd | NotBegun> | undefined;
  /**
   * The arguments of a command, one by one, as the patterns of `allow` and `deny` see them; data that does something else
   * has another vector. Absent: such patterns cannot be used with this method. Never throws on data that `check` let pass.
   */
  vector?(data: Json): Vector | readonly string[];
}

/** All of a command that permission judges. */
export interface Vector {
  /** The program and its arguments; of a script, its arguments alone. */
  readonly argv: readonly string[];
  readonly script?: string;
  /** The shell that a script asks for, unless it is the usual one. */
  readonly shell?: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: { readonly text: string; readonly encoding: "utf8" | "base64" };
}

/** The handler of an idempotent method that waits for nothing. */
export function answering(handler: {
  readonly check: (data: Json) => void;
  readonly answer: (context: CommandContext) => Answer;
}): CommandHandler {
  return { ...handler, idempotent: true, run: async (context) => handler.answer(context) };
}

/** An outcome; the daemon stamps the times that the method does not know better. */
export type CommandEnd = Omit<Outcome, "at"> & { readonly at?: number };

/** An end without output. */
export type Answer = Omit<CommandEnd, "output">;

/** The command has not begun, and may begin until its deadline. */
export interface NotBegun {
  readonly state: "notBegun";
  /** The hindrance of this host, which may pass; absent: the command may begin at once. */
  readonly reason?: string;
}

export interface CommandContext {
  readonly id: string;
  readonly node: string;
  readonly subject: string;
  readonly domain: string;
  readonly origin: string;
  readonly data: Json;
  /**
   * Says for what outside of it the method waits; `undefined`: it goes on. A method that waits does not count as hanging.
   * Absent: nobody asks.
   */
  readonly waits?: (reason: string | undefined) => void;
  /** Aborts when this process of the subject ends; what outlives it is taken over by the next. */
  readonly stopping?: AbortSignal;
  /** Milliseconds it may run; the method ends itself at that time with `timedOut`. */
  readonly timeout: number;
  /** The setting of this node that decided on it; absent: its sender did. */
  readonly timeoutSetBy?: string | undefined;
  /** Milliseconds within which it must begin; absent: whenever its turn comes. */
  readonly startWithin?: number | undefined;
  /** Fires when the command is cancelled; the method ends itself with `cancelled`. */
  readonly cancelled: AbortSignal;
  /** Output as it comes; bounded by the caller of the method. Never throws. */
  readonly output: (parts: readonly OutputPart[]) => void;
  readonly clock: Clock;
  readonly spawner: Spawner;
  readonly log: Logger;
}

export interface EventHandler {
  check(data: Json): void;
  /**
   * Takes note of a batch of events of one subject and one origin, in order. Stored data must be durable when it
   * resolves. The returned checkpoint is stored in the same transaction as the batch's end and handed to the next call:
   * after a crash in between, the same batch comes again with the old checkpoint.
   */
  handle(batch: readonly EventInput[], context: EventContext): Promise<Json | undefined>;
  /** Carried without lane, sequence and journal: presence, not news. */
  readonly transient?: boolean;
  /** The recorded event as lines for people who watch live. Never throws on data that `check` let pass. */
  lines?(event: EventInput): readonly string[];
  /**
   * Divides data that is too large for one message into several, in order, each of at most `bytes` as JSON where that can be.
   * Absent: the data cannot be divided, and an event of a source that is too large becomes a dead letter.
   */
  split?(data: Json, bytes: number): readonly Json[];
  /** Removes what it stored in its directory that is out of bounds, the oldest first. Called every hour, once at a time. */
  forget?(directory: string, bounds: KeepBounds): Promise<Forgotten>;
}

/** How much of what was stored is kept: `retention.logs`. */
export interface KeepBounds {
  /** This node's clock, ms. */
  readonly now: number;
  readonly bytes: number;
  /** True for a file last written then, ms, that has reached its age; false while this node cannot trust its clock. */
  readonly isOld: (writtenAt: number) => boolean;
  /** Fires when the daemon stops: what is left waits for the next time. */
  readonly stopping: AbortSignal;
}

export interface Forgotten {
  readonly files: number;
  readonly bytes: number;
  /** How many of the files went before they were old, for there were too many bytes. */
  readonly early: number;
  /** Bytes that are still there. */
  readonly held: number;
}

export interface EventInput {
  readonly id: string;
  readonly createdAt: number;
  readonly data: Json;
}

export interface EventContext {
  readonly node: string;
  readonly origin: string;
  readonly domain: string;
  readonly checkpoint: Json | undefined;
  /** A directory of the method's own, made already. */
  readonly directory: string;
  /**
   * Fires when the process is to stop. A handler that waits for room on the disk ends then, by rejecting; without it the
   * handler does not wait.
   */
  readonly stopping?: AbortSignal;
  /** Says for what fault of the surroundings the handler waits; `undefined`: it goes on. Shown as the state of the process. */
  readonly blocked?: (fault: string | undefined) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Makes events out of the world: a socket, a file. */
export interface Source {
  /** Throws an Error that says what is wrong with the setting in `publish:`. */
  check(setting: Json): void;
  /** Starts; resolves once it listens or follows. Rejects, or calls `context.fail`, when it cannot go on. */
  start(setting: Json, context: SourceContext): Promise<RunningSource>;
}

export interface RunningSource {
  /** Where it listens, with the port that was chosen. */
  readonly address?: string;
  /** Stops taking, hands over what it holds, and releases everything. */
  stop(): Promise<void>;
}

export interface SourceContext {
  readonly domain: string;
  /** Where it left off, as last handed to `emit`. */
  readonly checkpoint: Json | undefined;
  /**
   * Hands over one event. Resolves when it and the checkpoint are durable, in one transaction. Waits while the journal
   * has no room (back-pressure): a source that can wait must await it before it reads on.
   */
  emit(data: Json, checkpoint?: Json): Promise<void>;
  /** Makes a checkpoint durable without an event. */
  mark?(checkpoint: Json): Promise<void>;
  /** Bytes of one line beyond which it is divided: `limits.lineBytes`, which may change at any time. */
  lineBytes(): number;
  /** Counts lines that were divided. */
  divided?(lines: number): void;
  /** Counts what could not be kept, by reason; shown in the metrics and the log. */
  dropped(reason: string, count: number): void;
  /** Tells the operators here and at central what went wrong; the source goes on. `code` names the kind. */
  alert?(code: string, text: string): void;
  /**
   * Says that there is nothing to read from, and why; `undefined`: there is again. Shown as the state of the process, and
   * makes the node unhealthy.
   */
  blocked?(fault: string | undefined): void;
  fail(error: Error): void;
  readonly clock: Clock;
  readonly log: Logger;
}
