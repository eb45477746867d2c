import { isOfSurroundings } from "../../../message/surroundings.ts";
import type { EventContext } from "../../define.ts";

/**
 * Faults of a disk that pass when somebody, or time, mends them. A full disk is back-pressure, not a defect: lines wait at their
 * origin until there is room, instead of becoming dead letters here. A directory in the place of a file does not pass.
 */
const FIRST = 1_000;
const LONGEST = 30_000;

/** Tries until it works, if the context has a way to say when to stop. */
export async function waitForRoom<T>(context: EventContext, directory: string, attempt: () => Promise<T>): Promise<T> {
  const { stopping, log } = context;
  let told = "";
  for (let delay = FIRST; ; delay = Math.min(LONGEST, delay * 2)) {
    try {
      const result = await attempt();
      if (told !== "") log.info({ directory }, "lines are stored again");
      return result;
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      if (!isOfSurroundings(error) || code === "EISDIR" || stopping === undefined || stopping.aborted) throw error;
      if (told !== code)
        log.error(
          { directory, code, error },
          `lines cannot be stored in ${directory} (${code}); they wait until they can`,
        );
      told = code;
      await pause(context, delay, stopping);
      if (stopping.aborted) throw error;
    }
  }
}

async function pause(context: EventContext, ms: number, stopping: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      context.clock.clearTimeout(timer);
      stopping.removeEventListener("abort", done);
      resolve();
    };
    const timer = context.clock.setTimeout(done, ms);
    stopping.addEventListener("abort", done);
  });
}
