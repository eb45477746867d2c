import { checkConfig } from "../../src/config/check.ts";
import type { Config } from "../../src/config/config.ts";
import { formatFault } from "../../src/config/file/fault.ts";

export const FILE = "/etc/steward/steward.yaml";

/** Section 7 of the design, verbatim. */
export const DESIGN_EXAMPLE = `node: ship1
central: central
broker:
  servers: [nats://127.0.0.1:4222]      # or \`embedded: true\` on central: a nats-server child under supervision
data: ./var/ship1
link: lan                               # lan | gsm | satellite: heartbeat, ping, window, compression
hello: 10s
subscribe:
  - subject: command.shellcommand.operatingsystem
    from: [central]
    concurrency: 4
  - subject: command.shellcommand.nginx
    from: [central]
    allow: ["systemctl * nginx", "nginx -t"]
publish:
  - subject: central.event.syslogforwarding.nginx
    syslog: udp://127.0.0.1:5514
  - subject: central.event.syslogforwarding.apache
    tail: /var/log/apache2/access.log
`;

/** The least that is valid, and what is added to it. */
export function minimal(more = "", broker = "{servers: [nats://127.0.0.1:4222]}"): string {
  return `node: ship1\nbroker: ${broker}\ndata: ./var/ship1\n${more}`;
}

export function configOf(text: string, env: Record<string, string> = {}): Config {
  const checked = checkConfig(text, FILE, env);
  if ("faults" in checked) throw new Error(checked.faults.map(formatFault).join("\n"));
  return checked.config;
}

/** The faults without the name of the file: `12:5 subscribe[0].queue: …`. */
export function faultsOf(text: string, env: Record<string, string> = {}): string[] {
  const checked = checkConfig(text, FILE, env);
  return "faults" in checked ? checked.faults.map((fault) => formatFault(fault).slice(FILE.length + 1)) : [];
}
