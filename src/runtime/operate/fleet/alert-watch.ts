import type { Config } from "../../../config/config.ts";
import type { Errands } from "../../../errands/errands.ts";
import type { Journal } from "../../../journal/journal.ts";
import type { Clock, Timer } from "../../../message/clock.ts";
import { expressionMatches } from "../../../message/target/match.ts";
import { type AlertRule, AlertRules, type Finding, type OpenAlert } from "../../../observe/alerting/alert-rules.ts";
import { type MuteStore, Mutes } from "../../../observe/alerting/mutes.ts";
import type { Logger } from "../../../platform/logger.ts";
import type { OperateOptions } from "../rooms.ts";
import { KnownTargets } from "./known-targets.ts";

export interface AlertWatchOptions {
  readonly config: () => Config;
  readonly clock: Clock;
  readonly log: Logger;
  readonly core: OperateOptions["core"];
  readonly errands: Pick<Errands, "add">;
}

const KEY = "alert rules";
/** Time between two looks, ms: with many nodes longer, so that looking costs little. */
const LOOK = 5_000;
const LOOK_PER_NODE = 3;

/**
 * Looks at the fleet by the rules of `alerts:` now and again, and hands what is to be told to the errands; at central, and only
 * where there are rules, or alerts of former ones.
 */
export class AlertWatch {
  readonly mutes: Mutes;
  readonly #options: AlertWatchOptions;
  readonly #rules: AlertRules;
  #timer: Timer | undefined;

  constructor(options: AlertWatchOptions & { readonly journal: MuteStore & Pick<Journal, "checkpoint"> }) {
    this.#options = options;
    this.mutes = new Mutes(options.journal, options.clock);
    this.#rules = new AlertRules(options.journal.checkpoint(KEY));
  }

  begin(): void {
    const { clock, core, config } = this.#options;
    const { alerts, node, central } = config();
    if (node !== central || (Object.keys(alerts).length === 0 && this.#rules.isEmpty)) return;
    this.#timer = clock.setTimeout(() => this.#look(), LOOK + core().fleet.size * LOOK_PER_NODE);
  }

  /** Goes by the rules that the configuration has now. */
  follow(): void {
    this.end();
    this.begin();
  }

  end(): void {
    this.#options.clock.clearTimeout(this.#timer);
  }

  open(): OpenAlert[] {
    return this.#rules.open();
  }

  #look(): void {
    const { config, clock, log, core, errands } = this.#options;
    this.begin();
    const { alerts } = config();
    try {
      const world = new KnownTargets(this.#options);
      const { notices, changed } = this.#rules.look(
        alerts,
        (_name, rule) => this.#found(rule, world),
        clock.now(),
        (name) => this.mutes.of(name) !== undefined,
      );
      for (const { rule, to, body } of notices) {
        log.warn({ rule, state: body.state, count: body.count }, String(body.text));
        for (const destination of to) errands.add(destination, "alert", body);
      }
      if (changed) core().journal.setCheckpoint({ key: KEY, value: this.#rules.stored });
    } catch (error) {
      log.error({ err: error }, "the rules of `alerts:` could not be applied");
    }
  }

  #found({ when, nodes, codes }: AlertRule, world: KnownTargets): Finding[] {
    const { core } = this.#options;
    const { fleet, failures } = core();
    const isWatched = (name: string): boolean => expressionMatches(nodes, world.node(name), world.groups);
    if (when === "alert") {
      const raised = failures.memory
        .all()
        .filter(({ state, code }) => state === "raised" && (codes?.includes(code) ?? true));
      return raised
        .filter(({ node }) => node === world.self || isWatched(node))
        .map(({ node, no, code, text, firstAt }) => ({
          node,
          matter: String(no),
          text: `${node}: ${code}: ${text}`,
          since: firstAt,
        }));
    }
    const watched = world.edges().filter(isWatched);
    if (when === "offline")
      return watched
        .filter((name) => fleet.link(name) === "offline")
        .map((name) => since({ node: name, text: `${name} is offline` }, fleet.linkSince(name)));
    if (when === "storage")
      return watched.flatMap((name) => {
        const storage = fleet.describe(name)?.storage ?? "ok";
        return storage === "ok" ? [] : [{ node: name, text: `the journal of ${name} is ${storage}` }];
      });
    return watched
      .filter((name) => expressionMatches(when, world.node(name), world.groups))
      .map((name) => ({ node: name, text: `${name}: ${when}` }));
  }
}

function since(finding: Finding, at: number | undefined): Finding {
  return at === undefined ? finding : { ...finding, since: at };
}
