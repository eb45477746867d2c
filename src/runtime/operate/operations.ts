import type { LinkState } from "../../actors/node.ts";
import type { BrokerHealth } from "../../broker/link.ts";
import type { AlertView } from "../../message/alert.ts";
import type { Draft } from "../../message/draft.ts";
import type { Happening } from "../../message/happening.ts";
import type { Assertion, State } from "../../message/lifecycle.ts";
import type { Json } from "../../message/message.ts";
import type { ProcessVerb } from "../../message/process-verb.ts";
import type { Outcome, OutputPart } from "../../message/report.ts";
import type { Standstill, StuckLane } from "../../message/standstill.ts";
import type { LaneView } from "../deliver/publisher.ts";
import type { NodeDescription } from "../fleet/known-node.ts";
import type { JournalHealth } from "../upkeep/storage.ts";

/**
 * What one can ask of a running daemon: the one surface behind the local API, and so behind the CLI, `curl` and the
 * dashboard. All times are milliseconds since 1970. Every shown value is true `asOf` the time beside it.
 * Failures are StewardErrors.
 */
export interface Operations {
  /** Validates, authorises and journals; resolves when every message is durable. Order is kept. All or nothing. */
  submit(drafts: readonly Draft[]): Promise<Accepted[]>;
  cancel(id: string): Promise<CancelAnswer>;
  /** Shows also what is not durable yet: see `durable`. */
  messages(filter: MessageFilter): MessageView[];
  /** By id or by an unambiguous beginning of one. */
  message(id: string): MessageDetail;
  /** Resolves when no crash can take back what was shown until now. */
  durable(): Promise<void>;
  nodes(): NodeView[];
  node(name: string): NodeDetail;
  /** Processes of this node, or of another one, asked over the wire (waits for its answer, at most `timeout` ms). */
  processes(node?: string, timeout?: number): Promise<ProcessList>;
  control(verb: ProcessVerb, node: string, subject: string): Promise<ProcessView>;
  dead(): DeadLetter[];
  /** Sends a dead letter's message through its process again. */
  retryDead(id: string): Promise<void>;
  dropDead(id: string): Promise<void>;
  /** What went wrong, at central of all nodes; the latest first. Kept across restarts. */
  alerts(): AlertView[];
  /** An operator has seen to it: it is forgotten until it is raised anew. */
  clearAlert(no: number): Promise<void>;
  health(): Health;
  /** The same check and restart as SIGHUP; answers with what changed. */
  reload(): Promise<ReloadAnswer>;
  /** Prometheus text exposition. */
  metrics(): Promise<string>;
  /** Calls `listener` for all that happens from now on, until the returned function is called. */
  watch(listener: (happening: Happening) => void): () => void;
  /** The lines of received logs: what the sinks have stored, newest day last, then what comes. See `LogQuery`. */
  logs(query: LogQuery): Promise<LogLine[]>;
}

export interface Accepted {
  readonly id: string;
  readonly subject: string;
  readonly node: string;
  /** The receiver's link as it was then, so that the operator knows whether to wait. */
  readonly link: LinkState;
  /** Why nothing goes to it now, though it is there. */
  readonly blocked?: string;
}

export type CancelAnswer =
  | { readonly kind: "done"; readonly id: string }
  /** The node was asked; its answer will be the message's state. */
  | { readonly kind: "requested"; readonly id: string; readonly reason: string }
  | { readonly kind: "tooLate"; readonly id: string; readonly state: State };

export interface MessageFilter {
  readonly node?: string;
  readonly state?: State;
  readonly method?: string;
  readonly domain?: string;
  /** `out`: sent from here; `in`: taken from others. */
  readonly direction?: "out" | "in";
  /** Only messages that are not final. */
  readonly open?: boolean;
  readonly limit?: number;
}

export interface MessageView {
  readonly id: string;
  readonly subject: string;
  readonly origin: string;
  readonly direction: "out" | "in";
  readonly state: State;
  readonly final: boolean;
  readonly since: number;
  readonly createdAt: number;
  readonly deliverBy: number | null;
  /** Why it waits, or why it ended as it did. */
  readonly reason?: string;
  readonly code?: number;
  readonly attempts: number;
  readonly cancelRequestedAt?: number;
  /** One line of the data, for lists. */
  readonly summary: string;
}

export interface MessageDetail extends MessageView {
  readonly data: Json;
  readonly timeout: number | null;
  readonly inReplyTo?: string;
  readonly history: readonly Assertion[];
  readonly conflict?: Assertion;
  /** What the node said to the request to cancel it; absent: it was not asked, or has not answered. */
  readonly cancelAnswer?: CancelSaid;
  /** When its end was heard of here; its own times are by the clock of its node. */
  readonly heardAt?: number;
  readonly outcome?: Outcome;
  /** All output known by now, in order of offset. */
  readonly output: readonly OutputPart[];
}

/**
 * `done`: it was ended, or will not start. `tooLate`: it had ended. `refused`: the node does not do so, and says why.
 */
export interface CancelSaid {
  readonly kind: "done" | "tooLate" | "refused";
  readonly at: number;
  readonly reason?: string;
}

/** A node in a list. */
export interface NodeView extends Omit<NodeDescription, "epoch" | "startedAt" | "methods" | "changes"> {
  readonly role: "self" | "central" | "edge";
  /** Messages for it that it has not acknowledged, and the age of the oldest in ms. */
  readonly waiting: number;
  readonly oldestWaiting: number | null;
  /** Commands that it has and that have no outcome. */
  readonly running: number;
  readonly bytesOut: number;
  readonly bytesIn: number;
}

export interface NodeDetail extends NodeView, NodeDescription {
  readonly lanes: readonly LaneView[];
}

/** `blocked`: it runs and cannot work for a fault of its surroundings: a file that may not be read, a disk that is full. */
export type ProcessState =
  | "starting"
  | "idle"
  | "working"
  | "backingOff"
  | "blocked"
  | "paused"
  | "quarantined"
  | "stopped";

export interface ProcessView {
  readonly subject: string;
  readonly role: "publisher" | "subscriber" | "source" | "core";
  readonly state: ProcessState;
  readonly since: number;
  readonly restarts: number;
  readonly queued: number;
  readonly active: number;
  /** Since then it cannot work for a fault of its surroundings, which `lastError` names; it is tried again until it can. */
  readonly waitsSince?: number;
  readonly lastError?: string;
  /** Of a publisher: its lane does not move though its node is there. */
  readonly stuck?: Standstill;
}

export interface ProcessList {
  readonly node: string;
  readonly asOf: number;
  readonly processes: readonly ProcessView[];
}

export interface DeadLetter {
  readonly id: string;
  readonly subject: string;
  readonly origin: string;
  readonly at: number;
  readonly reason: string;
  readonly attempts: number;
  readonly summary: string;
}

export interface Health {
  readonly node: string;
  readonly ok: boolean;
  readonly version: string;
  readonly startedAt: number;
  readonly asOf: number;
  readonly broker: BrokerHealth;
  readonly journal: JournalHealth;
  readonly quarantined: readonly string[];
  /** What cannot work for a fault of its surroundings, and is tried again until it can; absent: nothing. */
  readonly waiting?: readonly WaitingProcess[];
  /** Lanes of this node that stand still though their nodes are there, the longest first; at most 100. */
  readonly stuck: readonly StuckLane[];
}

export interface WaitingProcess extends StuckLane {
  readonly role: ProcessView["role"];
}

export interface ReloadAnswer {
  /** One line a change, empty when nothing changed. */
  readonly changes: readonly string[];
  /** Changes that need a restart of the daemon. */
  readonly needRestart: readonly string[];
}

export interface LogQuery {
  readonly node?: string;
  readonly domain?: string;
  /** The last so many lines of each file; default 10. */
  readonly lines?: number;
}

export interface LogLine {
  readonly node: string;
  readonly domain: string;
  readonly line: string;
}
