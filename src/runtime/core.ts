import { join } from "node:path";
import type { Actor } from "xstate";
import { linkEvent, linkMachine } from "../actors/link.ts";
import { startRoot } from "../actors/root.ts";
import type { Child, Exit } from "../actors/supervisor-spec.ts";
import { normalise, type StewardError } from "../message/errors.ts";
import { decodeAck } from "../message/frame.ts";
import { idMaker, type NewId } from "../message/id.ts";
import type { State } from "../message/lifecycle.ts";
import { receiverOf } from "../message/subject.ts";
import type { Method } from "../methods/define.ts";
import type { Spawner } from "../methods/spawner.ts";
import { listenForAcks } from "./acks.ts";
import { Announcer } from "./announce.ts";
import type { LinkStatus, Packet, Transport } from "./broker/transport.ts";
import { builtInSubscriptions, loadMethods } from "./built-in.ts";
import { cancelHere } from "./cancel.ts";
import type { Cancellation } from "./cancellation.ts";
import type { CancelResult } from "./control.ts";
import type { DeliverOptions } from "./deliver.ts";
import { Failures } from "./failures.ts";
import { Fleet, type NodeChange } from "./fleet.ts";
import type { Journal } from "./journal/journal.ts";
import type { InRecord } from "./journal/records.ts";
import { linkHealth } from "./link-health.ts";
import type { Health } from "./operations.ts";
import { Presence } from "./presence.ts";
import { Publishers } from "./publishers.ts";
import { Receiver } from "./receive.ts";
import { Respond } from "./respond.ts";
import { Routes } from "./routes.ts";
import { admitting } from "./security/admission.ts";
import { trustingVerifier } from "./security/verify.ts";
import { Storage } from "./storage.ts";
import { type SubmitOptions, submit } from "./submit.ts";
import type { Surroundings } from "./surroundings.ts";
import type { Window } from "./window.ts";

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
  readonly newId: NewId;
  /** Commands under way. */
  readonly running = new Map<string, Cancellation>();
  readonly #around: Surroundings;
  readonly announce: Announcer;
  readonly failures: Failures;
  readonly #receiver: Receiver;
  readonly #presence: Presence;
  readonly #link: Actor<typeof linkMachine>;
  readonly #releasers: (() => void)[] = [];
  /** What the present broker has refused for want of permission. */
  readonly #refused = new Set<string>();
  #end: (exit: Exit) => void = () => undefined;
  #failed: StewardError | undefined;
  #closing: Promise<void> | undefined;

  static async open(around: Surroundings): Promise<Core> {
    let core: Core | undefined;
    const methods = await loadMethods(around.config(), {
      hello: (origin, hello) => core?.fleet.hello(origin, hello),
      bye: (origin, reason) => core?.fleet.bye(origin, `bye: ${reason}`),
      failure: (origin, failure) => core?.failures.received(origin, failure),
      cancel: (id, by) => core?.cancelHere(id, by) ?? "tooLate",
      process: around.processes,
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
    this.#link = startRoot(linkMachine, { actor: "link", role: "link", clock, inspector, input: { at: clock.now() } });
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
      changed: (change) => this.#nodeChanged(change),
    });
    const owed = [...this.journal.outbox.lanes.keys()].map(receiverOf);
    for (const name of [config.central, ...config.nodes, ...owed]) this.fleet.expect(name);
    this.publishers = new Publishers({
      journal: this.journal,
      windowBytes: config.link.windowBytes,
      spec: { restart: "permanent", shutdown: 5000, backoff: config.supervision.backoff },
      make: (subject, window) => this.#deliverOptions(subject, window),
      halted: (node) => this.#halted(node),
    });
    this.routes = new Routes(config.node, methods);
    for (const subscription of [...builtInSubscriptions(config), ...config.subscribe]) {
      const route = this.routes.add(subscription);
      route.waiting = this.journal.inbox.pending(route.subject).length;
    }
    this.respond = new Respond({
      journal: this.journal,
      node: config.node,
      newId: this.newId,
      clock,
      maxPayload: () => this.transport.maxPayload(),
      wake: (subject, deadline) => this.publishers.wake(subject, deadline),
      ended: (record, outcome) => this.#finished(record, outcome?.state),
    });
    this.failures = new Failures({
      clock,
      log,
      happenings: around.happenings,
      config: around.config,
      send: (draft) => void submit([draft], { ...this.submitOptions(), hasRoom: () => true }, { keep: false }),
    });
    this.announce = new Announcer({
      journal: this.journal,
      fleet: this.fleet,
      counters,
      happenings: around.happenings,
      clock,
      config: around.config,
      fail: (code, text) => this.failures.report(code, text),
    });
    this.#receiver = new Receiver({
      node: config.node,
      journal: this.journal,
      transport: this.transport,
      routes: this.routes,
      verifier: admitting(trustingVerifier, around, this),
      counters,
      clock,
      log,
      hasRoom: () => this.storage.hasRoom(),
      alive: (origin, bytes) => this.#alive(origin, bytes, "a frame"),
      report: (id, from, report, told) => this.announce.report(id, from, report, told),
      foreign: async (subject, data) => {
        const [record] = submit([{ subject, data }], this.submitOptions());
        await this.journal.flushed();
        return record?.message.id ?? "";
      },
      directory: (method) => this.directory(method),
      onNewEpoch: ({ origin, epoch }) =>
        this.failures.report(
          "new-epoch",
          `${origin} has a new journal (${epoch}): a lost disk, a restored backup or a clone`,
        ),
      onTaken: (records) => this.announce.taken(records),
      onFailure: (error) => this.#fall(error),
    });
    this.#presence = new Presence({
      node: config.node,
      central: config.central,
      epoch: this.journal.epoch,
      every: () => around.config().hello,
      hello: () => ({
        version: around.version,
        epoch: this.journal.epoch,
        startedAt: around.startedAt,
        now: clock.now(),
        storage: this.storage.level(),
        methods: [...methods.keys()],
        every: around.config().hello,
      }),
      transport: this.transport,
      clock,
      newId: this.newId,
    });
    this.#connect(config.node);
    this.storage.begin((error) => this.#fall(error));
    void this.storage.forgetRuns(this.spawner);
  }

  /** What came over the wire, and how the link is. */
  #connect(node: string): void {
    const { counters } = this.#around;
    const acks = listenForAcks(this.transport, {
      ack: (subject, packet) => this.#ack(subject, packet),
      unheard: (subject, first) => (first === 0 ? undefined : this.publishers.unheard(subject, first)),
      refused: (error) => counters.refuse(normalise(error).code, { fault: normalise(error).message }),
    });
    const packets = this.transport.subscribe(`${node}.>`, (packet) => void this.#receiver.receive(packet));
    const status = this.transport.onStatus((next) => this.#linkChanged(next));
    const refusals = this.transport.onRefusal(({ operation, subject }) => {
      counters.refuse("broker-denied", { operation, subject });
      // Those of replies have ever new subjects: some tell enough.
      if (this.#refused.size < 10) this.#refused.add(`${operation} ${subject}`);
      const text = `the broker refuses to let this node ${operation} ${subject}`;
      this.failures.report("broker-denied", text, text);
    });
    this.#releasers.push(
      () => this.storage.end(),
      () => acks.end(),
      () => packets.end(),
      status,
      refusals,
    );
    this.#linkChanged(this.transport.status());
  }

  #fall(error: unknown): void {
    if (this.#failed !== undefined) return;
    this.#failed = normalise(error);
    // Closed before its supervisor hears of it: the next core must not meet this one at the disk and at the broker.
    void this.#close();
  }

  submitOptions(): SubmitOptions {
    const { config, clock } = this.#around;
    return {
      config,
      journal: this.journal,
      methods: this.methods,
      clock,
      newId: this.newId,
      maxPayload: () => this.transport.maxPayload(),
      hasRoom: () => this.storage.hasRoom(),
      isKnown: (node) => node === config().node || this.fleet.has(node),
      wake: (subject, deadline) => this.publishers.wake(subject, deadline),
      onQueued: (records) => this.announce.queued(records),
    };
  }

  brokerHealth(): Health["broker"] {
    return linkHealth(this.#link.getSnapshot(), [...this.#refused]);
  }

  journalHealth(): Health["journal"] {
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
    for (const release of this.#releasers.reverse()) release();
    this.fleet.stop();
    await this.transport.close().catch((error) => log.error({ err: error }, "the broker link did not close"));
    this.#link.stop();
    await this.spawner.close().catch((error) => log.error({ err: error }, "the runner did not let go"));
    await this.journal.close().catch((error) => log.error({ err: error }, "the journal did not close"));
    this.#end(this.#failed === undefined ? { reason: "shutdown" } : { reason: "failed", error: this.#failed });
  }

  #deliverOptions(subject: string, window: Window): DeliverOptions {
    const { clock, random, inspector, counters, config } = this.#around;
    const node = receiverOf(subject);
    return {
      subject,
      urgent: subject.includes(".command.cancel.") || subject.includes(".command.process."),
      journal: this.journal,
      transport: this.transport,
      profile: config().link,
      window,
      clock,
      random,
      inspector,
      node: config().node,
      onSent: ({ messages, bytes, again }) => {
        counters.sent(node, bytes);
        if (again) counters.resent += messages;
      },
      onAnswered: (seconds) => counters.ackSeconds.observe(seconds),
      onReceived: (records, ack) => this.announce.received(node, records, ack),
      onDecided: (records) => this.announce.decided(records),
      onWithdrawn: (records) => this.announce.withdrawn(records),
      onHeld: (cause) => this.failures.report("message-too-large", `${subject} waits for another broker: ${cause}`),
      onAbsent: () => this.fleet.absent(node),
      onFailure: (error) => (error.code === "journal-failed" ? this.#fall(error) : undefined),
    };
  }

  #ack(subject: string, packet: Packet): void {
    const ack = decodeAck(packet.subject, packet.payload);
    trustingVerifier.ack(ack, subject);
    // An ACK makes nobody known: only who was written to can answer.
    const known = ack.node === this.#around.config().node || this.fleet.has(ack.node);
    if (ack.node !== receiverOf(subject) || !known) {
      this.#around.counters.refuse("ack-misplaced", { subject, node: ack.node });
      return;
    }
    this.#alive(ack.node, packet.payload.length, "an ACK");
    this.publishers.answered(subject, ack);
  }

  #alive(node: string, bytes: number, cause: string): void {
    this.#around.counters.received(node, bytes);
    this.fleet.alive(node, cause);
    this.fleet.accept(node);
  }

  #halted(node: string): string | undefined {
    const { state } = this.transport.status();
    if (state !== "connected") return "no broker";
    return this.fleet.link(node) === "offline" ? `${node} is offline` : undefined;
  }

  #linkChanged(status: LinkStatus): void {
    const { clock } = this.#around;
    this.#link.send(linkEvent(status, clock.now()));
    if (status.state === "connected") {
      this.#refused.clear();
      this.fleet.ownLink(true);
      this.#presence.begin();
      for (const node of this.publishers.receivers()) this.#resume(node, "the broker is back");
    } else {
      this.#presence.end();
      // Before the first attempt has ended nothing is known: a restart alone makes nobody late.
      if (status.state !== "connecting" || status.fault !== undefined) this.fleet.ownLink(false);
      this.publishers.pause(undefined, "no broker");
    }
  }

  #nodeChanged(change: NodeChange): void {
    const { happenings } = this.#around;
    if (happenings.watched) happenings.emit({ type: "node", ...change });
    if (change.region !== "link") return;
    if (change.to === "offline") {
      this.publishers.pause(change.name, `${change.name} is offline`);
      this.announce.openCommands(change.name, "unknown", change.cause);
    }
    if (change.from === "offline") this.announce.openCommands(change.name, undefined, change.cause);
    if (change.to === "online") {
      this.#resume(change.name, `${change.name} is back`);
    }
  }

  /** Spread over nodes, so that a fleet that comes back together is not answered in one burst. */
  #resume(node: string, cause: string): void {
    const { clock, random } = this.#around;
    const wait = random.next() * Math.min(2000, this.fleet.size * 2);
    clock.setTimeout(() => this.publishers.resume(node, cause), wait);
  }

  /** A message taken from another node is at its end here. */
  #finished(record: InRecord, state: State | undefined): void {
    const { happenings, config } = this.#around;
    const { id, subject, origin } = record.message;
    const route = this.routes.get(subject);
    if (route !== undefined) {
      route.waiting--;
      if (route.waiting === Math.floor(route.config.queue / 2)) this.#receiver.roomAgain(subject);
    }
    if (state === undefined) {
      if (happenings.watched && route !== undefined) this.announce.tellLines(record, route);
      return;
    }
    if (origin !== config().node) this.announce.taken([{ message: record.message, state }]);
    if (route?.method.command?.adopt !== undefined) {
      this.journal
        .flushed()
        .then(() => this.spawner.forget(id))
        .catch((error) => this.#around.log.warn({ err: error, id }, "a run's files stay behind"));
    }
  }
}
