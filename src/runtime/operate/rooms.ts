import type { SupervisorView } from "../../actors/supervisor/spec.ts";
import type { BrokerLink } from "../../broker/link.ts";
import type { Logins } from "../../broker/logins.ts";
import type { Config } from "../../config/config.ts";
import type { Errands } from "../../errands/errands.ts";
import type { Journal } from "../../journal/journal.ts";
import type { Clock } from "../../message/clock.ts";
import type { NewId } from "../../message/id.ts";
import type { ProcessVerb } from "../../message/process-verb.ts";
import type { ScheduleView } from "../../message/schedule/held-schedule.ts";
import type { MethodFacts } from "../../methods/define.ts";
import type { AlertMemory } from "../../observe/alerting/alert-memory.ts";
import type { OpenAlert } from "../../observe/alerting/alert-rules.ts";
import type { Mutes } from "../../observe/alerting/mutes.ts";
import type { Announcer } from "../../observe/announce.ts";
import type { Happenings } from "../../observe/happenings.ts";
import type { Metrics } from "../../observe/metrics/metrics.ts";
import type { RecentTransitions } from "../../observe/recent-transitions.ts";
import type { Audit } from "../../security/audit/audit.ts";
import type { CommandSignatures } from "../../security/operators/command-signatures.ts";
import type { OperatorDirectory } from "../../security/operators/directory.ts";
import type { Permission } from "../../security/policy/permission.ts";
import type { Sessions } from "../../security/sessions/sessions.ts";
import type { Publishers } from "../deliver/publishers.ts";
import type { Membership } from "../enrol/membership.ts";
import type { Registrar } from "../enrol/registrar.ts";
import type { CancelResult } from "../execute/cancel-method.ts";
import type { NodeFacts } from "../fleet/facts/node-facts.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { NodeHistory } from "../fleet/history/node-history.ts";
import type { Maintenance } from "../fleet/maintenance.ts";
import type { NodeLabels } from "../fleet/node-labels.ts";
import type { Jobs } from "../jobs/jobs.ts";
import type { Routes } from "../receive/routes.ts";
import type { Vouching } from "../resync/vouch-ask.ts";
import type { ToldSchedules } from "../schedules/told-schedules.ts";
import type { Holding } from "../submit/holding.ts";
import type { Submitter } from "../submit/submit.ts";
import type { Withdrawal } from "../submit/withdrawal.ts";
import type { Storage } from "../upkeep/storage.ts";
import type { ReloadAnswer } from "./table/daemon.ts";
import type { ProcessView, WaitingProcess } from "./table/processes.ts";

/** The rooms that answer, of the core that runs now. */
export interface Rooms {
  readonly journal: Journal;
  readonly storage: Storage;
  readonly link: BrokerLink;
  readonly fleet: Fleet;
  /** The states that nodes had; absent on edges. */
  readonly history: NodeHistory | undefined;
  readonly facts: NodeFacts;
  readonly labels: NodeLabels;
  readonly vouching: Vouching;
  readonly publishers: Publishers;
  readonly maintenance: Maintenance;
  readonly errands: Errands;
  readonly alertWatch: { readonly mutes: Mutes; open(): OpenAlert[] };
  readonly submitter: Submitter;
  readonly holding: Holding;
  readonly newId: NewId;
  readonly withdrawal: Withdrawal;
  readonly jobs: Jobs;
  readonly schedules: { readonly count: number; views(): ScheduleView[] };
  readonly toldSchedules: ToldSchedules;
  readonly announce: Announcer;
  readonly failures: { readonly memory: AlertMemory };
  readonly enrolment: Registrar | Membership | undefined;
  /** Why a node was never heard, where that is known: it was invited and has not joined. */
  awaited(node: string): string | undefined;
  readonly routes: Routes;
  readonly permission: Permission;
  readonly audit: Audit;
  readonly methods: ReadonlyMap<string, MethodFacts>;
  /** Commands under way on this node, by id. */
  readonly running: { readonly size: number };
  readonly canceller: { cancel(id: string, by: string): CancelResult };
  /** The directory in which a method keeps its files. */
  directory(method: string): string;
}

/** The supervised processes of this node. */
export interface ProcessTable {
  views(): ProcessView[];
  waiting(): WaitingProcess[];
  /** @throws StewardError `process-unknown` */
  control(verb: ProcessVerb, subject: string): Promise<ProcessView>;
}

/** The parts of the running daemon that answer its operators. `core` is a function, for a failure replaces the core. */
export interface OperateOptions {
  readonly core: () => Rooms;
  readonly processes: () => ProcessTable;
  readonly config: () => Config;
  readonly clock: Clock;
  readonly happenings: Happenings;
  /** Absent where nodes have no keys of their own, and on edges. */
  readonly logins: Logins | undefined;
  readonly operators: OperatorDirectory;
  readonly signatures: Pick<CommandSignatures, "operatorOf">;
  readonly metrics: () => Metrics;
  /** Every supervisor of the daemon, the upper ones first. */
  readonly supervision: () => readonly SupervisorView[];
  readonly transitions: Pick<RecentTransitions, "last">;
  /** The logins at the page that are open. */
  readonly sessions: Sessions;
  /** The listener of the page, while it listens. */
  readonly page: () => { readonly origin: string } | undefined;
  readonly version: string;
  readonly startedAt: number;
  readonly reload: () => Promise<ReloadAnswer>;
  readonly counters: { node(name: string): { bytesIn: number; bytesOut: number } };
}
