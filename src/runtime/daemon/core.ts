import { join } from "node:path";
import type { Child, Exit } from "../../actors/supervisor/spec.ts";
import { BrokerLink } from "../../broker/link.ts";
import type { Packet, Transport } from "../../broker/transport.ts";
import type { LinkName, LinkProfile } from "../../config/config.ts";
import { acrossBoth } from "../../config/link-profiles.ts";
import type { Journal } from "../../journal/journal.ts";
import type { InRecord, OutRecord } from "../../journal/records.ts";
import { normalise, type StewardError } from "../../message/errors.ts";
import { idMaker, type NewId } from "../../message/id.ts";
import type { FinalState } from "../../message/lifecycle.ts";
import { parseSubject, receiverOf } from "../../message/subject.ts";
import { decodeAck, type SendingTime } from "../../message/wire/frame.ts";
import type { Method } from "../../methods/define.ts";
import { type BriefHello, type Hello, MOST_STUCK } from "../../methods/hello.ts";
import type { Spawner } from "../../methods/spawner.ts";
import { Failures } from "../../observe/alerts.ts";
import { Announcer } from "../../observe/announce.ts";
import { ChurnMap } from "../../platform/churn-map.ts";
import { admitting } from "../../security/admission.ts";
import type { DeliverOptions } from "../deliver/options.ts";
import { Publishers } from "../deliver/publishers.ts";
import type { Window } from "../deliver/window.ts";
import { cancelHere } from "../execute/cancel.ts";
import type { CancelResult } from "../execute/cancel-method.ts";
import type { Cancellation } from "../execute/cancellation.ts";
import { Deadlines } from "../execute/deadlines.ts";
import { Respond } from "../execute/respond.ts";
import { Fleet } from "../fleet/fleet.ts";
import { Presence } from "../fleet/presence.ts";
import { Receiver } from "../receive/receiver.ts";
import { Reports } from "../receive/reports.ts";
import { Routes } from "../receive/routes.ts";
import { compareHere } from "../resync/compare-answer.ts";
import { Repair } from "../resync/compare-ask.ts";
import { JournalIdentities } from "../resync/journal-identities.ts";
import { JournalLosses } from "../resync/journal-losses.ts";
import { Renewal } from "../resync/restored.ts";
import { Vouching } from "../resync/vouch-ask.ts";
import { type SubmitOptions, submit } from "../submit/submit.ts";
import { type JournalHealth, Storage } from "../upkeep/storage.ts";
import { stuckOf, Traffic } from "./links.ts";
import { builtInSubscriptions, loadMethods } from "./methods.ts";
import type { Surroundings } from "./surroundings.ts";

/**
 * Journal, broker link and the main road between them; everything that lives and dies together. When the journal can no
 * longer be written the core ends as failed, and its supervisor builds all of it anew from what is on disk.
 */
export class Core implements Child {
  readonly ended: Promise<Exit>;
  readonly journal: Journal;
  readonly storage: Storage;
  readonly transport: Transport;
  readonly spawner: Spawner;
  readonly fleet: Fleet;
  readonly methods: ReadonlyMap<string, Method>;
  readonly routes: Routes;
  readonly publishers: Publishers;
  readonly respond: Respond;
  readonly deadlines: Deadlines;
  readonly vouching: Vouching;
  readonly newId: NewId;
  readonly submitOptions: SubmitOptions;
  /** Commands under way. */
  readonly running = new ChurnMap<string, Cancellation>();
  readonly filesInHand = new Set<string>();
  readonly #around: Surroundings;
  readonly announce: Announcer;
  readonly failures: Failures;
  readonly identities: JournalIdentities;
  readonly #losses: JournalLosses;
  readonly #repair: Repair;
  readonly #renewal: Renewal;
  readonly #receiver: Receiver;
  readonly #presence: Presence;
  readonly link: BrokerLink;
  readonly #profiles = new Map<LinkName, { readonly of: LinkProfile; readonly to: LinkProfile }>();
  #traffic: Traffic | undefined;
  #end: (exit: Exit) => void = () => undefined;
  #failed: StewardError | undefined;
  #closing: Promise<void> | undefined;

  static async open(around: Surroundings): Promise<Core> {
    let core: Core | undefined;
    const methods = await loadMethods(around.config, {
      hello: (origin, hello, saidAt) => core?.hello(origin, hello, saidAt),
      bye: (origin, reason) => core?.fleet.bye(origin, `bye: ${reason}`),
      failure: (origin, failure) => core?.failures.received(origin, failure),
      cancel: (id, by) => core?.cancelHere(id, by) ?? "tooLate",
      process: around.processes,
      compare: (origin, epoch, open) =>
        core === undefined ? { done: [], lost: [] } : compareHere(core.journal, origin, epoch, open),
      vouch: (origin, vouch) => {
        if (core?.identities.answered(origin, vouch) === false) core.vouching.heard(origin, vouch);
      },
    });
    for (const method of around.methods) methods.set(method.name, method);
    core = new Core(around, methods);
    return core;
  }

  private constructor(around: Surroundings, methods: ReadonlyMap<string, Method>) {
    const { clock, random, inspector, counters, log } = around;
    const config = around.config();
    this.#around = around;
    this.methods = methods;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.newId = idMaker(clock, random);
    this.journal = around.openJournal();
    this.storage = new Storage(this.journal, around);
    this.transport = around.openTransport();
    this.spawner = around.openSpawner();
    this.deadlines = new Deadlines({ ...config, clock });
    this.vouching = new Vouching({
      node: config.node,
      journal: this.journal,
      transport: this.transport,
      clock,
      newId: this.newId,
      behind: (proof) => this.#renewal.renew(proof),
    });
    this.fleet = new Fleet({
      self: config.node,
      central: config.central,
      // Read anew each time: a reload may change the interval of the hellos.
      get profile() {
        return around.config().link;
      },
      clock,
      inspector,
      journal: this.journal,
      changed: (change) => {
        around.happenings.emit({ type: "node", ...change });
        this.#traffic?.nodeChanged(change);
      },
    });
    const owed = [...this.journal.outbox.lanes.keys()].map(receiverOf);
    for (const name of [config.central, ...config.nodes, ...owed]) this.fleet.expect(name);
    this.publishers = new Publishers({
      journal: this.journal,
      windowBytes: (node) => this.#profileTo(node).windowBytes,
      spec: { restart: "permanent", shutdown: 5000, backoff: config.supervision.backoff },
      make: (subject, window) => this.#deliverOptions(subject, window),
      halted: (node) => this.fleet.halted(node),
    });
    this.routes = new Routes(config.node, methods);
    for (const subscription of [...builtInSubscriptions(config), ...config.subscribe]) {
      const route = this.routes.add(subscription);
      route.waiting = this.journal.inbox.pending(route.subject).length;
    }
    for (const { message } of this.journal.inbox.pending())
      if (this.routes.get(message.subject) === undefined) this.routes.leftOn(message.subject, 1);
    this.respond = new Respond({
      journal: this.journal,
      node: config.node,
      newId: this.newId,
      clock,
      maxPayload: () => this.transport.maxPayload(),
      wake: (subject, deadline) => this.publishers.wake(subject, deadline),
      ended: (record, outcome) => this.#finished(record, outcome?.state),
    });
    this.submitOptions = {
      config: around.config,
      journal: this.journal,
      methods,
      clock,
      newId: this.newId,
      maxPayload: () => this.transport.maxPayload(),
      refusal: () => (this.#closing === undefined ? this.storage.refusal() : this.storage.closed()),
      isKnown: (node) => node === config.node || this.fleet.has(node),
      wake: (subject, deadline) => this.publishers.wake(subject, deadline),
      onQueued: (records) => {
        // A node that is written to is shown, also before it was ever seen.
        for (const { message } of records) this.fleet.expect(receiverOf(message.subject));
        this.announce.queued(records);
      },
    };
    const withoutRefusal = { ...this.submitOptions, refusal: () => undefined };
    this.failures = new Failures({
      ...around,
      journal: this.journal,
      send: (draft) => void submit([draft], withoutRefusal, { keep: false }),
    });
    this.identities = new JournalIdentities({
      node: config.node,
      vouching: this.vouching,
      fleet: this.fleet,
      clock,
      newId: this.newId,
      settled: (node, word) => {
        this.#losses.settled(node, word);
        if (word !== undefined) this.#repair.settled(node, word.epoch);
      },
    });
    this.#losses = new JournalLosses({
      node: config.node,
      journal: this.journal,
      failures: this.failures,
      identities: this.identities,
      carriesOutcomes: (subject) => methods.get(parseSubject(subject).method)?.command !== undefined,
      ask: (subject) => this.publishers.ask(subject),
    });
    this.announce = new Announcer({ ...around, failures: this.failures });
    const reports = new Reports({
      ...around,
      journal: this.journal,
      fleet: this.fleet,
      announce: this.announce,
      failures: this.failures,
    });
    this.#repair = new Repair({
      journal: this.journal,
      clock,
      log,
      send: (draft) => submit([draft], withoutRefusal)[0]?.message.id ?? "",
      identities: this.identities,
      isResyncing: (node) => this.fleet.isResyncing(node),
      heardByHello: config.node === config.central,
      agreed: (node) => this.fleet.agreed(node),
      report: (id, from, report, told) => void reports.fold(id, from, report, told),
    });
    const fall = (error: unknown): void => this.#fall(error);
    this.#renewal = new Renewal({ journal: this.journal, path: config.data, failures: this.failures, fall });
    this.#receiver = new Receiver({
      node: config.node,
      journal: this.journal,
      transport: this.transport,
      routes: this.routes,
      verifier: admitting(around.verifier, around, this),
      counters,
      clock,
      log,
      hasRoom: () => this.storage.hasRoom(),
      isKnown: this.submitOptions.isKnown,
      alive: (frame, bytes) => this.#alive(frame.origin, bytes, frame, "a frame"),
      report: (id, from, report, told) => {
        const ours = reports.fold(id, from, report, told);
        if (ours && report.state !== "running") this.#repair.ended(id, report);
        return ours;
      },
      foreign: async (subject, data) => {
        const [record] = submit([{ subject, data }], this.submitOptions, { foreign: true });
        await this.journal.flushed();
        return record?.message.id ?? "";
      },
      directory: (method) => this.directory(method),
      onNewEpoch: ({ origin, epoch }) => this.#losses.heard(origin, epoch),
      onLost: ({ origin }, subject, from, to) => this.#losses.missing(origin, subject, from, to),
      onBehind: (origin) => this.#renewal.renew(`${origin} holds its ACK for messages that it does not know`),
      vouching: this.vouching,
      again: (done) => this.respond.again(done),
      onTaken: (records) => this.announce.taken(records),
      onFailure: fall,
    });
    this.#presence = new Presence({
      node: config.node,
      central: config.central,
      epoch: this.journal.epoch,
      life: this.vouching.life,
      every: () => around.config().hello,
      hello: () => ({
        version: around.version,
        epoch: this.journal.epoch,
        life: this.vouching.life,
        startedAt: around.startedAt,
        now: clock.now(),
        storage: this.storage.level(),
        methods: [...methods.keys()],
        every: around.config().hello,
        link: around.config().link.name,
        ...stuckOf(this.publishers, around.waiting()),
        ...this.#unattended(),
      }),
      transport: this.transport,
      clock,
      newId: this.newId,
    });
    const traffic = new Traffic({
      transport: this.transport,
      fleet: this.fleet,
      publishers: this.publishers,
      presence: this.#presence,
      repair: this.#repair,
      vouching: this.vouching,
      announce: this.announce,
      failures: this.failures,
      losses: this.#losses,
      journal: this.journal,
      config: around.config,
      clock,
      random,
      log,
    });
    this.#traffic = traffic;
    this.link = new BrokerLink({
      node: config.node,
      transport: this.transport,
      clock,
      inspector,
      counters,
      packet: (packet) => this.#receiver.receive(packet),
      ack: (subject, packet) => this.#ack(subject, packet),
      unheard: (subject, first) => this.publishers.unheard(subject, first),
      refusal: (subject, first, refusal) => traffic.refused(subject, first, refusal),
      changed: (status) => traffic.linkChanged(status),
      denied: (text) => this.failures.report("broker-denied", text, text),
      permitted: (text) => this.failures.over("broker-denied", text, text),
    });
    this.link.begin();
    this.storage.begin(fall, this);
  }

  #unattended(): Pick<Hello, "unattended"> {
    const unattended = this.routes.unattended(MOST_STUCK);
    return unattended.length === 0 ? {} : { unattended };
  }

  #fall(error: unknown): void {
    if (this.#failed !== undefined) return;
    this.#failed = normalise(error);
    // Closed before its supervisor hears of it: the next core must not meet this one at the disk and at the broker.
    void this.#close();
  }

  journalHealth(): JournalHealth {
    return this.storage.health(this.#failed !== undefined);
  }

  directory(method: string): string {
    return join(this.#around.config().data, method);
  }

  /** Cancels a command that is on this node, or will come to it. */
  cancelHere(id: string, by: string): CancelResult {
    const { journal, respond, running } = this;
    return cancelHere(id, by, { ...this.#around, journal, respond, running });
  }

  async stop(): Promise<void> {
    if (this.#failed === undefined) this.#presence.bye("it was stopped");
    await this.#close();
  }

  #close(): Promise<void> {
    this.#closing ??= this.#shut();
    return this.#closing;
  }

  async #shut(): Promise<void> {
    const { log } = this.#around;
    this.#presence.end();
    const tidied = this.storage.end();
    this.publishers.end(this.#around.clock);
    this.link.end();
    this.#receiver.stop();
    this.identities.end();
    this.#traffic?.end();
    this.fleet.stop();
    await this.transport.close().catch((error) => log.error({ err: error }, "the broker link did not close"));
    this.link.stop();
    await this.spawner.close().catch((error) => log.error({ err: error }, "the runner did not let go"));
    await tidied;
    await this.journal.close().catch((error) => log.error({ err: error }, "the journal did not close"));
    this.#end(this.#failed === undefined ? { reason: "shutdown" } : { reason: "failed", error: this.#failed });
  }

  /** What frames to a node have to cross: this node's link, and its own. */
  #profileTo(node: string): LinkProfile {
    const { link } = this.#around.config();
    const other = this.fleet.linkName(node);
    if (other === undefined || other === link.name) return link;
    let profile = this.#profiles.get(other);
    if (profile?.of !== link) {
      profile = { of: link, to: acrossBoth(link, other) };
      this.#profiles.set(other, profile);
    }
    return profile.to;
  }

  #deliverOptions(subject: string, window: Window): DeliverOptions {
    const { clock, random, inspector, counters, config } = this.#around;
    const node = receiverOf(subject);
    const profile = (): LinkProfile => this.#profileTo(node);
    const { journal, transport, fleet, newId } = this;
    const shared = { journal, transport, fleet, newId, clock, random, inspector };
    return {
      ...shared,
      subject,
      urgent: subject.includes(".command.cancel.") || subject.includes(".command.process."),
      get profile() {
        return profile();
      },
      window,
      node: config().node,
      life: this.vouching.life,
      onSent: ({ messages, bytes, again }) => {
        counters.sent(node, bytes);
        if (again) counters.resent += messages;
      },
      onAnswered: (seconds) => counters.ackSeconds.observe(seconds),
      onReceived: (records, ack) => {
        this.fleet.work(node, this.journal.outbox.openCount(node));
        this.announce.received(node, records, ack.started);
      },
      onDecided: (records) => this.#endedUnrun(records, () => this.announce.decided(records)),
      onWithdrawn: (records) => this.#endedUnrun(records, () => this.announce.withdrawn(records)),
      onHeld: (cause) => this.failures.report("message-too-large", `${subject} waits for another broker: ${cause}`),
      onBehind: () => this.#renewal.renew(`${node} has more of what this node sends than its journal knows of`),
      onFailure: (error) => (error.code === "journal-failed" ? this.#fall(error) : undefined),
    };
  }

  #endedUnrun(records: readonly OutRecord[], tell: () => void): void {
    tell();
    for (const { message, outcome } of records) if (outcome !== undefined) this.#repair.ended(message.id, outcome);
  }

  hello(origin: string, hello: Hello | BriefHello, saidAt: number): void {
    this.#traffic?.hello(origin, hello, saidAt);
  }

  #ack(subject: string, packet: Packet): void {
    const ack = decodeAck(subject, packet.payload);
    this.#around.verifier.ack(ack, subject);
    // An ACK makes nobody known: only who was written to can answer.
    const known = ack.node === this.#around.config().node || this.fleet.has(ack.node);
    if (ack.node !== receiverOf(subject) || !known) {
      this.#around.counters.refuse("ack-misplaced", { subject, node: ack.node });
      return;
    }
    this.#traffic?.acknowledged(ack);
    const { receiverLife: life, ...time } = ack;
    this.#alive(
      ack.node,
      packet.payload.length,
      life === undefined ? time : { ...time, life },
      "an ACK",
      ack.receiverEpoch,
    );
    if (subject === this.#presence.subject) {
      // Two that answer in turn would be greeted without end.
      if (!this.fleet.isDoubled(ack.node)) this.#presence.answered(ack);
    } else this.publishers.answered(subject, ack);
    if (this.fleet.isOther(ack.node, ack.receiverEpoch)) this.#repair.doubt(ack.node);
  }

  /** Returns how long it was under way, ms. */
  #alive(node: string, bytes: number, time: SendingTime, cause: string, epoch?: string): number {
    const underWay = this.deadlines.heard(node, time);
    this.#around.counters.received(node, bytes);
    if (epoch !== undefined && this.fleet.heldBack(node) === undefined) this.#losses.heard(node, epoch);
    this.fleet.alive(node, cause, epoch);
    this.fleet.accept(node);
    return underWay;
  }

  /** A message taken from another node is at its end here. */
  #finished(record: InRecord, state: FinalState | undefined): void {
    const { happenings, config } = this.#around;
    const { id, subject, origin } = record.message;
    const route = this.routes.get(subject);
    if (route === undefined) this.routes.leftOn(subject, -1);
    else {
      route.waiting--;
      if (route.waiting === Math.floor(route.config.queue / 2)) this.#receiver.roomAgain(subject);
    }
    if (state === undefined) {
      if (happenings.watched && route !== undefined) {
        const { method, config: subscription } = route;
        const lines = method.event?.lines?.(record.message) ?? [];
        this.announce.lines(record.message, method.name, subscription.domain, lines);
      }
      return;
    }
    if (origin !== config().node && happenings.watched) {
      // A crash could take back what is not durable; then it ends anew from what is on disk.
      this.journal.flushed().then(
        () => this.announce.taken([{ message: record.message, state }]),
        () => undefined,
      );
    }
    if (route?.method.command?.adopt !== undefined) {
      this.journal
        .flushed()
        .then(() => this.spawner.forget(id))
        .catch((error) => this.#around.log.warn({ err: error, id }, "a run's files stay behind"));
    }
  }
}
