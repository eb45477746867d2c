import type { Fact } from "../../message/target/compare.ts";
import type { FactSet } from "../../message/target/facts.ts";
import { groupsOf } from "../../message/target/groups.ts";
import type { Groups, TargetNode } from "../../message/target/match.ts";
import type { OperateOptions } from "./rooms.ts";
import type { TargetWorld } from "./targets.ts";

/** The nodes that this daemon knows, as targets see them. Made for one question: facts are read once in it. */
export class KnownTargets implements TargetWorld {
  readonly #options: OperateOptions;
  readonly #nodes = new Map<string, TargetNode>();
  readonly self: string;
  readonly groups: Groups;

  constructor(options: OperateOptions) {
    this.#options = options;
    const { node, groups } = options.config();
    this.self = node;
    this.groups = groupsOf(groups);
  }

  edges(): readonly string[] {
    const { fleet } = this.#options.core();
    const { central } = this.#options.config();
    return [...fleet.names()].filter((name) => name !== central && fleet.trust(name) !== "revoked");
  }

  isKnown(name: string): boolean {
    return this.#options.core().fleet.isKnown(name);
  }

  node(name: string): TargetNode {
    const known = this.#nodes.get(name) ?? new KnownTarget(name, this.#options);
    this.#nodes.set(name, known);
    return known;
  }
}

const OF_DESCRIPTION: ReadonlySet<string> = new Set(["session", "work", "trust", "storage"]);

class KnownTarget implements TargetNode {
  readonly name: string;
  readonly isSelf: boolean;
  readonly #options: OperateOptions;
  #facts: FactSet | undefined;

  constructor(name: string, options: OperateOptions) {
    this.name = name;
    this.isSelf = name === options.config().node;
    this.#options = options;
  }

  get link(): TargetNode["link"] {
    return this.#options.core().fleet.link(this.name);
  }

  value(key: string): Fact | undefined {
    const { labels } = this.#options.core();
    const label = labels.value(this.name, key);
    if (label !== undefined) return label;
    const facts = this.#known();
    if (Object.hasOwn(facts, key)) return facts[key];
    return this.#state(key);
  }

  keys(): Iterable<string> {
    return new Set([...Object.keys(this.#options.core().labels.of(this.name)), ...Object.keys(this.#known())]);
  }

  #state(key: string): Fact | undefined {
    const { core, clock } = this.#options;
    if (key === "name") return this.name;
    if (key === "link") return this.link;
    if (key === "uptime") {
      const boot = this.#known().boot;
      return typeof boot === "string" ? Math.max(0, clock.now() - Date.parse(boot)) : undefined;
    }
    if (!OF_DESCRIPTION.has(key)) return undefined;
    const described = core().fleet.describe(this.name);
    return described?.[key as "session" | "work" | "trust" | "storage"];
  }

  #known(): FactSet {
    this.#facts ??= this.#options.core().facts.of(this.name);
    return this.#facts;
  }
}
