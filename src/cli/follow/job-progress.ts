import type { Timer } from "../../message/clock.ts";
import { EXIT } from "../../message/errors.ts";
import { isEnded, type JobCounts, type JobState } from "../../message/jobs/job.ts";
import type { JobDetail } from "../../runtime/operate/table/jobs.ts";
import type { Cli } from "../cli.ts";
import { countsText, jobState, progressText } from "../render/jobs.ts";
import { counted, visible } from "../render/text.ts";
import { clockTime } from "../render/time.ts";
import { followEvents } from "./stream.ts";

/** Waits for an operator or for a time to come, so that nobody need look at it now. */
const STANDS: ReadonlySet<JobState> = new Set(["draft", "awaitingApproval", "scheduled", "paused"]);
/** The daemon may be away for so long, ms. */
const DAEMON_MAY_BE_AWAY = 120_000;

interface Progress {
  readonly state: JobState;
  readonly wave: number;
  readonly waves: number;
  readonly counts: JobCounts;
  readonly cause: string;
}

/**
 * Follows a job until it has ended, or nothing of it moves: it is paused or waits for its time, or all that is open waits for
 * nodes that are away. On a terminal a footer counts; elsewhere each change of state or wave is a line. Ctrl-C leaves it at any
 * time, also while it is being ordered, with the line to come back with.
 *
 * @param order orders it, or names it; resolves with its id @param limit at most so many ms @returns the exit code
 */
export async function followJob(cli: Cli, order: () => Promise<string>, limit?: number | null): Promise<number> {
  const stop = new AbortController();
  const footer = new Footer(cli);
  let ending: "done" | "detached" | "timeOver" = "done";
  const end = (how: typeof ending): void => {
    ending = how;
    stop.abort();
  };
  const removers = (["SIGINT", "SIGTERM"] as const).map((name) => cli.io.signals.on(name, () => end("detached")));
  let timer: Timer | undefined;
  let id = "";
  let failed: { readonly thrown: unknown } | undefined;
  const look = async (): Promise<void> => {
    const job = await (await cli.daemon()).job(id);
    footer.show({ ...job, waves: job.waves.length });
    if (isOver(job)) end("done");
  };
  const watched = (): void => {
    look().catch((thrown: unknown) => {
      failed = { thrown };
      stop.abort();
    });
  };
  try {
    id = await order();
    if (typeof limit === "number") timer = cli.io.clock.setTimeout(() => end("timeOver"), limit);
    await followEvents(cli, {
      signal: stop.signal,
      giveUpAfter: DAEMON_MAY_BE_AWAY,
      onOpen: watched,
      onHappening: (happening) => {
        if (happening.type !== "job" || happening.id !== id) return;
        footer.show(happening);
        // The end, and whether its nodes are in reach, is read again: events are of the past.
        if (happening.state !== "running" || happening.counts.held === 0) watched();
      },
      onGap: watched,
    });
    footer.end();
    if (failed !== undefined) throw failed.thrown;
    // Ctrl-C ends nothing before all is told: who presses it as the job comes to rest still learns how to come back.
    return report(cli, await (await cli.daemon()).job(id), ending);
  } finally {
    for (const remove of removers) remove();
    cli.io.clock.clearTimeout(timer);
    footer.end();
  }
}

/** Tells that a job was ordered; `alone`: its id is all that is asked for. */
export function tellOrdered(cli: Cli, job: Pick<JobDetail, "id" | "nodes">, alone: boolean): void {
  if (cli.json) cli.printJsonLine({ type: "accepted", ...job });
  else if (alone) cli.print(job.id);
  else cli.note(`job ${job.id} over ${counted(job.nodes, "node")}`);
}

function isOver({ state, counts, inReach }: JobDetail): boolean {
  return isEnded(state) || STANDS.has(state) || (counts.held === 0 && inReach === 0);
}

/** Prints how a job stands and what to do next. Returns the exit code, as `run` has it. */
function report(cli: Cli, job: JobDetail, ending: "done" | "detached" | "timeOver"): number {
  const { id, state, cause, counts, nodes } = job;
  const exit = jobExit(job);
  if (cli.json) {
    cli.printJsonLine({ type: "summary", ending, id, state, counts, exit });
    return exit;
  }
  const hint = (line: string): void => cli.note(`  ${cli.err("dim", "→")} ${line}`);
  cli.note(`job ${id} is ${jobState(state, cli.err)}${cause === "" ? "" : `: ${visible(cause)}`}`);
  cli.note(`${counted(nodes, "node")}: ${countsText(counts, cli.err)}`);
  if (ending === "detached") cli.note("detached: the job goes on without this terminal");
  if (ending === "timeOver") cli.note("the time of --wait is over; the job goes on");
  if (counts.failed > 0) hint(`the nodes that failed: steward job ${id} --state failed`);
  if (counts.succeeded + counts.failed > 0) hint(`what they said, equal outputs once: steward job ${id} --group`);
  if (state === "paused") hint(`go on with: steward job resume ${id} (or: promote, abort)`);
  if (state === "awaitingApproval") hint(`approve it with: steward job approve ${id}`);
  if (state === "draft") hint(`begin it with: steward job start ${id}`);
  if (!isEnded(state)) {
    hint(`come back with: steward job ${id} --follow`);
    hint(`take back with: steward job cancel ${id}`);
  } else if (counts.failed + counts.rejected > 0) hint(`try again on those with: steward job retry ${id} --failed`);
  return exit;
}

/** 0 all succeeded or were skipped; 1 some failed or were rejected; 3 some are open, unknown or expired; 4 it was cancelled. */
export function jobExit({ state, counts }: Pick<JobDetail, "state" | "counts">): number {
  if (counts.failed + counts.rejected > 0) return EXIT.someFailed;
  if (state === "cancelled" || state === "aborted") return EXIT.cancelled;
  if (state === "done") return EXIT.ok;
  return EXIT.notDelivered;
}

/** The line that counts while a job is followed. */
class Footer {
  readonly #cli: Cli;
  readonly #moves: boolean;
  #told = "";
  #shown = false;

  constructor(cli: Cli) {
    this.#cli = cli;
    this.#moves = cli.io.stderr.isTTY === true && !cli.json;
  }

  show(progress: Progress): void {
    const { state, wave, waves, counts, cause } = progress;
    if (this.#cli.json) {
      this.#cli.printJsonLine({ type: "job", state, wave, waves, counts });
      return;
    }
    const said = `${state} ${wave}`;
    if (said !== this.#told) {
      this.end();
      const which = waves > 1 ? `, wave ${wave + 1} of ${waves}` : "";
      const why = cause === "" ? "" : `: ${visible(cause)}`;
      const at = this.#cli.err("dim", clockTime(this.#cli.io.clock.now()));
      this.#cli.note(`${at} ${jobState(state, this.#cli.err)}${which}${why}`);
    }
    this.#told = said;
    if (!this.#moves) return;
    this.#cli.io.stderr.write(`\r\u001b[K${progressText(progress, this.#cli.err)}`);
    this.#shown = true;
  }

  /** Takes the footer away, so that other lines can follow. */
  end(): void {
    if (this.#shown) this.#cli.io.stderr.write("\r\u001b[K");
    this.#shown = false;
  }
}
