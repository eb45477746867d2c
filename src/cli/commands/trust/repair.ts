import type { Command } from "commander";
import { StewardError } from "../../../message/errors.ts";
import { actingUser, giveToOwner } from "../../../platform/host/owner.ts";
import type { RegistryState } from "../../../security/trust/registry-state.ts";
import type { Cli } from "../../cli.ts";
import { command, type Runner } from "../../command.ts";
import { wholeNumber } from "../../input/options.ts";
import { counted, visible } from "../../render/text.ts";

interface Options {
  readonly above?: string;
  readonly empty?: boolean;
}

const COMMAND = "trust repair";

/** `steward trust repair`, without a daemon: the operator vouches for a registry file that the daemon refuses. */
export function addRepair(trust: Command, run: Runner): void {
  command(trust, "repair", {
    summary: "look through a registry that the daemon refuses, and keep it",
    description: `Look through a registry of trusted nodes that the daemon refuses: an older file, or one that was changed. Shows what is in it and
changes nothing. With --above it is signed anew, with a version above the given one, and the daemon takes it. Check it first:
nodes that were revoked since are trusted in an older file. To be run at the management station, while its daemon is stopped.`,
    examples: [
      ["steward trust repair", "what is in it"],
      ["steward trust repair --above 17", "keep it"],
      ["steward trust repair --empty --above 17", "begin an empty one: every node must be let in again"],
    ],
  })
    .option("--above <version>", "sign it anew, with a version above this one")
    .option("--empty", "begin an empty registry")
    .action(
      run<Options>(async (cli, options) => {
        const { data, node, central } = await cli.config();
        if (node !== central) throw new StewardError("not-central", { node, central });
        const { lockDirectory } = await import("../../../runtime/daemon/lock.ts");
        const lock = lockDirectory(data);
        try {
          await repair(cli, data, options);
        } finally {
          giveToOwner(data, ["registry.json", "daemon.lock"]);
          lock.release();
        }
        return undefined;
      }),
    );
}

async function repair(cli: Cli, data: string, { above, empty }: Options): Promise<void> {
  const { readIdentity } = await import("../../../security/keys/identity-files.ts");
  const { registryPath, unverified, writeRegistry } = await import("../../../security/trust/registry-file.ts");
  const { emptyState } = await import("../../../security/trust/registry-state.ts");
  const identity = readIdentity(data, actingUser(data));
  const path = registryPath(data);
  const state = empty === true ? emptyState(identity.keys.sign) : unverified(path);
  if (above === undefined) {
    if (cli.json) cli.printJson(state);
    else show(cli, path, state);
    return;
  }
  const version = Math.max(state.version, wholeNumber("--above", COMMAND, above, 0)) + 1;
  // Every list is new: nodes may have newer ones than this file knows of.
  const nodes = state.nodes.map((record) => ({ ...record, version }));
  writeRegistry(path, { ...state, nodes, version }, identity);
  if (cli.json) cli.printJson({ path, version, nodes: nodes.length });
  else cli.print(`${visible(path)} is signed anew, with version ${version} and ${counted(nodes.length, "node")}`);
}

function show(cli: Cli, path: string, { version, nodes, invitations }: RegistryState): void {
  cli.print(
    `${visible(path)}: version ${version}, ${counted(nodes.length, "node")}, ${counted(invitations.length, "invitation")}`,
  );
  for (const { node, standing, since } of nodes)
    cli.print(`  ${visible(node)}  ${standing} since ${new Date(since).toISOString()}`);
  cli.note(`  ${cli.err("dim", "→")} keep it: steward trust repair --above ${version}`);
}
