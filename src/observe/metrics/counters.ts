import type { Clock } from "../../message/clock.ts";
import { type FinalState, isFinalState, STATES, type State } from "../../message/lifecycle.ts";
import type { Logger } from "../../platform/logger.ts";
import { RepeatedLine } from "../repeated-line.ts";
import { Durations } from "./durations.ts";

/** Distinct labels that are counted apart; the rest are counted together under `OTHER`, which no node can be called. */
export const BOUNDS = { nodes: 1_000, reasons: 64 } as const;
export const OTHER = "(other)";

/** Refusals after which the sender seals anew and sends again: each restart of a daemon brings some, and asks nothing of anybody. */
const HEALS: ReadonlySet<string> = new Set(["session-unknown"]);

/** The traffic to and from one node. */
export interface NodeTraffic {
  framesOut: number;
  bytesOut: number;
  framesIn: number;
  bytesIn: number;
}

export interface ByKind {
  command: number;
  event: number;
}

/**
 * The counts of the daemon: plain numbers that the main road increments and that a scrape reads. All only ever grow.
 */
export class Counters {
  /** Messages taken from operators, sources and methods here, durable at this node as their origin. */
  readonly submitted: ByKind = { command: 0, event: 0 };
  /** Messages taken from other nodes, durable here as their receiver. */
  readonly accepted: ByKind = { command: 0, event: 0 };
  /** Messages sent again. */
  resent = 0;
  /** Messages that came again, and were acknowledged and not run. */
  duplicates = 0;
  deadLetters = 0;
  /** Lines of logs that were longer than `limits.lineBytes`. */
  linesDivided = 0;
  /** Times that the files of the audit could not be written. */
  auditFailures = 0;
  readonly outcomes: Record<FinalState, number>;
  /** Time a command ran. */
  readonly runSeconds = new Durations([0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1_800, 3_600]);
  /** Time from the first sending of a frame to its ACK. */
  readonly ackSeconds = new Durations([0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60]);
  /** Time of one durable group commit of the journal. */
  readonly commitSeconds = new Durations([0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5]);

  readonly #nodes = new Map<string, NodeTraffic>();
  readonly #refused = new Map<string, number>();
  readonly #dropped = new Map<string, number>();
  readonly #endedLine: RepeatedLine;
  readonly #refusedLine: RepeatedLine;
  readonly #droppedLine: RepeatedLine;

  constructor(log: Logger, clock: Clock) {
    this.outcomes = Object.fromEntries(finalStates.map((state) => [state, 0])) as Record<FinalState, number>;
    this.#endedLine = new RepeatedLine(clock, (state, count, fields) =>
      log.info({ ...fields, state, count }, `commands ended: ${state}`),
    );
    this.#refusedLine = new RepeatedLine(clock, (reason, count, fields) =>
      log[HEALS.has(reason) ? "debug" : "warn"]({ ...fields, reason, count }, "refused"),
    );
    this.#droppedLine = new RepeatedLine(clock, (reason, count, fields) =>
      log.warn({ ...fields, reason, count }, "dropped"),
    );
  }

  /** The numbers of one node. */
  node(name: string): NodeTraffic {
    const key = bounded(this.#nodes, name, BOUNDS.nodes);
    let traffic = this.#nodes.get(key);
    if (traffic === undefined) {
      traffic = { framesOut: 0, bytesOut: 0, framesIn: 0, bytesIn: 0 };
      this.#nodes.set(key, traffic);
    }
    return traffic;
  }

  /** A command of this node has ended, and not well: counted, and logged at a bounded rate. */
  end(state: Exclude<FinalState, "succeeded">, fields: object): void {
    this.outcomes[state]++;
    this.#endedLine.report(state, 1, fields);
  }

  /** A frame went there. */
  sent(name: string, bytes: number): void {
    const traffic = this.node(name);
    traffic.framesOut++;
    traffic.bytesOut += bytes;
  }

  /** A frame or an ACK came from there. */
  received(name: string, bytes: number): void {
    const traffic = this.node(name);
    traffic.framesIn++;
    traffic.bytesIn += bytes;
  }

  /** Something was turned away with an answer, or for lack of a right: counted, and logged at a bounded rate. */
  refuse(reason: string, fields: object = {}): void {
    const key = add(this.#refused, reason, 1);
    this.#refusedLine.report(key, 1, fields);
  }

  /** Something could not be kept: counted, and logged at a bounded rate. */
  drop(reason: string, count: number, fields: object = {}): void {
    if (count <= 0) return;
    const key = add(this.#dropped, reason, count);
    this.#droppedLine.report(key, count, fields);
  }

  get nodes(): ReadonlyMap<string, Readonly<NodeTraffic>> {
    return this.#nodes;
  }

  get refused(): ReadonlyMap<string, number> {
    return this.#refused;
  }

  get dropped(): ReadonlyMap<string, number> {
    return this.#dropped;
  }

  /** Logs what is still pending and disarms its timers. */
  stop(): void {
    this.#endedLine.stop();
    this.#refusedLine.stop();
    this.#droppedLine.stop();
  }
}

const finalStates = (Object.keys(STATES) as State[]).filter(isFinalState);

function add(counts: Map<string, number>, reason: string, count: number): string {
  const key = bounded(counts, reason, BOUNDS.reasons);
  counts.set(key, (counts.get(key) ?? 0) + count);
  return key;
}

function bounded(known: ReadonlyMap<string, unknown>, key: string, limit: number): string {
  return known.has(key) || known.size < limit ? key : OTHER;
}
