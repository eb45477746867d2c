import { z } from "zod";
import type { BrokerConfig } from "../config.ts";
import { kind, mapping, setting } from "./about.ts";
import { flag, flagHint, host, keyFile, listOf, path, secret, server, wholeNumber } from "./fields.ts";

const embedded = kind(
  z.union([
    flag(),
    mapping({
      host: setting(host().prefault("127.0.0.1"), { description: "Address to listen on; 0.0.0.0 for all." }),
      port: setting(wholeNumber(1, 65535).prefault(4222), { description: "Port to listen on." }),
    }),
  ]),
  { expects: "true, false, or a mapping with host and port", why: flagHint },
);

function credential(auth: BrokerConfig["auth"], field: "user" | "password" | "token" | "seedFile" | "file"): string {
  const value: unknown = field in auth ? auth[field as keyof typeof auth] : undefined;
  return typeof value === "string" ? value : "none";
}

/** `broker:` in steward.yaml. */
export const broker = mapping({
  servers: setting(listOf(server(), "a list of addresses such as [nats://127.0.0.1:4222]", 1).optional(), {
    description: "Addresses of the NATS broker; more than one for a cluster. tls:// demands TLS.",
    example: ["nats://127.0.0.1:4222"],
    shown: true,
  }),
  embedded: setting(embedded.prefault(false), {
    description:
      "Instead of `servers`, on central only: run a nats-server of the daemon's own, under its supervision. `true` listens on 127.0.0.1:4222; {host: 0.0.0.0, port: 4222} lets the edge nodes in.",
    read: ({ broker: { embedded: own } }) => (own === null ? "false" : `${own.host}:${own.port}`),
  }),
  user: setting(secret().optional(), {
    description: "User name at the broker. Credentials are one of: user and password, token, nkey, creds.",
    example: "ship1",
    read: ({ broker: { auth } }) => credential(auth, "user"),
  }),
  password: setting(secret().optional(), {
    description: `Its password. user, password and token may take environment variables: \${NAME} ($\${ stands for \${ itself).`,
    example: `\${STEWARD_BROKER_PASSWORD}`,
    read: ({ broker: { auth } }) => credential(auth, "password"),
    secret: true,
  }),
  token: setting(secret().optional(), {
    description: "A token, instead of user and password.",
    example: `\${STEWARD_BROKER_TOKEN}`,
    read: ({ broker: { auth } }) => credential(auth, "token"),
    secret: true,
  }),
  nkey: setting(keyFile().optional(), {
    description: "File that holds an nkey seed.",
    example: "./ship1.nk",
    read: ({ broker: { auth } }) => credential(auth, "seedFile"),
  }),
  creds: setting(keyFile().optional(), {
    description: "File with JWT and seed, as `nsc` writes it.",
    example: "./ship1.creds",
    read: ({ broker: { auth } }) => credential(auth, "file"),
  }),
  tls: setting(
    mapping({
      ca: setting(path().optional(), {
        description: "Certificates that sign the broker's; absent: those of the system.",
        example: "./ca.pem",
      }),
      cert: setting(path().optional(), {
        description: "This node's certificate, if the broker asks for one.",
        example: "./ship1.pem",
      }),
      key: setting(path().optional(), { description: "Its private key.", example: "./ship1.key" }),
    }).optional(),
    {
      description: "Speak TLS with the broker. {} is enough when a known authority signed the broker's certificate.",
      example: {},
      read: ({ broker: { tls } }) =>
        tls === null
          ? "off"
          : `{${Object.entries(tls)
              .map(([key, file]) => `${key}: ${file}`)
              .join(", ")}}`,
    },
  ),
});
