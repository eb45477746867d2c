import type { Command } from "commander";
import { EXIT, faultText, normalise } from "../../../message/errors.ts";
import type { Cli, RunningDaemon } from "../../cli.ts";
import { command, type Runner } from "../../command.ts";
import { counted } from "../../render/text.ts";

export function addUp(program: Command, run: Runner): void {
  command(program, "up", {
    summary: "run the daemon in the foreground",
    description: `Run the daemon in the foreground. Its log goes to standard output, as JSON lines, or readable on a terminal. SIGTERM or Ctrl-C
stops it in good order, a second one at once. At SIGHUP it reads its configuration again, as with \`steward reload\`.`,
    examples: [
      ["steward up", "with ./steward.yaml"],
      ["steward up --config /etc/steward/ship1.yaml", "with another file"],
    ],
  }).action(run<object>(up));
}

export async function up(cli: Cli): Promise<number> {
  cli.io.outliveReaders();
  const notice = await cli.reach.serviceNotice(cli.io);
  const config = await cli.config();
  const { signals } = cli.io;
  const stopping = new AbortController();
  let running: RunningDaemon | undefined;
  const stop = (): void => {
    if (stopping.signal.aborted) {
      cli.note("the daemon ends at once; commands go on, and the next daemon takes them over");
      cli.io.exitNow(EXIT.someFailed);
      return;
    }
    cli.note("the daemon stops; Ctrl-C or SIGTERM once more ends it at once");
    notice?.stopping();
    stopping.abort();
  };
  const reload = (): void => {
    running?.reload().then(
      ({ changes, needRestart }) =>
        cli.note(
          `configuration reloaded: ${counted(changes.length, "change")} applied, ${needRestart.length} need a restart of the daemon`,
        ),
      (thrown: unknown) =>
        cli.note(`configuration not reloaded: ${faultText(thrown)}\n  → ${normalise(thrown).remedy}`),
    );
  };
  const removers = [signals.on("SIGINT", stop), signals.on("SIGTERM", stop), signals.on("SIGHUP", reload)];
  try {
    running = await cli.reach.startDaemon(config, cli.io.stdout.isTTY === true);
    notice?.ready(`${config.node} is up`);
    await Promise.race([running.ended, aborted(stopping.signal)]);
    // Ctrl-C while it started counts as well.
    if (stopping.signal.aborted) await running.stop();
    await running.ended;
    return EXIT.ok;
  } finally {
    for (const remove of removers) remove();
    notice?.close();
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
