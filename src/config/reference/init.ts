import { StewardError } from "../../message/errors.ts";
import { nodeNameFault } from "../../message/node-name.ts";
import { checkConfig } from "../check.ts";
import { formatFault, show } from "../file/fault.ts";
import { flow } from "./yaml.ts";

export interface InitOptions {
  readonly role: "central" | "edge";
  /** This node's name; central's own is `central` unless given. */
  readonly node: string;
  /** Name of the management station; `central` unless given. An edge uses it. */
  readonly central?: string;
  /** Address of the broker. Central without one runs its own. */
  readonly broker?: string;
  /** Address on which central's own broker lets the edge nodes in, `host:port`. */
  readonly listen?: string;
  /** Addresses of the broker, in place of `broker`. */
  readonly servers?: readonly string[];
  /** Certificates that sign the broker's, a path. */
  readonly ca?: string;
  /** Central's keys, which an edge pins. */
  readonly centralKey?: string;
  /** Login of this node at the broker. The password may be `\${NAME}`, which is filled in from the environment. */
  readonly login?: Login;
  /** Data directory; `./var/<node>` unless given. */
  readonly data?: string;
  /** Path of the API's socket, which the daemon's group may use; beside the data, and its owner's, unless given. */
  readonly socket?: string;
  /** Path of the JSON Schema, for editors. */
  readonly schema?: string;
}

/** The variable from which a service takes its password at the broker. */
export const PASSWORD_VARIABLE = "STEWARD_BROKER_PASSWORD";

/** A login that all nodes share. Without one each node logs in with its own keys. */
export type Login = { readonly user: string; readonly password: string } | { readonly token: string };

/**
 * A commented steward.yaml to begin with. Valid as it stands.
 * @throws StewardError `usage` that names the option which cannot be written into one
 */
export function initConfig(options: InitOptions): string {
  for (const name of [options.node, options.central ?? "central"]) {
    const fault = nodeNameFault(name);
    if (fault !== undefined)
      throw new StewardError("usage", { command: "init", fault: `${show(name)} is not a name: ${fault}` });
  }
  const text = options.role === "central" ? centralText(options) : edgeText(options);
  // The variable that the password stands in may be set later, where the daemon runs.
  const checked = checkConfig(text, "steward.yaml", { [PASSWORD_VARIABLE]: "set later" });
  if ("config" in checked) return text;
  throw new StewardError("usage", { command: "init", fault: checked.faults.map(formatFault).join("\n") });
}

function head(options: InitOptions, title: string): string {
  const editor =
    options.schema === undefined ? "" : `# yaml-language-server: $schema=${options.schema.replace(/\s/g, "%20")}\n`;
  return `${editor}# ${title}
# All settings: steward config reference. Test this file: steward config check. Run it: steward up.
`;
}

function loginText(login: Login | undefined): string {
  if (login === undefined) return "";
  if ("token" in login) return `\n  token: ${flow(login.token)}`;
  return `\n  user: ${flow(login.user)}\n  password: ${flow(login.password)}`;
}

function dataText({ data, node, socket }: InitOptions): string {
  const access =
    socket === undefined
      ? ""
      : `

# Where \`steward run\` and the others find the daemon. Members of the daemon's group may use it; they may do all that root may,
# until you give each person a key and write another role here: docs/operators.md.
socket: ${flow(socket)}
socketAccess: group
operators:
  socket: admin`;
  return `# Journal, keys and output. Keep it: it is what makes messages durable.
data: ${flow(data ?? `./var/${node}`)}${access}`;
}

function ownBroker({ listen = "", login }: Pick<InitOptions, "listen" | "login">): string {
  const [, host = "", port = ""] = /^\[?(.*?)\]?:(\d{1,5})$/.exec(listen) ?? [];
  if (port === "") {
    const fault = `--listen takes the address and the port to listen on, such as 0.0.0.0:4222, not ${show(listen)}`;
    throw new StewardError("usage", { command: "init", fault });
  }
  return `# Where the messages travel: a nats-server of the daemon's own. Each enrolled node logs in with its own keys and reaches its own
# subjects alone; a machine that is not enrolled may introduce itself, and nothing else. What travels is sealed from node to
# node. host: 127.0.0.1 keeps the broker to this machine.
broker:
  embedded: ${flow({ host, port: Number(port) })}${loginText(login)}`;
}

function centralText(options: InitOptions): string {
  const { node } = options;
  const broker =
    options.broker === undefined
      ? ownBroker({ listen: "0.0.0.0:4222", ...options })
      : `# Where the messages travel.
broker:
  servers: [${flow(options.broker)}]${loginText(options.login)}`;
  return `${head(options, "steward on the management station. It can also run commands on itself.")}
# The name of this machine. The node whose name is that of \`central\` is the management station.
node: ${flow(node)}
central: ${flow(node)}

${broker}

${dataText(options)}

# Nodes that you expect are shown before they were ever seen.
nodes: []

# What this machine takes. \`from\` says who may send it.
subscribe:
  # Commands for this machine itself: steward run ${node} -- uptime
  - subject: command.shellcommand.operatingsystem
    from: [${flow(node)}]
    concurrency: 4

  # Logs that edge nodes forward here: one entry for each name that an edge gives to a log, or it is refused. "*" is any
  # accepted node.
  - subject: event.syslogforwarding.operatingsystem
    from: ["*"]
  - subject: event.syslogforwarding.nginx
    from: ["*"]
  - subject: event.syslogforwarding.apache
    from: ["*"]

# The fleet in a browser, on this machine alone: \`steward open\` prints a link that logs in. For others: docs/page.md.
page:
  listen: 127.0.0.1:8300
`;
}

function edgeText(options: InitOptions): string {
  const { node, central = "central", broker = "nats://127.0.0.1:4222", servers = [broker], ca, centralKey } = options;
  const tls = ca === undefined ? "" : `\n  tls: ${flow({ ca })}`;
  const pinned =
    centralKey === undefined
      ? `# The keys of the management station, which \`steward trust\` shows there. With them this node introduces itself, and waits
# for \`steward accept ${node}\`; with a token (\`steward invite ${node}\`, \`steward join TOKEN\`) nothing is to be written here.
#centralKey: U….X…`
      : `# The keys of the management station: this node believes no other.
centralKey: ${centralKey}`;
  return `${head(options, `steward on an edge node that ${central} commands and watches.`)}
# The name of this machine, unique in the fleet, and that of the management station.
node: ${flow(node)}
central: ${flow(central)}

# Where the messages travel.
broker:
  servers: ${flow(servers)}${loginText(options.login)}${tls}

${pinned}

${dataText(options)}

# What the link is like: lan, gsm or satellite. Slower links say hello less often and send smaller, compressed frames.
link: lan

# What this machine takes, and from whom.
subscribe:
  # Any command: steward run ${node} -- uptime
  - subject: command.shellcommand.operatingsystem
    from: [${flow(central)}]
    concurrency: 4

  # Only these commands: steward run ${node} --domain nginx -- systemctl reload nginx
  #- subject: command.shellcommand.nginx
  #  from: [${flow(central)}]
  #  allow: ["systemctl * nginx", "nginx -t"]

# What this machine sends by itself. The last word of a subject names the log; ${central} takes a log of which its own
# steward.yaml has \`event.syslogforwarding.NAME\` under \`subscribe:\`.
publish:
  # What programs log here by syslog:
  #- subject: ${central}.event.syslogforwarding.operatingsystem
  #  syslog: udp://127.0.0.1:5514

  # What is appended to a file:
  #- subject: ${central}.event.syslogforwarding.apache
  #  tail: /var/log/apache2/access.log
`;
}
