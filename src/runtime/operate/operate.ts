import { machineCharts } from "../../actors/chart.ts";
import type { Login } from "../../broker/logins.ts";
import type { AlertView } from "../../message/care/alert.ts";
import type { Draft, TargetedDraft } from "../../message/draft.ts";
import { StewardError } from "../../message/errors.ts";
import type { Happening } from "../../message/happening.ts";
import type { ProcessVerb } from "../../message/process-verb.ts";
import { searchLogs, volumeOf } from "../../methods/syslog/write/search.ts";
import { readLogs } from "../../methods/syslog/write/stored.ts";
import { OWNER, type Speaker } from "../../security/operators/speaker.ts";
import { LONGEST_STATEMENT } from "../../security/operators/statement.ts";
import type { Session } from "../../security/sessions/sessions.ts";
import type { JobVerb } from "../jobs/jobs.ts";
import { DeadLetters } from "./dead-letters.ts";
import { Alerting } from "./fleet/alerting.ts";
import { historyOf } from "./fleet/history.ts";
import { Holds } from "./fleet/holds.ts";
import { Nodes } from "./fleet/nodes.ts";
import { queueOf } from "./fleet/queue.ts";
import { schedulesOf } from "./fleet/schedules.ts";
import { TrustDecisions } from "./fleet/trust.ts";
import { healthOf } from "./health.ts";
import { JobOperations } from "./jobs.ts";
import { Messages } from "./messages.ts";
import { NodeQuestions } from "./node-questions.ts";
import { PageLogins } from "./page-logins.ts";
import { supervisionOf } from "./processes/supervision.ts";
import type { OperateOptions } from "./rooms.ts";
import { Approvals } from "./speak/approvals.ts";
import { Deeds } from "./speak/deeds.ts";
import { People } from "./speak/people.ts";
import { Reach } from "./speak/reach.ts";
import { Submission } from "./submission.ts";
import type { AlertTest, ErrandView, OpenAlertView } from "./table/alerts.ts";
import type { AuditChecked, AuditQuery, AuditRecordOf, MayAnswerOf, MayQuestionTo } from "./table/audit.ts";
import type { Health, ReloadAnswer } from "./table/daemon.ts";
import type {
  Found,
  JobDetail,
  JobNode,
  JobNodeQuery,
  JobOrderOf,
  JobPlanView,
  JobQuery,
  JobResult,
  JobView,
  RetryOrder,
  Steered,
} from "./table/jobs.ts";
import type { IssuedToken, PageLink, SessionView, TokenOrder } from "./table/logins.ts";
import type { LogFindingsView, LogLine, LogSearchQuery } from "./table/logs.ts";
import type { FirstOrder, HoldOrder, HoldView, MuteView, QueueView, ReleaseOrder } from "./table/maintenance.ts";
import type { DeadLetter, DeadQuery, MessageDetail, MessageFilter, MessageView, Order } from "./table/messages.ts";
import type {
  FactsView,
  HistoryQuery,
  HistoryView,
  LabelOrder,
  LabelView,
  NodeDetail,
  NodeQuery,
  NodeView,
  TargetQuestion,
  TargetView,
} from "./table/nodes.ts";
import type {
  ApprovalView,
  KeyOrder,
  OperatorOrderOf,
  OperatorRemoved,
  OperatorView,
  WhoAmI,
} from "./table/operators.ts";
import type {
  MachineView,
  ProcessList,
  ProcessQuery,
  ProcessView,
  SupervisionView,
  TransitionQuery,
  TransitionView,
} from "./table/processes.ts";
import type { ScheduleQuery, ScheduleViewOf } from "./table/schedules.ts";
import type { Choice, Decision, InvitationOrder, Invited, TrustView } from "./table/trust.ts";
import type { Operations } from "./table.ts";

/** Transitions that are told where no number is asked for. */
const TRANSITIONS = 1_000;

/** The implementation of every operation of the table, on the rooms of the core that runs now, in the name of a speaker. */
export class LocalOperations implements Operations {
  readonly #options: OperateOptions;
  readonly #speaker: Speaker;
  readonly #messages: Messages;
  readonly #nodes: Nodes;
  readonly #holds: Holds;
  readonly #alerting: Alerting;
  readonly #submission: Submission;
  readonly #trust: TrustDecisions;
  readonly #people: People;
  readonly #reach: Reach;
  readonly #approvals: Approvals;
  readonly #logins: PageLogins;
  readonly #jobs: JobOperations;
  readonly #questions: NodeQuestions;
  readonly #deadLetters: DeadLetters;
  readonly #deeds: Deeds;

  constructor(options: OperateOptions, speaker: Speaker = OWNER) {
    this.#options = options;
    this.#speaker = speaker;
    this.#messages = new Messages(options);
    this.#nodes = new Nodes(options);
    this.#trust = new TrustDecisions(options, speaker);
    this.#people = new People(options, speaker);
    this.#reach = new Reach(options, speaker);
    this.#holds = new Holds(options, speaker, this.#reach, this.#nodes);
    this.#alerting = new Alerting(options, speaker, this.#reach, this.#nodes);
    const reach = this.#reach;
    this.#approvals = new Approvals({ ...options, reach, messageId: (id) => this.message(id).id }, speaker);
    const bounded = { ...options, reach, approvals: this.#approvals };
    this.#submission = new Submission(bounded, speaker, this.#messages, this.#nodes);
    this.#jobs = new JobOperations(bounded, speaker, this.#messages, this.#nodes);
    this.#logins = new PageLogins(options, speaker);
    this.#deeds = new Deeds(options, speaker);
    this.#questions = new NodeQuestions(options, reach, this.#people, this.#submission, this.#deeds);
    this.#deadLetters = new DeadLetters(options, reach, this.#submission, this.#deeds);
  }

  /** Operations in the name of another speaker. The role is checked by `guarded` alone. */
  as(speaker: Speaker): LocalOperations {
    return new LocalOperations(this.#options, speaker);
  }

  whoami(): WhoAmI {
    const { name, role, by, operator, bounds } = this.#speaker;
    const signFor = Math.min(this.#options.config().defaults.deliverBy ?? LONGEST_STATEMENT, LONGEST_STATEMENT);
    return {
      name,
      node: this.#options.config().node,
      role,
      by,
      signFor,
      ...(operator === undefined ? {} : { operator }),
      ...bounds,
    };
  }

  /** Validates, authorises and journals: in order, all or none. */
  submit(orders: readonly Order[]) {
    return this.#submission.submit(orders);
  }

  /** A draft for each node that a target means, for files, which no operator has signed. @throws StewardError `target-invalid`, `approval-unnamed`, … */
  drafts(orders: readonly TargetedDraft[]): Draft[] {
    const drafts = this.#submission.drafts(orders);
    const rule = this.#approvals.rule(drafts);
    if (rule !== undefined) throw new StewardError("approval-unnamed", { rule });
    return drafts;
  }

  cancel(id: string) {
    return this.#submission.cancel(id);
  }

  jobs(query: JobQuery = {}): JobView[] {
    return this.#jobs.list(query);
  }

  /** Orders a job: resolved, frozen, held, and released as its plan says. */
  createJob(order: JobOrderOf): Promise<JobView> {
    return this.#jobs.create(order);
  }

  /** Orders the job of a file: once for each key. */
  takeJob(order: JobOrderOf, key: string): Promise<JobView> {
    return this.#jobs.create(order, key);
  }

  planJob(order: JobOrderOf): JobPlanView {
    return this.#jobs.plan(order);
  }

  job(id: string): JobDetail {
    return this.#jobs.detail(id);
  }

  found(beginning: string): Found {
    return this.#jobs.found(beginning);
  }

  jobNodes(id: string, query: JobNodeQuery = {}): JobNode[] {
    return this.#jobs.nodesOf(id, query);
  }

  jobResults(id: string): JobResult[] {
    return this.#jobs.results(id);
  }

  async steerJob(id: string, verb: JobVerb): Promise<Steered> {
    const steered = await this.#jobs.steer(id, verb);
    this.#deeds.record(`${verb} a job`, { job: steered.id });
    return steered;
  }

  async retryJob(id: string, { of, signed }: RetryOrder): Promise<JobView> {
    const job = await this.#jobs.retry(id, of, signed);
    this.#deeds.record("retry a job", { job: job.id, of });
    return job;
  }

  /** Messages include those that are not durable yet: see `durable`. */
  messages(filter: MessageFilter = {}): MessageView[] {
    const found = this.#messages.list(filter);
    this.#insistKnownIf(found.length === 0, filter.node);
    return found;
  }

  message(id: string): MessageDetail {
    return this.#messages.detail(id);
  }

  durable(): Promise<void> {
    return this.#options.core().journal.flushed();
  }

  nodes(query: NodeQuery = {}): NodeView[] {
    return this.#nodes.list(query);
  }

  node(name: string): NodeDetail {
    return this.#nodes.detail(name);
  }

  history(query: HistoryQuery = {}): HistoryView {
    return historyOf(this.#options, query);
  }

  facts(name: string): FactsView {
    return this.#nodes.facts(name);
  }

  labels(name: string): LabelView {
    return this.#nodes.labels(name);
  }

  label(order: LabelOrder): Promise<LabelView[]> {
    return this.#nodes.label(order, this.#speaker);
  }

  queue(name: string, { limit }: { readonly limit?: number } = {}): QueueView {
    return queueOf(this.#nodes.detail(name), this.#options, this.#messages, limit);
  }

  async first(name: string, { ids }: FirstOrder): Promise<QueueView> {
    const { submitter, storage } = this.#options.core();
    const { name: node } = this.#nodes.detail(name);
    const meant = ids.map((id) => this.#messages.detail(id));
    for (const { subject } of meant) this.#reach.insist(subject);
    submitter.first(
      node,
      meant.map(({ id }) => id),
    );
    this.#deeds.record("move ahead", { nodes: [node], ids: meant.map(({ id }) => id) });
    await storage.durable();
    return this.queue(name);
  }

  holds(): HoldView[] {
    return this.#holds.list();
  }

  async hold(order: HoldOrder): Promise<HoldView[]> {
    const views = await this.#holds.hold(order);
    this.#deeds.record("hold for maintenance", { nodes: views.map(({ node }) => node) });
    return views;
  }

  async unhold(order: ReleaseOrder): Promise<string[]> {
    const nodes = await this.#holds.release(order);
    this.#deeds.record("release from maintenance", { nodes });
    return nodes;
  }

  schedules(query: ScheduleQuery = {}): ScheduleViewOf[] {
    return schedulesOf(this.#options, this.#nodes, query);
  }

  resolve(question: TargetQuestion): TargetView {
    return this.#nodes.resolve(question);
  }

  processes(query: ProcessQuery = {}): Promise<ProcessList> {
    return this.#questions.processes(query);
  }

  control(node: string, subject: string, verb: ProcessVerb): Promise<ProcessView> {
    return this.#questions.control(node, subject, verb);
  }

  may(question: MayQuestionTo): Promise<MayAnswerOf> {
    return this.#questions.may(question);
  }

  dead(query: DeadQuery = {}): DeadLetter[] {
    return this.#deadLetters.list(query);
  }

  retryDead(id: string): Promise<void> {
    return this.#deadLetters.retry(id);
  }

  dropDead(id: string): Promise<void> {
    return this.#deadLetters.drop(id);
  }

  openPage(): PageLink {
    const link = this.#logins.link();
    this.#deeds.record("make a link to the page", {});
    return link;
  }

  issueToken(order: TokenOrder): IssuedToken {
    const issued = this.#logins.issue(order);
    this.#deeds.record("make a token", { session: issued.id, role: issued.role });
    return issued;
  }

  sessions(): SessionView[] {
    return this.#logins.list();
  }

  endSession(id: string): void {
    this.#logins.end(id);
    this.#deeds.record("end a login", { session: id });
  }

  /** Records a login at the page, or one that failed. */
  recordLogin(session: Pick<Session, "id" | "speaker"> | undefined, from: string): void {
    const allowed = session !== undefined;
    const who = allowed ? { by: session.speaker.name, session: session.id } : { by: "unknown" };
    this.#options.core().audit.record({ what: "login", allowed, from, ...who });
  }

  brokerLogins(): readonly Login[] {
    return this.#options.logins?.list() ?? [];
  }

  alerts(): AlertView[] {
    return this.#options.core().failures.memory.all();
  }

  async clearAlert(no: number): Promise<void> {
    const { failures, journal } = this.#options.core();
    if (!failures.memory.clear(no)) throw new StewardError("alert-unknown", { no });
    this.#deeds.record("clear an alert", { alert: no });
    await journal.flushed();
  }

  openAlerts(): OpenAlertView[] {
    return this.#alerting.open();
  }

  async testAlert(test: AlertTest): Promise<ErrandView[]> {
    const errands = await this.#alerting.test(test);
    this.#deeds.record("test alerts", { to: errands.map(({ to }) => to) });
    return errands;
  }

  mutes(): MuteView[] {
    return this.#alerting.mutes();
  }

  async mute(order: HoldOrder): Promise<MuteView[]> {
    const views = await this.#alerting.mute(order);
    this.#deeds.record("mute", { nodes: views.map(({ node }) => node) });
    return views;
  }

  async unmute(order: ReleaseOrder): Promise<string[]> {
    const nodes = await this.#alerting.unmute(order);
    this.#deeds.record("unmute", { nodes });
    return nodes;
  }

  errands(): ErrandView[] {
    return this.#alerting.errands();
  }

  async retryErrand(id: string): Promise<void> {
    await this.#alerting.retry(id);
    this.#deeds.record("retry an errand", { errand: id });
  }

  async dropErrand(id: string): Promise<void> {
    await this.#alerting.drop(id);
    this.#deeds.record("drop an errand", { errand: id });
  }

  health(): Health {
    return healthOf(this.#options);
  }

  supervision(): SupervisionView {
    return supervisionOf(this.#options);
  }

  transitions({ role, actor, limit = TRANSITIONS }: TransitionQuery = {}): TransitionView[] {
    const passes = (one: TransitionView): boolean =>
      (role === undefined || one.role === role) && (actor === undefined || one.actor === actor);
    return this.#options.transitions.last(limit, passes);
  }

  machines(): MachineView[] {
    return machineCharts().map(({ name, regions }) => ({
      name,
      regions: regions.map(({ arrows, shared, ...region }) => ({ ...region, arrows: [...arrows, ...shared] })),
    }));
  }

  trust(): TrustView {
    return this.#trust.view();
  }

  async invite(order: InvitationOrder): Promise<Invited[]> {
    const invited = await this.#trust.invite(order);
    this.#deeds.record("invite", { nodes: order.nodes.map(({ node }) => node) }, "trust");
    return invited;
  }

  async decide(node: string, verb: Decision["verb"], choice: Choice): Promise<Decision> {
    const decision = await this.#trust.decide(node, verb, choice);
    this.#deeds.record(verb, { nodes: [node] }, "trust");
    return decision;
  }

  approvals(): ApprovalView[] {
    return this.#approvals.list();
  }

  approve(id: string): Promise<ApprovalView> {
    return this.#approvals.approve(id);
  }

  refuse(id: string): Promise<ApprovalView> {
    return this.#approvals.refuse(id);
  }

  operators(): OperatorView[] {
    return this.#people.list();
  }

  async addOperator(name: string, order: OperatorOrderOf): Promise<OperatorView> {
    const view = await this.#people.add(name, order);
    const { role, on = "all", key } = view;
    this.#deeds.record(
      `operator ${order.replace === true ? "change" : "add"}`,
      { operator: name, role, on, key },
      "trust",
    );
    return view;
  }

  async removeOperator(name: string): Promise<OperatorRemoved> {
    const removed = await this.#people.remove(name);
    this.#deeds.record("operator remove", { operator: name, cancelled: removed.cancelled }, "trust");
    return removed;
  }

  async rekeyOperator(name: string, order: KeyOrder): Promise<OperatorView> {
    const view = await this.#people.rekey(name, order);
    this.#deeds.record("operator rekey", { operator: name, key: view.key }, "trust");
    return view;
  }

  async reload(): Promise<ReloadAnswer> {
    const answer = await this.#options.reload();
    this.#deeds.record("reload", { changes: answer.changes, needRestart: answer.needRestart });
    return answer;
  }

  /** The records of this node's audit that pass. */
  async audit({ message, ...filter }: AuditQuery = {}): Promise<AuditRecordOf[]> {
    const about = message === undefined ? {} : { message: message.toUpperCase() };
    return (await this.#options.core().audit.records({ ...filter, ...about })) as unknown as AuditRecordOf[];
  }

  async verifyAudit(): Promise<AuditChecked> {
    return await this.#options.core().audit.verify();
  }

  metrics(): Promise<string> {
    return this.#options.metrics().text();
  }

  /** A node that is no longer known may still have messages and logs; a name that found none may be a slip. */
  #insistKnownIf(isEmpty: boolean, node: string | undefined): void {
    if (isEmpty && node !== undefined) this.#nodes.insistKnown([node]);
  }

  watch(listener: (happening: Happening) => void): () => void {
    return this.#options.happenings.subscribe(listener);
  }

  async logs(
    query: { readonly node?: string; readonly domain?: string; readonly lines?: number } = {},
  ): Promise<LogLine[]> {
    const found = await readLogs(this.#options.core().directory("syslogforwarding"), query);
    this.#insistKnownIf(found.length === 0, query.node);
    return found;
  }

  async searchLogs(search: LogSearchQuery = {}): Promise<LogFindingsView> {
    const directory = this.#options.core().directory("syslogforwarding");
    const asOf = this.#options.clock.now();
    const found = await searchLogs(directory, search);
    this.#insistKnownIf(found.lines.length === 0 && found.bytesRead === 0, search.node);
    return { asOf, ...found, volume: await volumeOf(directory, search, { until: asOf, hours: 24 }) };
  }
}
