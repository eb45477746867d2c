import type { Command } from "commander";
import { EXIT, faultText, normalise } from "../../../message/errors.ts";
import type { Cli, RunningDaemon } from "../../cli.ts";
import { command, type Runner } from "../../command.ts";

export function addUp(program: Command, run: Runner): void {
  command(program, "up", {
    summary: "run the daemon in the foreground",
    description: `Run the daemon in the foreground; its log goes to standard output, as JSON lines, or readable on a terminal. SIGTERM or Ctrl-C stops it in good order, a second
one at once. SIGHUP reads the configuration again: see \`steward reload\`.`,
    examples: [
      ["steward up", "with ./steward.yaml"],
      ["steward up --config /etc/steward/ship1.yaml", "with another file"],
    ],
  }).action(run<object>(up));
}

async function up(cli: Cli): Promise<number> {
  cli.io.outliveReaders();
  const notice = await cli.reach.serviceNotice(cli.io);
  const config = await cli.config();
  const { signals } = cli.io;
  const stopping = new AbortController();
  let running: RunningDaemon | undefined;
  const stop = (): void => {
    if (stopping.signal.aborted) {
      cli.note("stopped at once; what was under way is taken up at the next start");
      cli.io.exitNow(EXIT.someFailed);
      return;
    }
    cli.note("stopping; once more stops at once");
    notice?.stopping();
    stopping.abort();
  };
  const reload = (): void => {
    running?.reload().then(
      ({ changes, needRestart }) =>
        cli.note(`reloaded: ${changes.length} changes, ${needRestart.length} need a restart`),
      (thrown: unknown) => cli.note(`not reloaded: ${faultText(thrown)}\n  → ${normalise(thrown).remedy}`),
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
