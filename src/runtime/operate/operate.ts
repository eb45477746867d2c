import { machineCharts } from "../../actors/chart.ts";
import type { Login } from "../../broker/logins.ts";
import type { AlertView } from "../../message/alert.ts";
import type { Draft, TargetedDraft } from "../../message/draft.ts";
import { StewardError } from "../../message/errors.ts";
import type { Happening } from "../../message/happening.ts";
import type { Json } from "../../message/message.ts";
import type { ProcessVerb } from "../../message/process-verb.ts";
import { CONTROL_DOMAIN, receiverOf } from "../../message/subject.ts";
import { MAY, type MayAnswer } from "../../methods/may.ts";
import { searchLogs, volumeOf } from "../../methods/syslog/write/search.ts";
import { readLogs } from "../../methods/syslog/write/stored.ts";
import { OWNER, type Speaker } from "../../security/operators/speaker.ts";
import { LONGEST_STATEMENT } from "../../security/operators/statement.ts";
import type { Session } from "../../security/sessions/sessions.ts";
import type { JobVerb } from "../jobs/jobs.ts";
import { explain } from "../receive/explain.ts";
import { Alerting } from "./fleet/alerting.ts";
import { Holds } from "./fleet/holds.ts";
import { queueOf } from "./fleet/queue.ts";
import { JobOperations } from "./jobs.ts";
import { Messages } from "./messages.ts";
import { Nodes } from "./nodes.ts";
import { PageLogins } from "./page-logins.ts";
import type { OperateOptions } from "./rooms.ts";
import { Approvals } from "./speak/approvals.ts";
import { People } from "./speak/people.ts";
import { Reach } from "./speak/reach.ts";
import { Submission } from "./submission.ts";
import type { AlertTest, ErrandView, OpenAlertView } from "./table/alerts.ts";
import type { AuditChecked, AuditQuery, AuditRecordOf, MayAnswerOf, MayQuestionTo } from "./table/audit.ts";
import type { Health, ReloadAnswer } from "./table/daemon.ts";
import type {
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
import type { HoldOrder, HoldView, MuteView, QueueView, ReleaseOrder } from "./table/maintenance.ts";
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
import type { MachineView, ProcessList, ProcessView } from "./table/processes.ts";
import type { Choice, Decision, InvitationOrder, Invited, TrustView } from "./table/trust.ts";
import type { Operations } from "./table.ts";
import { TrustDecisions } from "./trust.ts";
import { viewDead } from "./views.ts";

/** The most stuck lanes and held nodes of this daemon that are shown. */
const MOST_STUCK = 100;
const DAY = 86_400_000;
const ANSWER_WITHIN = 10_000;

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

  planJob(order: JobOrderOf): JobPlanView {
    return this.#jobs.plan(order);
  }

  job(id: string): JobDetail {
    return this.#jobs.detail(id);
  }

  jobNodes(id: string, query: JobNodeQuery = {}): JobNode[] {
    return this.#jobs.nodesOf(id, query);
  }

  jobResults(id: string): JobResult[] {
    return this.#jobs.results(id);
  }

  async steerJob(id: string, verb: JobVerb): Promise<Steered> {
    const steered = await this.#jobs.steer(id, verb);
    this.#did(`${verb} a job`, { job: steered.id });
    return steered;
  }

  async retryJob(id: string, { of, signed }: RetryOrder): Promise<JobView> {
    const job = await this.#jobs.retry(id, of, signed);
    this.#did("retry a job", { job: job.id, of });
    return job;
  }

  /** Messages include those that are not durable yet: see `durable`. */
  messages(filter: MessageFilter = {}): MessageView[] {
    return this.#messages.list(filter);
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
    const { clock, core } = this.#options;
    const { history, fleet } = core();
    const asOf = clock.now();
    const { node, until = asOf, since = until - DAY, limit = 1000, after } = query;
    if (node !== undefined && !fleet.isKnown(node)) throw new StewardError("node-unknown", { node });
    const region = query.region ?? (node === undefined ? "link" : undefined);
    const asked = {
      since,
      until,
      limit,
      ...(node === undefined ? {} : { node }),
      ...(region === undefined ? {} : { region }),
      ...(after === undefined ? {} : { after }),
    };
    const { keptSince, unknown, nodes } = history?.read(asked) ?? {
      keptSince: asOf,
      unknown: [[since, until]],
      nodes: [],
    };
    return { asOf, from: since, until, keptSince, unknown, nodes } as HistoryView;
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

  holds(): HoldView[] {
    return this.#holds.list();
  }

  async hold(order: HoldOrder): Promise<HoldView[]> {
    const views = await this.#holds.hold(order);
    this.#did("hold for maintenance", { nodes: views.map(({ node }) => node) });
    return views;
  }

  async unhold(order: ReleaseOrder): Promise<string[]> {
    const nodes = await this.#holds.release(order);
    this.#did("release from maintenance", { nodes });
    return nodes;
  }

  resolve(question: TargetQuestion): TargetView {
    return this.#nodes.resolve(question);
  }

  async processes({ node, timeout = ANSWER_WITHIN }: { readonly node?: string; readonly timeout?: number } = {}) {
    const { clock, config, processes } = this.#options;
    const self = config().node;
    if (node === undefined || node === self) return { node: self, asOf: clock.now(), processes: processes().views() };
    return (await this.#control(node, { verb: "ps", subject: "" }, timeout)) as ProcessList;
  }

  async control(node: string, subject: string, verb: ProcessVerb): Promise<ProcessView> {
    const full = subject.split(".").length === 3 ? `${node}.${subject}` : subject;
    this.#reach.insist(full);
    this.#did(`${verb} a process`, { subject: full, nodes: [node] });
    if (node === this.#options.config().node) return await this.#options.processes().control(verb, full);
    return (await this.#control(node, { verb, subject: full }, ANSWER_WITHIN)) as ProcessView;
  }

  /** The node that would receive the message answers, by its own policy. */
  async may({ node, ...question }: MayQuestionTo): Promise<MayAnswerOf> {
    const self = this.#options.config().node;
    const { operators } = this.#options;
    // `steward may ann ship1 …`: an operator of this daemon, where no node has that name.
    const isPerson = question.operator === undefined && operators.named(question.origin) !== undefined;
    const meant =
      isPerson && !this.#options.core().fleet.isKnown(question.origin)
        ? { ...question, origin: self, operator: question.origin }
        : question;
    const draft = { subject: `${node}.command.${MAY}.${CONTROL_DOMAIN}`, data: meant as Json };
    const answer =
      node === self
        ? explain(node, this.#options.core(), meant)
        : ((await this.#submission.ask(draft, ANSWER_WITHIN)) as unknown as MayAnswer);
    if (meant.operator === undefined || meant.origin !== self) return { node, ...answer };
    const word = this.#people.word(meant.operator, `${node}.${meant.subject}`);
    return { node, allowed: answer.allowed && word.allowed, words: [word, ...answer.words] };
  }

  dead({ limit, after }: DeadQuery = {}): DeadLetter[] {
    return this.#options.core().journal.inbox.dead(limit, after).map(viewDead);
  }

  async retryDead(id: string): Promise<void> {
    const { clock, config, core } = this.#options;
    const { journal, routes } = core();
    const letter = journal.inbox.deadLetter(id);
    if (letter === undefined) throw new StewardError("dead-letter-unknown", { id });
    const { subject, origin, data } = letter.message;
    this.#reach.insist(subject);
    this.#did("retry a dead letter", { ids: [id] });
    const self = config().node;
    if (receiverOf(subject) !== self) {
      // A letter whose message is refused again stays a dead letter.
      await this.#submission.send([{ subject, data }]);
      journal.inbox.dropDead(id);
      await journal.flushed();
      return;
    }
    const route = routes.find(subject);
    route.decide(route.senderOf(letter.message), data);
    if (route.room === 0) throw new StewardError("queue-full", { subject, limit: route.config.queue });
    const record = journal.inbox.exhume(id, clock.now());
    await journal.flushed();
    if (record === undefined) return;
    route.taken(origin);
    route.process?.feed([record], clock.monotonic());
  }

  async dropDead(id: string): Promise<void> {
    const { journal } = this.#options.core();
    if (!journal.inbox.dropDead(id)) throw new StewardError("dead-letter-unknown", { id });
    this.#did("drop a dead letter", { ids: [id] });
    await journal.flushed();
  }

  openPage(): PageLink {
    const link = this.#logins.link();
    this.#did("make a link to the page", {});
    return link;
  }

  issueToken(order: TokenOrder): IssuedToken {
    const issued = this.#logins.issue(order);
    this.#did("make a token", { session: issued.id, role: issued.role });
    return issued;
  }

  sessions(): SessionView[] {
    return this.#logins.list();
  }

  endSession(id: string): void {
    this.#logins.end(id);
    this.#did("end a login", { session: id });
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
    this.#did("clear an alert", { alert: no });
    await journal.flushed();
  }

  openAlerts(): OpenAlertView[] {
    return this.#alerting.open();
  }

  async testAlert(test: AlertTest): Promise<ErrandView[]> {
    const errands = await this.#alerting.test(test);
    this.#did("test alerts", { to: errands.map(({ to }) => to) });
    return errands;
  }

  mutes(): MuteView[] {
    return this.#alerting.mutes();
  }

  async mute(order: HoldOrder): Promise<MuteView[]> {
    const views = await this.#alerting.mute(order);
    this.#did("mute", { nodes: views.map(({ node }) => node) });
    return views;
  }

  async unmute(order: ReleaseOrder): Promise<string[]> {
    const nodes = await this.#alerting.unmute(order);
    this.#did("unmute", { nodes });
    return nodes;
  }

  errands(): ErrandView[] {
    return this.#alerting.errands();
  }

  async retryErrand(id: string): Promise<void> {
    await this.#alerting.retry(id);
    this.#did("retry an errand", { errand: id });
  }

  async dropErrand(id: string): Promise<void> {
    await this.#alerting.drop(id);
    this.#did("drop an errand", { errand: id });
  }

  health(): Health {
    const { clock, config, core, processes, startedAt, version } = this.#options;
    const { fleet, link, publishers, storage, maintenance } = core();
    const journal = storage.health();
    const broker = link.health();
    const views = processes().views();
    const waiting = processes()
      .waiting()
      .map(({ since: waitsSince, ...process }) => ({ ...process, waitsSince }));
    const quarantined = views.flatMap(({ subject, state }) => (state === "quarantined" ? [subject] : []));
    const stuck = publishers.stuck(MOST_STUCK);
    const ok =
      stuck.length === 0 &&
      fleet.selfHeld === undefined &&
      broker.state === "connected" &&
      broker.refused === undefined &&
      (journal.state === "ok" || journal.state === "low") &&
      quarantined.length === 0 &&
      waiting.length === 0;
    const held = [...maintenance.all()]
      .slice(0, MOST_STUCK)
      .map(([node, { since, endsAt }]) => ({ node, since, endsAt }));
    const also = { ...(waiting.length === 0 ? {} : { waiting }), ...(held.length === 0 ? {} : { held }) };
    return {
      node: config().node,
      ok,
      version,
      startedAt,
      asOf: clock.now(),
      security: core().enrolment === undefined ? "off" : "sealed",
      broker,
      journal,
      quarantined,
      ...also,
      stuck,
    };
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
    this.#did("invite", { nodes: order.nodes.map(({ node }) => node) }, "trust");
    return invited;
  }

  async decide(node: string, verb: Decision["verb"], choice: Choice): Promise<Decision> {
    const decision = await this.#trust.decide(node, verb, choice);
    this.#did(verb, { nodes: [node] }, "trust");
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
    this.#did(`operator ${order.replace === true ? "change" : "add"}`, { operator: name, role, on, key }, "trust");
    return view;
  }

  async removeOperator(name: string): Promise<OperatorRemoved> {
    const removed = await this.#people.remove(name);
    this.#did("operator remove", { operator: name, cancelled: removed.cancelled }, "trust");
    return removed;
  }

  async rekeyOperator(name: string, order: KeyOrder): Promise<OperatorView> {
    const view = await this.#people.rekey(name, order);
    this.#did("operator rekey", { operator: name, key: view.key }, "trust");
    return view;
  }

  async reload(): Promise<ReloadAnswer> {
    const answer = await this.#options.reload();
    this.#did("reload", { changes: answer.changes, needRestart: answer.needRestart });
    return answer;
  }

  /** The records of this node's audit that pass. */
  async audit(filter: AuditQuery = {}): Promise<AuditRecordOf[]> {
    return (await this.#options.core().audit.records(filter)) as unknown as AuditRecordOf[];
  }

  async verifyAudit(): Promise<AuditChecked> {
    return await this.#options.core().audit.verify();
  }

  /** Records what the speaker did. */
  #did(operation: string, more: Readonly<Record<string, Json>>, what = "operation"): void {
    this.#options.core().audit.record({ what, by: this.#speaker.name, allowed: true, operation, ...more });
  }

  metrics(): Promise<string> {
    return this.#options.metrics().text();
  }

  watch(listener: (happening: Happening) => void): () => void {
    return this.#options.happenings.subscribe(listener);
  }

  logs(query: { readonly node?: string; readonly domain?: string; readonly lines?: number } = {}): Promise<LogLine[]> {
    return readLogs(this.#options.core().directory("syslogforwarding"), query);
  }

  async searchLogs(search: LogSearchQuery = {}): Promise<LogFindingsView> {
    const directory = this.#options.core().directory("syslogforwarding");
    const asOf = this.#options.clock.now();
    const found = await searchLogs(directory, search);
    return { asOf, ...found, volume: await volumeOf(directory, search, { until: asOf, hours: 24 }) };
  }

  /** Puts a question on processes to another node. */
  #control(node: string, data: { readonly verb: ProcessVerb | "ps"; readonly subject: string }, timeout: number) {
    return this.#submission.ask(
      { subject: `${node}.command.process.${CONTROL_DOMAIN}`, data },
      timeout,
    ) as Promise<unknown>;
  }
}
