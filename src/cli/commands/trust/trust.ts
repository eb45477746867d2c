import type { Command } from "commander";
import { command, type Runner } from "../../command.ts";
import { trustLines } from "../../render/fleet/trust.ts";
import { addRepair } from "./repair.ts";

interface Options {
  readonly absolute?: boolean;
}

export function addTrust(program: Command, run: Runner): void {
  const trust = command(program, "trust", {
    summary: "show who is trusted: fingerprints, standing, since when",
    description: `Show who is trusted. At the management station: its own keys, every enrolled node, the machines that wait to be accepted, and
open invitations. On another node: its own fingerprint, which an operator compares before \`steward accept\`, whether it is
enrolled, and the other nodes that it was told of.`,
    examples: [
      ["steward trust", "keys, nodes, invitations"],
      ["steward trust --json", "the same for programs, with the public keys"],
    ],
  });
  addRepair(trust, run);
  trust.option("--absolute", "print times as ISO 8601").action(
    run<Options>(async (cli, options) => {
      const view = await (await cli.daemon()).trust();
      if (cli.json) cli.printJson(view);
      else cli.print(...trustLines(view, cli.times(options.absolute), cli.out, cli.columns));
      return undefined;
    }),
  );
}
