import type { Happening } from "../../message/happening.ts";
import type { Cli } from "../cli.ts";
import { followEvents } from "./stream.ts";

export interface UntilInterrupted {
  /** A rejection ends the stream. */
  readonly onOpen: (again: boolean) => Promise<void>;
  readonly onHappening: (happening: Happening) => void;
}

/** Follows the events of the daemon until Ctrl-C, which is the ordinary end. */
export async function followUntilInterrupted(cli: Cli, { onOpen, onHappening }: UntilInterrupted): Promise<void> {
  const stop = new AbortController();
  let failed: { readonly thrown: unknown } | undefined;
  const removers = (["SIGINT", "SIGTERM"] as const).map((name) => cli.io.signals.on(name, () => stop.abort()));
  try {
    await followEvents(cli, {
      signal: stop.signal,
      onOpen: (again) => {
        onOpen(again).catch((thrown: unknown) => {
          failed = { thrown };
          stop.abort();
        });
      },
      onHappening,
      onGap: (missed) =>
        cli.note(cli.err("yellow", `! ${missed ?? "some"} events were left out: this terminal is too slow`)),
    });
  } finally {
    for (const remove of removers) remove();
  }
  if (failed !== undefined) throw failed.thrown;
}
