import type { Journal } from "../../journal/journal.ts";
import type { NodeHold, NodeHoldRecord } from "../../message/care/node-hold.ts";
import type { Clock, Timer } from "../../message/clock.ts";
import type { Json } from "../../message/message.ts";
import { CONTROL_DOMAIN, receiverOf } from "../../message/subject.ts";

/**
 * The nodes to which nothing is delivered, because somebody works on them. Messages for them wait, none fails for it, and
 * deadlines still count. A hold ends by itself where it has an end.
 *
 *   none ──hold──▶ held ──release | its end──▶ none
 *
 * Invariants: a hold is durable before it is told; the messages of steward itself (domain `steward`: cancel, trust, questions) pass.
 */
export type Hold = NodeHold;

/** Hears of holds that begin, change or end. */
export interface HoldWatcher {
  held(node: string, why: string): void;
  released(node: string, why: string): void;
}

export interface MaintenanceOptions {
  readonly clock: Clock;
  readonly journal: Pick<Journal, "checkpoints" | "setCheckpoint" | "dropCheckpoint">;
}

/** A row for each node: of a damaged one it is known that its node is held. See journal/mend.ts. */
const KEY = "hold ";
/** A wall clock that jumps is noticed within so long, ms. */
const LOOK = 60_000;

export class Maintenance {
  readonly #options: MaintenanceOptions;
  readonly #holds = new Map<string, Hold>();
  #watcher: HoldWatcher | undefined;
  #timer: Timer | undefined;

  constructor(options: MaintenanceOptions) {
    this.#options = options;
    for (const { key, value } of options.journal.checkpoints(KEY)) {
      const { v: _v, ...hold } = value as unknown as NodeHoldRecord;
      this.#holds.set(key.slice(KEY.length), hold);
    }
  }

  begin(watcher: HoldWatcher): void {
    this.#watcher = watcher;
    this.#look();
  }

  end(): void {
    this.#options.clock.clearTimeout(this.#timer);
    this.#watcher = undefined;
  }

  of(node: string): Hold | undefined {
    return this.#holds.get(node);
  }

  all(): IterableIterator<[node: string, hold: Hold]> {
    return this.#holds.entries();
  }

  /** Why nothing is sent on a subject; `undefined`: its node is not held, or the subject is one of steward itself. */
  halts(subject: string): string | undefined {
    if (this.#holds.size === 0 || subject.endsWith(`.${CONTROL_DOMAIN}`)) return undefined;
    const hold = this.#holds.get(receiverOf(subject));
    return hold === undefined ? undefined : maintenanceText(hold);
  }

  /** Holds nodes, or changes the end and the note of a hold. Durable with the journal. */
  hold(nodes: readonly string[], { endsAt, note, by }: Omit<Hold, "since">): void {
    const since = this.#options.clock.now();
    for (const node of nodes) {
      const known = this.#holds.get(node);
      this.#holds.set(node, { since: known?.since ?? since, endsAt, by, ...(note === undefined ? {} : { note }) });
      this.#store(node);
    }
    for (const node of nodes) this.#watcher?.held(node, maintenanceText(this.#holds.get(node)));
    this.#arm();
  }

  /** Ends holds. Returns the nodes that were held. */
  release(nodes: readonly string[], why: string): string[] {
    const released = nodes.filter((node) => this.#holds.delete(node));
    if (released.length === 0) return released;
    for (const node of released) this.#store(node);
    for (const node of released) this.#watcher?.released(node, why);
    this.#arm();
    return released;
  }

  #store(node: string): void {
    const { journal } = this.#options;
    const hold = this.#holds.get(node);
    if (hold === undefined) journal.dropCheckpoint(`${KEY}${node}`);
    else journal.setCheckpoint({ key: `${KEY}${node}`, value: { v: 1, ...hold } satisfies NodeHoldRecord as Json });
  }

  #arm(): void {
    const { clock } = this.#options;
    clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    const ends = [...this.#holds.values()].flatMap(({ endsAt }) => endsAt ?? []);
    if (ends.length === 0) return;
    const left = Math.max(0, Math.min(...ends) - clock.now());
    this.#timer = clock.setTimeout(() => this.#look(), Math.min(left, LOOK));
  }

  #look(): void {
    const now = this.#options.clock.now();
    const ended = [...this.#holds].filter(([, { endsAt }]) => endsAt !== null && endsAt <= now).map(([node]) => node);
    this.release(ended, "the maintenance is over");
    this.#arm();
  }
}

/** The reason that is shown of messages that wait. */
function maintenanceText(hold: Pick<Hold, "endsAt" | "note"> | undefined): string {
  const end = hold?.endsAt ?? null;
  const until =
    end === null ? "until it is released" : `until ${new Date(end).toISOString().replace(/(?::00)?\.000Z$/, "Z")}`;
  return `maintenance ${until}${hold?.note === undefined ? "" : `: ${hold.note}`}`;
}
