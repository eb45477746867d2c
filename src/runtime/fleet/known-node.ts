import type { LinkState, NodeContext, NodeEvent, Region } from "../../actors/node.ts";
import { NodeState, type NodeValue } from "../../actors/node-state.ts";
import type { Inspector } from "../../actors/root.ts";
import type { LinkName, LinkProfile } from "../../config/config.ts";
import { linkProfile } from "../../config/link-profiles.ts";
import type { Clock } from "../../message/clock.ts";
import type { Json } from "../../message/message.ts";
import type { Standstill, StuckLane } from "../../message/standstill.ts";
import type { LabelSet } from "../../message/target/labels.ts";
import type { Hello } from "../../methods/hello.ts";
import { LastingWork } from "./lasting-work.ts";

/** A change of one region of a node. */
export interface NodeChange {
  readonly name: string;
  readonly at: number;
  readonly region: string;
  readonly from: string;
  readonly to: string;
  readonly cause: string;
}

/** A node as its actor and its hellos describe it, as far as lists show it; times are ms since 1970. */
export interface NodeSummary {
  readonly name: string;
  readonly link: LinkState;
  readonly linkSince: number;
  /** Why the link is as it is: `bye`, `silence`, `hello`, … */
  readonly cause: string;
  readonly session: "none" | "resyncing" | "live";
  readonly work: "idle" | "busy";
  readonly trust: "pending" | "accepted" | "revoked";
  readonly storage: "ok" | "low" | "full";
  /** Why messages to and from the node are held back: two nodes have its name. */
  readonly heldBack?: string;
  /** The link is as an earlier life of this daemon saw it: the node was not heard since. */
  readonly unheard?: true;
  /** The worst stuck lanes that the node tells of itself; in lists, those of this node to it too. Absent: there are none. */
  readonly stuck?: readonly StuckLane[];
  /** Last verified evidence of life; `null` if never. */
  readonly lastSeenAt: number | null;
  readonly asOf: number;
  readonly version?: string;
  /** The clock of the node minus ours, ms, as of the last hello. */
  readonly clockSkew?: number;
  readonly epoch?: string;
  readonly startedAt?: number;
}

export interface NodeDescription extends NodeSummary {
  readonly methods?: readonly string[];
  /** The latest changes of its regions, newest last. */
  readonly changes: readonly Omit<NodeChange, "name">[];
}

/** A node as it lies in the journal. */
export interface StoredNode {
  readonly snapshot: unknown;
  readonly changes: readonly NodeChange[];
  readonly lastSeen: number | null;
  readonly every: number | undefined;
  readonly linkName?: LinkName | undefined;
  readonly epoch: string | undefined;
  readonly labels?: LabelSet | undefined;
}

/** The machine's part of a stored node, in the form in which XState persists it. */
interface StoredSnapshot {
  readonly status: "active";
  readonly value: NodeValue;
  readonly historyValue: object;
  readonly context: NodeContext;
  readonly children: object;
}

export interface KnownNodeOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly inspector: Inspector;
  /** Hears of every change of every region. */
  readonly changed: (node: KnownNode, change: NodeChange) => void;
}

/** The event by which the inspector hears of the state in which a node begins. */
const START = "xstate.init";
const NO_LABELS: LabelSet = Object.freeze({});

type Patience = Pick<LinkProfile, "late" | "offline">;

/** The longest hello interval that counts, ms: no node may ask for more patience. */
const LONGEST = 86_400_000;
/** The shortest silence that makes a node late, where its profile is not shorter, ms. */
const SHORTEST = 2_500;
/** The latest changes kept of each node. */
const CHANGES = 100;

/** One node that this one knows: its states, its last hello, and the facts that outlive this daemon. */
export class KnownNode {
  readonly #options: KnownNodeOptions;
  #state: NodeState;
  /** When the link last changed, ms, and why. */
  linkSince: number;
  #linkCause: string;
  /** Events that came while another one is dealt with; `undefined`: none is. */
  #waiting: NodeEvent[] | undefined;
  #stopped = false;
  readonly #changes: NodeChange[];
  link: LinkState;
  /** Commands of ours that run there, and what their number says of the node. */
  readonly #work: LastingWork;
  lastSeen: number | null;
  /** Monotonic time of `lastSeen`, ms. */
  heardAt = Number.NEGATIVE_INFINITY;
  /** The journal that the node last said to have. */
  epoch: string | undefined;
  /** Why messages to and from the node are held back, and since when. */
  heldBack: Standstill | undefined;
  hello: (Hello & { readonly at: number }) | undefined;
  /** The labels of its own file, as it last said. */
  labels: LabelSet;
  #accepted: boolean;
  /** Interval of the node's hellos as it last said, ms. */
  #every: number | undefined;
  #linkName: LinkName | undefined;
  /** The patience by which its deadlines are armed; `undefined`: they are not. */
  watched: Patience | undefined;
  /** The patience that follows from interval and link, until they change. */
  #patience: Patience | undefined;

  constructor(options: KnownNodeOptions, stored: StoredNode | undefined) {
    this.#options = options;
    const { clock } = options;
    const snapshot = stored?.snapshot as Pick<StoredSnapshot, "value" | "context"> | undefined;
    this.#state = snapshot === undefined ? NodeState.first : NodeState.of(snapshot.value);
    this.linkSince = snapshot?.context.linkSince ?? clock.now();
    this.#linkCause = snapshot?.context.linkCause ?? "never heard of it";
    this.#changes = [...(stored?.changes ?? [])];
    const { value } = this.#state;
    for (const region of Object.keys(value) as Region[]) this.#tell(region, "", value[region], START, "");
    this.link = value.link;
    this.#work = new LastingWork(clock, value.work === "busy");
    this.#accepted = value.trust === "accepted";
    this.lastSeen = stored?.lastSeen ?? null;
    this.#every = stored?.every;
    this.#linkName = stored?.linkName;
    this.epoch = stored?.epoch;
    this.labels = stored?.labels ?? NO_LABELS;
  }

  /** The kind of link that the node has; `undefined` until it has told. */
  get linkName(): LinkName | undefined {
    return this.#linkName;
  }

  get isResyncing(): boolean {
    return this.#state.value.session === "resyncing";
  }

  /** Takes a sign of life that was under way for `age` ms. */
  seen(age: number): void {
    const { clock } = this.#options;
    const at = clock.monotonic() - age;
    if (at < this.heardAt) return;
    this.lastSeen = clock.now() - age;
    this.heardAt = at;
  }

  accept(): void {
    if (this.#accepted) return;
    this.#accepted = true;
    this.send("accept", "verified");
  }

  revoke(): void {
    this.#accepted = false;
    this.send("revoke", "revoked by an operator");
  }

  /** True if the hello comes from another daemon or another journal than before. */
  isAnew({ startedAt, epoch }: Hello): boolean {
    return (this.hello ?? { startedAt }).startedAt !== startedAt || (this.epoch ?? epoch) !== epoch;
  }

  /** Takes a hello; true if the node's record has to be stored. */
  greeted(hello: Hello): boolean {
    const { epoch, every, link: linkName, labels = NO_LABELS } = hello;
    const at = this.#options.clock.now();
    const reborn = this.epoch !== undefined && this.epoch !== epoch;
    const rebooted = this.hello !== undefined && this.hello.startedAt !== hello.startedAt;
    const cause = reborn ? "hello with a new journal" : rebooted ? "hello after a restart" : "hello";
    const relabelled = JSON.stringify(labels) !== JSON.stringify(this.labels);
    const isNews = this.epoch !== epoch || this.#every !== every || this.#linkName !== linkName || relabelled;
    this.hello = { ...hello, at };
    this.epoch = epoch;
    this.#every = every;
    this.#linkName = linkName;
    if (relabelled) this.labels = labels;
    if (isNews) this.#patience = undefined;
    this.#take({ type: "hello", at, cause, anew: rebooted || reborn, storage: hello.storage });
    return isNews;
  }

  /** How long the node may be silent. `own`: this node's own link. */
  patience(own: LinkProfile): Patience {
    this.#patience ??= patienceWith(own, this.#every ?? 0, this.#linkName ?? own.name);
    return this.#patience;
  }

  send(
    type: "alive" | "late" | "silent" | "bye" | "absent" | "accept" | "revoke" | "agreed" | "busy" | "idle",
    cause: string,
  ): void {
    this.#take({ type, at: this.#options.clock.now(), cause });
  }

  /** Notes how many commands of ours run there. True: they are the first, and are to be looked at after a while. */
  works(running: number): boolean {
    return this.#work.runs(running);
  }

  /** Tells the actor what changed. True: it is to be looked at again. */
  lookAtWork(): boolean {
    const change = this.#work.look();
    if (change !== undefined) this.send(change, change === "busy" ? "commands run there" : "all commands have ended");
    return this.#work.isWatched;
  }

  get trust(): NodeDescription["trust"] {
    return this.#state.value.trust;
  }

  describe(): NodeDescription {
    const { hello } = this;
    return {
      ...this.summary(),
      changes: this.#changes,
      ...(hello === undefined ? {} : { methods: hello.methods }),
    };
  }

  summary(): NodeSummary {
    const { name, clock } = this.#options;
    const { value } = this.#state;
    const { hello } = this;
    const isUnheard = this.heardAt === Number.NEGATIVE_INFINITY && (value.link === "online" || value.link === "late");
    return {
      name,
      link: value.link,
      linkSince: this.linkSince,
      cause: this.#linkCause,
      session: value.session,
      work: this.#work.running > 0 ? "busy" : value.work,
      trust: value.trust,
      storage: value.storage,
      lastSeenAt: this.lastSeen,
      asOf: clock.now(),
      ...(this.heldBack === undefined ? {} : { heldBack: this.heldBack.reason }),
      ...(isUnheard ? { unheard: true } : {}),
      ...(hello === undefined
        ? {}
        : {
            version: hello.version,
            epoch: hello.epoch,
            startedAt: hello.startedAt,
            ...(hello.stuck === undefined || value.link === "offline" ? {} : { stuck: hello.stuck }),
            clockSkew: hello.now - hello.at,
          }),
    };
  }

  get stored(): Json {
    const { linkSince } = this;
    const context = { name: this.#options.name, linkSince, linkCause: this.#linkCause };
    const snapshot: StoredSnapshot = {
      status: "active",
      value: this.#state.value,
      historyValue: {},
      context,
      children: {},
    };
    const stored: StoredNode = {
      snapshot,
      changes: this.#changes,
      lastSeen: this.lastSeen,
      every: this.#every,
      linkName: this.#linkName,
      epoch: this.epoch,
      ...(this.labels === NO_LABELS ? {} : { labels: this.labels }),
    };
    return stored as unknown as Json;
  }

  /** Takes no events any more. */
  stop(): void {
    this.#stopped = true;
  }

  /** Events that follow from a change wait until all has been told of it. */
  #take(event: NodeEvent): void {
    if (this.#stopped) return;
    if (this.#waiting !== undefined) {
      this.#waiting.push(event);
      return;
    }
    const step = this.#state.after(event);
    if (step.to === this.#state && !step.isReason) return;
    const waiting: NodeEvent[] = [];
    this.#waiting = waiting;
    try {
      this.#step(event, step);
    } finally {
      this.#waiting = undefined;
    }
    for (const next of waiting) this.#take(next);
  }

  #step(event: NodeEvent, { to, changed, isReason }: ReturnType<NodeState["after"]>): void {
    const before = this.#state.value;
    this.#state = to;
    if (isReason) {
      this.linkSince = event.at;
      this.#linkCause = event.cause;
    }
    for (const region of changed) this.#tell(region, before[region], to.value[region], event.type, event.cause);
    for (const region of changed) this.#note(region, before[region], to.value[region]);
  }

  /** Tells the inspector, which hears of all state machines alike. */
  #tell(region: Region, from: string, to: string, event: string, cause: string): void {
    const { name, inspector } = this.#options;
    const before = from === "" ? "" : `${region}.${from}`;
    inspector.transition({ actor: name, role: "node", event, from: before, to: `${region}.${to}`, cause });
  }

  #note(region: Region, from: string, to: string): void {
    const { name, clock, changed } = this.#options;
    if (region === "link") this.link = to as LinkState;
    const cause = region === "link" ? this.#linkCause : "";
    const change: NodeChange = { name, at: clock.now(), region, from, to, cause };
    if (region !== "work") {
      this.#changes.push(change);
      if (this.#changes.length > CHANGES) this.#changes.shift();
    }
    changed(this, change);
  }
}

/** The patience by the interval and the link of a node, or by this node's own link where that asks for more. */
function patienceWith(own: LinkProfile, every: number, link: LinkName): Patience {
  if (link !== own.name) {
    const { late, offline } = linkProfile(link, Math.max(own.hello, Math.min(every, LONGEST)));
    return { late: Math.max(own.late, late), offline: Math.max(own.offline, offline) };
  }
  const times = (every > 0 ? Math.min(every, LONGEST) : own.hello) / own.hello;
  // A short delay on a slow link must not look like a loss, however often the node says hello.
  const least = Math.min(own.late, SHORTEST);
  return { late: Math.max(least, own.late * times), offline: Math.max(2 * least, own.offline * times) };
}
