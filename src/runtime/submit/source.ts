import type { Child, Exit } from "../../actors/supervisor/spec.ts";
import type { PublishConfig } from "../../config/config.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Clock } from "../../message/clock.ts";
import { type ErrorCode, faultText, StewardError } from "../../message/errors.ts";
import type { Json } from "../../message/message.ts";
import type { RunningSource, Source } from "../../methods/define.ts";
import type { Failures } from "../../observe/alerting/failures.ts";
import type { Counters } from "../../observe/metrics/counters.ts";
import type { Logger } from "../../platform/logger.ts";
import { sleep } from "../../platform/sleep.ts";
import type { OwnEvents } from "./own-events.ts";
import type { ProcessWatcher } from "./process-watcher.ts";
import { SourceLosses } from "./source-losses.ts";

/** A source under supervision: its events are journalled with its checkpoint in one transaction. */
export interface SourceOptions {
  readonly config: PublishConfig;
  readonly source: Source;
  readonly journal: Journal;
  readonly counters: Counters;
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: Pick<OwnEvents, "submit">;
  readonly failures: Pick<Failures, "report">;
  readonly watcher: ProcessWatcher;
  /** Bytes of one line beyond which a source divides it. */
  readonly lineBytes: () => number;
}

/** Refusals that end by themselves: the source waits. */
const NO_ROOM: readonly ErrorCode[] = ["journal-full", "journal-disk-full", "journal-failed"];
/** How long a source waits for room in the journal before it asks again, ms. */
const ROOM = 1000;

export async function startSource(options: SourceOptions): Promise<Child> {
  const { config, source, journal, counters, clock, log, events, failures, watcher } = options;
  const { subject } = config;
  const key = `source ${subject} ${config.source} ${config.setting}`;
  let end: (exit: Exit) => void = () => undefined;
  const ended = new Promise<Exit>((resolve) => {
    end = resolve;
  });
  let stopped = false;

  const emit = async (data: Json, checkpoint?: Json): Promise<void> => {
    for (;;) {
      if (stopped) throw new StewardError("source-failed", { subject, fault: "it was stopped" });
      try {
        events.submit(subject, data);
        break;
      } catch (error) {
        if (!(error instanceof StewardError) || !NO_ROOM.includes(error.code)) throw error;
        await sleep(clock, ROOM);
      }
    }
    if (checkpoint !== undefined) journal.setCheckpoint({ key, value: checkpoint });
    await journal.flushed();
  };

  const losses = new SourceLosses(clock, (text, reason) =>
    failures.report("source-lost", `the source of ${subject} lost input: ${text}`, `source-lost ${subject} ${reason}`),
  );
  let running: RunningSource;
  try {
    running = await source.start(config.setting, {
      domain: config.domain,
      checkpoint: journal.checkpoint(key),
      emit,
      mark: async (value) => {
        journal.setCheckpoint({ key, value });
        await journal.flushed();
      },
      lineBytes: options.lineBytes,
      divided: (lines) => {
        counters.linesDivided += lines;
      },
      dropped: (reason, count) => {
        counters.drop(reason, count, { subject });
        losses.add(reason, count);
      },
      alert: (code, text) => failures.report(code, `${subject}: ${text}`, `${code} ${text}`),
      blocked: (fault) => watcher.block("source", subject, fault),
      fail: (error) => {
        losses.close();
        end({
          reason: "failed",
          error: new StewardError("source-failed", { subject, fault: error.message }, { cause: error }),
        });
      },
      clock,
      log,
    });
  } catch (error) {
    losses.close();
    throw new StewardError("source-failed", { subject, fault: faultText(error) }, { cause: error });
  }
  return {
    ended,
    async stop() {
      await running.stop();
      losses.close();
      stopped = true;
      watcher.block("source", subject, undefined);
      end({ reason: "shutdown" });
    },
  };
}
