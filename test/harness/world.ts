import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Random } from "../../src/message/clock.ts";
import { isFinalState, type State } from "../../src/message/lifecycle.ts";
import type { Json } from "../../src/message/message.ts";
import { receiverOf } from "../../src/message/subject.ts";
import { type LinkFaults, MemoryBroker, type MemoryLink } from "../../src/runtime/broker/memory.ts";
import { checkConfig } from "../../src/runtime/config/check.ts";
import type { Config } from "../../src/runtime/config/config.ts";
import { type Daemon, startDaemon } from "../../src/runtime/daemon.ts";
import { type Disk, emptyDisk, openMemoryStore } from "../../src/runtime/journal/memory-store.ts";
import type { Store } from "../../src/runtime/journal/store.ts";
import type { Draft, Happening, MessageDetail, NodeDetail, ReloadAnswer } from "../../src/runtime/operations.ts";
import type { Line } from "./list-log.ts";
import { MemoryHost, type MemoryProgram } from "./memory-spawner.ts";
import { seededRandom } from "./random.ts";
import { atTestEnd, tempDir } from "./temp.ts";
import { Ledger, worldMethods } from "./world-methods.ts";
import { type CrashableStore, slowStore, worldLog } from "./world-parts.ts";
import { LifeClock, quiet, WorldTime } from "./world-time.ts";

/**
 * A fleet of whole daemons in one process: real composition roots over a disk, a broker, programs, time and chance in
 * memory. The same seed and the same verbs give the same run.
 *
 * A node has a disk and a host that outlive it, and one life after another: `start`, then `stop` (graceful) or `crash`
 * (what was not flushed is lost, its link is dead, its timers never fire, its methods do nothing any more).
 */
export interface WorldOptions {
  readonly seed?: number;
  /** By name; `central` is there in any case. */
  readonly nodes?: Readonly<Record<string, NodeOptions>>;
  readonly programs?: Readonly<Record<string, MemoryProgram>>;
}

/** Settings of steward.yaml that replace those of `SETTINGS`. */
export type NodeOptions = Readonly<Record<string, Json>>;

/** What an edge takes, what central takes, and how often a node says hello, where a test does not say otherwise. */
const EDGE = ["command.work.os", "command.redo.os", "command.shellcommand.os", "event.note.news"];
const SETTINGS: NodeOptions = {
  broker: { servers: ["nats://memory:4222"] },
  hello: "10s",
  supervision: { backoff: { min: "200ms", max: "1s", jitter: 0 } },
};

/** One life of one daemon. */
interface Life {
  readonly clock: LifeClock;
  /** The disk's own: group commits that are under way are not the daemon's timers. */
  readonly diskClock: LifeClock;
  readonly daemon: Daemon;
  readonly stores: CrashableStore[];
  alive: boolean;
}

interface Place {
  readonly name: string;
  readonly file: string;
  text: string;
  disk: Disk;
  host: MemoryHost;
  readonly lines: Line[];
  readonly happenings: Happening[];
  life: Life | undefined;
  link: MemoryLink | undefined;
  cut: boolean;
  faults: { readonly out?: LinkFaults; readonly in?: LinkFaults };
  wrongClock: number;
  flushMs: number;
  sinkMs: number;
}

export interface AcceptedLine {
  readonly id: string;
  readonly subject: string;
  readonly origin: string;
}

export class World {
  readonly time = new WorldTime();
  readonly ledger = new Ledger();
  readonly random: Random;
  readonly broker: MemoryBroker;
  /** Every id that was ever printed, in order. */
  readonly accepted: AcceptedLine[] = [];
  /** Final states as their origin told them, in order. */
  readonly finals = new Map<string, State[]>();
  /** What no daemon should ever do: throw into the broker. */
  readonly faults: unknown[] = [];
  /** What a graceful stop left behind. */
  readonly leftovers: string[] = [];
  readonly #places = new Map<string, Place>();
  readonly #programs: Readonly<Record<string, MemoryProgram>>;

  constructor(directory: string, options: WorldOptions) {
    this.random = seededRandom(options.seed ?? 1);
    this.broker = new MemoryBroker({
      clock: this.time,
      random: this.random,
      onFault: (error) => void this.faults.push(error),
    });
    this.#programs = options.programs ?? {};
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
        host: new MemoryHost(this.time, this.#programs),
        lines: [],
        happenings: [],
        life: undefined,
        link: undefined,
        cut: false,
        faults: {},
        wrongClock: 0,
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
      await this.drive(life.daemon.stop());
      await quiet();
      if (life.clock.armed > 0) this.leftovers.push(`${name}: ${life.clock.armed} timers`);
      life.alive = false;
      life.clock.end();
      life.diskClock.end();
      place.life = undefined;
      place.link = undefined;
    }
  }

  /** As SIGKILL or a power cut does: nothing that was not flushed is left, and nothing of the old life happens any more. */
  crash(name: string): void {
    const place = this.#place(name);
    const life = this.#lifeOf(name);
    life.alive = false;
    life.clock.end();
    life.diskClock.end();
    for (const store of life.stores) store.crash();
    place.link?.disconnect("the process is gone");
    place.life = undefined;
    place.link = undefined;
  }

  /** A crash that takes the programs of the node along: the host itself went down. */
  powerCut(name: string): void {
    this.crash(name);
    this.#place(name).host.restart();
  }

  /** The disk is replaced by an empty one; the node must be down. */
  loseDisk(name: string): void {
    const place = this.#place(name);
    place.disk = emptyDisk();
    place.host = new MemoryHost(this.time, this.#programs);
  }

  /** What a backup of its disk would hold now; the node must be down. */
  backup(name: string): Disk {
    return structuredClone(this.#place(name).disk);
  }

  /** Puts a backup in the place of its disk. `inPlace`: the very same files, as a snapshot of the whole host does. */
  restore(name: string, disk: Disk, { inPlace = false } = {}): void {
    const copy = structuredClone(disk);
    this.#place(name).disk = inPlace ? copy : { ...copy, identity: `${copy.identity} restored` };
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

  /** Puts the node's wall clock off by so much. */
  setClock(name: string, wrong: number): void {
    this.#place(name).wrongClock = wrong;
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
    const { daemon } = this.#lifeOf(from);
    const list = "subject" in drafts ? [drafts] : drafts;
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
    return this.#lifeOf(at).daemon.operations.message(id);
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
        if (!this.message(line.id, line.origin).final) return false;
      }
      return true;
    };
    await this.until(next, "all messages are final", within);
  }

  node(name: string, at = "central"): NodeDetail {
    return this.#lifeOf(at).daemon.operations.node(name);
  }

  daemon(name: string): Daemon {
    return this.#lifeOf(name).daemon;
  }

  isUp(name: string): boolean {
    return this.#place(name).life !== undefined;
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

  host(name: string): MemoryHost {
    return this.#place(name).host;
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
    const text = await this.#lifeOf(name).daemon.operations.metrics();
    return text
      .split("\n")
      .filter((line) => line.startsWith(`${metric} `) || (line.startsWith(`${metric}{`) && line.includes(labels)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  }

  /** Writes new settings and asks the daemon to read them, as SIGHUP does. */
  async reload(name: string, settings: NodeOptions): Promise<ReloadAnswer> {
    const place = this.#place(name);
    place.text = JSON.stringify({ ...(JSON.parse(place.text) as object), ...settings });
    writeFileSync(place.file, place.text);
    return await this.drive(this.#lifeOf(name).daemon.reload());
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
    const clock = new LifeClock(this.time, () => place.wrongClock);
    const diskClock = new LifeClock(this.time, () => 0);
    const stores: Life["stores"] = [];
    const shared = { alive: true };
    const daemon = await this.drive(
      startDaemon({
        config: this.#config(place),
        parts: {
          clock,
          random: this.random,
          log: worldLog(place.lines, () => shared.alive),
          openStore: () => {
            const store = slowStore(openMemoryStore(place.disk), diskClock, () => place.flushMs);
            stores.push(store);
            return store;
          },
          openTransport: () => this.#connect(place),
          openSpawner: () => place.host.open(),
          methods: worldMethods(this.ledger, {
            node: place.name,
            clock,
            alive: () => shared.alive,
            sinkMs: () => place.sinkMs,
          }),
          secluded: true,
        },
      }),
    );
    place.life = Object.assign(shared, { clock, diskClock, daemon, stores });
    daemon.operations.watch((happening) => {
      if (!shared.alive) return;
      place.happenings.push(happening);
      if (happening.type === "message" && isFinalState(happening.state)) this.#noteFinal(place.name, happening);
    });
  }

  #connect(place: Place): MemoryLink {
    const link = this.broker.connect(place.name);
    link.setFaults(place.faults);
    if (place.cut) link.disconnect();
    place.link = link;
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
    if (life === undefined) throw new Error(`${name} is down`);
    return life;
  }
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
