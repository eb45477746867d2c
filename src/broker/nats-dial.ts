import { existsSync, readFileSync } from "node:fs";
import {
  type Authenticator,
  AuthorizationError,
  type ConnectionOptions,
  credsAuthenticator,
  NatsConnectionImpl,
  nkeyAuthenticator,
  ProtocolHandler,
  setTransportFactory,
  TimeoutError,
  tokenAuthenticator,
  UserAuthenticationExpiredError,
  usernamePasswordAuthenticator,
} from "nats";
import { NodeTransport, nodeResolveHost } from "nats/lib/node_transport.js";
import type { BrokerConfig } from "../config/config.ts";
import { faultText, StewardError } from "../message/errors.ts";
import type { LinkCode } from "./transport.ts";

/** The brokers that a connection may go to, and its login there. */
export type Address = Pick<BrokerConfig, "servers" | "auth" | "tls">;

/**
 * One attempt to connect to one of the brokers. The client's own `connect()` can be neither abandoned nor explained before
 * it has succeeded. This attempt can be abandoned at any time, tells why it failed, and never leaves a socket open.
 *
 * Names are resolved by the system (hosts file, mDNS) and each address is dialled for itself with the whole time limit:
 * Node's own race between addresses allows each 250 ms, too little over a satellite.
 */
export interface Dial {
  /** Rejects when no server accepts the connection, or when the attempt was abandoned. */
  readonly connected: Promise<Connection>;
  abandon(): void;
}

export interface Connection {
  readonly nats: NatsConnectionImpl;
  /** The broker has sent something: its answer to a ping may wait behind that, and is not missed. */
  alive(): void;
  /** Ends the connection now, without notice to the broker. */
  discard(): void;
}

const DIAL_TIMEOUT_MS = 15_000;
/** The reason for which a broker closes a connection, as the protocol writes it. */
const COMPLAINT = /-ERR '([^'\r\n]{1,200})'/;
const FULL = /^maximum .*connections exceeded$/i;
const TLS = /\btls\b|\bssl\b|certificate/i;
const RESET = /\b(?:ECONNRESET|EPIPE)\b/;
const TLS_CODES = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(GET|VERIFY)|HOSTNAME_MISMATCH|EPROTO)/;

/** The reason of a broker that closed the connection before the client had read it. */
class BrokerComplaint extends Error {}

/**
 * A broker that refuses the certificate of a client says so when the client takes the handshake for done (TLS 1.3), and closes:
 * where the first words of the client cross with that, its write fails, and the reason is never read.
 */
class EndedAfterTls extends Error {
  constructor(cause: unknown) {
    const fault = "the broker ended the connection right after the TLS handshake, without a word";
    super(`${fault}: it may not accept the certificate of this node, or want one (${faultText(cause)})`, { cause });
  }
}

/** Private only in the client's types. */
const NewConnection = NatsConnectionImpl as unknown as new (options: ConnectionOptions) => NatsConnectionImpl;

/** Checks the certificate of a broker that is given by its address against that address; the client takes `localhost`. */
class AddressedTransport extends NodeTransport {
  #host = "";
  /** The last reason that the broker gave: a client that fails to write never reads it. */
  complaint: string | undefined;
  /** TLS is there, and nothing has come through it yet. */
  isSilentAfterTls = false;

  override setupHandlers(): void {
    for (const frame of this.yields) this.#listen(frame);
    this.isSilentAfterTls = this.isEncrypted();
    this.socket.on("data", (frame: Uint8Array) => {
      this.isSilentAfterTls = false;
      this.#listen(frame);
    });
    super.setupHandlers();
  }

  #listen(frame: Uint8Array): void {
    // Complaints are rare, and what is looked through is all that this node receives.
    const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
    const at = bytes.indexOf("-ERR");
    if (at < 0) return;
    this.complaint = COMPLAINT.exec(bytes.toString("latin1", at))?.[1] ?? this.complaint;
  }

  override connect(...args: Parameters<NodeTransport["connect"]>): Promise<void> {
    this.#host = args[0].tlsName || args[0].hostname;
    return super.connect(...args);
  }

  override startTLS(): ReturnType<NodeTransport["startTLS"]> {
    this.options = { ...this.options, tls: { ...this.options.tls, host: this.#host } } as ConnectionOptions;
    return super.startTLS();
  }
}

setTransportFactory({ factory: () => new AddressedTransport(), dnsResolveFn: nodeResolveHost });

export function dialBroker(broker: Address, name: string, pingMs: number): Dial {
  let abandoned = false;
  let abandon = (): void => undefined;
  const given = new Promise<never>((_, reject) => {
    abandon = () => {
      abandoned = true;
      reject(new Error("abandoned"));
    };
  });
  given.catch(() => undefined);

  const dial = async (): Promise<Connection> => {
    const nats = new NewConnection(connectionOptions(broker, name, pingMs));
    const protocol = new ProtocolHandler(nats.options, nats);
    nats.protocol = protocol;
    const discard = (): void => {
      protocol.heartbeats.cancel();
      protocol.raceTimer?.cancel();
      protocol.transport?.discard();
      protocol.close().catch(() => undefined);
    };
    given.catch(discard);
    try {
      await protocol.dialLoop();
    } catch (error) {
      const { complaint, isSilentAfterTls } = (protocol.transport ?? {}) as Partial<AddressedTransport>;
      discard();
      if (isDenial(error)) throw error;
      if (complaint !== undefined) throw new BrokerComplaint(complaint, { cause: error });
      throw isSilentAfterTls === true && RESET.test(faultText(error)) ? new EndedAfterTls(error) : error;
    }
    if (abandoned) discard();
    const alive = (): void => {
      if (protocol.heartbeats.pendings.length > 0) protocol.heartbeats._reset();
    };
    return { nats, alive, discard };
  };

  const dialled = dial();
  dialled.catch(() => undefined);
  return { connected: Promise.race([dialled, given]), abandon: () => abandon() };
}

/** True when a broker answered and refused the login. */
export function isDenial(error: unknown): boolean {
  return (
    error instanceof AuthorizationError ||
    error instanceof UserAuthenticationExpiredError ||
    (error instanceof StewardError && error.code === "broker-auth")
  );
}

/** The code of a failure; the words of the protocol and of TLS are read nowhere else. */
export function dialCode(error: unknown): LinkCode {
  if (isDenial(error)) return "broker-auth";
  const text = faultText(error);
  if (FULL.test(text)) return "broker-full";
  const { code } = (error ?? {}) as { code?: unknown };
  return TLS.test(text) || (typeof code === "string" && TLS_CODES.test(code)) ? "broker-tls" : "broker-unreachable";
}

/** The reason of a failed attempt, for people. */
export function dialFault(error: unknown): string {
  if (error instanceof BrokerComplaint) return `the broker says: ${error.message}`;
  if (error instanceof TimeoutError) return `no answer within ${DIAL_TIMEOUT_MS / 1000} s`;
  if (error === undefined) return "the broker closed the connection";
  return faultText(error);
}

function connectionOptions(broker: Address, name: string, pingMs: number): ConnectionOptions {
  const tlsWanted = broker.tls !== null || broker.servers.some((server) => server.startsWith("tls://"));
  const { ca, cert, key } = broker.tls ?? {};
  const authenticator = authenticatorOf(broker);
  return {
    servers: [...broker.servers],
    name,
    timeout: DIAL_TIMEOUT_MS,
    // The transport reconnects by itself: the loop of the client can be neither stopped nor observed at its start.
    reconnect: false,
    ignoreAuthErrorAbort: true,
    ignoreClusterUpdates: true,
    noAsyncTraces: true,
    // A dead link is noticed when the third probe falls due: within two of the profile's intervals.
    pingInterval: Math.max(1, Math.floor((pingMs * 2) / 3)),
    maxPingOut: 2,
    ...(authenticator === undefined ? {} : { authenticator }),
    ...(tlsWanted
      ? {
          tls: { ...(ca ? { caFile: ca } : {}), ...(cert ? { certFile: cert } : {}), ...(key ? { keyFile: key } : {}) },
        }
      : {}),
  };
}

/** A challenge as nats-server makes it. */
const CHALLENGE = /^[A-Za-z0-9_+/=-]{1,64}$/;

/**
 * Signs challenges and nothing else. The broker chooses the text that a login signs, and the key may be the one that signs
 * lists of trust and commands: a hostile broker would have it sign those.
 */
function signer(sign: Authenticator, servers: readonly string[]): Authenticator {
  return (challenge) => {
    if (challenge !== undefined && challenge !== "" && !CHALLENGE.test(challenge)) {
      const fault = "it asks this node to sign a text that is no challenge of a login";
      throw new StewardError("broker-auth", { servers: servers.join(", "), fault });
    }
    return sign(challenge);
  };
}

/** A broker that asks for no signature is told no key. */
function identity(seed: Uint8Array): Authenticator {
  const sign = nkeyAuthenticator(seed);
  return (challenge) => (challenge === undefined || challenge === "" ? undefined : sign(challenge));
}

/** Files are read at each attempt: a renewed credential needs no restart. */
function authenticatorOf({ auth, servers }: Address): Authenticator | undefined {
  const read = (file: string): Uint8Array => {
    try {
      return readFileSync(file);
    } catch (cause) {
      throw new StewardError("broker-auth", { servers: servers.join(", "), fault: faultText(cause) }, { cause });
    }
  };
  const seedIn = (file: string): Uint8Array => {
    const seed = /S[A-Z2-7]{57}/.exec(Buffer.from(read(file)).toString("latin1"))?.[0];
    if (seed !== undefined) return Buffer.from(seed);
    throw new StewardError("broker-auth", { servers: servers.join(", "), fault: `${file} holds no nkey seed` });
  };
  switch (auth.kind) {
    case "none":
      return undefined;
    case "user":
      return usernamePasswordAuthenticator(auth.user, auth.password);
    case "token":
      return tokenAuthenticator(auth.token);
    case "nkey":
      return signer(nkeyAuthenticator(seedIn(auth.seedFile)), servers);
    case "identity":
      // A node without keys of its own (`security: off`) logs in as nobody.
      return existsSync(auth.seedFile) ? signer(identity(seedIn(auth.seedFile)), servers) : undefined;
    case "seed":
      return signer(nkeyAuthenticator(Buffer.from(auth.seed)), servers);
    case "creds":
      return signer(credsAuthenticator(read(auth.file)), servers);
  }
}
