import { Command } from "commander";
import { globalOptions, type Register, type Runner } from "./command.ts";
import { addCancel } from "./commands/cancel.ts";
import { addComplete } from "./commands/complete.ts";
import { addCompletion } from "./commands/completion.ts";
import { addConfig } from "./commands/config.ts";
import { addControl } from "./commands/control.ts";
import { addDead } from "./commands/dead.ts";
import { addDemo } from "./commands/demo.ts";
import { addDoctor } from "./commands/doctor.ts";
import { addInit } from "./commands/init.ts";
import { addInspect } from "./commands/inspect.ts";
import { addMachines } from "./commands/machines.ts";
import { addMessage } from "./commands/message.ts";
import { addMessages } from "./commands/messages.ts";
import { addNode } from "./commands/node.ts";
import { addNodes } from "./commands/nodes.ts";
import { addPs } from "./commands/ps.ts";
import { addReload } from "./commands/reload.ts";
import { addRun } from "./commands/run.ts";
import { addSend } from "./commands/send.ts";
import { addUp } from "./commands/up.ts";
import { addWatch } from "./commands/watch.ts";

const GROUPS: readonly (readonly [string, readonly Register[]])[] = [
  ["Daemon:", [addUp, addDemo, addInit, addReload, addDoctor, addConfig]],
  ["Commands:", [addRun, addSend, addMessages, addMessage, addCancel, addDead]],
  ["Fleet:", [addNodes, addNode, addPs, addControl, addWatch, addInspect]],
  ["More:", [addMachines, addCompletion, addComplete]],
];

export function buildProgram(run: Runner, version: string): Command {
  const program = globalOptions(new Command("steward"))
    .description("Command and watch machines that are hard to reach.")
    .version(version, "--version", "print the version")
    .helpOption("-h, --help", "show help")
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError(true)
    .addHelpText(
      "after",
      "\nExit codes: 0 all succeeded, 1 some failed, 2 bad usage, 3 some not delivered or unknown, 4 cancelled, 5 no daemon.\n" +
        "Begin with `steward init`, then `steward up`; `steward doctor` says what is missing.",
    );
  for (const [heading, registers] of GROUPS) {
    program.commandsGroup(heading);
    for (const register of registers) register(program, run);
  }
  program.helpCommand("help [command]", "show help of a command");
  return program;
}
