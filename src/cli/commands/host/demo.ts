import type { Command } from "commander";
import { EXIT, faultText } from "../../../message/errors.ts";
import type { Cli } from "../../cli.ts";
import { command, type Runner } from "../../command.ts";
import { Interrupted, Scene } from "../../demo/scene.ts";
import { setStage } from "../../demo/stage.ts";
import { play } from "../../demo/story.ts";

interface Options {
  readonly keep?: boolean;
}

export function addDemo(program: Command, run: Runner): void {
  command(program, "demo", {
    summary: "see steward work: central and three ships on this machine",
    description: `Start a management station and edge nodes as real daemons in a temporary directory, send a command to three ships of
which one is away, forward log lines, and show every change. The demo takes some ten seconds, then ends and removes all that it
started; Ctrl-C does so at any moment.

Exit code: 0 when every claim of the demo was found to hold, 1 when not, 4 when it was interrupted.`,
    examples: [
      ["steward demo", "see the demo"],
      ["steward demo --keep", "the same, left running until Ctrl-C"],
    ],
  })
    .option("--keep", "leave the daemons running until Ctrl-C, and print how to use them")
    .action(run<Options>(demo));
}

async function demo(cli: Cli, { keep = false }: Options): Promise<number> {
  const stage = await setStage();
  const scene = new Scene(cli, stage);
  const say = (line: string): void => {
    if (!cli.json) cli.print(line);
  };
  let leave = false;
  try {
    const code = await play(cli, stage, scene, keep);
    if (keep) {
      say("\nThe demo runs until you press Ctrl-C here; every change is shown.");
      await scene.untilInterrupted((node) =>
        say(`the daemon of ${node} has ended; another one: ./bin/steward up --config ${stage.configOf(node)}`),
      );
    }
    return code;
  } catch (thrown) {
    if (thrown instanceof Interrupted) return EXIT.cancelled;
    leave = true;
    const fault = faultText(thrown);
    if (cli.json) cli.printJsonLine({ type: "summary", ok: false, fault, directory: stage.directory });
    cli.note(`\n${cli.err("red", "✗ the demo could not go on:")} ${fault}`);
    return EXIT.someFailed;
  } finally {
    say(cli.out("dim", `\nstopping the daemons${leave ? `; their logs stay in ${stage.directory}` : ""}`));
    await scene.stop();
    if (!leave) stage.remove();
  }
}
