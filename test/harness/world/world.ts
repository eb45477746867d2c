import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkConfig } from "../../../src/config/check.ts";
import type { Config } from "../../../src/config/config.ts";
import { type Journal, openJournal } from "../../../src/journal/journal.ts";
import type { Store } from "../../../src/journal/store/store.ts";
import type { Random } from "../../../src/message/clock.ts";
import type { Draft } from "../../../src/message/draft.ts";
import type { Happening } from "../../../src/message/happening.ts";
import { isFinalState, type State } from "../../../src/message/lifecycle.ts";
import type { Json } from "../../../src/message/message.ts";
import { receiverOf } from "../../../src/message/subject.ts";
import type { Envelope } from "../../../src/message/wire/envelope.ts";
import type { HostFacts } from "../../../src/platform/host/host-facts.ts";
import { type Daemon, startDaemon } from "../../../src/runtime/daemon/daemon.ts";
import type { ReloadAnswer } from "../../../src/runtime/operate/table/daemon.ts";
import type { MessageDetail } from "../../../src/runtime/operate/table/messages.ts";
import type { NodeDetail } from "../../../src/runtime/operate/table/nodes.ts";
import type { OperatorSource } from "../../../src/security/operators/directory.ts";
import { ClearEnvelope } from "../../../src/security/seal/clear-envelope.ts";
import { type LinkFaults, MemoryBroker, type MemoryLink } from "../../twins/memory-broker.ts";
import { MemoryHost, type MemoryProgram } from "../../twins/memory-spawner.ts";
import { type Disk, emptyDisk, openMemoryStore } from "../../twins/memory-store.ts";
import { sealedEnvelope } from "../known-keys.ts";
import type { Line } from "../list-log.ts";
import { seededRandom } from "../random.ts";
import { atTestEnd, tempDir } from "../temp.ts";
import { knowsMore, type LaneEnds, laneEnds } from "./known.ts";
import { Ledger, worldMethods } from "./methods.ts";
import { type CrashableStore, mortalLink, mortalSpawner, type Point, slowStore, worldLog } from "./parts.ts";
import { LifeClock, quiet, WorldTime } from "./time.ts";
import { Witness } from "./witness.ts";

/**
 * A fleet of whole daemons in one process: real composition roots over a disk, a broker, programs, time and chance in
 * memory. The same seed and the same verbs give the same run.
 *
 * A node has a disk and a host that outlive it, and one life after another: `start`, then `stop` (graceful) or `crash`
 * (what was not flushed is lost, its link is dead, its timers never fire, its methods do nothing any more).
 */
export interface WorldOptions {
  readonly seed?: number;
  /** The moment at which it begins, ms since 1970. */
  readonly beginsAt?: number;
  /** By name; `central` is there in any case. */
  readonly nodes?: Readonly<Record<string, NodeOptions>>;
  readonly programs?: Readonly<Record<string, MemoryProgram>>;
  /** False: packets travel in the clear, for a test that reads or writes them by hand. */
  readonly sealed?: boolean;
  /** The operators that every node knows; a test may change them. */
  readonly operators?: OperatorSource;
  /** The hosts of nodes, as facts tell of them; a node that is not here has none. */
  readonly hosts?: Readonly<Record<string, HostFacts>>;
}

/** Settings of steward.yaml that replace those of `SETTINGS`. */
export type NodeOptions = Readonly<Record<string, Json>>;

/** What an edge takes, what central takes, and how often a node says hello, where a test does not say otherwise. */
export const EDGE = ["command.work.os", "command.redo.os", "command.shellcommand.os", "event.note.news"];
const SETTINGS: NodeOptions = {
  broker: { servers: ["nats://memory:4222"] },
  hello: "10s",
  supervision: { backoff: { min: "200ms", max: "1s", jitter: 0 } },
};

/** One life of one daemon. */
interface Life {
  /** Counts the lives of all nodes. */
  readonly no: number;
  readonly clock: LifeClock;
  /** The disk's own: group commits that are under way are not the daemon's timers. */
  readonly diskClock: LifeClock;
  /** Present once it has started. */
  daemon: Daemon | undefined;
  readonly stores: CrashableStore[];
  readonly underWay: Set<string>;
  /** Resolves when it is killed. */
  readonly killed: Promise<void>;
  readonly kill: () => void;
  alive: boolean;
  /** What came while its process stands still; `undefined`: it does not. */
  held: (() => void)[] | undefined;
}

/** Where a node will be killed: when it comes to this point for the n-th time from now on. */
export interface Doom {
  readonly at: Point;
  readonly nth: number;
  /** See `crash`. */
  readonly keep?: number;
  /** Its programs die with it. */
  readonly power?: boolean;
}

interface Place {
  readonly name: string;
  readonly file: string;
  text: string;
  disk: Disk;
  /** Its disk was once lost or put back. */
  rolledBack: boolean;
  /** How often its host was booted. */
  boots: number;
  host: MemoryHost;
  readonly lines: Line[];
  readonly happenings: Happening[];
  life: Life | undefined;
  link: MemoryLink | undefined;
  cut: boolean;
  faults: { readonly out?: LinkFaults; readonly in?: LinkFaults };
  wrongClock: number;
  /** Milliseconds that its wall clock gains in each, since when. */
  drift: { readonly rate: number; readonly since: number };
  doom: { readonly how: Doom; left: number } | undefined;
  flushMs: number;
  sinkMs: number;
}

export interface AcceptedLine {
  readonly id: string;
  readonly subject: string;
  readonly origin: string;
  /** It was held, so that it goes into its lane behind messages that were accepted after it. */
  readonly held?: true;
  /** Urgent messages keep their order among each other. */
  readonly urgent?: boolean;
}

export class World {
  readonly time: WorldTime;
  readonly ledger = new Ledger();
  readonly witness = new Witness();
  readonly random: Random;
  readonly broker: MemoryBroker;
  /** Every id that was ever printed, in order. */
  readonly accepted: AcceptedLine[] = [];
  /** Final states as their origin told them, in order. */
  readonly finals = new Map<string, State[]>();
  /** Ids that their origin cannot know any more: the disk that it has now never held them. */
  readonly forgotten = new Set<string>();
  /**
   * Commands that ran on a node that was put back in place, disk and all, while nobody but itself had it on disk: that they
   * ran is known to nobody any more.
   */
  readonly unknowable = new Set<string>();
  /** Nodes whose disk was lost or restored, and when that was last, ms of simulated time. */
  readonly replaced = new Map<string, number>();
  /** How far the lanes went of each disk that was put in the place of another, by node. */
  readonly putInPlace = new Map<string, LaneEnds[]>();
  /** What no daemon should ever do: throw into the broker. */
  readonly faults: unknown[] = [];
  /** Hears of each message as it is told, with its node. */
  onMessage: (node: string, message: Extract<Happening, { type: "message" }>) => void = () => undefined;
  /** Daemons that ended as failed. */
  readonly givenUp: { readonly node: string; readonly error: unknown }[] = [];
  /** What a graceful stop left behind. */
  readonly leftovers: string[] = [];
  #lives = 0;
  readonly #places = new Map<string, Place>();
  readonly #sealed: boolean;
  readonly #operators: OperatorSource | undefined;
  readonly #programs: Readonly<Record<string, MemoryProgram>>;
  readonly #hosts: Readonly<Record<string, HostFacts>>;

  constructor(directory: string, options: WorldOptions) {
    this.time = new WorldTime(options.beginsAt);
    this.random = seededRandom(options.seed ?? 1);
    this.broker = new MemoryBroker({
      clock: this.time,
      random: this.random,
      onFault: (error) => void this.faults.push(error),
    });
    this.#sealed = options.sealed ?? true;
    this.#operators = options.operators;
    this.#programs = options.programs ?? {};
    this.#hosts = options.hosts ?? {};
    const nodes: Record<string, NodeOptions> = { central: {}, ...(options.nodes ?? { ship1: {} }) };
    for (const [name, settings] of Object.entries(nodes)) {
      const base = join(directory, name);
      mkdirSync(base, { recursive: true });
      const subscribe = name === "central" ? ["event.note.news"] : EDGE;
      const text = JSON.stringify({
        node: name,
        data: base,
        subscribe: subscribe.map((subject) => ({ subject })),
        ...(name === "central" ? { nodes: Object.keys(nodes).filter((other) => other !== "central") } : {}),
        ...SETTINGS,
        ...settings,
      });
      this.#places.set(name, {
        name,
        file: join(base, "steward.yaml"),
        text,
        disk: emptyDisk(),
        rolledBack: false,
        boots: 1,
        host: new MemoryHost(this.time, this.#programs),
        lines: [],
        happenings: [],
        life: undefined,
        link: undefined,
        cut: false,
        faults: {},
        wrongClock: 0,
        drift: { rate: 0, since: 0 },
        doom: undefined,
        flushMs: 0,
        sinkMs: 0,
      });
    }
  }

  get nodes(): string[] {
    return [...this.#places.keys()];
  }

  /** Starts nodes, all of them if none is named, and lets their first hellos be heard. */
  async start(...names: string[]): Promise<void> {
    for (const name of names.length === 0 ? this.nodes : names) await this.#begin(this.#place(name));
    await quiet();
  }

  /** As SIGTERM does. */
  async stop(...names: string[]): Promise<void> {
    for (const name of names) {
      const place = this.#place(name);
      const life = this.#lifeOf(name);
      await this.drive(Promise.race([this.daemon(name).stop(), life.killed]));
      await quiet();
      if (!life.alive) continue;
      // A method that did not end in time goes on until its process ends, with the timers that belong to it.
      if (life.clock.armed > 0 && life.underWay.size === 0) this.leftovers.push(`${name}: ${life.clock.armed} timers`);
      this.#over(place, life);
    }
  }

  /**
   * As SIGKILL or a power cut does: nothing of the old life happens any more, and what was not flushed is lost, but for the
   * first `keep` turns of it: the disk may have had them, and nobody had heard of it yet.
   */
  crash(name: string, keep = 0): void {
    const place = this.#place(name);
    const { life } = place;
    if (life === undefined) throw new Error(`${name} is down`);
    const { link } = place;
    this.#over(place, life);
    for (const store of life.stores) store.crash();
    life.stores.at(-1)?.survive(keep, () => openMemoryStore(place.disk));
    link?.disconnect("the process is gone");
    life.kill();
  }

  /** As SIGSTOP does: the process stands still, and what comes for it waits in its buffers. */
  freeze(name: string): void {
    const life = this.#lifeOf(name);
    life.held ??= [];
    life.clock.freeze();
  }

  isFrozen(name: string): boolean {
    return this.#place(name).life?.held !== undefined;
  }

  /** As SIGCONT does: what waits is read before any timer fires. */
  thaw(name: string): void {
    const life = this.#lifeOf(name);
    const held = life.held ?? [];
    life.held = undefined;
    for (const read of held) read();
    life.clock.thaw();
  }

  #over(place: Place, life: Life): void {
    life.alive = false;
    life.clock.end();
    life.diskClock.end();
    place.life = undefined;
    place.link = undefined;
    place.doom = undefined;
  }

  /** Kills the node when it comes to that point, in the middle of what it does there. */
  crashAt(name: string, how: Doom): void {
    this.#place(name).doom = { how, left: how.nth };
  }

  /** It is not killed at the point that was named before. */
  spare(name: string): void {
    this.#place(name).doom = undefined;
  }

  #reach(place: Place, life: Life, point: Point): void {
    const { doom } = place;
    if (place.life !== life || doom?.how.at !== point || --doom.left > 0) return;
    this.crash(place.name, doom.how.keep);
    if (doom.how.power === true) place.host.kill();
  }

  /** A crash that takes the programs of the node along: the host itself went down. */
  powerCut(name: string): void {
    this.crash(name);
    this.#place(name).host.restart();
    this.#place(name).boots++;
  }

  /** The disk is replaced by an empty one; the node must be down. */
  loseDisk(name: string): void {
    this.#replace(this.#place(name), emptyDisk());
  }

  /** What a backup of its disk would hold now. */
  backup(name: string): Disk {
    return structuredClone(this.#place(name).disk);
  }

  /** Puts a backup in the place of its disk. `inPlace`: the very same files, as a snapshot of the whole host does. */
  restore(name: string, disk: Disk, { inPlace = false } = {}): void {
    const { fault: _healed, ...copy } = structuredClone(disk);
    const place = this.#place(name);
    if (inPlace) this.#rollBack(place, disk);
    this.#replace(place, inPlace ? copy : { ...copy, identity: `${copy.identity} restored` }, inPlace);
    place.host.restart();
  }

  #rollBack(place: Place, image: Disk): void {
    for (const other of this.#places.values())
      if (!knowsMore(other.disk, other.name, image, place.name)) this.#forgetRuns(place.name, other.name);
  }

  /** What ran on a node for that origin. */
  #forgetRuns(node: string, origin: string): void {
    const origins = new Map(this.accepted.map((line) => [line.id, line.origin]));
    const ran = this.ledger.runs.filter((run) => run.node === node).map(({ id }) => id);
    // Whose id was never printed came from central.
    for (const id of [...ran, ...this.host(node).ledger])
      if ((origins.get(id) ?? "central") === origin) this.unknowable.add(id);
  }

  /** Programs end with the host that had the disk; what its node knew since is known no more. */
  #replace(place: Place, disk: Disk, inPlace = false): void {
    const { name, host } = place;
    this.putInPlace.set(name, [...(this.putInPlace.get(name) ?? []), laneEnds(disk, inPlace)]);
    host.kill();
    place.boots++;
    // Where the disk of a node is another one than it was, and that of its origin too, nobody knows what ran.
    for (const other of this.#places.values()) if (other.rolledBack) this.#forgetRuns(other.name, name);
    place.rolledBack = true;
    place.disk = disk;
    place.host = new MemoryHost(this.time, this.#programs);
    place.host.ledger.push(...host.ledger);
    this.replaced.set(name, this.time.monotonic());
    // What a node calls itself is a setting: two hosts may have one name.
    const { node } = JSON.parse(place.text) as { node: string };
    const { outbox, held } = readDisk(disk, node, this.time);
    for (const { id, origin } of this.accepted) {
      if (origin !== name) continue;
      this.finals.delete(id);
      if (outbox.find(id) === undefined && held.find(id) === undefined) this.forgotten.add(id);
    }
  }

  /** Ends the node's connection, and keeps it from coming back until `heal`. */
  cut(name: string): void {
    const place = this.#place(name);
    place.cut = true;
    place.link?.disconnect();
  }

  heal(name: string): void {
    const place = this.#place(name);
    place.cut = false;
    place.link?.reconnect();
  }

  /** What the node's link does to packets from now on, over restarts; `{}` heals. A drop of 1 is a half-open link. */
  setFaults(name: string, faults: { readonly out?: LinkFaults; readonly in?: LinkFaults }): void {
    const place = this.#place(name);
    place.faults = faults;
    place.link?.setFaults(faults);
  }

  /** Puts the node's wall clock off by so much; from now on it gains `rate` milliseconds in each. */
  setClock(name: string, wrong: number, rate = 0): void {
    Object.assign(this.#place(name), { wrongClock: wrong, drift: { rate, since: this.time.monotonic() } });
  }

  /** Each group commit takes that long from now on. */
  setFlush(name: string, ms: number): void {
    this.#place(name).flushMs = ms;
  }

  /** Each batch of `note` takes that long from now on. */
  setSink(name: string, ms: number): void {
    this.#place(name).sinkMs = ms;
  }

  async advance(ms: number): Promise<void> {
    await this.time.advance(ms);
  }

  /** Lets time pass until it holds. */
  async until(holds: () => boolean, what: string, within = 120_000): Promise<void> {
    const end = this.time.monotonic() + within;
    await quiet();
    while (!holds()) {
      if (!(await this.time.step(end))) throw new Error(`not within ${within} ms of simulated time: ${what}`);
    }
  }

  /** Lets time pass until the promise settles. */
  async drive<T>(promise: Promise<T>, within = 120_000): Promise<T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    await this.until(() => settled, "a call came back", within);
    return promise;
  }

  async submit(drafts: Draft | readonly Draft[], from = "central"): Promise<string[]> {
    const daemon = this.daemon(from);
    // Nodes that no daemon of this world was told of are meant on purpose.
    const list = ("subject" in drafts ? [drafts] : drafts).map((draft) => ({ knownNodesOnly: false, ...draft }));
    const accepted = await this.drive(daemon.operations.submit(list));
    for (const { id, subject } of accepted) this.accepted.push({ id, subject, origin: from });
    return accepted.map(({ id }) => id);
  }

  /** One command, and its id. */
  async send(subject: string, data: Json = {}, more: Partial<Draft> = {}, from = "central"): Promise<string> {
    const [id = ""] = await this.submit({ subject, data, ...more }, from);
    return id;
  }

  /** A message as its origin shows it; of central unless named. */
  message(id: string, at = "central"): MessageDetail {
    return this.daemon(at).operations.message(id);
  }

  state(id: string, at = "central"): State {
    return this.message(id, at).state;
  }

  reason(id: string, at = "central"): string {
    return this.message(id, at).reason ?? "";
  }

  /** Lets time pass until a message is final at its origin. */
  async ended(id: string, at = "central", within = 120_000): Promise<MessageDetail> {
    await this.until(() => this.message(id, at).final, `${id} is final`, within);
    return this.message(id, at);
  }

  /** Lets time pass until every message that was ever accepted is final at its origin. */
  async allEnded(within = 120_000): Promise<void> {
    // A final state stays final, so that each message is looked at until then only.
    let done = 0;
    const next = (): boolean => {
      for (let line = this.accepted[done]; line !== undefined; line = this.accepted[++done]) {
        if (!this.forgotten.has(line.id) && !this.message(line.id, line.origin).final) return false;
      }
      return true;
    };
    await this.until(next, "all messages are final", within);
  }

  node(name: string, at = "central"): NodeDetail {
    return this.daemon(at).operations.node(name);
  }

  daemon(name: string): Daemon {
    const { daemon } = this.#lifeOf(name);
    if (daemon === undefined) throw new Error(`${name} has not started`);
    return daemon;
  }

  isUp(name: string): boolean {
    return this.#place(name).life?.daemon !== undefined;
  }

  /** Who the node's daemon is, and whether it is `clear` to be heard, `silent`, or `disturbed`; changes when that changes. */
  linkTruth(name: string): string {
    const { life, cut, faults, disk } = this.#place(name);
    if (life?.daemon === undefined) return "down silent";
    if (life.held !== undefined) return `${life.no} silent`;
    const { in: inward = {}, out: outward = {} } = faults;
    // A core that begins anew gives everybody a grace period, as a daemon does.
    const whose = `${life.no}.${life.stores.length}`;
    if (cut || outward.drop === 1) return `${whose} silent`;
    // A daemon that cannot write ends its core, and its link with it, until it can; so does one whose journal is renewed.
    const between = disk.fault !== undefined || life.stores.at(-1)?.isClosed === true;
    const disturbed = between || Object.keys(inward).length + Object.keys(outward).length > 0;
    return `${whose} ${disturbed ? "disturbed" : "clear"}`;
  }

  disk(name: string): Disk {
    return this.#place(name).disk;
  }

  /** What the present life can read: disk and what is not flushed yet. */
  store(name: string): Store {
    const store = this.#lifeOf(name).stores.at(-1);
    if (store === undefined) throw new Error(`${name} has no store`);
    return store;
  }

  /** The link of its present life to the broker. */
  link(name: string): MemoryLink {
    const { link } = this.#place(name);
    if (link === undefined) throw new Error(`${name} has no link`);
    return link;
  }

  host(name: string): MemoryHost {
    return this.#place(name).host;
  }

  /** Its data directory, which is a real one. */
  data(name: string): string {
    return this.#config(this.#place(name)).data;
  }

  lines(name: string): readonly Line[] {
    return this.#place(name).lines;
  }

  /** What happened on the node, over all its lives. */
  happenings<T extends Happening["type"]>(name: string, type: T): Extract<Happening, { type: T }>[] {
    return this.#place(name).happenings.filter((h): h is Extract<Happening, { type: T }> => h.type === type);
  }

  alerts(name = "central"): string[] {
    return this.happenings(name, "alert").map(({ code }) => code);
  }

  /** A metric of the present life: the sum over the series whose labels contain `labels`. */
  async count(name: string, metric: string, labels = ""): Promise<number> {
    const text = await this.daemon(name).operations.metrics();
    return text
      .split("\n")
      .filter((line) => line.startsWith(`${metric} `) || (line.startsWith(`${metric}{`) && line.includes(labels)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  }

  /** Writes new settings, for its next start. */
  configure(name: string, settings: NodeOptions): void {
    const place = this.#place(name);
    place.text = JSON.stringify({ ...(JSON.parse(place.text) as object), ...settings });
    writeFileSync(place.file, place.text);
  }

  /** What its steward.yaml says now. */
  text(name: string): string {
    return this.#place(name).text;
  }

  /** Writes its steward.yaml anew, as a whole. */
  rewrite(name: string, text: string): void {
    const place = this.#place(name);
    place.text = text;
    writeFileSync(place.file, text);
  }

  /** Writes new settings and asks the daemon to read them, as SIGHUP does. */
  async reload(name: string, settings: NodeOptions): Promise<ReloadAnswer> {
    this.configure(name, settings);
    return await this.drive(this.daemon(name).reload());
  }

  #envelope(node: string): Envelope {
    return this.#sealed ? this.witness.over(node, sealedEnvelope(node, this.random)) : new ClearEnvelope();
  }

  /** Nothing is owed any more between the nodes that are up. */
  isDrained(): boolean {
    for (const { life } of this.#places.values()) {
      const store = life?.stores.at(-1);
      if (store === undefined) continue;
      for (const { value } of store.range("lanes", {})) {
        const { subject, acked, next } = value as { subject: string; acked: number; next: number };
        if (acked < next - 1 && this.#places.get(receiverOf(subject))?.life !== undefined) return false;
      }
      if ([...store.range("pending", {})].length > 0) return false;
    }
    return true;
  }

  async drained(within = 300_000): Promise<void> {
    await this.until(() => this.isDrained(), "the queues are empty", within);
  }

  /** Ends whatever is left. */
  async end(): Promise<void> {
    for (const { name, life } of this.#places.values()) if (life !== undefined) this.crash(name);
    await quiet();
  }

  async #begin(place: Place): Promise<void> {
    if (place.life !== undefined) throw new Error(`${place.name} is up already`);
    const wrong = (): number => place.wrongClock + place.drift.rate * (this.time.monotonic() - place.drift.since);
    let kill = (): void => undefined;
    const killed = new Promise<void>((resolve) => {
      kill = resolve;
    });
    const life: Life = {
      no: this.#lives++,
      clock: new LifeClock(this.time, wrong, () => reach("timer")),
      diskClock: new LifeClock(this.time, () => 0),
      daemon: undefined,
      stores: [],
      underWay: new Set(),
      killed,
      kill,
      alive: true,
      held: undefined,
    };
    const reach = (point: Point): void => this.#reach(place, life, point);
    const alive = (): boolean => life.alive;
    /** What comes from outside waits while the process stands still. */
    const arrives = (read: () => void): void => {
      if (life.held === undefined) read();
      else life.held.push(read);
    };
    place.life = life;
    const hostFacts = this.#hosts[place.name];
    const started = startDaemon({
      config: this.#config(place),
      parts: {
        clock: life.clock,
        random: this.random,
        log: worldLog(place.lines, alive),
        openStore: () => {
          const store = slowStore(
            openMemoryStore(place.disk, life.diskClock),
            life.diskClock,
            () => place.flushMs,
            reach,
          );
          life.stores.push(store);
          // Killed in the middle of its start, it goes on to the end of that, and must not touch anything.
          if (!life.alive) store.crash();
          return store;
        },
        openTransport: () => mortalLink(this.#connect(place, life), reach, arrives),
        ...(this.#operators === undefined ? {} : { operators: this.#operators }),
        envelope: this.#envelope(this.#config(place).node),
        boot: () => `boot ${place.boots}`,
        openSpawner: () => mortalSpawner(place.host.open(), alive, arrives),
        methods: worldMethods(this.ledger, {
          node: place.name,
          clock: life.clock,
          alive,
          sinkMs: () => place.sinkMs,
          underWay: life.underWay,
          reach,
        }),
        ...(hostFacts === undefined ? {} : { hostFacts }),
        secluded: true,
      },
    });
    const daemon = await this.drive(Promise.race([started, killed])).catch((error) => {
      // It never came up.
      life.alive = false;
      life.clock.end();
      life.diskClock.end();
      if (place.life === life) place.life = undefined;
      throw error;
    });
    if (daemon === undefined || !life.alive) return;
    life.daemon = daemon;
    daemon.ended.catch((error) => this.#gaveUp(place, life, error));
    daemon.operations.watch((happening) => {
      if (!life.alive) return;
      place.happenings.push(happening);
      if (happening.type === "message") this.onMessage(place.name, happening);
      if (happening.type === "message" && isFinalState(happening.state)) this.#noteFinal(place.name, happening);
    });
  }

  /** A daemon that ended as failed is down until somebody starts it again. */
  #gaveUp(place: Place, life: Life, error: unknown): void {
    if (place.life !== life) return;
    this.givenUp.push({ node: place.name, error });
    this.crash(place.name);
  }

  #connect(place: Place, life: Life): MemoryLink {
    const link = this.broker.connect(place.name);
    if (!life.alive) link.disconnect();
    link.setFaults(place.faults);
    if (place.cut) link.disconnect();
    if (life.alive) place.link = link;
    return link;
  }

  #noteFinal(at: string, { id, state }: Extract<Happening, { type: "message" }>): void {
    if (this.accepted.find((line) => line.id === id)?.origin !== at) return;
    const known = this.finals.get(id) ?? [];
    if (known.at(-1) !== state) this.finals.set(id, [...known, state]);
  }

  #config({ text, file }: Place): Config {
    const checked = checkConfig(text, file, {});
    if ("faults" in checked) throw new Error(checked.faults.map(({ message }) => message).join("; "));
    return checked.config;
  }

  #place(name: string): Place {
    const place = this.#places.get(name);
    if (place === undefined) throw new Error(`there is no node ${name} in this world`);
    return place;
  }

  #lifeOf(name: string): Life {
    const { life } = this.#place(name);
    if (life?.daemon === undefined) throw new Error(`${name} is down`);
    return life;
  }
}

/** What a daemon would find there. */
export function readDisk(disk: Disk, node: string, clock: WorldTime): Journal {
  return openJournal(openMemoryStore(structuredClone(disk)), { node, path: "", clock, random: seededRandom(1) });
}

/** A world that is gone when the test is over. */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const world = new World(await tempDir(), options);
  atTestEnd(
    () => world.end(),
    () => undefined,
  );
  return world;
}
