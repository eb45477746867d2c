import type { Config } from "../config/config.ts";
import type { Clock } from "../message/clock.ts";
import { StewardError } from "../message/errors.ts";
import { isToken, parseSubject } from "../message/subject.ts";
import type { Frame } from "../message/wire/frame.ts";

/**
 * Bounds the records that a frame can leave behind for good: a known node, a lane with its number. Both are kept for ever,
 * because forgetting a number could run a command twice; so a sender that invents names, epochs and subjects without end
 * must be stopped before they are remembered.
 *
 * Two nodes with one name are both held back: only their hellos are taken.
 *
 * A frame that is refused here gets no ACK: its sender keeps the messages and sends them again, so an honest node loses
 * none, and they are taken once there is room. Known nodes and lanes are always taken; nodes that the configuration names
 * have room of their own, which no stranger can fill.
 */
export interface AdmissionOptions {
  readonly config: () => Config;
  readonly clock: Clock;
  readonly counters: { node(name: string): unknown };
  readonly fleet: { readonly size: number; has(name: string): boolean; heldBack(name: string): string | undefined };
  readonly journal: {
    readonly inbox: {
      lane(origin: string, epoch: string, subject: string): unknown;
      laneCount(origin?: string): number;
    };
  };
  readonly failures: { report(code: string, text: string): void };
}

/** Lanes of one node, over all the journals that it ever had: dozens of subjects, and a new disk many times. */
const LANES_OF_A_NODE = 1_000;
/** Shortest time between two log lines on refusals, ms. */
const TELL_EVERY = 60_000;

/** The admission of frames: checked once the origin is proved, before a record of it is made. */
export class Admission {
  readonly #options: AdmissionOptions;
  readonly #told = new Map<string, number>();
  #named: { readonly of: Config; readonly names: ReadonlySet<string> } | undefined;

  constructor(options: AdmissionOptions) {
    this.#options = options;
  }

  /** @throws StewardError `node-cloned`, `subject-not-subscribed`, `node-not-admitted`, `lane-not-admitted` */
  insist(frame: Frame, subject: string): void {
    const { fleet, clock, failures } = this.#options;
    const why = fleet.heldBack(frame.origin);
    // A hello is let through; the log had its line when the second node was noticed.
    if (why !== undefined && frame.first > 0) throw new StewardError("node-cloned", { why });
    const error = this.#refusal(frame, subject);
    if (error === undefined) return;
    const now = clock.monotonic();
    if (now - (this.#told.get(error.code) ?? Number.NEGATIVE_INFINITY) >= TELL_EVERY) {
      this.#told.set(error.code, now);
      failures.report(error.code, error.message);
    }
    throw error;
  }

  #refusal({ origin, epoch, first }: Frame, subject: string): StewardError | undefined {
    const { config, fleet, journal } = this.#options;
    const { inbox } = journal;
    if (first > 0 && inbox.lane(origin, epoch, subject) !== undefined) return undefined;
    // A subject of another node is refused before it makes a lane.
    const { node } = parseSubject(subject);
    const present = config();
    if (node !== present.node) return new StewardError("subject-not-subscribed", { node: present.node, subject });
    const names = this.#names(present);
    const stranger = !names.has(origin) && origin !== node;
    const { limits } = present;
    if (stranger && !fleet.has(origin) && fleet.size >= limits.nodes + names.size)
      return new StewardError("node-not-admitted", { origin, limit: limits.nodes });
    if (first === 0) return undefined;
    const own = inbox.laneCount(origin);
    if (own >= LANES_OF_A_NODE) return new StewardError("lane-not-admitted", { origin, held: own, of: origin });
    const all = inbox.laneCount();
    if (stranger && all >= limits.lanes)
      return new StewardError("lane-not-admitted", { origin, held: all, of: "all nodes" });
    return undefined;
  }

  /** Nodes that the configuration names, kept until it changes. */
  #names(present: Config): ReadonlySet<string> {
    if (this.#named?.of === present) return this.#named.names;
    this.#named = { of: present, names: namedIn(present) };
    // The metrics give each of these nodes a label of its own, before strangers use up all labels.
    for (const name of this.#named.names) this.#options.counters.node(name);
    return this.#named.names;
  }
}

/** Every other node that the configuration names; `*` and operators are no nodes. */
function namedIn({ node, central, nodes, subscribe, control }: Config): ReadonlySet<string> {
  const names = new Set([central, ...nodes, ...control.from, ...subscribe.flatMap(({ from }) => from)].filter(isToken));
  names.delete(node);
  return names;
}
