import type { Actor } from "xstate";
import type { LinkState } from "../../actors/node.ts";
import { type NodeContext, nodeMachine, type Region } from "../../actors/node.ts";
import { type Inspector, startRoot } from "../../actors/root.ts";
import { DeadlineWheel } from "../../actors/wheel.ts";
import type { LinkName, LinkProfile } from "../../config/config.ts";
import { linkProfile } from "../../config/link-profiles.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Clock } from "../../message/clock.ts";
import type { Json } from "../../message/message.ts";
import type { Standstill, StuckLane } from "../../message/standstill.ts";
import { receiverOf } from "../../message/subject.ts";
import type { Hello } from "../../methods/hello.ts";
import type { Happenings } from "../../observe/happenings.ts";

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

export interface NodeChange {
  readonly name: string;
  readonly at: number;
  readonly region: string;
  readonly from: string;
  readonly to: string;
  readonly cause: string;
}

/** A node as its actor and its hellos describe it; times are ms since 1970. */
export interface NodeDescription {
  readonly name: string;
  readonly link: LinkState;
  readonly linkSince: number;
  /** Why the link is as it is: `bye`, `silence`, `hello`, … */
  readonly cause: string;
  readonly session: "none" | "resyncing" | "live";
  readonly work: "idle" | "busy";
  readonly trust: "pending" | "accepted" | "revoked";
  readonly storage: "ok" | "low" | "full";
  /** Why nothing is sent to it and nothing taken from it: two nodes have its name. */
  readonly heldBack?: string;
  /** Its link is as an earlier life of this daemon saw it: nothing was heard of it since. */
  readonly unheard?: true;
  /** Lanes which stand still, as it says of itself; in a list, and those to it; the worst few. Absent: none does. */
  readonly stuck?: readonly StuckLane[];
  /** Last verified evidence of life; `null` if never. */
  readonly lastSeenAt: number | null;
  readonly asOf: number;
  readonly version?: string;
  /** Its clock minus ours, ms, as of the last hello. */
  readonly clockSkew?: number;
  readonly epoch?: string;
  readonly startedAt?: number;
  readonly methods?: readonly string[];
  /** The latest changes of its regions, newest last. */
  readonly changes: readonly Omit<NodeChange, "name">[];
}

interface Known {
  readonly actor: Actor<typeof nodeMachine>;
  readonly changes: NodeChange[];
  link: LinkState;
  busy: boolean;
  accepted: boolean;
  lastSeen: number | null;
  /** When that was, monotonic ms. */
  heardAt: number;
  /** Interval of its hellos as it last said, ms; kept across restarts of this node. */
  every: number | undefined;
  /** The kind of its link as it last said; kept across restarts of this node. */
  linkName: LinkName | undefined;
  /** What its interval and its link allow it, until they change. */
  patience?: Pick<LinkProfile, "late" | "offline"> | undefined;
  /** Identity of its journal as it last said. */
  epoch: string | undefined;
  /** Why nothing goes to it or comes from it. */
  heldBack?: Standstill | undefined;
  hello?: Hello & { readonly at: number };
}

/** How long a node without commands still counts as busy, ms. */
const LINGER = 1000;
/** No node may ask for more patience than a hello a day, ms. */
const LONGEST = 86_400_000;
/** How often it is noted when each node was last seen, ms: more seldom where there are many. */
const NOTE_EVERY = 60_000;
const NOTE_PER_NODE = 10;
const LAST_SEEN = "last seen";
/** The shortest silence that makes a node late, where its profile is not shorter, ms. */
const SHORTEST = 2_500;
/** The latest changes kept of each node. */
const CHANGES = 100;

export class Fleet {
  readonly #options: FleetOptions;
  readonly #known = new Map<string, Known>();
  /** Stored at the end of this turn: a hello changes several regions at once. */
  readonly #changed = new Map<string, Known>();
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
    this.#late = new DeadlineWheel(clock, slot, (name) => this.#send(name, "late", "no sign of life"));
    this.#silent = new DeadlineWheel(clock, slot, (name) => this.#send(name, "silent", "no sign of life"));
    this.#idle = new DeadlineWheel(clock, LINGER / 2, (name) => {
      const known = this.#known.get(name);
      if (known !== undefined) known.busy = false;
      this.#send(name, "idle", "all commands have ended");
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
    known.actor.stop();
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
    this.#seen(known);
    this.#noteSeen();
    // Who answers before its first hello, and has another journal at that, has lost what it answered for.
    if (epoch !== undefined && known.epoch === undefined) {
      known.epoch = epoch;
      this.#store(name, known);
    }
    if (known.link !== "online") this.#send(name, "alive", cause);
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

  /** Whether its daemon or its journal is another one than before. */
  isAnew(name: string, { startedAt, epoch }: Hello): boolean {
    const known = this.#known.get(name);
    return (known?.hello ?? { startedAt }).startedAt !== startedAt || (known?.epoch ?? epoch) !== epoch;
  }

  hello(name: string, hello: Hello): void {
    if (name === this.#options.node) return;
    const known = this.#get(name);
    const now = this.#options.clock.now();
    const rebooted = known.hello !== undefined && known.hello.startedAt !== hello.startedAt;
    const reborn = known.epoch !== undefined && known.epoch !== hello.epoch;
    this.#seen(known);
    known.hello = { ...hello, at: now };
    this.#options.journal.outbox.receivers.heard(name, hello.epoch, hello.life);
    const { epoch, every, link: linkName } = hello;
    if (known.epoch !== epoch || known.every !== every || known.linkName !== linkName) {
      Object.assign(known, { epoch, every, linkName, patience: undefined });
      // Whether it comes back with another journal must be seen across restarts of this node.
      this.#store(name, known);
    }
    known.actor.send({
      type: "hello",
      at: now,
      cause: reborn ? "hello with a new journal" : rebooted ? "hello after a restart" : "hello",
      anew: rebooted || reborn,
      storage: hello.storage,
    });
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

  /** That another node has this one's name. */
  get selfHeld(): string | undefined {
    return this.#selfHeld;
  }

  /** Whether two nodes have this name, which may be that of this one. */
  isDoubled(name: string): boolean {
    return (name === this.#options.node ? this.#selfHeld : this.heldBack(name)) !== undefined;
  }

  /** Why nothing goes to a node and nothing is taken from it; `undefined`: all is as it should be. */
  heldBack(name: string): string | undefined {
    return this.standing(name)?.reason;
  }

  /** The same, with since when it is so. */
  standing(name: string): Standstill | undefined {
    return this.#known.get(name)?.heldBack;
  }

  isHeardSince(name: string, at: number): boolean {
    return (this.#known.get(name)?.heardAt ?? Number.NEGATIVE_INFINITY) > at;
  }

  #seen(known: Known): void {
    const { clock } = this.#options;
    known.lastSeen = clock.now();
    known.heardAt = clock.monotonic();
  }

  /** Whether this is another journal than the one that the node last said to have. */
  isOther(name: string, epoch: string): boolean {
    return (this.#known.get(name)?.epoch || epoch) !== epoch;
  }

  /** Why a node does not come to what waits there on a subject, as its last hello said. */
  unattended(name: string, subject: string): string | undefined {
    return this.#known.get(name)?.hello?.unattended?.find(([left]) => left === subject)?.[1];
  }

  bye(name: string, cause: string): void {
    if (!this.#known.has(name)) return;
    this.#late.delete(name);
    this.#silent.delete(name);
    this.#send(name, "bye", cause);
  }

  /** The broker says that nobody subscribes for this node. */
  absent(name: string): void {
    if (this.#known.has(name)) this.#send(name, "absent", "not subscribed at the broker");
  }

  accept(name: string): void {
    if (name === this.#options.node) return;
    const known = this.#get(name);
    if (known.accepted) return;
    known.accepted = true;
    this.#send(name, "accept", "verified");
  }

  isResyncing(name: string): boolean {
    return this.#known.get(name)?.actor.getSnapshot().matches({ session: "resyncing" }) ?? false;
  }

  /** What it thinks of our commands is what we think. */
  agreed(name: string): void {
    this.#send(name, "agreed", "of one mind");
  }

  /** Whether commands of ours run there. The actor hears of the end only when it lasts. */
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
    this.#send(name, "busy", "commands run there");
  }

  /** While our own link is down nobody is judged; when it is back, everyone has a full grace period. */
  ownLink(up: boolean): void {
    this.#ownLink = up;
    for (const [name, known] of this.#known) {
      if (up) this.#watch(name, known);
      else {
        this.#late.delete(name);
        this.#silent.delete(name);
        if (known.link === "online") this.#send(name, "late", "this node has no broker");
      }
    }
  }

  describe(name: string): NodeDescription | undefined {
    const known = this.#known.get(name);
    if (known === undefined) return undefined;
    const { value, context } = known.actor.getSnapshot();
    const { hello } = known;
    const isUnheard = known.heardAt === Number.NEGATIVE_INFINITY && (value.link === "online" || value.link === "late");
    return {
      name,
      link: value.link,
      linkSince: context.linkSince,
      cause: context.linkCause,
      session: value.session,
      work: value.work,
      trust: value.trust,
      storage: value.storage,
      lastSeenAt: known.lastSeen,
      asOf: this.#options.clock.now(),
      changes: known.changes,
      ...(known.heldBack === undefined ? {} : { heldBack: known.heldBack.reason }),
      ...(isUnheard ? { unheard: true } : {}),
      ...(hello === undefined
        ? {}
        : {
            version: hello.version,
            epoch: hello.epoch,
            startedAt: hello.startedAt,
            methods: hello.methods,
            ...(hello.stuck === undefined || value.link === "offline" ? {} : { stuck: hello.stuck }),
            clockSkew: hello.now - hello.at,
          }),
    };
  }

  stop(): void {
    // As they are before their actors stop.
    this.#storeChanged();
    this.#notedAt = Number.NEGATIVE_INFINITY;
    this.#noteSeen();
    this.#late.stop();
    this.#silent.stop();
    this.#idle.stop();
    for (const { actor } of this.#known.values()) actor.stop();
  }

  #get(name: string): Known {
    return this.#known.get(name) ?? this.#start(name, undefined);
  }

  #start(name: string, stored: StoredNode | undefined): Known {
    const { clock, inspector } = this.#options;
    const actor = startRoot(nodeMachine, {
      actor: name,
      role: "node",
      clock,
      inspector,
      input: { name, at: clock.now() },
      ...(stored === undefined ? {} : { snapshot: stored.snapshot as never }),
    });
    const known: Known = {
      actor,
      changes: [...(stored?.changes ?? [])],
      link: actor.getSnapshot().value.link,
      busy: actor.getSnapshot().matches({ work: "busy" }),
      accepted: actor.getSnapshot().matches({ trust: "accepted" }),
      lastSeen: stored?.lastSeen ?? null,
      heardAt: Number.NEGATIVE_INFINITY,
      every: stored?.every,
      linkName: stored?.linkName,
      epoch: stored?.epoch,
    };
    let before = actor.getSnapshot().value as Record<Region, string>;
    actor.subscribe(({ value, context }) => {
      const after = value as Record<Region, string>;
      for (const region of Object.keys(after) as Region[]) {
        if (after[region] !== before[region]) this.#note(known, context, region, before[region], after[region]);
      }
      before = after;
    });
    this.#known.set(name, known);
    if (stored !== undefined) this.#watch(name, known);
    return known;
  }

  #note(known: Known, context: NodeContext, region: Region, from: string, to: string): void {
    const { clock, happenings } = this.#options;
    if (region === "link") known.link = to as LinkState;
    const cause = region === "link" ? context.linkCause : "";
    const change: NodeChange = { name: context.name, at: clock.now(), region, from, to, cause };
    if (region !== "work") {
      known.changes.push(change);
      if (known.changes.length > CHANGES) known.changes.shift();
      this.#store(context.name, known);
    }
    happenings.emit({ type: "node", ...change });
    this.#watcher?.nodeChanged(change);
  }

  /** With what this turn still changes of it. */
  #store(name: string, known: Known): void {
    if (this.#changed.size === 0) this.#options.journal.atTurnEnd(() => this.#storeChanged());
    this.#changed.set(name, known);
  }

  #storeChanged(): void {
    for (const [name, known] of this.#changed) this.#options.journal.setNode(name, storedOf(known));
    this.#changed.clear();
  }

  /**
   * Arms the deadlines of a node that is expected to be heard: one whose hello has come, and central. Between two edges there
   * are no hellos, and silence means nothing: each would wait for the other one to speak first.
   */
  #watch(name: string, known: Known): void {
    if (!this.#ownLink || known.link === "offline" || known.link === "neverSeen") return;
    const { node: self, config, central } = this.#options;
    if (self !== central && name !== central) return;
    if (known.hello === undefined && name !== central && known.lastSeen === null) return;
    if (known.patience === undefined) {
      const { link } = config();
      known.patience = patienceWith(link, known.every ?? 0, known.linkName ?? link.name);
    }
    this.#late.set(name, known.patience.late);
    this.#silent.set(name, known.patience.offline);
  }

  #send(
    name: string,
    type: "alive" | "late" | "silent" | "bye" | "absent" | "accept" | "agreed" | "busy" | "idle",
    cause: string,
  ): void {
    this.#known.get(name)?.actor.send({ type, at: this.#options.clock.now(), cause });
  }
}

interface StoredNode {
  readonly snapshot: unknown;
  readonly changes: readonly NodeChange[];
  readonly lastSeen: number | null;
  readonly every: number | undefined;
  readonly linkName?: LinkName | undefined;
  readonly epoch: string | undefined;
}

function storedOf({ actor, changes, lastSeen, every, linkName, epoch }: Known): Json {
  const stored: StoredNode = { snapshot: actor.getPersistedSnapshot(), changes, lastSeen, every, linkName, epoch };
  return stored as unknown as Json;
}

/** Its own interval and its own link say when a node should have been heard, unless this node's ask for more patience. */
function patienceWith(own: LinkProfile, every: number, link: LinkName): Pick<LinkProfile, "late" | "offline"> {
  if (link !== own.name) {
    const { late, offline } = linkProfile(link, Math.max(own.hello, Math.min(every, LONGEST)));
    return { late: Math.max(own.late, late), offline: Math.max(own.offline, offline) };
  }
  const times = (every > 0 ? Math.min(every, LONGEST) : own.hello) / own.hello;
  // However often it says hello: a moment on a slow link must not look like a loss.
  const least = Math.min(own.late, SHORTEST);
  return { late: Math.max(least, own.late * times), offline: Math.max(2 * least, own.offline * times) };
}
