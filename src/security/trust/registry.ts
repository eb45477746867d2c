import type { Clock, Random } from "../../message/clock.ts";
import { StewardError } from "../../message/errors.ts";
import type { Json } from "../../message/message.ts";
import { type LabelSet, labelsFault } from "../../message/target/labels.ts";
import type { Identity } from "../keys/identity.ts";
import { fingerprint, keyId, keysText, type PublicKeys, parseKeys, signKeyOf } from "../keys/public-keys.ts";
import { type Signed, signBody } from "../keys/signed.ts";
import { type Claim, PendingClaims } from "./pending-claims.ts";
import { readRegistry, registryPath, writeRegistry } from "./registry-file.ts";
import { emptyState, type FormerKeys, type Invitation, type NodeRecord, type RegistryState } from "./registry-state.ts";
import { invitationLogin, loginName, SECRET_BYTES, secretHash } from "./token.ts";
import type { Peer, Trust } from "./trust.ts";
import { MOST_PEERS, TRUST_LIST, type TrustList } from "./trust-list.ts";

/**
 * Central's record of which machine is which node. The registry decides on each machine, and signs the trust list of each node.
 *
 *   (unknown) → pending → accepted → revoked        a token leads from unknown to accepted
 *                 ↓                     ↓
 *              rejected           (decommissioned: the name is free, the keys are never taken again)
 *
 * A change is on disk, in `registry.json`, before it has any effect, and has its effect in the same turn: the next packet is
 * judged by it. Machines that wait to be accepted are in memory alone, for they introduce themselves again and again.
 */
export interface RegistryOptions {
  /** The data directory of central. */
  readonly data: string;
  /** Central's own name. */
  readonly node: string;
  readonly identity: Identity;
  readonly clock: Clock;
  readonly random: Random;
}

/** The answer to a machine that introduced itself. */
export type Admittance =
  | { readonly kind: "accepted"; readonly list: Signed<TrustList> }
  | { readonly kind: "pending"; readonly fingerprint: string; readonly isNew: boolean }
  | { readonly kind: "refused"; readonly error: StewardError };

/** An entry of the broker's list of users; see `broker/logins.ts`. */
export type BrokerLogin =
  | { readonly kind: "node"; readonly node: string; readonly key: string; readonly peers: readonly string[] }
  | { readonly kind: "invitation"; readonly name: string; readonly key: string };

/** The choice of one machine where several wait under one name, and whether it takes the place of an enrolled one. */
export interface Choice {
  readonly fingerprint?: string | undefined;
  readonly replace?: boolean | undefined;
}

export interface Invited {
  readonly node: string;
  readonly secret: Uint8Array;
  readonly expiresAt: number;
}

/** Used and expired invitations are kept so long, so that whoever shows one is told why it is refused. */
const KEPT_INVITATIONS = 7 * 86_400_000;
const MOST_INVITATIONS = 10_000;
const MOST_KEYS = 2;

export class Registry implements Trust {
  readonly #options: RegistryOptions;
  readonly #path: string;
  readonly pending: PendingClaims;
  readonly #listeners = new Set<(touched: ReadonlySet<string>) => void>();
  readonly #holders = new Map<string, Peer>();
  readonly #records = new Map<string, NodeRecord>();
  /** The newest invitation of each node that has none of its machines in the fleet. */
  readonly #invited = new Map<string, Invitation>();
  /** The nodes that may be sealed for, each with its newest keys: each packet to one asks. */
  readonly #peers = new Map<string, Peer>();
  readonly #parsed = new Map<string, { readonly id: string; readonly keys: PublicKeys | undefined }>();
  #identity: Identity;
  #state: RegistryState;

  /** @throws StewardError `registry-damaged`, `file-unreadable` */
  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#identity = options.identity;
    this.#path = registryPath(options.data);
    this.pending = new PendingClaims(options.clock);
    this.#state = readRegistry(this.#path, options.identity) ?? emptyState(options.identity.keys.sign);
    this.#index();
  }

  get state(): RegistryState {
    return this.#state;
  }

  get path(): string {
    return this.#path;
  }

  /** Central's keys that nodes may trust, the newest first. */
  get centralKeys(): readonly PublicKeys[] {
    const { keys } = this.#identity;
    const next = parsed(this.#state.announced);
    return next === undefined ? [keys] : [next, keys];
  }

  holder(id: string): Peer | undefined {
    return this.#holders.get(id) ?? this.pending.holder(id);
  }

  peer(node: string): Peer | undefined {
    if (node === this.#options.node) return { node, keys: this.#identity.keys, standing: "accepted" };
    return this.#peers.get(node);
  }

  /** `changed` is given the nodes whose trust lists are new; until the returned function is called. */
  onChange(changed: (touched: ReadonlySet<string>) => void): () => void {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  }

  record(node: string): NodeRecord | undefined {
    return this.#records.get(node);
  }

  /** The nodes that were invited and have not joined, with the newest invitation of each, which may have expired. */
  get invited(): ReadonlyMap<string, Invitation> {
    return this.#invited;
  }

  /** The users of the broker: central, the accepted nodes, the bearers of invitations. */
  list(): readonly BrokerLogin[] {
    const { keys: own, previous } = this.#identity;
    const central = (previous === undefined ? [own] : [own, previous.keys]).map(({ sign: key }) => ({
      kind: "node" as const,
      node: this.#options.node,
      key,
      peers: [],
    }));
    const nodes = this.#state.nodes.flatMap(({ node, keys, standing, peers }) =>
      standing === "accepted" ? keys.map((text) => ({ kind: "node" as const, node, key: signKeyOf(text), peers })) : [],
    );
    // The bearer of a used or expired token still reaches central, and is told why it is refused.
    const invitations = this.#state.invitations.map(({ hash, login: key }) => ({
      kind: "invitation" as const,
      name: loginName(hash),
      key,
    }));
    return [...central, ...nodes, ...invitations];
  }

  /** The trust list of an accepted node. `signer`: a pair of central's keys that the node trusts. */
  listFor(node: string, signer: Identity = this.#identity): Signed<TrustList> | undefined {
    const record = this.#records.get(node);
    if (record?.standing !== "accepted") return undefined;
    const { fleet, operators, policies } = this.#state;
    const peers = record.peers.flatMap((name) => {
      const peer = this.#records.get(name);
      return peer === undefined ? [] : [{ node: name, keys: peer.keys, standing: peer.standing }];
    });
    const body: TrustList = {
      fleet,
      node,
      version: record.version,
      issuedAt: this.#options.clock.now(),
      central: this.centralKeys.map(keysText),
      own: record.keys,
      peers,
      operators,
      policies,
    };
    return signBody(signer, TRUST_LIST, body);
  }

  /** Makes a token's secret for each node, all or none. @throws StewardError `node-enrolled`, `usage` */
  invite(
    wanted: readonly { readonly node: string; readonly labels?: LabelSet; readonly replace?: boolean }[],
    lasts: number,
    by: string,
  ): Invited[] {
    const { clock, random, node: self } = this.#options;
    const madeAt = clock.now();
    const expiresAt = madeAt + lasts;
    const made: Invited[] = [];
    const invitations: Invitation[] = [];
    for (const { node, labels = {}, replace = false } of wanted) {
      const fault = labelsFault(labels);
      if (fault !== undefined) throw new StewardError("usage", { fault, command: "invite" });
      if (node === self) throw new StewardError("usage", { fault: `${node} is central itself`, command: "invite" });
      if (!replace) this.#insistFree(node);
      const secret = random.bytes(SECRET_BYTES);
      const { key: login } = invitationLogin(secret);
      invitations.push({ hash: secretHash(secret), login, node, labels, madeAt, expiresAt, by, replace });
      made.push({ node, secret, expiresAt });
    }
    const names = new Set(wanted.map(({ node }) => node));
    // A newer token of a node takes the place of an unused one.
    const others = this.#state.invitations.filter(({ node, spent }) => spent !== undefined || !names.has(node));
    const all = [...others, ...invitations];
    if (all.length > MOST_INVITATIONS) {
      const fault = `${all.length} invitations would be open, ${MOST_INVITATIONS} are allowed`;
      throw new StewardError("usage", { fault, command: "invite" });
    }
    this.#change({ invitations: all }, []);
    return made;
  }

  /** Judges a machine that says its name and has proved its keys. `secret`: that of its token. */
  introduce(
    node: string,
    keys: PublicKeys,
    secret: Uint8Array | undefined,
    signer: Identity = this.#identity,
  ): Admittance {
    const text = keysText(keys);
    const holder = this.#holders.get(keyId(keys));
    if (holder !== undefined) {
      if (holder.node !== node || holder.standing !== "accepted" || keysText(holder.keys) !== text)
        return refusal("machine-refused", { node, fingerprint: fingerprint(keys), standing: standingOf(holder, node) });
      const list = this.listFor(node, signer);
      if (list !== undefined) return { kind: "accepted", list };
    }
    if (node === this.#options.node)
      return refusal("node-enrolled", { node, fingerprint: fingerprint(this.centralKeys[0] ?? keys) });
    if (secret === undefined) {
      const isNew = this.pending.add({ node, keys });
      if (isNew === undefined) return refusal("pending-full", { node, limit: this.pending.limit });
      return { kind: "pending", fingerprint: fingerprint(keys), isNew };
    }
    const hash = secretHash(secret);
    const invitation = this.#state.invitations.find((one) => one.hash === hash);
    const error = this.#tokenFault(invitation, node, text);
    if (error !== undefined || invitation === undefined)
      return { kind: "refused", error: error ?? new StewardError("token-unknown", { node }) };
    const spent = { ...invitation, spent: { at: this.#options.clock.now(), keys: text } };
    const invitations = this.#state.invitations.map((one) => (one === invitation ? spent : one));
    this.#enrol({ node, keys }, invitation.labels, `${invitation.by}, by a token`, { invitations });
    return this.#accepted(node, signer);
  }

  /** Accepts a machine that waits, or one that was revoked by mistake. @throws StewardError `node-not-pending`, `pending-ambiguous`, `node-enrolled` */
  accept(node: string, { fingerprint: wanted, replace = false }: Choice, by: string): NodeRecord {
    const record = this.#records.get(node);
    if (record?.standing === "revoked" && this.pending.of(node).length === 0) {
      this.#insistFingerprint(record, wanted);
      this.#change({ nodes: this.#with({ ...record, standing: "accepted", since: this.#options.clock.now(), by }) }, [
        node,
        ...this.#trusting(node),
      ]);
    } else {
      const claim = this.#claim(node, wanted);
      if (!replace) this.#insistFree(node);
      this.#enrol(claim, record?.labels ?? {}, by, {});
    }
    return this.#records.get(node) as NodeRecord;
  }

  /** Never lets in the machines that wait under a name. @throws StewardError `node-not-pending` */
  reject(node: string, { fingerprint: wanted }: Choice, by: string): readonly Claim[] {
    const claims = wanted === undefined ? this.pending.of(node) : [this.#claim(node, wanted)];
    if (claims.length === 0) throw new StewardError("node-not-pending", { node });
    const at = this.#options.clock.now();
    const former = claims.map(({ keys }) => ({ node, keys: keysText(keys), standing: "rejected" as const, at, by }));
    for (const claim of claims) this.pending.remove(claim.keys);
    this.#change({ former: [...this.#state.former, ...former] }, []);
    return claims;
  }

  /** The node is trusted by nobody from now on. @throws StewardError `node-not-trusted` */
  revoke(node: string, by: string): NodeRecord {
    const record = this.#insist(node);
    const revoked = { ...record, standing: "revoked" as const, since: this.#options.clock.now(), by };
    if (record.standing === "revoked") return record;
    this.#change({ nodes: this.#with(revoked), invitations: this.#invitationsWithout(node) }, this.#trusting(node));
    return this.#records.get(node) ?? revoked;
  }

  /** Takes a node out of the fleet: the name is free, the keys are never accepted again. False: it was not in the registry. */
  decommission(node: string, by: string): boolean {
    this.pending.forget(node);
    const record = this.#records.get(node);
    const invitations = this.#invitationsWithout(node);
    if (record === undefined) {
      if (invitations.length < this.#state.invitations.length) this.#change({ invitations }, []);
      return false;
    }
    const trusting = this.#trusting(node);
    const nodes = this.#state.nodes
      .filter((one) => one !== record)
      .map((one) => ({ ...one, peers: one.peers.filter((name) => name !== node) }));
    this.#change({ nodes, invitations, former: this.#formerWith(record, by) }, trusting);
    return true;
  }

  /** Notes new keys of a node, which has proved them with its present ones. The present ones are accepted until `settle`. */
  rekey(node: string, keys: PublicKeys, by: string): NodeRecord {
    const record = this.#insist(node);
    const text = keysText(keys);
    if (record.keys[0] === text) return record;
    const known = this.#holders.get(keyId(keys));
    if (known !== undefined && known.node !== node)
      throw new StewardError("machine-refused", {
        node,
        fingerprint: fingerprint(keys),
        standing: standingOf(known, node),
      });
    const all = [text, ...record.keys.filter((one) => one !== text)].slice(0, MOST_KEYS);
    this.#change({ nodes: this.#with({ ...record, keys: all, by }) }, [node, ...this.#trusting(node)]);
    return this.#records.get(node) ?? record;
  }

  /** Ends the overlap of a change of keys: only the newest keys of the node are accepted. */
  settle(node: string): void {
    const record = this.#records.get(node);
    const [newest, ...older] = record?.keys ?? [];
    if (record === undefined || newest === undefined || older.length === 0) return;
    const at = this.#options.clock.now();
    const former = older.map((keys) => ({ node, keys, standing: "revoked" as const, at, by: "a change of keys" }));
    this.#change({ nodes: this.#with({ ...record, keys: [newest] }), former: [...this.#state.former, ...former] }, [
      node,
      ...this.#trusting(node),
    ]);
  }

  /** Central's own keys as they are from now on. */
  rekeyed(identity: Identity): void {
    this.#identity = identity;
    this.#index();
  }

  /** Every list tells of the next keys of central; `undefined`: central has gone over to them. */
  announce(next: PublicKeys | undefined): void {
    this.#change({ announced: next && keysText(next) }, this.#acceptedNames());
  }

  /** Gives two nodes each other's keys. False: one of them is not accepted, or has too many peers. */
  introducePeers(a: string, b: string): boolean {
    const [one, other] = [this.#records.get(a), this.#records.get(b)];
    if (one?.standing !== "accepted" || other?.standing !== "accepted" || a === b) return false;
    const touched = [one, other].filter((record, i) => !record.peers.includes(i === 0 ? b : a));
    if (touched.some(({ peers }) => peers.length >= MOST_PEERS)) return false;
    if (touched.length === 0) return true;
    const changed = new Map(
      touched.map((record) => [record.node, { ...record, peers: [...record.peers, record === one ? b : a] }]),
    );
    const nodes = this.#state.nodes.map((record) => changed.get(record.node) ?? record);
    this.#change({ nodes }, [...changed.keys()]);
    return true;
  }

  /** The operators that every list carries. */
  get operators(): readonly Json[] {
    return this.#state.operators;
  }

  setOperators(operators: readonly Json[]): void {
    this.#change({ operators }, this.#acceptedNames());
  }

  /** The policies that every list carries. */
  get policies(): readonly Json[] {
    return this.#state.policies;
  }

  setPolicies(policies: readonly Json[]): void {
    this.#change({ policies }, this.#acceptedNames());
  }

  #accepted(node: string, signer: Identity): Admittance {
    const list = this.listFor(node, signer);
    return list === undefined ? refusal("token-unknown", { node }) : { kind: "accepted", list };
  }

  #tokenFault(invitation: Invitation | undefined, node: string, keys: string): StewardError | undefined {
    if (invitation === undefined) return new StewardError("token-unknown", { node });
    const { node: meant, spent, expiresAt, replace } = invitation;
    if (meant !== node) return new StewardError("token-other-node", { node, meant });
    if (spent !== undefined && spent.keys !== keys) {
      const by = parsed(spent.keys);
      const first = by === undefined ? "unknown" : fingerprint(by);
      return new StewardError("token-spent", { node, fingerprint: first, at: timeText(spent.at) });
    }
    if (expiresAt <= this.#options.clock.now())
      return new StewardError("token-expired", { node, at: timeText(expiresAt) });
    const record = this.#records.get(node);
    if (record === undefined || replace) return undefined;
    return new StewardError("node-enrolled", { node, fingerprint: fingerprintOf(record) });
  }

  #enrol({ node, keys }: Claim, labels: LabelSet, by: string, also: Partial<RegistryState>): void {
    const before = this.#records.get(node);
    const text = keysText(keys);
    const since = this.#options.clock.now();
    const record: NodeRecord = {
      node,
      keys: [text],
      standing: "accepted",
      since,
      by,
      labels: { ...before?.labels, ...labels },
      version: 0,
      given: this.#state.version + 1,
      peers: before?.peers ?? [],
    };
    this.pending.remove(keys);
    const former = before === undefined ? this.#state.former : this.#formerWith(before, by);
    const nodes = [...this.#state.nodes.filter((one) => one !== before), record];
    nodes.sort((a, b) => (a.node < b.node ? -1 : 1));
    this.#change({ ...also, nodes, former }, [node, ...this.#trusting(node)]);
  }

  /** The one machine that waits under a name. */
  #claim(node: string, wanted: string | undefined): Claim {
    const claims = this.pending.of(node);
    const meant = claims.filter(({ keys }) => wanted === undefined || fingerprint(keys) === wanted.toUpperCase());
    const [claim, ...more] = meant;
    const shown = claims.map(({ keys }) => fingerprint(keys)).join(", ");
    if (claim === undefined && claims.length > 0)
      throw new StewardError("fingerprint-differs", { node, wanted: wanted ?? "", fingerprints: shown });
    if (claim === undefined) throw new StewardError("node-not-pending", { node });
    if (more.length > 0)
      throw new StewardError("pending-ambiguous", { node, count: meant.length, fingerprints: shown });
    return claim;
  }

  #insist(node: string): NodeRecord {
    const record = this.#records.get(node);
    if (record === undefined) throw new StewardError("node-not-trusted", { node });
    return record;
  }

  #insistFree(node: string): void {
    const record = this.#records.get(node);
    if (record !== undefined) throw new StewardError("node-enrolled", { node, fingerprint: fingerprintOf(record) });
  }

  #insistFingerprint(record: NodeRecord, wanted: string | undefined): void {
    const shown = fingerprintOf(record);
    if (wanted !== undefined && wanted.toUpperCase() !== shown)
      throw new StewardError("fingerprint-differs", { node: record.node, wanted, fingerprints: shown });
  }

  /** The accepted nodes that were given the keys of a node. */
  #trusting(node: string): string[] {
    return this.#state.nodes.flatMap(({ node: name, peers }) => (peers.includes(node) ? [name] : []));
  }

  #acceptedNames(): string[] {
    return this.#state.nodes.flatMap(({ node, standing }) => (standing === "accepted" ? [node] : []));
  }

  #with(record: NodeRecord): NodeRecord[] {
    return this.#state.nodes.map((one) => (one.node === record.node ? record : one));
  }

  #invitationsWithout(node: string): Invitation[] {
    return this.#state.invitations.filter((one) => one.node !== node || one.spent !== undefined);
  }

  #formerWith({ node, keys }: NodeRecord, by: string): FormerKeys[] {
    const at = this.#options.clock.now();
    return [...this.#state.former, ...keys.map((text) => ({ node, keys: text, standing: "revoked" as const, at, by }))];
  }

  /** Writes the change, then lets it count, then tells it. */
  #change(change: Partial<RegistryState>, touched: readonly string[]): void {
    const version = this.#state.version + 1;
    const names = new Set(touched);
    const nodes = (change.nodes ?? this.#state.nodes).map((record) =>
      names.has(record.node) ? { ...record, version } : record,
    );
    const oldest = this.#options.clock.now() - KEPT_INVITATIONS;
    const invitations = (change.invitations ?? this.#state.invitations).filter(({ expiresAt }) => expiresAt > oldest);
    const accepted = new Set(nodes.flatMap(({ keys, standing }) => (standing === "accepted" ? keys : [])));
    const former = (change.former ?? this.#state.former).filter(({ keys }) => !accepted.has(keys));
    const next = { ...this.#state, ...change, nodes, invitations, former, version };
    writeRegistry(this.#path, next, this.#identity);
    this.#state = next;
    this.#index();
    for (const tell of this.#listeners) tell(names);
  }

  /** Keys are parsed once: a change of one node would else parse those of all. */
  #keysOf(text: string): { readonly id: string; readonly keys: PublicKeys | undefined } {
    const known = this.#parsed.get(text);
    if (known !== undefined) return known;
    const keys = parsed(text);
    const read = { id: keys === undefined ? "" : keyId(keys), keys };
    this.#parsed.set(text, read);
    return read;
  }

  #index(): void {
    this.#holders.clear();
    this.#records.clear();
    this.#peers.clear();
    this.#invited.clear();
    const { node: self } = this.#options;
    const holds = (node: string, text: string, standing: Peer["standing"]): void => {
      const { id, keys } = this.#keysOf(text);
      if (keys !== undefined) this.#holders.set(id, { node, keys, standing });
    };
    for (const { node, keys, standing } of this.#state.former) holds(node, keys, standing);
    for (const record of this.#state.nodes) {
      this.#records.set(record.node, record);
      for (const keys of record.keys) holds(record.node, keys, record.standing);
      const { keys: newest } = this.#keysOf(record.keys[0] ?? "");
      if (record.standing === "accepted" && newest !== undefined)
        this.#peers.set(record.node, { node: record.node, keys: newest, standing: "accepted" });
    }
    for (const invitation of this.#state.invitations)
      if (invitation.spent === undefined && !this.#records.has(invitation.node))
        this.#invited.set(invitation.node, invitation);
    const { keys: own, previous } = this.#identity;
    for (const keys of previous === undefined ? [own] : [own, previous.keys])
      this.#holders.set(keyId(keys), { node: self, keys, standing: "accepted" });
  }
}

export function fingerprintOf({ keys: [newest] }: Pick<NodeRecord, "keys">): string {
  const keys = parsed(newest);
  return keys === undefined ? "" : fingerprint(keys);
}

function standingOf({ node, standing }: Peer, claimed: string): string {
  return node === claimed ? standing : `enrolled as ${node}`;
}

function refusal(...[code, details]: ConstructorParameters<typeof StewardError>): Admittance {
  return { kind: "refused", error: new StewardError(code, details) };
}

function parsed(text: string | undefined): PublicKeys | undefined {
  return text === undefined ? undefined : parseKeys(text);
}

function timeText(at: number): string {
  return new Date(at).toISOString().slice(0, 16).replace("T", " ");
}
