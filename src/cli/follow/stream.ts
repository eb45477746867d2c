import { normalise } from "../../message/errors.ts";
import type { Happening } from "../../message/happening.ts";
import type { Cli } from "../cli.ts";

/**
 * The daemon's events for as long as the caller wants them, across restarts of the daemon.
 *
 *   connecting → open → broken → connecting → …      ended when `signal` fires, or after `giveUpAfter` of silence
 *
 * Events of the time while the stream was broken are not replayed: `onOpen`, called at each opening before any event of that
 * stream, is where the caller reads again.
 */
export interface StreamOptions {
  readonly signal: AbortSignal;
  readonly onOpen: (again: boolean) => void;
  readonly onHappening: (happening: Happening) => void;
  /** The daemon left events out, because this end was too slow. */
  readonly onGap: (missed: number | null) => void;
  /** Milliseconds without a daemon, once it was open, after which this rejects with `no-daemon`. Absent: never. */
  readonly giveUpAfter?: number;
}

/** Refusals that no waiting changes: the stream of an operator who was removed ends at once. */
const REFUSALS: ReadonlySet<string> = new Set(["operator-removed", "operator-unknown", "role-denied"]);
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 5_000;

/** Resolves when `signal` has fired. Rejects at once when the first opening fails. */
export async function followEvents(cli: Cli, options: StreamOptions): Promise<void> {
  const { clock } = cli.io;
  let pause = FIRST_PAUSE;
  let openings = 0;
  let brokenAt: number | undefined;
  while (!options.signal.aborted) {
    try {
      const daemon = await cli.daemon();
      const items = await daemon.watch({}, options.signal);
      if (brokenAt !== undefined) cli.note(cli.err("dim", "the daemon answers again"));
      brokenAt = undefined;
      pause = FIRST_PAUSE;
      options.onOpen(openings++ > 0);
      for await (const item of items) {
        if (item.type === "gap") options.onGap(item.missed);
        else options.onHappening(item);
      }
    } catch (thrown) {
      if (options.signal.aborted) return;
      if (openings === 0) throw thrown;
      const error = normalise(thrown);
      if (error.code === "internal" || REFUSALS.has(error.code)) throw error;
    }
    if (options.signal.aborted) return;
    const now = clock.monotonic();
    if (brokenAt === undefined) {
      brokenAt = now;
      cli.note(cli.err("yellow", "the daemon stopped answering; trying again (Ctrl-C ends this, commands go on)"));
    } else if (options.giveUpAfter !== undefined && now - brokenAt >= options.giveUpAfter) {
      throw await cli.noDaemon();
    }
    await pauseFor(cli, pause, options.signal);
    pause = Math.min(pause * 2, LONGEST_PAUSE);
  }
}

export function pauseFor(cli: Cli, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      cli.io.clock.clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = cli.io.clock.setTimeout(end, ms);
    signal.addEventListener("abort", end, { once: true });
  });
}
