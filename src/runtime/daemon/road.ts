import type { FailingChild } from "../../actors/supervisor/spec.ts";
import type { BrokerLink } from "../../broker/link.ts";
import type { Transport } from "../../broker/transport.ts";
import { WorldCourier } from "../../errands/courier.ts";
import { Errands } from "../../errands/errands.ts";
import { outcomeBody, outputText } from "../../errands/outcome-body.ts";
import { CheckpointRows } from "../../errands/rows.ts";
import type { Journal } from "../../journal/journal.ts";
import type { NewId } from "../../message/id.ts";
import type { Outcome } from "../../message/report.ts";
import type { Method, MethodFacts } from "../../methods/define.ts";
import type { FactsTold } from "../../methods/facts.ts";
import type { Spawner } from "../../methods/spawner.ts";
import { Failures } from "../../observe/alerting/failures.ts";
import { Announcer } from "../../observe/announce.ts";
import { ChurnMap } from "../../platform/churn-map.ts";
import { pathIn } from "../../platform/names.ts";
import { Admission } from "../../security/admission.ts";
import type { Audit } from "../../security/audit/audit.ts";
import { Permission } from "../../security/policy/permission.ts";
import { Acks } from "../deliver/acks.ts";
import { Publishers } from "../deliver/publishers.ts";
import { Membership } from "../enrol/membership.ts";
import { Policies } from "../enrol/policies.ts";
import { Registrar } from "../enrol/registrar.ts";
import { Canceller } from "../execute/cancel.ts";
import type { Cancellation } from "../execute/cancellation.ts";
import { Deadlines } from "../execute/deadlines.ts";
import { Respond } from "../execute/respond.ts";
import { FactTeller } from "../fleet/facts/fact-teller.ts";
import { NodeFacts } from "../fleet/facts/node-facts.ts";
import { type FactsWatcher, OwnFacts } from "../fleet/facts/own-facts.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { NodeHistory } from "../fleet/history/node-history.ts";
import { Maintenance } from "../fleet/maintenance.ts";
import { NodeLabels } from "../fleet/node-labels.ts";
import { Presence } from "../fleet/presence.ts";
import { Jobs } from "../jobs/jobs.ts";
import { AlertWatch } from "../operate/fleet/alert-watch.ts";
import type { Rooms } from "../operate/rooms.ts";
import { Receiver } from "../receive/receiver.ts";
import { Reports } from "../receive/reports.ts";
import { Routes } from "../receive/routes.ts";
import { UsedStatements } from "../receive/used-statements.ts";
import { Repair } from "../resync/compare-ask.ts";
import { JournalIdentities } from "../resync/journal-identities.ts";
import { JournalLosses } from "../resync/journal-losses.ts";
import { Renewal } from "../resync/restored.ts";
import { Vouching } from "../resync/vouch-ask.ts";
import { Schedules } from "../schedules/schedules.ts";
import { ToldSchedules } from "../schedules/told-schedules.ts";
import { Holding } from "../submit/holding.ts";
import { Submitter } from "../submit/submit.ts";
import { Withdrawal } from "../submit/withdrawal.ts";
import type { Storage } from "../upkeep/storage.ts";
import { Links } from "./links.ts";
import { ownMethods, subscriptionsOf } from "./methods.ts";
import { OwnHello } from "./own-hello.ts";
import type { Surroundings } from "./surroundings.ts";

/** The parts that were opened before the road. */
export interface RoadOptions extends Surroundings {
  readonly newId: NewId;
  readonly journal: Journal;
  readonly audit: Audit;
  readonly storage: Storage;
  readonly transport: Transport;
  readonly link: BrokerLink;
  readonly spawner: Spawner;
  readonly fleet: Fleet;
  readonly history: NodeHistory | undefined;
  /** The user's own methods. */
  readonly modules: readonly Method[];
  readonly core: FailingChild;
}

/**
 * The road of a message, built from its lower rooms to its upper ones: submit and deliver, resync, receive, execute. Each
 * part is given the parts that it works with. Two parts get theirs later: the publishers, whose reports of failures are
 * messages too, and the fleet, whose changes upper rooms act upon.
 */
export class Road implements Rooms, FactsWatcher {
  readonly newId: NewId;
  readonly journal: Journal;
  readonly storage: Storage;
  readonly transport: Transport;
  readonly link: BrokerLink;
  readonly spawner: Spawner;
  readonly fleet: Fleet;
  readonly history: NodeHistory | undefined;
  readonly methods: ReadonlyMap<string, MethodFacts>;
  readonly facts: NodeFacts;
  readonly ownFacts: OwnFacts;
  readonly labels: NodeLabels;
  readonly announce: Announcer;
  readonly publishers: Publishers;
  readonly maintenance: Maintenance;
  readonly errands: Errands;
  readonly alertWatch: AlertWatch;
  readonly submitter: Submitter;
  readonly holding: Holding;
  readonly withdrawal: Withdrawal;
  readonly jobs: Jobs;
  readonly schedules: Schedules;
  readonly toldSchedules: ToldSchedules;
  readonly failures: Failures;
  readonly vouching: Vouching;
  readonly identities: JournalIdentities;
  readonly routes: Routes;
  readonly permission: Permission;
  readonly policies: Policies;
  readonly audit: Audit;
  readonly respond: Respond;
  readonly canceller: Canceller;
  readonly deadlines: Deadlines;
  /** Absent where nothing is sealed. */
  readonly enrolment: Registrar | Membership | undefined;
  /** Commands under way. */
  readonly running = new ChurnMap<string, Cancellation>();
  readonly filesInHand = new Set<string>();
  readonly #options: RoadOptions;
  /** Filled once the parts behind the daemon's own methods are there. */
  readonly #doors = new Map<string, Method>();
  readonly #presence: Presence;
  readonly #factTeller: FactTeller;
  readonly #links: Links;
  readonly #receiver: Receiver;
  readonly #acks: Acks;

  constructor(options: RoadOptions) {
    const { config, journal, transport, fleet, newId } = options;
    const { node, central, data } = config();
    this.#options = options;
    this.newId = newId;
    this.journal = journal;
    this.storage = options.storage;
    this.transport = transport;
    this.link = options.link;
    this.spawner = options.spawner;
    this.fleet = fleet;
    this.history = options.history;
    const { running } = this;
    const methods = this.#doors;
    const life = newId();
    const ground = { ...options, node, central, life, methods };

    const facts = new NodeFacts(ground);
    const labels = new NodeLabels({
      ...ground,
      own: (name) => (name === node ? config().labels : fleet.ownLabels(name)),
    });
    const announce = new Announcer(ground);
    const maintenance = new Maintenance(ground);
    const publishers = new Publishers({ ...ground, maintenance });
    const replies = {
      hasRoomFor: (count: number) => this.errands.hasRoomFor(count),
      expect: (id: string, to: readonly string[]) => this.errands.expect(id, to),
    };
    const submitter = new Submitter({ ...ground, publishers, announce, replies });
    this.holding = new Holding({ ...ground, submitter, announce });
    const failures = new Failures({ ...ground, submitter });
    const courier = new WorldCourier({
      ...ground,
      spawner: options.spawner,
      alert: (text, about) => failures.report("outcome", text, `outcome ${about}`),
      output: (id) => outputText(journal.outbox.output(id)),
    });
    const errands = new Errands({ ...ground, rows: new CheckpointRows(journal), courier });
    journal.outbox.onEnded = (record) => {
      errands.ended(record.message.id, () => outcomeBody(record));
      this.schedules.ended(record);
    };
    this.errands = errands;
    this.alertWatch = new AlertWatch({ ...ground, core: () => this, errands });
    const told = { ...ground, announce, maintenance, failures, publishers, submitter, labels, holding: this.holding };
    this.withdrawal = new Withdrawal(told);
    const jobs = new Jobs({ ...told, withdrawal: this.withdrawal, facts, replies: errands });
    announce.watchEnds(jobs);
    this.jobs = jobs;

    const renewal = new Renewal({ ...told, path: data });
    const vouching = new Vouching({ ...told, renewal });
    const identities = new JournalIdentities({ ...told, vouching });
    const losses = new JournalLosses({ ...told, identities });
    const reports = new Reports(told);
    const repair = new Repair({ ...told, identities, reports, heardByHello: node === central });
    const ends = {
      ended: (id: string, outcome: Pick<Outcome, "state" | "result">) => {
        repair.ended(id, outcome);
        this.enrolment?.ended(id, outcome);
      },
    };
    publishers.equip({ ...told, repair: ends, renewal });
    const resync = { ...told, renewal, identities, losses, vouching, reports, repair, ends };

    const permission = new Permission({ ...options, subscriptions: subscriptionsOf });
    this.policies = new Policies({ ...options, permission });
    const toldSchedules = new ToldSchedules(journal);
    this.toldSchedules = toldSchedules;
    this.schedules = new Schedules({
      ...told,
      zones: jobs.zones,
      insist: ({ order, plan }) => {
        if (order === undefined) return;
        const route = this.routes.find(`${node}.${plan.subject}`);
        route.decide({ ...permission.senderOf(order), ahead: true }, plan.data);
      },
      told: (news) => toldSchedules.told(node, news),
    });
    permission.speaksFor(this.schedules);
    const routes = new Routes(node, methods, options.storage, permission, journal.inbox.pending());
    const deadlines = new Deadlines(ground);
    const respond = new Respond({ ...told, routes });
    this.enrolment = this.#openEnrolment(told);
    this.canceller = new Canceller({ ...told, respond, running });
    const self = new OwnHello({ ...told, epoch: journal.epoch, routes });
    const presence = new Presence({ ...told, epoch: journal.epoch, self });
    const ownFacts = new OwnFacts({ ...told, host: options.hostFacts, watcher: this });
    const factTeller = new FactTeller({ ...told, epoch: journal.epoch, own: ownFacts });
    const links = new Links({ ...resync, presence, deadlines, jobs });
    fleet.watch(links);
    const admission = new Admission(told);
    const { enrolment } = this;
    const statements = new UsedStatements(journal, options.clock);
    const answers = respond;
    this.#receiver = new Receiver({ ...resync, data, admission, links, routes, enrolment, answers, statements });
    this.#acks = new Acks({ ...resync, links, presence, factTeller });

    this.facts = facts;
    this.labels = labels;
    this.announce = announce;
    this.publishers = publishers;
    this.maintenance = maintenance;
    this.submitter = submitter;
    this.failures = failures;
    this.vouching = vouching;
    this.identities = identities;
    this.methods = methods;
    this.routes = routes;
    this.permission = permission;
    this.audit = options.audit;
    this.deadlines = deadlines;
    this.respond = respond;
    this.#presence = presence;
    this.ownFacts = ownFacts;
    this.#factTeller = factTeller;
    this.#links = links;
  }

  /** Subscribes at the broker: messages come in and go out. */
  open(): void {
    const { config, modules, methods, core } = this.#options;
    const own = ownMethods({ ...this.#options, ...this, links: this.#links, nodeFacts: this.facts });
    for (const method of [...own, ...modules, ...methods]) this.#doors.set(method.name, method);
    for (const subscription of subscriptionsOf(config())) this.routes.add(subscription);
    this.link.begin({
      receiver: this.#receiver,
      answers: this.#acks,
      watcher: this.#links,
      failures: this.failures,
    });
    this.maintenance.begin(this.publishers);
    this.errands.begin();
    this.alertWatch.begin();
    this.ownFacts.look();
    this.holding.begin();
    this.jobs.begin();
    this.schedules.begin();
    this.enrolment?.begin();
    this.storage.begin((error) => core.fail(error), this);
  }

  /** The facts of this node have changed: they are noted here, and told to central. */
  factsChanged(set: ReadonlyMap<string, FactsTold["set"][string]>): void {
    const { config, clock } = this.#options;
    this.facts.factsTold(config().node, { at: clock.now(), all: true, set: Object.fromEntries(set) });
    this.#factTeller.changed();
  }

  bye(reason: string): void {
    this.#presence.bye(reason);
  }

  /** Ends the traffic in both directions. */
  end(): void {
    this.#presence.end();
    this.ownFacts.end();
    this.jobs.end();
    this.schedules.end();
    this.maintenance.end();
    this.alertWatch.end();
    this.errands.end();
    this.holding.stop();
    this.publishers.end();
    this.link.end();
    this.#receiver.stop();
    this.policies.end();
    this.#links.end();
    this.enrolment?.end();
  }

  /** Why a node of this fleet was never heard, where that is known: it was invited and has not joined. */
  awaited(node: string): string | undefined {
    return this.enrolment instanceof Registrar ? this.enrolment.awaited(node) : undefined;
  }

  /** The nodes that were invited and have not joined. */
  get invited(): Iterable<string> {
    return this.enrolment instanceof Registrar ? this.enrolment.registry.invited.keys() : [];
  }

  #openEnrolment(
    told: Omit<RoadOptions, "methods"> & Pick<Road, "submitter" | "announce" | "failures" | "publishers" | "labels">,
  ) {
    const { membership, config, fleet, transport } = told;
    if (membership === undefined) return undefined;
    const { opened, keys } = membership;
    const { node, central } = config();
    const resume = (names: Iterable<string>): void => {
      for (const name of names) told.publishers.resumeAfter(0, name, "the trust in it has changed");
    };
    if (opened.role === "central") {
      const { trust: registry } = opened;
      const standings = (names: Iterable<string>): void => {
        for (const name of names) {
          const record = registry.record(name);
          fleet.decided(name, record?.standing);
          if (record?.standing === "accepted") told.labels.enrolled(name, record);
        }
        resume(names);
      };
      let expected: ReadonlySet<string> = new Set();
      const invited = (names: ReadonlySet<string>): void => {
        for (const name of names) if (!expected.has(name)) fleet.expect(name);
        for (const name of expected)
          if (!names.has(name) && !config().nodes.includes(name) && registry.record(name) === undefined)
            fleet.expectNoMore(name);
        expected = names;
      };
      return new Registrar({ ...told, node, registry, keys, standings, invited });
    }
    const { trust } = opened;
    return new Membership({
      ...told,
      node,
      central,
      trust,
      keys,
      hears: () => fleet.link(central) === "online",
      enrolled: () => this.#links.linkChanged(transport.status()),
      resume: () => resume(told.publishers.receivers()),
    });
  }

  /** The directory in which a method keeps its files. */
  directory(method: string): string {
    return pathIn(this.#options.config().data, method);
  }
}
