import type { Packet } from "../../broker/transport.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Clock } from "../../message/clock.ts";
import type { DraftTaker } from "../../message/draft.ts";
import { faultText, StewardError } from "../../message/errors.ts";
import type { Json } from "../../message/message.ts";
import type { Outcome } from "../../message/report.ts";
import { receiverOf } from "../../message/subject.ts";
import type { Announcer } from "../../observe/announce.ts";
import type { Logger } from "../../platform/logger.ts";
import { fingerprint, keysText, type PublicKeys } from "../../security/keys/public-keys.ts";
import { openIntroduction } from "../../security/trust/introduction.ts";
import type { OwnKeys } from "../../security/trust/own-keys.ts";
import type { Registry } from "../../security/trust/registry.ts";
import type { NodeRecord } from "../../security/trust/registry-state.ts";
import { Introductions, type IntroductionsOptions } from "./introductions.ts";
import { type TrustOrder, trustSubject } from "./trust-method.ts";

/**
 * Central's side of the enrolment: lets machines in, and sees to it that each node gets its trust list, however long it is
 * away. A list travels as a durable command; a newer one takes the place of one that was never sent.
 *
 * The version of the registry also stands in the journal, so that an older registry file is noticed.
 */
export interface RegistrarOptions extends Omit<IntroductionsOptions, "welcomed" | "identity"> {
  readonly journal: Journal;
  readonly submitter: DraftTaker;
  readonly announce: Pick<Announcer, "withdrawn">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly keys: OwnKeys;
  /** The standing of these nodes may be another one: what follows from that at once. */
  readonly standings: (nodes: Iterable<string>) => void;
  /** Hears which nodes were invited and have not joined: they are expected. */
  readonly invited: (nodes: ReadonlySet<string>) => void;
}

/** A change of keys that a node was ordered to make, or a list that it was sent. */
interface Sent {
  readonly node: string;
  readonly version: number | "rekey";
}

const MARK = "trust";

export class Registrar {
  readonly #options: RegistrarOptions;
  readonly #introductions: Introductions;
  readonly #release: () => void;
  /** Commands of the method `trust` that have not ended, by id. */
  readonly #open = new Map<string, Sent>();
  #begun = false;

  /** @throws StewardError `registry-older` */
  constructor(options: RegistrarOptions) {
    this.#options = options;
    const { registry, journal } = options;
    const { version: known = 0 } = (journal.checkpoint(MARK) ?? {}) as { readonly version?: number };
    if (registry.state.version < known)
      throw new StewardError("registry-older", { path: registry.path, version: registry.state.version, known });
    this.#introductions = new Introductions({
      ...options,
      identity: () => options.keys.identity,
      welcomed: (node, version) => this.#told(node, version),
    });
    this.#release = registry.onChange((touched) => this.#changed(touched));
  }

  /** Sends the lists that a crash kept from being queued. */
  begin(): void {
    const { journal, registry } = this.#options;
    for (const { record } of journal.outbox.open((subject) => subject.endsWith(trustSubject("")))) {
      const { subject, data, id } = record.message;
      const { list } = data as unknown as { readonly list?: { readonly body: { readonly version: number } } };
      this.#open.set(id, { node: receiverOf(subject), version: list?.body.version ?? "rekey" });
    }
    this.#begun = true;
    if (registry.state.announced === keysText(this.#options.keys.identity.keys)) this.#goOver();
    this.#changed(new Set(registry.state.nodes.map(({ node }) => node)));
  }

  get registry(): Registry {
    return this.#options.registry;
  }

  end(): void {
    this.#release();
  }

  introduced(packet: Packet): void {
    this.#introductions.receive(packet);
  }

  /** An operator has decided on the machines that wait under a name. */
  decided(node: string): void {
    this.#introductions.decided(node);
  }

  /** A node asks for the keys of other nodes: each gets those of the other. */
  take(origin: string, order: TrustOrder): Json {
    const { node, registry } = this.#options;
    if (!("peers" in order))
      throw new StewardError("trust-list-invalid", { node, fault: "central gives lists out, and takes none" });
    const given = order.peers.filter((peer) => registry.introducePeers(origin, peer));
    return { given, unknown: order.peers.filter((peer) => !given.includes(peer)) };
  }

  /** Orders a node to make new keys; the node answers when it is there. Returns the id of the command. */
  orderKeys(node: string): string {
    return this.#submit(node, { rekey: true }, "rekey");
  }

  /**
   * Changes central's own keys: first every node is told of the next ones, and once all have confirmed it, or when the
   * operator does not want to wait, central goes over to them.
   */
  changeKeys(now: boolean): { readonly keys: PublicKeys; readonly waitsFor: readonly string[] } {
    const { keys, registry, random } = this.#options;
    const { announced } = registry.state;
    const { previous: other } = keys.identity;
    const isBefore = other !== undefined && keysText(other.keys) !== announced;
    const { keys: next } = keys.prepare(random, isBefore ? [keysText(other.keys)] : []);
    if (announced === undefined) registry.announce(next);
    const waitsFor = this.#unaware();
    if (now || waitsFor.length === 0) this.#goOver();
    return { keys: next, waitsFor: now ? [] : waitsFor };
  }

  /** The accepted nodes that have not confirmed their newest list. */
  #unaware(): string[] {
    const open = new Set([...this.#open.values()].flatMap(({ node, version }) => (version === "rekey" ? [] : [node])));
    return this.#options.registry.state.nodes.flatMap((record) =>
      record.standing === "accepted" && (open.has(record.node) || this.#owes(record)) ? [record.node] : [],
    );
  }

  #goOver(): void {
    const { keys, registry, log } = this.#options;
    const { announced } = registry.state;
    // A crash may have come between the two.
    if (announced !== keysText(keys.identity.keys) && !keys.goOver(announced)) return;
    registry.announce(undefined);
    log.info({ fingerprint: fingerprint(keys.identity.keys) }, "central uses its new keys");
  }

  /** A command of this node has ended. */
  ended(id: string, { state, result }: Pick<Outcome, "state" | "result">): void {
    const sent = this.#open.get(id);
    if (sent === undefined) return;
    this.#open.delete(id);
    const { node, version } = sent;
    const { registry, log, failures } = this.#options;
    if (state !== "succeeded") {
      if (state !== "cancelled") log.warn({ node, state }, `${node} did not take its trust list`);
      return;
    }
    try {
      if (version === "rekey") this.#newKeys(node, result);
      else if (version >= (registry.record(node)?.version ?? 0)) registry.settle(node);
      if (registry.state.announced !== undefined && this.#unaware().length === 0) this.#goOver();
    } catch (error) {
      failures.report("rekey-failed", `the new keys of ${node} are not taken: ${faultText(error)}`, `rekey ${node}`);
    }
  }

  /** Why a node was never heard, in words; `undefined`: it was not invited, or has joined. */
  awaited(node: string): string | undefined {
    const invitation = this.#options.registry.invited.get(node);
    if (invitation === undefined) return undefined;
    const { by, expiresAt } = invitation;
    const ends = new Date(expiresAt).toISOString();
    const token =
      expiresAt > this.#options.clock.now()
        ? `its token is good until ${ends}`
        : `its token expired at ${ends}, and \`steward invite ${node}\` makes another`;
    return `invited by ${by}, and has not joined yet: ${token}`;
  }

  /** The names of accepted nodes that have not confirmed their newest list. */
  unconfirmed(): string[] {
    return [...new Set([...this.#open.values()].map(({ node }) => node))];
  }

  /** The node has proved its new keys as a machine that introduces itself does, in an answer sealed with its present ones. */
  #newKeys(node: string, result: Json | undefined): void {
    const { proof } = (result ?? {}) as { readonly proof?: Json };
    const { introduction } = openIntroduction(this.#options.keys.identity, Buffer.from(String(proof), "base64url"));
    if (introduction.node !== node)
      throw new StewardError("introduction-invalid", { fault: `it names ${introduction.node}` });
    this.#options.registry.rekey(node, introduction.keys, "a change of keys");
  }

  #changed(touched: ReadonlySet<string>): void {
    const { journal, registry } = this.#options;
    journal.setCheckpoint({ key: MARK, value: { version: registry.state.version } });
    this.#options.standings(touched);
    this.#options.invited(new Set(registry.invited.keys()));
    if (!this.#begun || touched.size === 0) return;
    // A machine that has just introduced itself is given its list with the answer.
    journal.atTurnEnd(() => {
      for (const node of touched) this.#bring(node);
    });
  }

  /** Queues the list of a node, unless it was given its newest one. */
  #bring(node: string): void {
    const { journal, registry, announce, clock, failures } = this.#options;
    const record = registry.record(node);
    if (record?.standing !== "accepted" || !this.#owes(record)) return;
    const list = registry.listFor(node);
    if (list === undefined) return;
    const subject = trustSubject(node);
    const withdrawn = [...journal.outbox.open((lane) => lane === subject)].flatMap(({ record: { message } }) => {
      if (this.#open.get(message.id)?.version === "rekey") return [];
      return journal.outbox.withdraw(message.id, "cancelled", clock.now(), "a newer trust list takes its place") ?? [];
    });
    for (const { message } of withdrawn) this.#open.delete(message.id);
    announce.withdrawn(withdrawn);
    try {
      this.#submit(node, { list: list as unknown as Json }, record.version);
      this.#told(node, record.version);
    } catch (error) {
      failures.report(
        "trust-list-unsent",
        `the trust list of ${node} cannot be sent: ${faultText(error)}`,
        `trust ${node}`,
      );
    }
  }

  /** True if the newest list of a node was neither handed to it nor queued. */
  #owes({ node, version, given }: NodeRecord): boolean {
    const told = this.#options.journal.checkpoint(`${MARK} ${node}`);
    return version > Math.max(given, typeof told === "number" ? told : 0);
  }

  #submit(node: string, data: Json, version: Sent["version"]): string {
    const { submitter } = this.#options;
    const [sent] = submitter.submit([{ subject: trustSubject(node), data, deliverBy: null }], { owed: true });
    const id = sent?.message.id ?? "";
    this.#open.set(id, { node, version });
    return id;
  }

  #told(node: string, version: number): void {
    this.#options.journal.setCheckpoint({ key: `${MARK} ${node}`, value: version });
  }
}
