import type { Command } from "commander";
import type { Timer } from "../../../message/clock.ts";
import { faultText, StewardError } from "../../../message/errors.ts";
import { installedVersion } from "../../../platform/installation.ts";
import type { Logger } from "../../../platform/logger.ts";
import { systemRandom } from "../../../platform/system-clock.ts";
import { ClearEnvelope } from "../../../security/seal/clear-envelope.ts";
import type { Cli } from "../../cli.ts";
import { command, type Runner } from "../../command.ts";
import { duration, wholeNumber } from "../../input/options.ts";
import { SimulatedFleet } from "../../simulate/fleet.ts";

interface Options {
  readonly connections: string;
  readonly prefix: string;
  readonly hello: string;
}

/** How often it says how far it is, if anything changed, ms. */
const TELLS_EVERY = 1_000;

export function addSimulateFleet(program: Command, run: Runner): void {
  command(program, "simulate-fleet <nodes>", {
    summary: "play many nodes, to see what a central can carry",
    description: `Play so many nodes in this process: each says hello to central, acknowledges what it is sent, and answers every echo and
shellcommand with success without running anything. Broker and central are those of the configuration. The nodes are called
sim1, sim2, … and stay in central's list when they are gone: use a central that was made for it, and never that of a real fleet.
They have no keys, so that central needs \`security: off\` in its configuration.

It goes on until Ctrl-C. With --json it prints a line each second in which something changed.`,
    examples: [
      ["steward simulate-fleet 1000", "a thousand nodes; then, elsewhere: steward run 'sim*' --no-wait -- true"],
      ["steward simulate-fleet 10000 --hello 30s", "ten thousand, with the hellos of a calm fleet"],
    ],
  })
    .option("--connections <n>", "connections to the broker that the nodes share", "20")
    .option("--prefix <name>", "the beginning of each node's name", "sim")
    .option("--hello <duration>", "interval between the hellos of a node", "10s")
    .action(run<Options>(simulateFleet));
}

async function simulateFleet(cli: Cli, options: Options, [count = ""]: readonly string[]): Promise<undefined> {
  const name = "simulate-fleet";
  const nodes = wholeNumber("the number of nodes", name, count);
  const connections = Math.min(nodes, wholeNumber("--connections", name, options.connections));
  const every = duration("--hello", options.hello);
  const { central, broker, link, security } = await cli.config();
  if (security !== "off") {
    const fault = `simulated nodes have no keys, and a sealed central does not hear them: give the central of the trial, and this configuration, \`security: off\``;
    throw new StewardError("usage", { fault, command: name });
  }
  const { clock, signals } = cli.io;
  const { openNatsTransport } = await import("../../../broker/nats.ts");
  const own = { clock, random: systemRandom, log: logOf(cli) };
  const fleet = new SimulatedFleet({
    ...own,
    nodes,
    connections,
    prefix: options.prefix,
    every,
    central,
    version: installedVersion(),
    envelope: new ClearEnvelope(),
    connect: (connection) => openNatsTransport({ ...own, broker, name: connection, pingMs: link.ping }),
  });
  let told = "";
  let timer: Timer | undefined;
  const tell = (): void => {
    const view = fleet.view();
    const text = `${view.heard} of ${nodes} nodes are heard by ${central}; commands answered: ${view.commands}`;
    if (text !== told && cli.json) cli.printJsonLine({ type: "fleet", nodes, ...view });
    if (text !== told && !cli.json) cli.print(text);
    told = text;
    timer = clock.setTimeout(tell, TELLS_EVERY);
  };
  tell();
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) signals.on(signal, resolve);
  });
  clock.clearTimeout(timer);
  await fleet.stop();
  return undefined;
}

/** The words of its connections that matter to whoever looks on. */
function logOf(cli: Cli): Logger {
  const quiet = (): void => undefined;
  const loud = (fields: object, text: string): void => {
    const { err } = fields as { err?: unknown };
    cli.note(err === undefined ? text : `${text}: ${faultText(err)}`);
  };
  return { debug: quiet, info: quiet, warn: loud, error: loud };
}
