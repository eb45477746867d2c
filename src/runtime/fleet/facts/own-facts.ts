import type { Config } from "../../../config/config.ts";
import type { Clock, Timer } from "../../../message/clock.ts";
import { StewardError } from "../../../message/errors.ts";
import type { NewId } from "../../../message/id.ts";
import type { Fact } from "../../../message/target/compare.ts";
import { type FactSet, readFacts, sameFact } from "../../../message/target/facts.ts";
import type { Spawner } from "../../../methods/spawner.ts";
import type { Failures } from "../../../observe/alerting/failures.ts";
import type { HostFacts, HostReading } from "../../../platform/host/host-facts.ts";
import { bootTime, fullness } from "./coarse-figures.ts";
import { FactProgram } from "./fact-program.ts";

export interface OwnFactsOptions {
  readonly config: () => Pick<Config, "facts">;
  readonly version: string;
  readonly clock: Clock;
  readonly newId: NewId;
  readonly spawner: Pick<Spawner, "start" | "forget">;
  /** Absent: this node has no facts, as in a simulation. */
  readonly host: HostFacts | undefined;
  readonly failures: Pick<Failures, "report" | "over">;
  /** Hears that a fact has changed. */
  readonly watcher: FactsWatcher;
}

export interface FactsWatcher {
  factsChanged(facts: ReadonlyMap<string, readonly [value: Fact, since: number]>): void;
}

/** Between two looks at the host, ms. */
const LOOK_EVERY = 300_000;

/** The facts of this node: those of its host, looked at every five minutes, and those of the programs under `facts:`. */
export class OwnFacts {
  readonly #options: OwnFactsOptions;
  readonly #facts = new Map<string, readonly [value: Fact, since: number]>();
  readonly #programs = new Map<string, FactProgram>();
  #timer: Timer | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #ended = false;

  constructor(options: OwnFactsOptions) {
    this.#options = options;
  }

  /** All facts by now, each with the time since when it is so. */
  get facts(): ReadonlyMap<string, readonly [value: Fact, since: number]> {
    return this.#facts;
  }

  /** Looks at what is due, now and later on; also after `facts:` has changed. */
  look(): void {
    if (this.#ended) return;
    const { clock, host } = this.#options;
    const now = clock.monotonic();
    if (host !== undefined && now - this.#lookedAt >= LOOK_EVERY) {
      this.#lookedAt = now;
      void host.read().then(
        (reading) => this.#take("", this.#coarse(reading)),
        () => undefined,
      );
    }
    this.#runPrograms(now);
    this.#arm(now);
  }

  end(): void {
    this.#ended = true;
    this.#options.clock.clearTimeout(this.#timer);
    for (const program of this.#programs.values()) program.end();
  }

  /** Wakes at the next time that something is due. A program that runs is looked at when it has ended. */
  #arm(now: number): void {
    const { clock, config, host } = this.#options;
    const times = Object.entries(config().facts).flatMap(
      ([name, setting]) => this.#programs.get(name)?.dueAt(setting) ?? [],
    );
    if (host !== undefined) times.push(this.#lookedAt + LOOK_EVERY);
    clock.clearTimeout(this.#timer);
    if (times.length > 0) this.#timer = clock.setTimeout(() => this.look(), Math.max(0, Math.min(...times) - now));
  }

  /** Starts the programs that are due; one that the file names no more is ended, and its facts go. */
  #runPrograms(now: number): void {
    const { config, clock, newId, spawner } = this.#options;
    const wanted = config().facts;
    for (const [name, program] of this.#programs) {
      if (Object.hasOwn(wanted, name)) continue;
      program.end();
      this.#programs.delete(name);
      this.#failed(name, undefined);
      this.#take(`${name}.`, {});
    }
    for (const [name, setting] of Object.entries(wanted)) {
      const program = this.#programs.get(name) ?? new FactProgram({ clock, newId, spawner });
      this.#programs.set(name, program);
      const dueAt = program.dueAt(setting);
      if (dueAt === undefined || dueAt > now) continue;
      void program.run(setting).then((end) => {
        if (this.#ended || this.#programs.get(name) !== program) return;
        this.#heard(name, end);
        this.look();
      });
    }
  }

  #heard(name: string, end: { readonly output: string } | { readonly fault: string }): void {
    if ("fault" in end) {
      this.#failed(name, end.fault);
      return;
    }
    try {
      this.#take(`${name}.`, readFacts(name, end.output));
      this.#failed(name, undefined);
    } catch (thrown) {
      this.#failed(name, thrown instanceof Error ? thrown.message : String(thrown));
    }
  }

  /** Tells that a program of `facts:` fails, once until it works again. The facts stay as they were, with their times. */
  #failed(name: string, fault: string | undefined): void {
    const { failures } = this.#options;
    const same = `fact-failed ${name}`;
    if (fault === undefined) failures.over("fact-failed", `the facts of ${name} are read again`, same);
    else failures.report("fact-failed", new StewardError("fact-failed", { name, fault }).message, same);
  }

  /** Replaces the facts whose keys begin so; the host's are those that belong to no program. */
  #take(prefix: string, found: FactSet): void {
    if (this.#ended) return;
    const { clock, watcher } = this.#options;
    const now = clock.now();
    let news = false;
    for (const key of [...this.#facts.keys()]) {
      const belongs = prefix === "" ? this.#isOfHost(key) : key.startsWith(prefix);
      if (!belongs || Object.hasOwn(found, key)) continue;
      this.#facts.delete(key);
      news = true;
    }
    for (const [key, value] of Object.entries(found)) {
      if (sameFact(this.#facts.get(key)?.[0], value)) continue;
      this.#facts.set(key, [value, now]);
      news = true;
    }
    if (news) watcher.factsChanged(this.#facts);
  }

  #isOfHost(key: string): boolean {
    return ![...this.#programs.keys()].some((name) => key.startsWith(`${name}.`));
  }

  #coarse({ facts, uptime, disks }: HostReading): FactSet {
    const { clock, version } = this.#options;
    const numberOf = (key: string): number | undefined => {
      const value = this.#facts.get(key)?.[0];
      return typeof value === "number" ? value : undefined;
    };
    const boot = this.#facts.get("boot")?.[0];
    const toldBoot = typeof boot === "string" ? Date.parse(boot) : undefined;
    const found: Record<string, Fact> = { ...facts, steward: version };
    if (uptime !== undefined) found.boot = new Date(bootTime(clock.now(), uptime, toldBoot)).toISOString();
    for (const disk of disks) {
      found[`disk.${disk.path}.size`] = disk.size;
      const key = `disk.${disk.path}.full`;
      found[key] = fullness(disk, numberOf(key));
    }
    return found;
  }
}
