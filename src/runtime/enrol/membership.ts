import { NEWCOMER } from "../../broker/logins.ts";
import type { Transport } from "../../broker/transport.ts";
import type { BrokerConfig, Config } from "../../config/config.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Clock, Random, Timer } from "../../message/clock.ts";
import type { DraftTaker } from "../../message/draft.ts";
import { faultText, StewardError } from "../../message/errors.ts";
import type { Json } from "../../message/message.ts";
import type { Outcome } from "../../message/report.ts";
import { isToken } from "../../message/subject.ts";
import type { Logger } from "../../platform/logger.ts";
import type { Identity } from "../../security/keys/identity.ts";
import { fingerprint } from "../../security/keys/public-keys.ts";
import type { Signed } from "../../security/keys/signed.ts";
import type { EdgeTrust } from "../../security/trust/edge-trust.ts";
import { type IntroductionAnswer, sealIntroduction } from "../../security/trust/introduction.ts";
import type { OwnKeys } from "../../security/trust/own-keys.ts";
import { invitationLogin } from "../../security/trust/token.ts";
import type { TrustList } from "../../security/trust/trust-list.ts";
import { Introducer } from "./introducer.ts";
import { type TrustOrder, trustSubject } from "./trust-method.ts";

/**
 * The membership of an edge in its fleet.
 *
 *   alone ──introduction──▶ pending, refused (it asks again) ──a list──▶ enrolled ──central silent for long──▶ asks again
 *
 * An enrolled node takes newer lists from central as durable commands. The newest list also stands in the journal: an older
 * `trust.json` that was put in place of the newer one does not count.
 */
export interface MembershipOptions {
  readonly trust: EdgeTrust;
  readonly keys: OwnKeys;
  readonly node: string;
  readonly central: string;
  readonly config: () => Config;
  readonly journal: Journal;
  readonly submitter: DraftTaker;
  /** Opens a connection that may do nothing but introduce this node. */
  readonly openTransport: (login: { readonly name: string; readonly auth: BrokerConfig["auth"] }) => Transport;
  /** True while central is heard. */
  readonly hears: () => boolean;
  /** The node is enrolled: hellos and lanes begin. */
  readonly enrolled: () => void;
  /** Lanes to nodes that are trusted now go on. */
  readonly resume: () => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly failures: {
    report(code: string, text: string, same?: string): void;
    over(code: string, text: string, same?: string): void;
  };
}

const MARK = "trust";
/** An enrolled node that has not heard of central for so long asks whether it still belongs to the fleet, ms. */
const SILENCE = 600_000;
/** How long to wait before central is asked again for the keys of a node that it does not know, ms. */
const ASK_AGAIN = 60_000;
const ASKED_WITHIN = 3_600_000;
const NOT_ENROLLED = "not-enrolled";

export class Membership {
  readonly #options: MembershipOptions;
  readonly #asked = new Map<string, string>();
  readonly #timers = new Set<Timer>();
  #introducer: { end(): void } | undefined;
  #silence: Timer | undefined;
  #standing: "alone" | "pending" | "refused" = "alone";
  #told = "";
  readonly #release: () => void;

  constructor(options: MembershipOptions) {
    this.#options = options;
    const { trust, journal, failures } = options;
    const kept = (journal.checkpoint(MARK) as unknown as Signed<TrustList> | undefined) ?? undefined;
    if (
      kept !== undefined &&
      trust.isEnrolled &&
      kept.body.fleet === trust.list?.body.fleet &&
      kept.body.version > trust.version
    ) {
      const text = `${trust.path} was an older one (version ${trust.version}): version ${kept.body.version} is used, which the journal holds`;
      trust.take(kept);
      failures.report("trust-list-older", text);
    }
    this.#keep();
    this.#release = trust.onChange(() => options.resume());
  }

  begin(): void {
    const { trust, config, node, central } = this.#options;
    trust.askBy((other) => this.#ask(other));
    if (!trust.isEnrolled) this.#introduce();
    for (const { from } of config().subscribe)
      for (const other of from) if (isToken(other) && other !== node && other !== central) trust.peer(other);
    this.#watch();
  }

  end(): void {
    this.#release();
    this.#introducer?.end();
    this.#introducer = undefined;
    this.#options.clock.clearTimeout(this.#silence);
    for (const timer of this.#timers) this.#options.clock.clearTimeout(timer);
  }

  /** Why this node is not enrolled, in words; `undefined`: it is. */
  get standing(): "alone" | "pending" | "refused" | "enrolled" {
    return this.#options.trust.isEnrolled ? "enrolled" : this.#standing;
  }

  get trust(): EdgeTrust {
    return this.#options.trust;
  }

  get identity(): Identity {
    return this.#options.keys.identity;
  }

  introduced(): void {
    throw new StewardError("introduction-invalid", { fault: "this node is not the management station" });
  }

  /** An order of central. */
  take(origin: string, order: TrustOrder): Json {
    const { node, central, keys, trust, random } = this.#options;
    if (origin !== central)
      throw new StewardError("trust-list-invalid", { node, fault: `${origin} is not the management station` });
    if ("list" in order) return this.#taken(order.list);
    const [centralKeys] = trust.centralKeys;
    if (!("rekey" in order) || centralKeys === undefined)
      throw new StewardError("trust-list-invalid", { node, fault: "only the management station gives keys out" });
    const next = keys.prepare(random, trust.list?.body.own ?? []);
    const said = sealIntroduction(next, centralKeys, { node, secret: undefined }, random.bytes(32));
    return { proof: Buffer.from(said.packet).toString("base64url") };
  }

  /** A question to central has ended. */
  ended(id: string, { result }: Pick<Outcome, "state" | "result">): void {
    const node = this.#asked.get(id);
    if (node === undefined) return;
    this.#asked.delete(id);
    const { given = [] } = (result ?? {}) as { readonly given?: Json };
    if (Array.isArray(given) && given.includes(node)) return;
    this.#later(ASK_AGAIN, () => this.#options.trust.forgetAsked(node));
  }

  #taken(list: Signed<TrustList>): Json {
    const { trust, keys, log } = this.#options;
    const known = trust.list?.body.own ?? [];
    if (trust.take(list)) {
      const { version, own } = list.body;
      log.info({ version }, `trust list ${version} of the management station is taken`);
      // Central accepts one pair alone, and has seen that this node uses it.
      if (own.length === 1 && (keys.goOver(own[0]) || known.length > 1)) keys.settle();
      this.#keep();
    }
    return { version: trust.version };
  }

  #keep(): void {
    const { trust, journal } = this.#options;
    if (trust.list !== undefined) journal.setCheckpoint({ key: MARK, value: trust.list as unknown as Json });
  }

  #introduce(): void {
    const { trust, keys, node, central, clock, random, config, openTransport, log } = this.#options;
    if (this.#introducer !== undefined) return;
    if (trust.centralKeys.length === 0) {
      const text = `${node} is not enrolled: type \`steward invite ${node}\` at the management station, and \`steward join TOKEN\` here`;
      this.#tell(text);
      return;
    }
    const secret = trust.join === undefined ? undefined : Buffer.from(trust.join.secret, "base64url");
    const { auth } = config().broker;
    const login = secret === undefined ? undefined : invitationLogin(secret);
    // A login that all nodes share serves the introduction as well.
    const own = auth.kind === "identity" ? ({ kind: "none" } as const) : auth;
    const transport = openTransport(
      login === undefined || auth.kind !== "identity"
        ? { name: login?.name ?? NEWCOMER, auth: own }
        : { name: login.name, auth: { kind: "seed", seed: login.seed } },
    );
    const introducer = new Introducer({
      transport,
      clock,
      random,
      node,
      central,
      identity: () => keys.identity,
      centralKeys: () => trust.centralKeys.at(-1),
      secret: () => secret,
      answered: (answer) => this.#answered(answer),
    });
    this.#introducer = {
      end: () => {
        introducer.end();
        transport
          .close()
          .catch((error: unknown) => log.warn({ err: error }, "the connection of the introduction did not close"));
      },
    };
  }

  #answered({ standing, list, reason, remedy }: IntroductionAnswer): void {
    const { trust, keys, node, central, log, failures, enrolled } = this.#options;
    const shown = fingerprint(keys.identity.keys);
    try {
      if (standing === "accepted" && list !== undefined) {
        const isNew = trust.take(list);
        this.#keep();
        this.#introducer?.end();
        this.#introducer = undefined;
        log.info({ version: list.body.version }, `${central} has accepted ${node}`);
        failures.over(NOT_ENROLLED, `${node} is enrolled`);
        if (isNew) enrolled();
        return;
      }
    } catch (error) {
      this.#tell(`the answer of ${central} is not taken: ${faultText(error)}`);
      return;
    }
    if (standing === "accepted") return;
    this.#standing = standing;
    if (standing === "pending")
      this.#tell(`${node} waits to be accepted; type at ${central}: steward accept ${node} (fingerprint ${shown})`);
    else {
      this.#tell(`${central} does not let ${node} in: ${reason ?? "it gave no reason"} ${remedy ?? ""}`.trim());
      // A token that is refused stays refused; the machine then waits like one without.
      if (trust.join !== undefined) trust.dropJoin();
    }
  }

  #tell(text: string): void {
    if (text === this.#told) return;
    this.#told = text;
    this.#options.failures.report(NOT_ENROLLED, text);
  }

  /** An enrolled node that central does not answer may have missed a change of central's keys, or its own end. */
  #watch(): void {
    const { clock, trust, hears } = this.#options;
    this.#silence = clock.setTimeout(() => {
      if (trust.isEnrolled && !hears()) this.#introduce();
      else if (trust.isEnrolled && this.#introducer !== undefined) {
        this.#introducer.end();
        this.#introducer = undefined;
      }
      this.#watch();
    }, SILENCE);
  }

  #ask(other: string): void {
    const { submitter, central, log } = this.#options;
    try {
      const draft = { subject: trustSubject(central), data: { peers: [other] }, deliverBy: ASKED_WITHIN };
      const [asked] = submitter.submit([draft], { owed: true });
      if (asked !== undefined) this.#asked.set(asked.message.id, other);
    } catch (error) {
      log.warn({ node: other, fault: faultText(error) }, "central could not be asked for the keys of a node");
      this.#later(ASK_AGAIN, () => this.#options.trust.forgetAsked(other));
    }
  }

  #later(ms: number, act: () => void): void {
    const timer = this.#options.clock.setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }
}
