import type { Command } from "commander";
import { EXIT, faultText, StewardError } from "../../../message/errors.ts";
import { writeDurably } from "../../../platform/durable-file.ts";
import type { Cli } from "../../cli.ts";
import { command, type Runner } from "../../command.ts";
import { counted, visible } from "../../render/text.ts";

interface Options {
  readonly listen: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
  readonly users?: boolean;
  readonly newcomers: boolean;
  readonly out?: string;
}

const COMMAND = "broker config";
const MAX_PAYLOAD = 8 * 1024 * 1024;

export function addBroker(program: Command, run: Runner): void {
  const broker = command(program, "broker", {
    summary: "write the configuration of a nats-server for this fleet",
    examples: [["steward broker config --out /etc/nats-server.conf", "one login for each node"]],
  }).helpCommand("help [command]", "show help of a command");

  command(broker, "config", {
    summary: "write a nats-server configuration with one login for each node",
    description: `Write the configuration of a nats-server that lets in the nodes of this fleet and nobody else. Each accepted node logs in with
its own key and reaches its own subjects alone; the bearer of an open invitation may introduce itself to central; the
programs under \`broker.publishers\` publish what is named there. To be run on central, with its daemon.

Run it again after \`invite\`, \`accept\`, \`revoke\` and \`rekey\`, then \`nats-server --signal reload\`: the connections of nodes
that may stay go on. The embedded broker of central does all of this by itself.

The file holds the passwords of publishers that have one: --out makes it readable to its owner alone.`,
    examples: [
      ["steward broker config --out /etc/nats-server.conf", "a whole configuration, on 0.0.0.0:4222"],
      ["steward broker config --tls-cert b.pem --tls-key b.key --out n.conf", "with TLS"],
      ["steward broker config --users --out users.conf", "the logins alone, for `include users.conf`"],
    ],
  })
    .option("--listen <host:port>", "address to listen on", "0.0.0.0:4222")
    .option("--tls-cert <file>", "speak TLS: the broker's certificate")
    .option("--tls-key <file>", "its private key")
    .option("--tls-ca <file>", "clients must show a certificate that this authority signed")
    .option("--users", "the logins alone, to be included in a configuration of your own")
    .option("--no-newcomers", "keep out nodes that central does not know and did not invite")
    .option("--out <file>", "write to this file; default: standard output")
    .action(run<Options>(writeConfig));
}

async function writeConfig(cli: Cli, options: Options): Promise<number> {
  const { serverConfiguration, accountLines } = await import("../../../broker/server-config.ts");
  const { readHostPort } = await import("../../../config/schema/value-kinds.ts");
  const { node, central, broker } = await cli.config();
  if (node !== central)
    throw new StewardError("usage", {
      fault: `this is ${node}: only the management station, ${central}, knows the keys of all nodes`,
      command: COMMAND,
    });
  const { tlsCert: cert, tlsKey: key, tlsCa: ca, newcomers } = options;
  if ((cert === undefined) !== (key === undefined) || (ca !== undefined && cert === undefined))
    throw new StewardError("usage", { fault: "--tls-cert and --tls-key are given together", command: COMMAND });
  const address = readHostPort(options.listen);
  if (address === undefined)
    throw new StewardError("usage", {
      fault: `--listen takes <host>:<port>, not ${visible(options.listen)}`,
      command: COMMAND,
    });
  const logins = await (await cli.daemon()).brokerLogins();
  if (logins.length === 0) {
    const fault = "no node of this fleet has a key of its own (security: off): there is no login to write";
    throw new StewardError("usage", { fault, command: COMMAND });
  }
  const accounts = { central, logins, publishers: broker.publishers, newcomers };
  const tls =
    cert === undefined || key === undefined
      ? {}
      : { tls: { cert: cli.path(cert), key: cli.path(key), ...(ca === undefined ? {} : { ca: cli.path(ca) }) } };
  const text =
    options.users === true
      ? accountLines(accounts).join("\n")
      : serverConfiguration({ ...address, ...tls, maxPayload: MAX_PAYLOAD, access: { kind: "logins", ...accounts } });
  if (cli.json) cli.printJson({ logins, config: text });
  if (options.out === undefined) {
    if (!cli.json) cli.print(text.trimEnd());
    return EXIT.ok;
  }
  const file = cli.path(options.out);
  replace(file, `${text.trimEnd()}\n`);
  const nodes = new Set(logins.flatMap((login) => (login.kind === "node" ? [login.node] : []))).size;
  cli.note(`wrote ${visible(file)}: ${counted(nodes, "node")}, ${counted(logins.length - nodes, "other login")}`);
  cli.note("start it with: nats-server -c FILE; where it runs already: nats-server --signal reload");
  return EXIT.ok;
}

/** A server that reads the file at that moment finds all of the old one or all of the new one. */
function replace(file: string, text: string): void {
  try {
    writeDurably(file, text);
  } catch (error) {
    throw new StewardError("file-unwritable", { file: visible(file), fault: faultText(error) }, { cause: error });
  }
}
