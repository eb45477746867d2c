import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Logger } from "../platform/logger.ts";
import { bootId, markLost } from "./records.ts";

/** Names the boot of the host in which the marks of this directory were last looked through. */
const FILE = "boot";

/**
 * Marks are not synced: within one boot of the host they are there for whoever comes next, and a run without a mark never
 * began. The loss of the host may take them along, though not the journal's word that the run was to begin. So at the
 * first start in another boot (or on another host) every run that was to begin and has no mark is given one that says that
 * nobody knows; only then is the new boot written down. Neither needs a sync, for a third boot begins anew.
 *
 * Answers the ids of which a missing mark proves nothing, should the disk have no room for their marks.
 */
export function lookAfterReboot(directory: string, ids: readonly string[], log: Logger): ReadonlySet<string> {
  const boot = bootId();
  if (boot !== null && boot === lastBoot(directory)) return new Set();
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    for (const id of ids) markLost(directory, id);
    if (boot !== null) writeFileSync(join(directory, FILE), boot, { mode: 0o600 });
  } catch (error) {
    log.warn({ err: error }, "that the host was restarted could not be recorded");
  }
  return new Set(ids);
}

function lastBoot(directory: string): string | undefined {
  try {
    return readFileSync(join(directory, FILE), "utf8");
  } catch {
    return undefined;
  }
}
