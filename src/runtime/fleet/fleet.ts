import type { LinkState } from "../../actors/node.ts";
import type { Inspector } from "../../actors/root.ts";
import { DeadlineWheel } from "../../actors/wheel.ts";
import type { LinkName, LinkProfile } from "../../config/config.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Clock } from "../../message/clock.ts";
import type { Json } from "../../message/message.ts";
import type { Standstill } from "../../message/standstill.ts";
import { receiverOf } from "../../message/subject.ts";
import type { Hello } from "../../methods/hello.ts";
import type { Happenings } from "../../observe/happenings.ts";
import { KnownNode, type NodeChange, type NodeDescription, type StoredNode } from "./known-node.ts";

/**
 * Every node that this one knows, each with its actor. Evidence of life is counted per frame and ACK, but an actor hears
 * of it only when that changes something.
 *
 * Invariants: nobody is called offline before one full grace period after the start, and none while this node's own link
 * to the broker is down; a deadline is judged by monotonic time, never by the wall clock.
 */
export interface FleetOptions {
  readonly node: string;
  readonly central: string;
  readonly config: () => { readonly link: LinkProfile };
  readonly clock: Clock;
  readonly inspector: Inspector;
  readonly journal: Journal;
  readonly happenings: Pick<Happenings, "emit">;
}

/** Hears of every change of every region of every node: what follows from it is said above, in `daemon/links.ts`. */
export interface NodeWatcher {
  nodeChanged(change: NodeChange): void;
}

/** How long a node without commands still counts as busy, ms. */
const LINGER = 1000;
/** How often it is noted when each node was last seen, ms: more seldom where there are many. */
const NOTE_EVERY = 60_000;
const NOTE_PER_NODE = 10;
const LAST_SEEN = "last seen";

export class Fleet {
  readonly #options: FleetOptions;
  readonly #known = new Map<string, KnownNode>();
  /** Stored at the end of this turn: a hello changes several regions at once. */
  readonly #changed = new Map<string, KnownNode>();
  readonly #late: DeadlineWheel;
  readonly #silent: DeadlineWheel;
  readonly #idle: DeadlineWheel;
  #ownLink = false;
  #watcher: NodeWatcher | undefined;
  /** When it was last noted, monotonic ms, when each node was seen. */
  #notedAt = Number.NEGATIVE_INFINITY;
  /** Another node has the name of this one. */
  #selfHeld: string | undefined;

  constructor(options: FleetOptions) {
    this.#options = options;
    const { clock, config, journal } = options;
    const slot = Math.max(10, Math.min(1000, config().link.hello / 10));
    this.#late = new DeadlineWheel(clock, slot, (name) => this.#known.get(name)?.send("late", "no sign of life"));
    this.#silent = new DeadlineWheel(clock, slot, (name) => this.#known.get(name)?.send("silent", "no sign of life"));
    this.#idle = new DeadlineWheel(clock, LINGER / 2, (name) => {
      const known = this.#known.get(name);
      if (known === undefined) return;
      known.busy = false;
      known.send("idle", "all commands have ended");
    });
    const seen = (journal.checkpoint(LAST_SEEN) ?? {}) as Readonly<Record<string, number>>;
    for (const { name, snapshot } of journal.nodes()) {
      const known = this.#start(name, snapshot as unknown as StoredNode);
      const lastSeen = Object.hasOwn(seen, name) ? seen[name] : undefined;
      if (lastSeen !== undefined) known.lastSeen = Math.max(known.lastSeen ?? 0, lastSeen);
      this.work(name, journal.outbox.openCount(name));
    }
  }

  watch(watcher: NodeWatcher): void {
    this.#watcher = watcher;
  }

  /** Names of all known nodes, this one excluded. */
  names(): IterableIterator<string> {
    return this.#known.keys();
  }

  get size(): number {
    return this.#known.size;
  }

  has(name: string): boolean {
    return this.#known.has(name);
  }

  /** Whether a node was heard of before, or is named; also this one. */
  isKnown(name: string): boolean {
    return name === this.#options.node || this.#known.has(name);
  }

  /** Makes a node known before it was ever heard of. */
  expect(name: string): void {
    if (name !== this.#options.node) this.#get(name);
  }

  /** A node that is expected no more is shown no more, unless it was heard of or something waits for it. */
  expectNoMore(name: string): void {
    const known = this.#known.get(name);
    if (known === undefined || known.lastSeen !== null) return;
    for (const lane of this.#options.journal.outbox.lanes.values()) if (receiverOf(lane.subject) === name) return;
    known.stop();
    this.#known.delete(name);
  }

  link(name: string): LinkState {
    if (name === this.#options.node) return this.#ownLink ? "online" : "offline";
    return this.#known.get(name)?.link ?? "neverSeen";
  }

  /** Why nothing may be sent to a node now; `undefined`: it may. */
  halted(name: string): string | undefined {
    if (!this.#ownLink) return "no broker";
    return this.link(name) === "offline" ? `${name} is offline` : this.heldBack(name);
  }

  /** The kind of link that a node has, as far as it said. */
  linkName(name: string): LinkName | undefined {
    return this.#known.get(name)?.linkName;
  }

  /** Verified evidence of life. `epoch`: of the journal that gave it, as far as it says so. */
  alive(name: string, cause: string, epoch?: string): void {
    if (name === this.#options.node) return;
    const known = this.#get(name);
    known.seen();
    this.#noteSeen();
    // A node that answers before its first hello, and has another journal at that, has lost the one that it answered for.
    if (epoch !== undefined && known.epoch === undefined) {
      known.epoch = epoch;
      this.#store(name, known);
    }
    if (known.link !== "online") known.send("alive", cause);
    this.#watch(name, known);
  }

  /** A restart of this node must not make others look as if they had been silent since their link last changed. */
  #noteSeen(): void {
    const { clock, journal, node: self, central } = this.#options;
    // Operators ask central; on an edge each note would be a write to its disk for nobody.
    if (self !== central) return;
    const now = clock.monotonic();
    if (now - this.#notedAt < Math.max(NOTE_EVERY, this.#known.size * NOTE_PER_NODE)) return;
    this.#notedAt = now;
    const seen = [...this.#known].flatMap(([name, { lastSeen }]) => (lastSeen === null ? [] : [[name, lastSeen]]));
    journal.setCheckpoint({ key: LAST_SEEN, value: Object.fromEntries(seen) as Json });
  }

  /** True where the daemon or the journal of a node is another one than before. */
  isAnew(name: string, hello: Hello): boolean {
    return this.#known.get(name)?.isAnew(hello) ?? false;
  }

  hello(name: string, hello: Hello): void {
    if (name === this.#options.node) return;
    const known = this.#get(name);
    known.seen();
    this.#options.journal.outbox.receivers.heard(name, hello.epoch, hello.life);
    if (known.greeted(hello)) this.#store(name, known);
    this.#watch(name, known);
  }

  /** Two nodes have its name. `undefined`: one of them is gone, and what the other one has is to be compared anew. */
  hold(name: string, why: string | undefined): void {
    if (name === this.#options.node) {
      this.#selfHeld = why;
      return;
    }
    const known = this.#get(name);
    known.heldBack = why === undefined ? undefined : { since: this.#options.clock.now(), reason: why };
    if (why === undefined) known.epoch = "";
  }

  /** Another node has the name of this one; said why that is known. */
  get selfHeld(): string | undefined {
    return this.#selfHeld;
  }

  /** True where two nodes have this name, which may be that of this one. */
  isDoubled(name: string): boolean {
    return (name === this.#options.node ? this.#selfHeld : this.heldBack(name)) !== undefined;
  }

  /** Why nothing goes to a node and nothing is taken from it; `undefined`: all is as it should be. */
  heldBack(name: string): string | undefined {
    return this.standing(name)?.reason;
  }

  /** Why nothing goes to a node, and since when. */
  standing(name: string): Standstill | undefined {
    return this.#known.get(name)?.heldBack;
  }

  isHeardSince(name: string, at: number): boolean {
    return (this.#known.get(name)?.heardAt ?? Number.NEGATIVE_INFINITY) > at;
  }

  /** True for another journal than the one that the node last said to have. */
  isOther(name: string, epoch: string): boolean {
    return (this.#known.get(name)?.epoch || epoch) !== epoch;
  }

  /** Why a node does not come to what waits there on a subject, as its last hello said. */
  unattended(name: string, subject: string): string | undefined {
    return this.#known.get(name)?.hello?.unattended?.find(([left]) => left === subject)?.[1];
  }

  bye(name: string, cause: string): void {
    this.#late.delete(name);
    this.#silent.delete(name);
    this.#known.get(name)?.send("bye", cause);
  }

  /** The broker says that nobody subscribes for this node. */
  absent(name: string): void {
    this.#known.get(name)?.send("absent", "not subscribed at the broker");
  }

  accept(name: string): void {
    if (name !== this.#options.node) this.#get(name).accept();
  }

  isResyncing(name: string): boolean {
    return this.#known.get(name)?.isResyncing ?? false;
  }

  /** The node and this one think the same of this one's commands. */
  agreed(name: string): void {
    this.#known.get(name)?.send("agreed", "of one mind");
  }

  /** So many commands of ours run there. The actor hears of the end only when it lasts. */
  work(name: string, running: number): void {
    const known = this.#known.get(name);
    if (known === undefined) return;
    if (running === 0) {
      if (known.busy) this.#idle.set(name, LINGER);
      return;
    }
    this.#idle.delete(name);
    if (known.busy) return;
    known.busy = true;
    known.send("busy", "commands run there");
  }

  /** While our own link is down nobody is judged; when it is back, everyone has a full grace period. */
  ownLink(up: boolean): void {
    this.#ownLink = up;
    for (const [name, known] of this.#known) {
      if (up) this.#watch(name, known);
      else {
        this.#late.delete(name);
        this.#silent.delete(name);
        if (known.link === "online") known.send("late", "this node has no broker");
      }
    }
  }

  describe(name: string): NodeDescription | undefined {
    return this.#known.get(name)?.describe();
  }

  stop(): void {
    // The nodes are stored before their actors stop.
    this.#storeChanged();
    this.#notedAt = Number.NEGATIVE_INFINITY;
    this.#noteSeen();
    this.#late.stop();
    this.#silent.stop();
    this.#idle.stop();
    for (const known of this.#known.values()) known.stop();
  }

  #get(name: string): KnownNode {
    return this.#known.get(name) ?? this.#start(name, undefined);
  }

  #start(name: string, stored: StoredNode | undefined): KnownNode {
    const { clock, inspector, happenings } = this.#options;
    const changed = (node: KnownNode, change: NodeChange): void => {
      if (change.region !== "work") this.#store(name, node);
      happenings.emit({ type: "node", ...change });
      this.#watcher?.nodeChanged(change);
    };
    const known = new KnownNode({ name, clock, inspector, changed }, stored);
    this.#known.set(name, known);
    return known;
  }

  /** With what this turn still changes of it. */
  #store(name: string, known: KnownNode): void {
    if (this.#changed.size === 0) this.#options.journal.atTurnEnd(() => this.#storeChanged());
    this.#changed.set(name, known);
  }

  #storeChanged(): void {
    for (const [name, known] of this.#changed) this.#options.journal.setNode(name, known.stored);
    this.#changed.clear();
  }

  /**
   * Arms the deadlines of a node that is expected to be heard: one whose hello has come, and central. Between two edges there
   * are no hellos, and silence means nothing: each would wait for the other one to speak first.
   */
  #watch(name: string, known: KnownNode): void {
    if (!this.#ownLink || known.link === "offline" || known.link === "neverSeen") return;
    const { node: self, config, central } = this.#options;
    if (self !== central && name !== central) return;
    if (known.hello === undefined && name !== central && known.lastSeen === null) return;
    const { late, offline } = known.patience(config().link);
    this.#late.set(name, late);
    this.#silent.set(name, offline);
  }
}
