import { createSocket } from "node:dgram";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Daemon } from "../daemon.ts";

/** The place of the demo: a directory with the configuration and the data of each node, and free ports. */
export interface Stage {
  readonly directory: string;
  /** nats-server, on 127.0.0.1. */
  readonly brokerPort: number;
  /** Port of central's page, on 127.0.0.1. */
  readonly pagePort: number;
  /** Port of ship1 for the syslog of nginx, on 127.0.0.1. */
  readonly syslogPort: number;
  /** Log of apache, which ship1 follows. */
  readonly accessLog: string;
  configOf(node: string): string;
  /** File with the standard output of a daemon. */
  logOf(node: string): string;
  remove(): void;
}

export const SHIPS = ["ship1", "ship2", "ship3"] as const;

export async function setStage(): Promise<Stage> {
  const brokerPort = await freeTcpPort();
  const pagePort = await freeTcpPort();
  const syslogPort = await freeUdpPort();
  // The rest is synchronous: an interruption finds the whole stage or none.
  const directory = mkdtempSync(join(tmpdir(), "steward-demo-"));
  const stage: Stage = {
    directory,
    brokerPort,
    pagePort,
    syslogPort,
    accessLog: join(directory, "apache", "access.log"),
    configOf: (node) => join(directory, `${node}.yaml`),
    logOf: (node) => join(directory, `${node}.log`),
    remove: () => rmSync(directory, { recursive: true, force: true, maxRetries: 3 }),
  };
  mkdirSync(join(directory, "apache"));
  writeFileSync(stage.accessLog, "");
  writeFileSync(stage.configOf("central"), centralYaml(stage));
  for (const ship of SHIPS) writeFileSync(stage.configOf(ship), shipYaml(ship, stage));
  return stage;
}

/** Lets the ships in: each has a token of central, and introduces itself with it when it comes up. */
export async function inviteShips(central: Daemon, { directory }: Stage): Promise<void> {
  const { readToken } = await import("../../security/trust/token.ts");
  const { keepToken } = await import("../../security/trust/edge-trust.ts");
  const invited = await central.invite({ nodes: SHIPS.map((node) => ({ node })), addresses: ["127.0.0.1"] });
  for (const { node, token } of invited) {
    const data = join(directory, node);
    mkdirSync(data, { mode: 0o700 });
    keepToken(data, readToken(token));
  }
}

function centralYaml({ brokerPort, pagePort }: Stage): string {
  return `# The management station of the demo.
node: central
central: central
broker:
  embedded: {host: 127.0.0.1, port: ${brokerPort}}   # a nats-server of its own, under supervision
data: ./central
socket: ./central.sock
hello: 2s
page: {listen: "127.0.0.1:${pagePort}"}
nodes: [${SHIPS.join(", ")}]                 # expected: shown before they were ever seen

subscribe:
  - subject: event.syslogforwarding.nginx
    from: ["*"]
  - subject: event.syslogforwarding.apache
    from: ["*"]
`;
}

function shipYaml(ship: string, { brokerPort, syslogPort, accessLog }: Stage): string {
  const publish = `
publish:
  - subject: central.event.syslogforwarding.nginx
    syslog: udp://127.0.0.1:${syslogPort}
  - subject: central.event.syslogforwarding.apache
    tail: ${JSON.stringify(accessLog)}
`;
  return `# An edge node of the demo.
node: ${ship}
central: central
broker:
  servers: [nats://127.0.0.1:${brokerPort}]
data: ./${ship}
socket: ./${ship}.sock
hello: 2s
shell: {grace: 1s}

subscribe:
  - subject: command.shellcommand.operatingsystem
    from: [central]
    concurrency: 4
${ship === "ship1" ? publish : ""}`;
}

async function freeTcpPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  const { port } = socket.address();
  socket.close();
  await once(socket, "close");
  return port;
}
