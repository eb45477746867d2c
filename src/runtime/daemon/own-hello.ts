import type { BrokerLink } from "../../broker/link.ts";
import type { Config } from "../../config/config.ts";
import type { Clock } from "../../message/clock.ts";
import { asLane } from "../../message/standstill.ts";
import type { MethodFacts } from "../../methods/define.ts";
import { type Hello, LONGEST_REASON, MOST_STUCK } from "../../methods/hello.ts";
import type { Publishers } from "../deliver/publishers.ts";
import type { Greeter } from "../fleet/presence.ts";
import type { Routes } from "../receive/routes.ts";
import type { Storage } from "../upkeep/storage.ts";
import type { Surroundings } from "./surroundings.ts";

export interface OwnHelloOptions {
  readonly version: string;
  /** Identity of this node's journal, and the life of its daemon. */
  readonly epoch: string;
  readonly life: string;
  readonly startedAt: number;
  readonly config: () => Config;
  readonly clock: Clock;
  readonly methods: ReadonlyMap<string, MethodFacts>;
  readonly storage: Pick<Storage, "level">;
  /** Processes that cannot work for a fault of their surroundings. */
  readonly waiting: Surroundings["waiting"];
  readonly link: Pick<BrokerLink, "refused">;
  readonly publishers: Pick<Publishers, "stuck">;
  readonly routes: Pick<Routes, "unattended">;
}

/** Composes the hello of this node. */
export class OwnHello implements Greeter {
  readonly #options: OwnHelloOptions;

  constructor(options: OwnHelloOptions) {
    this.#options = options;
  }

  hello(): Hello {
    const {
      version,
      epoch,
      life,
      startedAt,
      config,
      clock,
      methods,
      storage,
      publishers,
      routes,
      waiting,
      link: brokerLink,
    } = this.#options;
    const { hello: every, link, labels } = config();
    const lanes = [...publishers.stuck(MOST_STUCK), ...waiting().map(asLane)].sort((a, b) => a.since - b.since);
    // A refusal is the cause of what stands still otherwise.
    const stuck = [...brokerLink.refused(), ...lanes]
      .slice(0, MOST_STUCK)
      .map((lane) => ({ ...lane, reason: lane.reason.slice(0, LONGEST_REASON) }));
    const unattended = routes.unattended(MOST_STUCK);
    return {
      version,
      epoch,
      life,
      startedAt,
      now: clock.now(),
      storage: storage.level(),
      methods: [...methods.keys()],
      every,
      link: link.name,
      ...(stuck.length === 0 ? {} : { stuck }),
      ...(unattended.length === 0 ? {} : { unattended }),
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
    };
  }
}
