import type { BrokerConfig } from "../config/config.ts";
import type { Clock } from "../message/clock.ts";
import type { Logger } from "../platform/logger.ts";
import { type EmbeddedBroker, startEmbeddedBroker } from "./embedded.ts";
import type { Logins } from "./logins.ts";
import type { Access } from "./server-config.ts";

/** The embedded broker of central, which lets in the nodes that central has accepted, as they are at any time. */
export interface CentralBrokerOptions {
  readonly central: string;
  readonly broker: Pick<BrokerConfig, "auth" | "publishers">;
  readonly embedded: NonNullable<BrokerConfig["embedded"]>;
  /** Absent: nodes have no keys of their own (`security: off`). */
  readonly logins: Logins | undefined;
  /** For configuration and pid file. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** @throws StewardError `nats-server-missing`, `nats-server-failed` */
export async function startCentralBroker(options: CentralBrokerOptions): Promise<EmbeddedBroker> {
  const { embedded, logins, directory, clock, log } = options;
  const { host, port, tls } = embedded;
  const files = tls === null ? {} : { tls };
  const broker = await startEmbeddedBroker({ host, port, ...files, directory, clock, log, access: accessOf(options) });
  const ended = logins?.onChange(() => void broker.readAccess());
  // A change during the start was not told.
  await broker.readAccess();
  void broker.ended.then(ended);
  return broker;
}

/** A login that the configuration gives is that of all nodes; else each node has its own. */
function accessOf({ central, broker, embedded, logins }: CentralBrokerOptions): () => Access {
  const { auth, publishers } = broker;
  if (auth.kind === "user" || auth.kind === "token") return () => auth;
  if (logins === undefined) return () => ({ kind: "open" });
  const { newcomers } = embedded;
  return () => ({ kind: "logins", central, logins: logins.list(), publishers, newcomers });
}
