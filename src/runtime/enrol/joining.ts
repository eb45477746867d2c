import type { Transport } from "../../broker/transport.ts";
import type { BrokerConfig } from "../../config/config.ts";
import type { Clock, Random } from "../../message/clock.ts";
import { StewardError } from "../../message/errors.ts";
import { Deferred } from "../../platform/deferred.ts";
import type { Identity } from "../../security/keys/identity.ts";
import type { IntroductionAnswer } from "../../security/trust/introduction.ts";
import { invitationLogin, type Token } from "../../security/trust/token.ts";
import { Introducer } from "./introducer.ts";

export interface JoinOptions {
  readonly token: Token;
  readonly identity: Identity;
  readonly openTransport: (login: { readonly name: string; readonly auth: BrokerConfig["auth"] }) => Transport;
  readonly clock: Clock;
  readonly random: Random;
  /** How long to wait for central, ms. */
  readonly within: number;
}

/**
 * Introduces a machine with its token, without a daemon.
 * @throws StewardError `central-silent`, `broker-unreachable`, `broker-auth`, `broker-tls`
 */
export async function introduceWith(options: JoinOptions): Promise<IntroductionAnswer> {
  const { token, identity, openTransport, clock, random, within } = options;
  const { central, centralKeys, node, secret, servers } = token;
  const { name, seed } = invitationLogin(secret);
  const transport = openTransport({ name, auth: authOf(token) ?? { kind: "seed", seed } });
  const answer = new Deferred<IntroductionAnswer>();
  const introducer = new Introducer({
    transport,
    clock,
    random,
    node,
    central,
    identity: () => identity,
    centralKeys: () => centralKeys,
    secret: () => secret,
    answered: (given) => answer.resolve(given),
  });
  const timer = clock.setTimeout(() => {
    const status = transport.status();
    const fault = "fault" in status ? status.fault : undefined;
    const code = "code" in status ? status.code : undefined;
    // The broker knows the login of every invitation that central has not forgotten.
    if (code === "broker-auth" && token.login === undefined)
      return answer.reject(new StewardError("token-unknown", { node }));
    answer.reject(
      status.state === "connected" || fault === undefined
        ? new StewardError("central-silent", { central, seconds: Math.round(within / 1000) })
        : new StewardError(code ?? "broker-unreachable", { servers: servers.join(", "), fault }),
    );
  }, within);
  try {
    return await answer.promise;
  } finally {
    clock.clearTimeout(timer);
    introducer.end();
    await transport.close();
  }
}

function authOf({ login }: Token): BrokerConfig["auth"] | undefined {
  if (login === undefined) return undefined;
  return "token" in login ? { kind: "token", token: login.token } : { kind: "user", ...login };
}
