import type { PublisherConfig } from "../config/config.ts";
import {
  introductionPermissions,
  type Login,
  NEWCOMER,
  nodePermissions,
  type Permissions,
  publisherPermissions,
} from "./logins.ts";

/** The configuration of a nats-server, from version 2.9.10 on. */
export interface ServerSettings {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly pidFile?: string;
  readonly maxPayload: number;
  readonly tls?: ServerTls;
  readonly access: Access;
}

/** Paths of PEM files. `ca`: clients must show a certificate that it signed. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
  readonly ca?: string;
}

/** The clients that the server lets in. */
export type Access =
  | { readonly kind: "open" }
  | { readonly kind: "user"; readonly user: string; readonly password: string }
  | { readonly kind: "token"; readonly token: string }
  | ({ readonly kind: "logins" } & Accounts);

/** A login for each node, with the subjects of that node. */
export interface Accounts {
  readonly central: string;
  readonly logins: readonly Login[];
  readonly publishers: readonly PublisherConfig[];
  /** Connections without credentials are let in, to introduce themselves. */
  readonly newcomers: boolean;
}

/** The text of the file. JSON strings are strings of this format too. No JetStream, no monitoring port: it only carries. */
export function serverConfiguration({ host, port, pidFile, maxPayload, tls, access }: ServerSettings): string {
  return [
    `host: ${quoted(host)}`,
    `port: ${port === 0 ? -1 : port}`,
    ...(pidFile === undefined ? [] : [`pid_file: ${quoted(pidFile)}`]),
    `max_payload: ${maxPayload}`,
    `max_pending: ${Math.max(64 * 1024 * 1024, 8 * maxPayload)}`,
    'write_deadline: "10s"',
    // Nodes ping at the pace of their own links; a ping of the server would cost the most on the dearest link. A connection
    // that was heard within the interval is not pinged, and every node says hello more often than this.
    'ping_interval: "11m"',
    "ping_max: 2",
    "logtime: false",
    ...(tls === undefined ? [] : tlsLines(tls)),
    ...accessLines(access),
    "",
  ].join("\n");
}

function tlsLines({ cert, key, ca }: ServerTls): string[] {
  const files = [`  cert_file: ${quoted(cert)}`, `  key_file: ${quoted(key)}`];
  const clients = ca === undefined ? [] : [`  ca_file: ${quoted(ca)}`, "  verify: true"];
  return ["tls {", ...files, ...clients, "}"];
}

function accessLines(access: Access): string[] {
  switch (access.kind) {
    case "open":
      return [];
    case "user":
      return [`authorization { user: ${quoted(access.user)}, password: ${quoted(access.password)} }`];
    case "token":
      return [`authorization { token: ${quoted(access.token)} }`];
    case "logins":
      return accountLines(access);
  }
}

/** `authorization` with a user for each login, and `no_auth_user` where newcomers are let in. */
export function accountLines({ central, logins, publishers, newcomers }: Accounts): string[] {
  const users = [
    ...logins.map((login) =>
      login.kind === "node"
        ? user(login.node, { nkey: login.key }, nodePermissions(login, central, publishers))
        : user("an invitation", { nkey: login.key }, introductionPermissions(login.name, central)),
    ),
    ...publishers.map((publisher) => {
      const { name, login } = publisher;
      const credentials = "key" in login ? { nkey: login.key } : { user: name, password: login.password };
      return user("a plain publisher", credentials, publisherPermissions(publisher));
    }),
    ...(newcomers
      ? [
          user(
            "nodes that central does not know yet",
            { user: NEWCOMER, password: "none is asked for" },
            introductionPermissions(NEWCOMER, central),
          ),
        ]
      : []),
  ];
  return [
    "authorization {",
    "  users = [",
    ...users,
    "  ]",
    "}",
    ...(newcomers ? [`no_auth_user: ${quoted(NEWCOMER)}`] : []),
  ];
}

function user(whose: string, credentials: Readonly<Record<string, string>>, permissions: Permissions): string {
  const login = Object.entries(credentials).map(([key, value]) => `${key}: ${quoted(value)}`);
  const { publish, subscribe } = permissions;
  return `    { ${login.join(", ")}, permissions: { publish: ${list(publish)}, subscribe: ${list(subscribe)} } } # ${whose}`;
}

function list(subjects: readonly string[]): string {
  return `[${subjects.map(quoted).join(", ")}]`;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
