import { readFileSync } from "node:fs";
import { fileFault, StewardError } from "../../../message/errors.ts";
import { nodeNameFault } from "../../../message/node-name.ts";
import { fingerprint, keysText, parseKeys } from "../../../security/keys/public-keys.ts";
import { giverName, type Speaker } from "../../../security/operators/speaker.ts";
import { fingerprintOf } from "../../../security/trust/registry.ts";
import { type Token, tokenText } from "../../../security/trust/token.ts";
import type { Membership } from "../../enrol/membership.ts";
import { Registrar } from "../../enrol/registrar.ts";
import { addressesOf } from "../broker-address.ts";
import type { OperateOptions } from "../rooms.ts";
import type { Choice, Decision, InvitationOrder, Invited, TrustView } from "../table/trust.ts";
import { unknownNode } from "./nodes.ts";

/** The life of a token unless the operator says otherwise, ms. */
const A_DAY = 86_400_000;

type Verb = Decision["verb"];

/** The trust of this node as operators see it, and their decisions on it. */
export class TrustDecisions {
  readonly #options: OperateOptions;
  readonly #speaker: Speaker;

  constructor(options: OperateOptions, speaker: Speaker) {
    this.#options = options;
    this.#speaker = speaker;
  }

  view(): TrustView {
    const { clock, config, core } = this.#options;
    const { node, central, security } = config();
    const { enrolment } = core();
    const base = { node, central, asOf: clock.now(), security };
    if (enrolment === undefined)
      return { ...base, security: "off", standing: "alone", version: 0, nodes: [], invitations: [] };
    return { ...base, ...(enrolment instanceof Registrar ? centralView(enrolment) : edgeView(enrolment)) };
  }

  /** @throws StewardError `not-central`, `security-off`, `broker-local`, `node-enrolled`, `usage` */
  async invite({ nodes, lasts = A_DAY, addresses }: InvitationOrder): Promise<Invited[]> {
    const registrar = this.#registrar();
    const { registry } = registrar;
    const { node: central, broker } = this.#options.config();
    const seen = new Set<string>();
    for (const { node } of nodes) {
      const fault = seen.has(node) ? "it is named twice" : nodeNameFault(node);
      if (fault !== undefined) throw new StewardError("usage", { fault: `${node}: ${fault}`, command: "invite" });
      seen.add(node);
    }
    const servers = addressesOf(broker, addresses);
    const login = loginOf(broker.auth);
    const ca = caOf(broker);
    const invited = registry.invite(nodes, lasts, giverName(this.#speaker, central));
    await this.#options.core().journal.flushed();
    const [centralKeys] = registry.centralKeys;
    if (centralKeys === undefined) throw new StewardError("security-off");
    return invited.map(({ node, secret, expiresAt }) => {
      const token: Token = {
        central,
        centralKeys,
        node,
        secret,
        expiresAt,
        servers,
        ...(login === undefined ? {} : { login }),
        ...(ca === undefined ? {} : { ca }),
      };
      return { node, token: tokenText(token), expiresAt };
    });
  }

  /** @throws StewardError `not-central`, `security-off`, `node-not-pending`, `node-not-trusted`, … */
  async decide(node: string, verb: Verb, choice: Choice): Promise<Decision> {
    const { config, core } = this.#options;
    const { node: self } = config();
    const by = giverName(this.#speaker, self);
    if (verb === "rekey" && node === self) return this.#rekeyCentral(choice);
    const isOpen = core().enrolment === undefined && verb === "decommission";
    const registrar = isOpen ? undefined : this.#registrar();
    if (self !== config().central) throw new StewardError("not-central", { node: self, central: config().central });
    if (node === self)
      throw new StewardError("usage", { fault: `${node} is the management station itself`, command: verb });
    if (registrar === undefined) {
      this.#insistHad(node);
      return { node, verb, told: [], ...(await this.#clear(node)) };
    }
    const { registry } = registrar;
    const trusting = registry.state.nodes.flatMap((one) => (one.peers.includes(node) ? [one.node] : []));
    switch (verb) {
      case "accept": {
        const record = registry.accept(node, choice, by);
        registrar.decided(node);
        await core().journal.flushed();
        return { node, verb, fingerprint: fingerprintOf(record), told: trusting };
      }
      case "reject": {
        const claims = registry.reject(node, choice, by);
        registrar.decided(node);
        const shown = claims.map(({ keys }) => fingerprint(keys)).join(", ");
        return { node, verb, fingerprint: shown, told: [] };
      }
      case "revoke": {
        const record = registry.revoke(node, by);
        core().fleet.decided(node, "revoked");
        await core().journal.flushed();
        return { node, verb, fingerprint: fingerprintOf(record), told: trusting };
      }
      case "rekey": {
        if (registry.record(node)?.standing !== "accepted") throw new StewardError("node-not-trusted", { node });
        registrar.orderKeys(node);
        await core().journal.flushed();
        return { node, verb, told: [node] };
      }
      case "decommission": {
        const isKnown = registry.decommission(node, by);
        if (!isKnown) this.#insistHad(node);
        const cleared = await this.#clear(node);
        return { node, verb, told: isKnown ? trusting : [], ...cleared };
      }
    }
  }

  /** @throws StewardError `node-unknown` for a name that no node has, and for which nothing waits */
  #insistHad(node: string): void {
    const { fleet, journal, maintenance, alertWatch } = this.#options.core();
    const isHeld = maintenance.of(node) !== undefined || alertWatch.mutes.of(node) !== undefined;
    if (fleet.has(node) || isHeld || journal.outbox.lanesTo(node).length > 0) return;
    throw unknownNode(node, [...fleet.names()]);
  }

  /**
   * Ends what waits for a node, also what is held for a job or an approval, and forgets the node: a machine that gets its name
   * later begins with nothing of it.
   */
  async #clear(node: string): Promise<{ withdrawn: number; interrupted: number }> {
    const { clock, core } = this.#options;
    const { journal, announce, fleet, holding, maintenance, alertWatch, labels, facts, jobs, toldSchedules } = core();
    jobs.nodeLeft(node);
    const reason = `${node} was decommissioned`;
    let held = 0;
    for (const group of [...journal.held.groups]) {
      if (group.heldCount === 0) continue;
      const members = journal.held.members(group);
      const its = [...group.held()].filter((index) => members[index]?.[1] === node);
      held += holding.end(group, its, "cancelled", reason);
    }
    const { withdrawn, interrupted } = journal.outbox.abandon(node, clock.now(), reason);
    maintenance.release([node], reason);
    alertWatch.mutes.unmute([node]);
    labels.forget(node);
    facts.forget(node);
    toldSchedules.forget(node);
    fleet.forget(node);
    await journal.flushed();
    announce.withdrawn([...withdrawn, ...interrupted]);
    return { withdrawn: withdrawn.length + held, interrupted: interrupted.length };
  }

  async #rekeyCentral({ now = false }: Choice): Promise<Decision> {
    const registrar = this.#registrar();
    const { node } = this.#options.config();
    const { keys, waitsFor } = registrar.changeKeys(now);
    await this.#options.core().journal.flushed();
    const told = registrar.registry.state.nodes.flatMap((one) => (one.standing === "accepted" ? [one.node] : []));
    return { node, verb: "rekey", fingerprint: fingerprint(keys), told, waitsFor };
  }

  #registrar(): Registrar {
    const { config, core } = this.#options;
    const { enrolment } = core();
    const { node, central } = config();
    if (enrolment === undefined) throw new StewardError("security-off");
    if (enrolment instanceof Registrar) return enrolment;
    throw new StewardError("not-central", { node, central });
  }
}

function centralView(registrar: Registrar): Omit<TrustView, "node" | "central" | "asOf" | "security"> {
  const { registry } = registrar;
  const { state, pending } = registry;
  const [own] = registry.centralKeys;
  const unconfirmed = new Set(registrar.unconfirmed());
  const nodes: TrustView["nodes"] = [
    ...state.nodes.map((record) => ({
      node: record.node,
      standing: record.standing,
      fingerprint: fingerprintOf(record),
      keys: record.keys[0] ?? "",
      since: record.since,
      by: record.by,
      ...(Object.keys(record.labels).length === 0 ? {} : { labels: record.labels }),
      ...(record.keys.length > 1 ? { changing: true as const } : {}),
      ...(unconfirmed.has(record.node) ? { unconfirmed: true as const } : {}),
    })),
    ...pending.all().map(({ node, keys, firstAt }) => ({
      node,
      standing: "pending" as const,
      fingerprint: fingerprint(keys),
      keys: keysText(keys),
      since: firstAt,
    })),
  ];
  const invitations = state.invitations.map(({ node, madeAt, expiresAt, by, spent }) => {
    const used = spent === undefined ? undefined : parseKeys(spent.keys);
    return {
      node,
      madeAt,
      expiresAt,
      by,
      ...(spent === undefined ? {} : { spentAt: spent.at }),
      ...(used === undefined ? {} : { fingerprint: fingerprint(used) }),
    };
  });
  const shown = own === undefined ? {} : { fingerprint: fingerprint(own), keys: keysText(own) };
  const central = own === undefined ? {} : { centralFingerprint: fingerprint(own) };
  return { standing: "central", version: state.version, nodes, invitations, ...shown, ...central };
}

function edgeView(membership: Membership): Omit<TrustView, "node" | "central" | "asOf" | "security"> {
  const { trust, identity, standing } = membership;
  const [central] = trust.centralKeys;
  const issuedAt = trust.list?.body.issuedAt ?? null;
  const nodes = (trust.list?.body.peers ?? []).map(({ node, keys, standing: of }) => ({
    node,
    standing: of,
    fingerprint: fingerprintOf({ keys }),
    keys: keys[0] ?? "",
    since: issuedAt,
  }));
  return {
    standing,
    version: trust.version,
    nodes,
    invitations: [],
    fingerprint: fingerprint(identity.keys),
    keys: keysText(identity.keys),
    ...(central === undefined ? {} : { centralFingerprint: fingerprint(central) }),
  };
}

type Broker = ReturnType<OperateOptions["config"]>["broker"];

/** A login that all nodes share travels in the token. */
function loginOf(auth: Broker["auth"]): Token["login"] | undefined {
  if (auth.kind === "user") return { user: auth.user, password: auth.password };
  return auth.kind === "token" ? { token: auth.token } : undefined;
}

/** The certificates that sign the broker's, where they are not those of the system. @throws StewardError `file-unreadable` */
function caOf({ tls, embedded }: Broker): string | undefined {
  const file = tls?.ca ?? (embedded?.tls == null ? undefined : embedded.tls.cert);
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new StewardError("file-unreadable", { file, fault: fileFault(error) }, { cause: error });
  }
}
