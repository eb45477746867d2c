import type { Command } from "commander";
import { command, type Runner } from "../../command.ts";
import { followUntilInterrupted } from "../../follow/interrupt.ts";
import { happeningLines } from "../../render/happening.ts";

interface Options {
  readonly role?: string;
  readonly absolute?: boolean;
}

export function addInspect(program: Command, run: Runner): void {
  command(program, "inspect", {
    summary: "follow every change of state inside the daemon",
    description: `Follow every change of state of the daemon's actors (nodes, publishers, subscribers and others): the actor, its old and its
new state, the event and the cause. Times are UTC. \`steward machines\` shows all states. Ctrl-C ends it. With --json: one JSON
object a line.`,
    examples: [
      ["steward inspect", "all actors"],
      ["steward inspect ship1", "actors whose name begins with ship1"],
      ["steward inspect --role node", "actors of one role"],
    ],
  })
    .argument("[actor]", "beginning of the names of the actors")
    .option("--role <role>", "only actors of this role")
    .option("--absolute", "print times as ISO 8601")
    .action(
      run<Options>(async (cli, options, [actor = ""]) => {
        await followUntilInterrupted(cli, {
          onOpen: async (again) => {
            if (!again) cli.note(cli.err("dim", "following transitions; Ctrl-C ends it"));
          },
          onHappening: (happening) => {
            if (happening.type !== "transition" || !happening.actor.startsWith(actor)) return;
            if (options.role !== undefined && happening.role !== options.role) return;
            if (cli.json) cli.printJsonLine(happening);
            else cli.print(...happeningLines(happening, options.absolute === true, cli.out));
          },
        });
        return undefined;
      }),
    );
}
