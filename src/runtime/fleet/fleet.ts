import { DeadlineWheel } from "../../actors/deadline-wheel.ts";
import type { LinkState } from "../../actors/node.ts";
import type { Inspector } from "../../actors/root.ts";
import type { LinkName, LinkProfile } from "../../config/config.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Clock } from "../../message/clock.ts";
import type { Json } from "../../message/message.ts";
import type { Standstill } from "../../message/standstill.ts";
import type { LabelSet } from "../../message/target/labels.ts";
import type { Hello } from "../../methods/hello.ts";
import type { Happenings } from "../../observe/happenings.ts";
import type { NodeHistory } from "./history/node-history.ts";
import { KnownNode, type NodeChange, type NodeDescription, type NodeSummary, type StoredNode } from "./known-node.ts";

/**
 * The nodes that this one knows, each with its actor. Evidence of life is noted for each frame and ACK, but an actor hears
 * of it only when that changes its state.
 *
 * Invariants: a node is called offline one full grace period after the start at the earliest, and never while this node's
 * own link to the broker is down; a deadline is judged by monotonic time, never by the wall clock.
 */
export interface FleetOptions {
  readonly node: string;
  readonly central: string;
  readonly config: () => { readonly link: LinkProfile };
  readonly clock: Clock;
  readonly inspector: Inspector;
  readonly journal: Journal;
  readonly happenings: Pick<Happenings, "emit">;
  /** Remembers the states of nodes; absent: none are remembered, as on an edge. */
  readonly history?: Pick<NodeHistory, "changed" | "open"> | undefined;
}

/** Hears of every change of every region of every node; `daemon/links.ts` decides what follows. */
export interface NodeWatcher {
  nodeChanged(change: NodeChange): void;
}

/** Time between two looks at the work of a node, ms. */
const LOOK = 1000;
/** Time between two notes of when each node was last seen, ms: `NOTE_PER_NODE` for each node, but at least `NOTE_EVERY`. */
const NOTE_EVERY = 60_000;
const NOTE_PER_NODE = 10;
const LAST_SEEN = "last seen";

/** When each node was last seen, as it was noted a minute ago at most, ms. */
export function lastSeenIn(journal: Pick<Journal, "checkpoint">): Readonly<Record<string, number>> {
  return (journal.checkpoint(LAST_SEEN) ?? {}) as Readonly<Record<string, number>>;
}

export class Fleet {
  readonly #options: FleetOptions;
  readonly #known = new Map<string, KnownNode>();
  #sorted: readonly string[] | undefined;
  /** Nodes to store at the end of this turn: a hello changes several regions at once. */
  readonly #changed = new Map<string, KnownNode>();
  readonly #late: DeadlineWheel;
  readonly #silent: DeadlineWheel;
  readonly #work: DeadlineWheel;
  #ownLink = false;
  /** Since when this node's own link is up, monotonic ms. */
  #linkedAt = Number.NEGATIVE_INFINITY;
  #watcher: NodeWatcher | undefined;
  /** Monotonic time of the last note, ms. */
  #notedAt = Number.NEGATIVE_INFINITY;
  /** The proof that another node has the name of this one. */
  #selfHeld: string | undefined;

  constructor(options: FleetOptions) {
    this.#options = options;
    const { clock, config, journal } = options;
    const slot = Math.max(10, Math.min(1000, config().link.hello / 10));
    this.#late = new DeadlineWheel(clock, slot, (name) => this.#isDue(name, "late", this.#late));
    this.#silent = new DeadlineWheel(clock, slot, (name) => this.#isDue(name, "silent", this.#silent));
    this.#work = new DeadlineWheel(clock, LOOK / 2, (name) => {
      if (this.#known.get(name)?.lookAtWork() === true) this.#work.set(name, LOOK);
    });
    const seen = lastSeenIn(journal);
    for (const { name, snapshot } of journal.nodes()) {
      const known = this.#start(name, snapshot as unknown as StoredNode);
      const lastSeen = Object.hasOwn(seen, name) ? seen[name] : undefined;
      if (lastSeen !== undefined) known.lastSeen = Math.max(known.lastSeen ?? 0, lastSeen);
      this.work(name, journal.outbox.openCount(name));
    }
    const described = [...this.#known.values()].map((known) => known.describe());
    options.history?.open(described, (name) => this.#known.has(name));
  }

  watch(watcher: NodeWatcher): void {
    this.#watcher = watcher;
  }

  /** Names of all known nodes, this one excluded. */
  names(): IterableIterator<string> {
    return this.#known.keys();
  }

  /** The names in their order, made anew only when a node came or went. */
  sorted(): readonly string[] {
    this.#sorted ??= [...this.#known.keys()].sort();
    return this.#sorted;
  }

  get size(): number {
    return this.#known.size;
  }

  has(name: string): boolean {
    return this.#known.has(name);
  }

  /** True for nodes that were heard before, or are expected; also for this one. */
  isKnown(name: string): boolean {
    return name === this.#options.node || this.#known.has(name);
  }

  /** Makes a node known before it was ever heard of. */
  expect(name: string): void {
    if (name !== this.#options.node) this.#get(name);
  }

  /** Stops showing a node that is expected no more, unless it was heard or messages wait for it. */
  expectNoMore(name: string): void {
    const known = this.#known.get(name);
    if (known === undefined || known.lastSeen !== null) return;
    if (this.#options.journal.outbox.lanesTo(name).length > 0) return;
    known.stop();
    this.#known.delete(name);
    this.#sorted = undefined;
  }

  /** Takes a node out of the fleet. */
  forget(name: string): void {
    const known = this.#known.get(name);
    if (known === undefined) return;
    this.#unwatch(name, known);
    this.#work.delete(name);
    this.#changed.delete(name);
    known.stop();
    this.#known.delete(name);
    this.#sorted = undefined;
    this.#options.journal.forgetNode(name);
  }

  /** Notes what central has decided on a node; `undefined`: it is not in the registry. */
  decided(name: string, standing: "accepted" | "revoked" | undefined): void {
    if (name === this.#options.node || standing === undefined) return;
    const known = this.#get(name);
    if (standing === "accepted") known.accept();
    else known.revoke();
  }

  link(name: string): LinkState {
    if (name === this.#options.node) return this.#ownLink ? "online" : "offline";
    return this.#known.get(name)?.link ?? "neverSeen";
  }

  /** The link of a node as its messages find it: messages to this node itself need no broker. */
  reach(name: string): LinkState {
    return name === this.#options.node ? "online" : this.link(name);
  }

  /** Since when the link of another node is as it is, ms; `undefined`: the node is not known. */
  linkSince(name: string): number | undefined {
    return this.#known.get(name)?.linkSince;
  }

  trust(name: string): NodeDescription["trust"] | undefined {
    return this.#known.get(name)?.trust;
  }

  /** Why sending to a node is paused; `undefined`: it is not. */
  halted(name: string): string | undefined {
    if (name === this.#options.node) return undefined;
    if (!this.#ownLink) return "no broker";
    return this.link(name) === "offline" ? `${name} is offline` : this.heldBack(name);
  }

  /** The kind of link that a node has; `undefined` until it has told. */
  linkName(name: string): LinkName | undefined {
    return this.#known.get(name)?.linkName;
  }

  /** True if a node may not be silent for that long, ms. */
  isPast(name: string, age: number): boolean {
    const known = this.#known.get(name);
    return age > 0 && known !== undefined && age >= known.patience(this.#options.config().link).offline;
  }

  /**
   * Notes verified evidence of life, which was under way for `age` ms. `epoch`: of the journal that gave it, where the
   * evidence names one.
   */
  alive(name: string, cause: string, epoch?: string, age = 0): void {
    if (name === this.#options.node) return;
    const known = this.#get(name);
    known.seen(age);
    this.#noteSeen();
    // An ACK before the first hello may name the journal: the hello then shows if the node has lost that one since.
    if (epoch !== undefined && known.epoch === undefined) {
      known.epoch = epoch;
      this.#store(name, known);
    }
    if (this.isPast(name, age)) return;
    if (known.link !== "online") {
      known.watched = undefined;
      known.send("alive", cause);
    }
    this.#watch(name, known);
  }

  /** Stores when each node was last seen, else a restart would show the time at which its link last changed. */
  #noteSeen(): void {
    const { clock, journal, node: self, central } = this.#options;
    // Operators ask central: on an edge the note would be a useless write to the disk.
    if (self !== central) return;
    const now = clock.monotonic();
    if (now - this.#notedAt < Math.max(NOTE_EVERY, this.#known.size * NOTE_PER_NODE)) return;
    this.#notedAt = now;
    const seen = [...this.#known].flatMap(([name, { lastSeen }]) => (lastSeen === null ? [] : [[name, lastSeen]]));
    journal.setCheckpoint({ key: LAST_SEEN, value: Object.fromEntries(seen) as Json });
  }

  /** True if the daemon or the journal of a node is another one than before. */
  isAnew(name: string, hello: Hello): boolean {
    return this.#known.get(name)?.isAnew(hello) ?? false;
  }

  /** `age`: how long the hello was under way, ms. */
  hello(name: string, hello: Hello, age = 0): void {
    if (name === this.#options.node) return;
    const known = this.#get(name);
    known.seen(age);
    this.#options.journal.outbox.receivers.heard(name, hello.epoch, hello.life);
    if (known.link !== "online") known.watched = undefined;
    if (known.greeted(hello)) this.#store(name, known);
    this.#watch(name, known);
  }

  /** Holds a name back that two nodes have. `why` undefined: one of them is gone, and the other is compared anew. */
  hold(name: string, why: string | undefined): void {
    if (name === this.#options.node) {
      this.#selfHeld = why;
      return;
    }
    const known = this.#get(name);
    known.heldBack = why === undefined ? undefined : { since: this.#options.clock.now(), reason: why };
    if (why === undefined) known.epoch = "";
  }

  /** The proof, in words, that another node has the name of this one. */
  get selfHeld(): string | undefined {
    return this.#selfHeld;
  }

  /** True if two nodes have this name, which may be this node's own. */
  isDoubled(name: string): boolean {
    return (name === this.#options.node ? this.#selfHeld : this.heldBack(name)) !== undefined;
  }

  /** Why messages to and from a node are held back; `undefined`: they are not. */
  heldBack(name: string): string | undefined {
    return this.standing(name)?.reason;
  }

  /** Why messages to and from a node are held back, and since when. */
  standing(name: string): Standstill | undefined {
    return this.#known.get(name)?.heldBack;
  }

  isHeardSince(name: string, at: number): boolean {
    return (this.#known.get(name)?.heardAt ?? Number.NEGATIVE_INFINITY) > at;
  }

  /** True if the node last said to have another journal. */
  isOther(name: string, epoch: string): boolean {
    return (this.#known.get(name)?.epoch || epoch) !== epoch;
  }

  /** The labels of a node's own file, as it last said. */
  ownLabels(name: string): LabelSet {
    return this.#known.get(name)?.labels ?? {};
  }

  /** Why messages on a subject wait at a node, as its last hello said. */
  unattended(name: string, subject: string): string | undefined {
    return this.#known.get(name)?.hello?.unattended?.find(([left]) => left === subject)?.[1];
  }

  /** Why the broker brings a node nothing, as its last hello said; `undefined`: it said no such thing. */
  cutOff(name: string): string | undefined {
    const known = this.#known.get(name);
    if (known?.link === "offline") return undefined;
    return known?.hello?.stuck?.find(({ subject }) => subject === `${name}.>`)?.reason;
  }

  bye(name: string, cause: string): void {
    const known = this.#known.get(name);
    if (known !== undefined) this.#unwatch(name, known);
    known?.send("bye", cause);
  }

  /** The broker has no subscriber for this node. */
  absent(name: string): void {
    this.#known.get(name)?.send("absent", "not subscribed at the broker");
  }

  accept(name: string): void {
    if (name !== this.#options.node) this.#get(name).accept();
  }

  isResyncing(name: string): boolean {
    return this.#known.get(name)?.isResyncing ?? false;
  }

  /** The records of this node's commands agree on both nodes. */
  agreed(name: string): void {
    this.#known.get(name)?.send("agreed", "of one mind");
  }

  /** Notes how many commands of ours run on a node. The node's actor hears of work that lasts, and of its end after a while. */
  work(name: string, running: number): void {
    if (this.#known.get(name)?.works(running) === true) this.#work.set(name, LOOK);
  }

  /** No node is judged while our own link is down; each has a full grace period once the link is back. */
  ownLink(up: boolean): void {
    this.#ownLink = up;
    if (up) this.#linkedAt = this.#options.clock.monotonic();
    for (const [name, known] of this.#known) {
      if (up) this.#watch(name, known);
      else {
        this.#unwatch(name, known);
        if (known.link === "online") known.send("late", "this node has no broker");
      }
    }
  }

  summary(name: string): NodeSummary | undefined {
    return this.#known.get(name)?.summary();
  }

  describe(name: string): NodeDescription | undefined {
    return this.#known.get(name)?.describe();
  }

  stop(): void {
    // The nodes are stored first: the snapshot of a stopped actor could not be resumed.
    this.#storeChanged();
    this.#notedAt = Number.NEGATIVE_INFINITY;
    this.#noteSeen();
    this.#late.stop();
    this.#silent.stop();
    this.#work.stop();
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
      this.#options.history?.changed(change);
      this.#watcher?.nodeChanged(change);
    };
    const known = new KnownNode({ name, clock, inspector, changed }, stored);
    this.#known.set(name, known);
    this.#sorted = undefined;
    return known;
  }

  /** Stores a node at the end of this turn, with all changes of the turn. */
  #store(name: string, known: KnownNode): void {
    if (this.#changed.size === 0) this.#options.journal.atTurnEnd(() => this.#storeChanged());
    this.#changed.set(name, known);
  }

  #storeChanged(): void {
    for (const [name, known] of this.#changed) this.#options.journal.setNode(name, known.stored);
    this.#changed.clear();
  }

  /**
   * Arms the deadlines of nodes that say hello: at central, of nodes that were heard; at an edge, of central alone. Between
   * two edges there are no hellos, so silence proves no loss. Deadlines that are armed move by themselves: a sign of life, of
   * which there are thousands a second, costs nothing here.
   */
  #watch(name: string, known: KnownNode): void {
    if (!this.#ownLink || known.link === "offline" || known.link === "neverSeen") return;
    const { node: self, config, central } = this.#options;
    if (known.watched !== undefined && known.watched === known.patience(config().link)) return;
    if (self !== central && name !== central) return;
    if (known.hello === undefined && name !== central && known.lastSeen === null) return;
    const patience = known.patience(config().link);
    known.watched = patience;
    this.#late.set(name, Math.max(0, this.#left(known, patience.late)));
    this.#silent.set(name, Math.max(0, this.#left(known, patience.offline)));
  }

  #unwatch(name: string, known: KnownNode): void {
    known.watched = undefined;
    this.#late.delete(name);
    this.#silent.delete(name);
  }

  /** Milliseconds that a node may still be silent, of so many; each has all of them once this node's own link is back. */
  #left(known: KnownNode, most: number): number {
    return Math.max(known.heardAt, this.#linkedAt) + most - this.#options.clock.monotonic();
  }

  /** A deadline has come up; signs of life since it was armed have moved it. */
  #isDue(name: string, event: "late" | "silent", wheel: DeadlineWheel): void {
    const known = this.#known.get(name);
    if (known?.watched === undefined) return;
    const left = this.#left(known, event === "late" ? known.watched.late : known.watched.offline);
    if (left > 0) {
      wheel.set(name, left);
      return;
    }
    if (event === "silent") known.watched = undefined;
    known.send(event, "no sign of life");
  }
}
