import type { Child, Exit, FailingChild } from "../../actors/supervisor/spec.ts";
import { BrokerLink } from "../../broker/link.ts";
import { withOwnLanes } from "../../broker/own-lanes.ts";
import { normalise, type StewardError } from "../../message/errors.ts";
import { idMaker } from "../../message/id.ts";
import { receiverOf } from "../../message/subject.ts";
import type { Method } from "../../methods/define.ts";
import type { Log } from "../../observe/log.ts";
import { Audit } from "../../security/audit/audit.ts";
import { Fleet, lastSeenIn } from "../fleet/fleet.ts";
import { NodeHistory } from "../fleet/history/node-history.ts";
import { Storage } from "../upkeep/storage.ts";
import { loadModules } from "./methods.ts";
import { Road } from "./road.ts";
import type { Surroundings } from "./surroundings.ts";

/** Closes one part of the core; `fault`: the text of the log when that fails. */
interface Releaser {
  readonly fault: string;
  release(): void | Promise<void>;
}

/**
 * The parts that live and die together, opened in this order and closed in reverse: journal, runner, broker link, fleet,
 * and the road over them. When the journal can no longer be written the core ends as failed, and its supervisor
 * builds all of it anew from the disk.
 */
export class Core implements Child, FailingChild {
  readonly ended: Promise<Exit>;
  readonly road: Road;
  readonly #storage: Storage;
  readonly #log: Log;
  readonly #releasers: Releaser[];
  #end: (exit: Exit) => void = () => undefined;
  #failed: StewardError | undefined;
  #closing: Promise<void> | undefined;

  static async open(around: Surroundings): Promise<Core> {
    const modules = await loadModules(around.config());
    const releasers: Releaser[] = [];
    try {
      return new Core(around, modules, releasers);
    } catch (error) {
      await releaseAll(releasers, around.log);
      throw error;
    }
  }

  private constructor(around: Surroundings, modules: readonly Method[], releasers: Releaser[]) {
    const { clock, random, log } = around;
    const { node, central, nodes } = around.config();
    const opened = (fault: string, release: Releaser["release"]) => releasers.push({ fault, release });
    this.#log = log;
    this.#releasers = releasers;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    const newId = idMaker(clock, random);

    const journal = around.openJournal();
    opened("the journal did not close", () => journal.close());
    const audit = new Audit({
      journal,
      files: around.openAudit?.(),
      clock,
      log,
      keep: () => around.config().retention.audit,
      onFault: (fault) => {
        if (fault !== undefined) around.counters.auditFailures++;
        around.blocked("audit", fault);
      },
    });
    opened("the audit did not end", () => audit.end());
    const spawner = around.openSpawner();
    opened("the runner did not let go", () => spawner.close());
    const transport = withOwnLanes(node, around.openTransport());
    const link = new BrokerLink({ ...around, node, transport });
    opened("the link's actor did not stop", () => link.stop());
    opened("the broker link did not close", () => transport.close());
    const storage = new Storage(journal, around);
    this.#storage = storage;
    opened("the upkeep of the journal did not end", () => storage.end());
    const keep = () => around.config().retention.history;
    const history =
      node === central
        ? new NodeHistory({
            journal,
            clock,
            keep,
            aliveAt: Object.values(lastSeenIn(journal)).reduce((a, b) => Math.max(a, b), 0),
          })
        : undefined;
    opened("the history of nodes did not end", () => history?.end());
    const fleet = new Fleet({ ...around, node, central, journal, history });
    opened("the fleet did not stop", () => fleet.stop());
    const { outbox } = journal;
    const owed = [...outbox.lanes.keys()].flatMap((subject) => {
      const name = receiverOf(subject);
      return outbox.waitingCount(subject) > 0 || outbox.openCount(name) > 0 ? [name] : [];
    });
    // A node for which messages are held was made known as they were; it may never have been heard.
    const awaited = journal.held.groups.flatMap((group) => {
      const members = group.heldCount === 0 ? [] : journal.held.members(group);
      return [...group.held()].flatMap((index) => members[index]?.[1] || []);
    });
    for (const name of [central, ...nodes, ...owed, ...awaited]) fleet.expect(name);

    this.road = new Road({
      ...around,
      modules,
      newId,
      journal,
      audit,
      spawner,
      transport,
      link,
      storage,
      fleet,
      history,
      core: this,
    });
    opened("the road did not end", () => this.road.end());
    this.road.open();
  }

  /** The core is closed before its supervisor hears of the failure: the next one must not share its disk and broker link. */
  fail(error: unknown): void {
    if (this.#failed !== undefined) return;
    this.#failed = normalise(error);
    void this.#close();
  }

  async stop(): Promise<void> {
    if (this.#failed === undefined) this.road.bye("it was stopped");
    await this.#close();
  }

  #close(): Promise<void> {
    this.#storage.closing(this.#failed !== undefined);
    this.#closing ??= this.#release();
    return this.#closing;
  }

  async #release(): Promise<void> {
    await releaseAll(this.#releasers, this.#log);
    this.#end(this.#failed === undefined ? { reason: "shutdown" } : { reason: "failed", error: this.#failed });
  }
}

/** Runs the releasers in reverse. Synchronous ones at the end of the list run before this returns, so no traffic comes in later. */
async function releaseAll(releasers: Releaser[], log: Log): Promise<void> {
  for (const { fault, release } of releasers.splice(0).reverse()) {
    try {
      const released = release();
      if (released !== undefined) await released;
    } catch (error) {
      log.error({ err: error }, fault);
    }
  }
}
