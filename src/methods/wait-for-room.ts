import { faultText } from "../message/errors.ts";
import { isOfSurroundings } from "../message/surroundings.ts";
import { sleep } from "../platform/sleep.ts";
import type { EventContext } from "./define.ts";

/**
 * Faults of a disk that pass when somebody, or time, mends them. A full disk is back-pressure, not a defect: lines wait at their
 * origin until there is room, instead of becoming dead letters here. A directory in the place of a file does not pass.
 */
const FIRST = 1_000;
const LONGEST = 30_000;

/** Tries until it works, if the context has a way to say when to stop. */
export async function waitForRoom<T>(context: EventContext, directory: string, attempt: () => Promise<T>): Promise<T> {
  const { stopping, log, blocked } = context;
  let told = "";
  try {
    for (let delay = FIRST; ; delay = Math.min(LONGEST, delay * 2)) {
      try {
        return await attempt();
      } catch (error) {
        const { code = "" } = error as NodeJS.ErrnoException;
        if (!isOfSurroundings(error) || code === "EISDIR" || stopping === undefined || stopping.aborted) throw error;
        const fault = `nothing can be stored in ${directory}: ${faultText(error)}`;
        if (told !== code) log.error({ directory, code, error }, `${fault}; what came waits until it can`);
        told = code;
        blocked?.(fault);
        await sleep(context.clock, delay, stopping);
        if (stopping.aborted) throw error;
      }
    }
  } finally {
    if (told !== "") {
      blocked?.(undefined);
      if (stopping?.aborted !== true) log.info({ directory }, "what came is stored again");
    }
  }
}
