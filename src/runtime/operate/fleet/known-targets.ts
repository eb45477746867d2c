import { StewardError } from "../../../message/errors.ts";
import type { Fact } from "../../../message/target/compare.ts";
import { type Expression, isJobGroup } from "../../../message/target/expression.ts";
import { groupsOf } from "../../../message/target/groups.ts";
import type { Groups, TargetNode } from "../../../message/target/match.ts";
import type { OperateOptions } from "../rooms.ts";
import type { TargetWorld } from "./targets.ts";

type TargetOptions = Pick<OperateOptions, "core" | "config" | "clock">;

/** The nodes that this daemon knows, as targets see them. Made for one question. */
export class KnownTargets implements TargetWorld {
  readonly #options: TargetOptions;
  readonly #nodes = new Map<string, TargetNode>();
  readonly self: string;
  readonly groups: Groups;

  constructor(options: TargetOptions) {
    this.#options = options;
    const { node, groups } = options.config();
    this.self = node;
    this.groups = new GroupsAndJobs(groupsOf(groups), (text) => this.nodesOfJob(text));
  }

  /** @throws StewardError `job-unknown`, `message-ambiguous`, `target-invalid` */
  nodesOfJob(text: string): readonly string[] {
    const [, id = "", kind] = text.split(":");
    const { jobNodes } = this.#options.core().jobs.get(id.toUpperCase());
    const entries = [...jobNodes.entries()];
    if (kind !== undefined && entries[0] !== undefined && !Object.hasOwn(jobNodes.counts(), kind))
      throw new StewardError("target-invalid", {
        target: text,
        fault: `${kind} is no count of a job; there are ${Object.keys(jobNodes.counts()).join(", ")}`,
        at: 1,
      });
    return entries.flatMap((entry) => (kind === undefined || entry.kind === kind ? [entry.node] : []));
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

/** The groups of the configuration, and the nodes of jobs as groups of names. */
class GroupsAndJobs extends Map<string, Expression> {
  readonly #nodesOf: (text: string) => readonly string[];

  constructor(groups: Groups, nodesOf: (text: string) => readonly string[]) {
    super(groups);
    this.#nodesOf = nodesOf;
  }

  override get(name: string): Expression | undefined {
    if (!isJobGroup(name)) return super.get(name);
    const known = super.get(name);
    if (known !== undefined) return known;
    const parts = this.#nodesOf(name).map((text) => ({ kind: "name", text, at: 0 }) as const);
    const made: Expression = { kind: "or", parts };
    this.set(name, made);
    return made;
  }
}

const OF_DESCRIPTION: ReadonlySet<string> = new Set(["session", "work", "trust", "storage"]);

class KnownTarget implements TargetNode {
  readonly name: string;
  readonly isSelf: boolean;
  readonly #options: TargetOptions;

  constructor(name: string, options: TargetOptions) {
    this.name = name;
    this.isSelf = name === options.config().node;
    this.#options = options;
  }

  get link(): TargetNode["link"] {
    return this.#options.core().fleet.link(this.name);
  }

  value(key: string): Fact | undefined {
    const { labels, facts } = this.#options.core();
    return labels.value(this.name, key) ?? facts.value(this.name, key) ?? this.#state(key);
  }

  entries(): Iterable<readonly [key: string, fact: Fact]> {
    const { labels, facts } = this.#options.core();
    return Object.entries({ ...facts.of(this.name), ...labels.of(this.name) });
  }

  #state(key: string): Fact | undefined {
    const { core, clock } = this.#options;
    if (key === "name") return this.name;
    if (key === "link") return this.link;
    if (key === "uptime") {
      const boot = core().facts.value(this.name, "boot");
      return typeof boot === "string" ? Math.max(0, clock.now() - Date.parse(boot)) : undefined;
    }
    if (!OF_DESCRIPTION.has(key)) return undefined;
    const described = core().fleet.describe(this.name);
    return described?.[key as "session" | "work" | "trust" | "storage"];
  }
}
