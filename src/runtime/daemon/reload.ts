import type { Config } from "../../config/config.ts";
import { diffConfig } from "../../config/diff.ts";
import { readConfigFile } from "../../config/file/read.ts";
import { SECOND_LOOK, signOfPart } from "../../config/file/watch.ts";
import { loadConfig } from "../../config/load.ts";
import { reloaded } from "../../config/schema/setting-rows.ts";
import type { Log } from "../../observe/log.ts";
import type { ReloadAnswer } from "../operate/table/daemon.ts";
import type { Processes } from "./processes/processes.ts";
import type { Road } from "./road.ts";

/** The parts of the running daemon that a reload changes. */
export interface Reloaded {
  readonly road: Road;
  readonly processes: Processes;
  readonly log: Log;
  /** Makes `next` the configuration of the daemon. */
  readonly apply: (next: Config) => void;
}

/**
 * Reads the file again and restarts only the processes that a change touches. A faulty file is not applied.
 *
 * @throws StewardError `config-invalid`, `config-unreadable`
 */
export async function reload(before: Config, { road, processes, log, apply }: Reloaded): Promise<ReloadAnswer> {
  const after = loadConfig(before.file);
  const { changes } = diffConfig(before, after);
  // Another identity changes the meaning of defaults and permissions: such a file is applied by a restart alone.
  if (after.node !== before.node || after.central !== before.central) {
    return { changes: [], needRestart: changes.map(({ text }) => text) };
  }
  const live = changes.filter(({ applies }) => applies !== "restart");
  const next = reloaded(before, after);
  const { subscribe, publish } = next;
  apply(next);
  log.setLevel(next.log.level);
  road.ownFacts.look();
  road.policies.follow();
  road.alertWatch.follow();
  road.schedules.follow();
  const expected = new Set([next.central, ...next.nodes, ...road.invited]);
  for (const name of before.nodes) if (!expected.has(name)) road.fleet.expectNoMore(name);
  for (const name of next.nodes) road.fleet.expect(name);
  for (const { part, action, key } of live) {
    if (part === "subscribe") await resubscribe(action, key);
    if (part === "publish") await republish(action, key);
  }
  for (const { text, applies } of changes) log.info({ applies }, `configuration: ${text}`);
  return {
    changes: live.map(({ text }) => text),
    needRestart: changes.filter(({ applies }) => applies === "restart").map(({ text }) => text),
  };

  async function resubscribe(action: "added" | "removed" | "changed", key: string): Promise<void> {
    const subject = `${before.node}.${key}`;
    if (action !== "added") {
      await processes.remove("subscriber", subject);
      road.routes.remove(subject);
    }
    const config = subscribe.find((subscription) => subscription.subject === key);
    if (config === undefined) return;
    await processes.addRoute(road.routes.add(config));
  }

  async function republish(action: "added" | "removed" | "changed", key: string): Promise<void> {
    if (action !== "added") await processes.remove("source", key);
    const config = publish.find((publication) => publication.subject === key);
    if (config !== undefined) await processes.addSource(config);
  }
}

/**
 * Applies a file that was found changed, unless it may be half written and this is the first look at it. A faulty file is
 * logged and not applied. Returns true if the change was dealt with.
 */
export async function takeChanged(
  before: Config,
  sure: boolean,
  { reload: apply, log }: { readonly reload: () => Promise<unknown>; readonly log: Pick<Log, "warn" | "error"> },
): Promise<boolean> {
  const { file } = before;
  try {
    const sign = sure ? undefined : signOfPart(before, loadConfig(file), readConfigFile(file));
    if (sign !== undefined) {
      const when = `in ${SECOND_LOOK / 1000} s, if it stays so; \`steward reload\` applies it now`;
      log.warn({ file, sign }, `${file} has changed and ${sign}: it may not be whole yet, and is applied ${when}`);
      return false;
    }
    await apply();
  } catch (error) {
    log.error({ err: error }, "the changed configuration is not used");
  }
  return true;
}
