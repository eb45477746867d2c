import type { AlertView } from "../../src/message/care/alert.ts";
import { StewardError } from "../../src/message/errors.ts";
import { findId } from "../../src/message/find-id.ts";
import type { Happening } from "../../src/message/happening.ts";
import { idMaker } from "../../src/message/id.ts";
import type { Retried } from "../../src/message/jobs/job.ts";
import { isFinal, type State } from "../../src/message/lifecycle.ts";
import type { ProcessVerb } from "../../src/message/process-verb.ts";
import { parseSubject } from "../../src/message/subject.ts";
import type { FactSet } from "../../src/message/target/facts.ts";
import { groupsOf, type WrittenGroups } from "../../src/message/target/groups.ts";
import { itemBytes } from "../../src/message/wire/bounds.ts";
import type { JobVerb } from "../../src/runtime/jobs/jobs.ts";
import { filterOf, resolveTarget, type TargetWorld } from "../../src/runtime/operate/fleet/targets.ts";
import type { Admitted } from "../../src/runtime/operate/speak/reception.ts";
import type { AlertTest, ErrandView, OpenAlertView } from "../../src/runtime/operate/table/alerts.ts";
import type {
  AuditChecked,
  AuditQuery,
  AuditRecordOf,
  MayAnswerOf,
  MayQuestionTo,
} from "../../src/runtime/operate/table/audit.ts";
import type { Health, ReloadAnswer } from "../../src/runtime/operate/table/daemon.ts";
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
  Steered,
} from "../../src/runtime/operate/table/jobs.ts";
import type { IssuedToken, PageLink, SessionView, TokenOrder } from "../../src/runtime/operate/table/logins.ts";
import type { LogFindingsView, LogLine, LogSearchQuery } from "../../src/runtime/operate/table/logs.ts";
import type {
  FirstOrder,
  HoldOrder,
  HoldView,
  MuteView,
  QueueView,
  ReleaseOrder,
} from "../../src/runtime/operate/table/maintenance.ts";
import type {
  Accepted,
  CancelAnswer,
  DeadLetter,
  MessageDetail,
  MessageFilter,
  MessageView,
  Order,
} from "../../src/runtime/operate/table/messages.ts";
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
} from "../../src/runtime/operate/table/nodes.ts";
import type {
  ApprovalView,
  KeyOrder,
  OperatorOrderOf,
  OperatorRemoved,
  OperatorView,
  WhoAmI,
} from "../../src/runtime/operate/table/operators.ts";
import type {
  MachineView,
  ProcessList,
  ProcessQuery,
  ProcessView,
  SupervisionView,
  TransitionQuery,
  TransitionView,
} from "../../src/runtime/operate/table/processes.ts";
import type { ScheduleQuery, ScheduleViewOf } from "../../src/runtime/operate/table/schedules.ts";
import type {
  BrokerLogin,
  Choice,
  Decision,
  InvitationOrder,
  Invited,
  TrustView,
} from "../../src/runtime/operate/table/trust.ts";
import type { Operations } from "../../src/runtime/operate/table.ts";
import { OWNER } from "../../src/security/operators/speaker.ts";
import { nodeWith } from "../message/target/node-with.ts";
import { SimulatedClock } from "./clock.ts";
import { seededRandom } from "./random.ts";

/** A reception that takes every request for one of the daemon's owner. */
export function openDoor(operations: Operations): { admit(): Promise<Admitted> } {
  return { admit: async () => ({ speaker: OWNER, operations, now: () => OWNER }) };
}

export interface Call {
  readonly operation: keyof Operations;
  readonly args: readonly unknown[];
}

/**
 * `Operations` in memory: central with ship1 (online), ship2 (offline) and ship3 (never seen), three messages, a dead
 * letter. What it holds is public, so that a test arranges whatever it needs.
 */
export class FakeOperations implements Operations {
  readonly clock = new SimulatedClock();
  /** Every call, in order, with its arguments. */
  readonly calls: Call[] = [];
  readonly nodeList: NodeDetail[];
  readonly messageList: MessageDetail[];
  readonly processList: Map<string, ProcessView[]>;
  readonly deadList: DeadLetter[];
  readonly logList: LogLine[];
  alertList: AlertView[] = [];
  openAlertList: OpenAlertView[] = [];
  errandList: ErrandView[] = [];
  muteList: MuteView[] = [];
  scheduleList: ScheduleViewOf[] = [];
  /** Facts by node. */
  readonly factTable = new Map<string, FactSet>();
  factChanges: FactsView["changes"] = [];
  groups: WrittenGroups = {};
  mostTargets = 50;
  machineList: MachineView[] = [];
  transitionList: TransitionView[] = [];
  supervisionNow: SupervisionView = { node: "central", asOf: 0, supervisors: [] };
  loginList: BrokerLogin[] = [];
  sessionList: SessionView[] = [];
  jobList: JobDetail[] = [];
  jobNodeList: JobNode[] = [];
  jobResultList: JobResult[] = [];
  jobAnswers: Steered["answers"] = [];
  healthNow: Health;
  historyNow: HistoryView = { asOf: 0, from: 0, until: 0, keptSince: 0, unknown: [], nodes: [] };
  trustNow: TrustView;
  reloadAnswer: ReloadAnswer = { changes: [], needRestart: [] };
  metricsText = "# TYPE steward_up gauge\nsteward_up 1\n";
  readonly #newId = idMaker(this.clock, seededRandom(7));
  readonly #listeners = new Set<(happening: Happening) => void>();
  readonly #failures = new Map<keyof Operations, unknown>();

  constructor() {
    const now = this.clock.now();
    this.nodeList = [
      sampleNode("central", now, { role: "self", link: "online", cause: "itself", session: "live" }),
      sampleNode("ship1", now, {
        link: "online",
        cause: "hello",
        session: "live",
        work: "busy",
        running: 1,
        version: "0.1.0",
        clockSkew: -12,
        methods: ["shellcommand"],
        epoch: "5f3a",
        changes: [{ at: now - 60_000, region: "link", from: "neverSeen", to: "online", cause: "hello" }],
      }),
      sampleNode("ship2", now, {
        link: "offline",
        cause: "silence",
        lastSeenAt: now - 7_200_000,
        linkSince: now - 7_100_000,
        waiting: 1,
        waitingBytes: 97,
        oldestCreatedAt: now - 3_600_000,
        lanes: [
          {
            subject: "ship2.command.shellcommand.operatingsystem",
            waiting: 1,
            bytes: 97,
            inFlight: 0,
            oldestCreatedAt: now - 3_600_000,
            nextDeliverBy: now + 3_600_000,
            reason: "the node is offline",
          },
        ],
      }),
      sampleNode("ship3", now, { link: "neverSeen", cause: "configured", lastSeenAt: null, trust: "pending" }),
    ];
    this.messageList = [
      sampleMessage(this.#newId(), "ship1.command.shellcommand.operatingsystem", "succeeded", now - 5_000, {
        code: 0,
        outcome: {
          state: "succeeded",
          at: now - 4_000,
          startedAt: now - 4_500,
          code: 0,
          totals: { stdout: { bytes: 6, kept: 6 }, stderr: { bytes: 0, kept: 0 } },
        },
        output: [{ stream: "stdout", offset: 0, text: "Linux\n" }],
      }),
      sampleMessage(this.#newId(), "ship2.command.shellcommand.operatingsystem", "queued", now - 3_600_000, {}),
      sampleMessage(this.#newId(), "central.event.syslogforwarding.nginx", "received", now - 1_000, {
        origin: "ship1",
        direction: "in",
        data: { lines: ["GET / 200"] },
        summary: "1 line",
      }),
    ];
    this.processList = new Map([
      ["central", [sampleProcess("ship1.command.shellcommand.operatingsystem", "publisher", now)]],
      [
        "ship1",
        [
          sampleProcess("ship1.command.shellcommand.operatingsystem", "subscriber", now),
          {
            ...sampleProcess("ship1.command.shellcommand.nginx", "subscriber", now),
            state: "quarantined",
            restarts: 5,
            lastError: "boom",
          },
        ],
      ],
    ]);
    this.deadList = [
      {
        id: this.#newId(),
        subject: "central.event.syslogforwarding.nginx",
        origin: "ship1",
        at: now - 10_000,
        reason: "failed its process three times",
        attempts: 3,
        summary: "1 line",
      },
    ];
    this.logList = [
      { node: "ship1", domain: "nginx", line: "GET / 200" },
      { node: "ship1", domain: "nginx", line: "GET /x 404" },
      { node: "ship2", domain: "apache", line: "started" },
    ];
    this.trustNow = {
      node: "central",
      asOf: now,
      security: "sealed",
      fingerprint: "C3NT-RAL2-AAAA-BBBB",
      keys: "U….X…",
      central: "central",
      standing: "central",
      version: 7,
      nodes: [
        {
          node: "ship1",
          standing: "accepted",
          fingerprint: "K7QF-2MXA-7P3L-TT4Z",
          keys: "U….X…",
          since: now - 3_600_000,
          by: "central",
        },
        { node: "ship9", standing: "pending", fingerprint: "P3ND-ING2-7P3L-TT4Z", keys: "U….X…", since: now - 60_000 },
      ],
      invitations: [{ node: "ship4", madeAt: now - 60_000, expiresAt: now + 86_340_000, by: "central" }],
    };
    this.healthNow = {
      node: "central",
      ok: true,
      version: "0.1.0",
      startedAt: now - 86_400_000,
      asOf: now,
      security: "sealed",
      broker: { state: "connected", since: now - 86_400_000, server: "127.0.0.1:4222" },
      journal: { state: "ok", bytes: 4096, limit: 1_073_741_824 },
      quarantined: [],
      stuck: [],
    };
  }

  approvalList: ApprovalView[] = [];

  approvals(): ApprovalView[] {
    this.#called("approvals");
    return this.approvalList;
  }

  approve(id: string): ApprovalView {
    this.#called("approve", id);
    return this.#approval(id);
  }

  refuse(id: string): ApprovalView {
    this.#called("refuse", id);
    return this.#approval(id);
  }

  #approval(id: string): ApprovalView {
    const found = this.approvalList.find((one) => one.id === id);
    if (found === undefined) throw new StewardError("approval-none", { id, fault: "it does not wait for an approval" });
    return found;
  }

  operatorList: OperatorView[] = [];

  operators(): OperatorView[] {
    this.#called("operators");
    return this.operatorList;
  }

  addOperator(name: string, order: OperatorOrderOf): OperatorView {
    this.#called("addOperator", name, order);
    const { replace: _, key = "U…", ...wished } = order;
    const view = { name, key, standing: "accepted" as const, since: 0, by: "central", formerKeys: 0, ...wished };
    this.operatorList = [...this.operatorList.filter((one) => one.name !== name), view];
    return view;
  }

  removeOperator(name: string): OperatorRemoved {
    this.#called("removeOperator", name);
    return { name, cancelled: 2 };
  }

  rekeyOperator(name: string, order: KeyOrder): OperatorView {
    this.#called("rekeyOperator", name, order);
    return { ...this.addOperator(name, { role: "operator", key: order.key }), formerKeys: 1 };
  }

  supervision(): SupervisionView {
    this.#called("supervision");
    return this.supervisionNow;
  }

  transitions(query: TransitionQuery = {}): TransitionView[] {
    this.#called("transitions", query);
    return this.transitionList.filter(({ role }) => query.role === undefined || query.role === role);
  }

  machines(): MachineView[] {
    this.#called("machines");
    return this.machineList;
  }

  whoami(): WhoAmI {
    this.#called("whoami");
    return { name: "local", node: "central", role: "admin", by: "socket", signFor: 604_800_000 };
  }

  trust(): TrustView {
    this.#called("trust");
    return this.trustNow;
  }

  invite(order: InvitationOrder): Invited[] {
    this.#called("invite", order);
    const expiresAt = this.clock.now() + (order.lasts ?? 86_400_000);
    return order.nodes.map(({ node }) => ({ node, token: `steward-1.${node}`, expiresAt }));
  }

  decide(node: string, verb: Decision["verb"], choice: Choice): Decision {
    this.#called("decide", node, verb, choice);
    return { node, verb, fingerprint: "K7QF-2MXA-7P3L-TT4Z", told: ["ship2"], withdrawn: 2, interrupted: 1 };
  }

  openPage(): PageLink {
    this.#called("openPage");
    return { url: "http://127.0.0.1:8300/login/SECRET", expiresAt: this.clock.now() + 300_000 };
  }

  issueToken(order: TokenOrder): IssuedToken {
    this.#called("issueToken", order);
    const { role = "admin", lasts } = order;
    return { id: "0a1b2c3d4e", token: "TOKEN", role, expiresAt: this.clock.now() + lasts };
  }

  sessions(): SessionView[] {
    this.#called("sessions");
    return this.sessionList;
  }

  endSession(id: string): void {
    this.#called("endSession", id);
    const at = this.sessionList.findIndex((session) => session.id === id);
    if (at < 0) throw new StewardError("login-unknown", { id });
    this.sessionList.splice(at, 1);
  }

  /** Tells everybody who watches. */
  emit(happening: Happening): void {
    for (const listener of [...this.#listeners]) listener(happening);
  }

  /** How many watch right now. */
  get watchers(): number {
    return this.#listeners.size;
  }

  /** Makes every later call of `operation` fail with `error`, until it is called again without one. */
  failWith(operation: keyof Operations, error?: unknown): void {
    if (error === undefined) this.#failures.delete(operation);
    else this.#failures.set(operation, error);
  }

  /** The calls of one operation. */
  callsOf(operation: keyof Operations): Call[] {
    return this.calls.filter((call) => call.operation === operation);
  }

  /** Moves a message to a new state, as a report of its node would, and tells the watchers. */
  assert(id: string, state: State, extra: Partial<MessageDetail> = {}): void {
    const index = this.messageList.findIndex((message) => message.id === id);
    const old = this.messageList[index];
    if (old === undefined) throw new StewardError("message-unknown", { id });
    const at = this.clock.now();
    const { node, kind } = parseSubject(old.subject);
    this.messageList[index] = {
      ...old,
      state,
      final: isFinal(kind, state),
      since: at,
      history: [...old.history, { state, at, by: node }],
      ...extra,
    };
    const outcome = extra.outcome === undefined ? {} : { outcome: extra.outcome };
    this.emit({ type: "message", at, id, subject: old.subject, state, by: node, ...outcome });
  }

  async submit(orders: readonly Order[]): Promise<Accepted[]> {
    this.#called("submit", orders);
    const drafts = orders.flatMap(({ to, most, ...draft }) =>
      to === undefined
        ? [draft]
        : this.#meantBy(to, most).map((node) => ({ ...draft, subject: `${node}.${draft.subject}` })),
    );
    const subjects = drafts.map((draft) => parseSubject(draft.subject));
    for (const [i, draft] of drafts.entries()) {
      const node = subjects[i]?.node ?? "";
      if (draft.knownNodesOnly === true && !this.nodeList.some((known) => known.name === node)) {
        throw new StewardError("node-unknown", { node });
      }
    }
    const at = this.clock.now();
    return drafts.map((draft, i) => {
      const node = subjects[i]?.node ?? "";
      const id = this.#newId();
      const deliverBy = typeof draft.deliverBy === "number" ? at + draft.deliverBy : null;
      const { data, timeout = null } = draft;
      this.messageList.push(sampleMessage(id, draft.subject, "queued", at, { data, timeout, deliverBy }));
      this.emit({ type: "message", at, id, subject: draft.subject, state: "queued", by: "central" });
      const { link, linkSince } = this.nodeList.find((known) => known.name === node) ?? {
        link: "neverSeen",
        linkSince: null,
      };
      const { state } = this.healthNow.broker;
      const isHere = node === this.healthNow.node;
      const broker = isHere ? { here: true as const } : state === "connected" ? {} : { broker: state };
      return { id, subject: draft.subject, node, link, linkSince, deliverBy, ...broker };
    });
  }

  #meantBy(to: string, most = this.mostTargets): readonly string[] {
    const { names } = resolveTarget(to, this.#targets());
    if (names.length > most) throw new StewardError("target-large", { target: to, count: names.length, most });
    return names;
  }

  #targets(): TargetWorld {
    const find = (name: string) => this.nodeList.find((node) => node.name === name);
    return {
      self: "central",
      groups: groupsOf(this.groups),
      edges: () => this.nodeList.filter((n) => n.role === "edge" && n.trust !== "revoked").map(({ name }) => name),
      isKnown: (name) => find(name) !== undefined,
      nodesOfJob: () => [],
      node: (name) =>
        nodeWith({
          name,
          link: find(name)?.link ?? "neverSeen",
          isSelf: name === "central",
          values: { ...this.factTable.get(name), ...find(name)?.labels },
        }),
    };
  }

  resolve(question: TargetQuestion): TargetView {
    this.#called("resolve", question);
    const { names, lacking } = resolveTarget(question.to, this.#targets());
    const away = names.filter((name) => !["online", "late"].includes(this.#targets().node(name).link)).length;
    const bytes = question.data === undefined ? {} : { bytes: itemBytes(question.data) };
    return { target: question.to, nodes: names, away, lacking, most: this.mostTargets, ...bytes };
  }

  history(query: HistoryQuery = {}): HistoryView {
    this.#called("history", query);
    return this.historyNow;
  }

  facts(name: string): FactsView {
    this.#called("facts", name);
    const { lastSeenAt } = this.#node(name);
    const facts = Object.entries(this.factTable.get(name) ?? {});
    const list = facts.map(([key, value]) => ({ key, value, since: this.clock.now() - 3_600_000 }));
    return { node: name, asOf: lastSeenAt, toldAt: lastSeenAt, list, changes: this.factChanges };
  }

  labels(name: string): LabelView {
    this.#called("labels", name);
    const list = Object.entries(this.#node(name).labels ?? {}).map(([key, value]) => ({ key, value, by: name }));
    return { node: name, list };
  }

  label(order: LabelOrder): LabelView[] {
    this.#called("label", order);
    return this.#meantBy(order.to, order.most).map((name) => {
      const i = this.nodeList.findIndex((node) => node.name === name);
      const labels = Object.fromEntries(
        Object.entries({ ...this.#node(name).labels, ...order.labels }).filter(([, value]) => value !== null),
      ) as Record<string, string>;
      this.nodeList[i] = { ...this.#node(name), labels };
      return this.labels(name);
    });
  }

  openAlerts(): OpenAlertView[] {
    this.#called("openAlerts");
    return this.openAlertList;
  }

  testAlert(test: AlertTest): ErrandView[] {
    this.#called("testAlert", test);
    const now = this.clock.now();
    return (test.to ?? ["pager"]).map((to) => ({
      id: this.#newId(),
      to,
      about: "alert" as const,
      text: "test",
      madeAt: now,
      attempts: 0,
      dueAt: now,
    }));
  }

  mutes(): MuteView[] {
    this.#called("mutes");
    return this.muteList;
  }

  mute(order: HoldOrder): MuteView[] {
    this.#called("mute", order);
    const { endsAt = null, note } = order;
    const made = { since: this.clock.now(), endsAt, by: "central", ...(note === undefined ? {} : { note }) };
    this.muteList = this.#meantBy(order.to, order.most).map((node) => ({ node, ...made }));
    return this.muteList;
  }

  unmute(order: ReleaseOrder): string[] {
    this.#called("unmute", order);
    const names = this.#meantBy(order.to, undefined);
    const found = this.muteList.filter(({ node }) => names.includes(node)).map(({ node }) => node);
    this.muteList = this.muteList.filter(({ node }) => !names.includes(node));
    return found;
  }

  errands(): ErrandView[] {
    this.#called("errands");
    return this.errandList;
  }

  retryErrand(id: string): void {
    this.#called("retryErrand", id);
    if (!this.errandList.some((errand) => errand.id === id)) throw new StewardError("errand-unknown", { id });
  }

  dropErrand(id: string): void {
    this.retryErrand(id);
    this.errandList = this.errandList.filter((errand) => errand.id !== id);
  }

  queue(name: string, query: { readonly limit?: number } = {}): QueueView {
    this.#called("queue", name, query);
    const { link } = this.#node(name);
    const messages = this.messageList
      .filter(({ subject, final }) => !final && parseSubject(subject).node === name)
      .map(({ id, subject, state, createdAt, deliverBy, summary }) => ({
        ...{ id, subject, state, createdAt, deliverBy, summary },
        bytes: 120,
        expectedAt: null,
        reason: "the node is offline",
      }));
    return {
      node: name,
      asOf: this.clock.now(),
      link,
      waiting: messages.length,
      bytes: 120 * messages.length,
      messages,
    };
  }

  schedules(query: ScheduleQuery = {}): ScheduleViewOf[] {
    this.#called("schedules", query);
    return this.scheduleList.filter(({ node }) => query.node === undefined || node === query.node);
  }

  first(name: string, order: FirstOrder): QueueView {
    this.#called("first", name, order);
    this.messageList.sort((a, b) => Number(order.ids.includes(b.id)) - Number(order.ids.includes(a.id)));
    return this.queue(name);
  }

  holds(): HoldView[] {
    this.#called("holds");
    return this.nodeList.flatMap(({ name, hold, waiting }) =>
      hold === undefined ? [] : [{ node: name, ...hold, waiting, nextDeliverBy: null, underWay: 0 }],
    );
  }

  hold(order: HoldOrder): HoldView[] {
    this.#called("hold", order);
    const { endsAt = null, note } = order;
    const names = this.#meantBy(order.to, order.most);
    for (const name of names) {
      const i = this.nodeList.findIndex((node) => node.name === name);
      const hold = { since: this.clock.now(), endsAt, by: "central", ...(note === undefined ? {} : { note }) };
      this.nodeList[i] = { ...this.#node(name), hold };
    }
    return this.holds().filter(({ node }) => names.includes(node));
  }

  unhold(order: ReleaseOrder): string[] {
    this.#called("unhold", order);
    return this.#meantBy(order.to, undefined).filter((name) => {
      const i = this.nodeList.findIndex((node) => node.name === name);
      const { hold, ...rest } = this.#node(name);
      this.nodeList[i] = rest;
      return hold !== undefined;
    });
  }

  #node(name: string): NodeDetail {
    const found = this.nodeList.find((node) => node.name === name);
    if (found === undefined) throw new StewardError("node-unknown", { node: name });
    return found;
  }

  async cancel(id: string): Promise<CancelAnswer> {
    this.#called("cancel", id);
    const message = this.#find(id);
    if (message.final) return { kind: "tooLate", id: message.id, state: message.state };
    if (message.state !== "queued" && message.state !== "held") {
      return { kind: "requested", id: message.id, reason: "the node was asked" };
    }
    this.assert(message.id, "cancelled");
    return { kind: "done", id: message.id };
  }

  messages(filter: MessageFilter = {}): MessageView[] {
    this.#called("messages", filter);
    const chosen = this.messageList.filter((message) => {
      const { node, method, domain } = parseSubject(message.subject);
      return (
        (filter.node === undefined || filter.node === (message.direction === "out" ? node : message.origin)) &&
        (filter.state === undefined || filter.state === message.state) &&
        (filter.method === undefined || filter.method === method) &&
        (filter.domain === undefined || filter.domain === domain) &&
        (filter.direction === undefined || filter.direction === message.direction) &&
        (filter.open !== true || !message.final) &&
        (filter.before === undefined || message.id < filter.before)
      );
    });
    return chosen.slice(-(filter.limit ?? 100)).map(viewOf);
  }

  message(id: string): MessageDetail {
    this.#called("message", id);
    return this.#find(id);
  }

  /** What a test makes of it. */
  untilDurable: Promise<void> = Promise.resolve();

  durable(): Promise<void> {
    return this.untilDurable;
  }

  nodes(query: NodeQuery = {}): NodeView[] {
    this.#called("nodes", query);
    const world = this.#targets();
    const passes = query.filter === undefined ? () => true : filterOf(query.filter, world);
    return this.nodeList
      .filter(({ name }) => name > (query.after ?? "") && passes(name) && (query.names?.includes(name) ?? true))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .slice(0, query.limit)
      .map(({ epoch: _e, startedAt: _s, methods: _m, changes: _c, lanes: _l, ...view }) => {
        const values = (query.keys ?? []).flatMap((key) => {
          const value = world.node(view.name).value(key);
          return value === undefined ? [] : [[key, value]];
        });
        return query.keys === undefined ? view : { ...view, values: Object.fromEntries(values) };
      });
  }

  node(name: string): NodeDetail {
    this.#called("node", name);
    const node = this.nodeList.find((known) => known.name === name);
    if (node === undefined) throw new StewardError("node-unknown", { node: name });
    return node;
  }

  async processes(query: ProcessQuery = {}): Promise<ProcessList> {
    this.#called("processes", query);
    const { node = "central", subject } = query;
    const all = this.#processesOf(node);
    const answer = { node, asOf: this.clock.now() };
    if (subject === undefined) return { ...answer, processes: all.map(({ transitions: _, ...process }) => process) };
    const whole = subject.split(".").length === 3 ? `${node}.${subject}` : subject;
    const processes = all.filter((process) => process.subject === whole);
    if (processes.length === 0) throw new StewardError("process-unknown", { node, subject: whole });
    return { ...answer, processes };
  }

  auditList: AuditRecordOf[] = [
    {
      ...{ no: 1, at: 1, what: "submit", by: "local", allowed: true, subject: "command.echo.os", prev: "" },
      ...{ nodes: ["ship1"], ids: ["01HZZZZZZZ0123456789ABCDEF"] },
    },
  ];

  audit(filter: AuditQuery = {}): AuditRecordOf[] {
    this.#called("audit", filter);
    return this.auditList;
  }

  verifyAudit(): AuditChecked {
    this.#called("verifyAudit");
    return { ok: true, records: 1, first: 1, last: 1, head: "h", faults: [] };
  }

  async may({ node, origin }: MayQuestionTo): Promise<MayAnswerOf> {
    this.#called("may", node, origin);
    const allowed = origin === "central";
    const word = { allowed, layer: "steward.yaml", where: "steward.yaml:9" };
    return { node, allowed, words: [allowed ? word : { ...word, fault: "from is [central]" }] };
  }

  async control(node: string, subject: string, verb: ProcessVerb): Promise<ProcessView> {
    this.#called("control", node, subject, verb);
    const processes = this.#processesOf(node);
    const index = processes.findIndex((process) => process.subject === subject);
    const old = processes[index];
    if (old === undefined) throw new StewardError("process-unknown", { node, subject });
    const next: ProcessView = {
      ...old,
      state: verb === "stop" ? "stopped" : "idle",
      since: this.clock.now(),
      restarts: verb === "restart" ? old.restarts + 1 : old.restarts,
    };
    processes[index] = next;
    return next;
  }

  brokerLogins(): BrokerLogin[] {
    this.#called("brokerLogins");
    return this.loginList;
  }

  alerts(): AlertView[] {
    this.#called("alerts");
    return [...this.alertList];
  }

  async clearAlert(no: number): Promise<void> {
    this.#called("clearAlert", no);
    if (!this.alertList.some((alert) => alert.no === no)) throw new StewardError("alert-unknown", { no });
    this.alertList = this.alertList.filter((alert) => alert.no !== no);
  }

  jobs(query: JobQuery = {}): JobView[] {
    this.#called("jobs", query);
    return this.jobList.filter(({ state }) => query.state === undefined || state === query.state);
  }

  createJob(order: JobOrderOf): JobView {
    this.#called("createJob", order);
    return this.job("@1");
  }

  planJob(order: JobOrderOf): JobPlanView {
    this.#called("planJob", order);
    const { nodes, away } = this.resolve({ to: order.to });
    return {
      target: order.to,
      nodes,
      away,
      waves: [nodes.length],
      beginAt: null,
      untilAt: null,
      bytes: 10,
      most: this.mostTargets,
    };
  }

  job(id: string): JobDetail {
    this.#called("job", id);
    const found = id === "@1" ? this.jobList[0] : this.jobList.find((job) => job.id.startsWith(id.toUpperCase()));
    if (found === undefined) throw new StewardError("job-unknown", { id });
    return found;
  }

  found(id: string): Found {
    this.#called("found", id);
    const begins = (one: { readonly id: string }): boolean => one.id.startsWith(id.toUpperCase());
    return { jobs: this.jobList.filter(begins), messages: this.messageList.filter(begins), more: false };
  }

  jobNodes(id: string, query: JobNodeQuery = {}): JobNode[] {
    this.#called("jobNodes", id, query);
    return this.jobNodeList.filter(({ kind }) => query.state === undefined || kind === query.state);
  }

  jobResults(id: string): JobResult[] {
    this.#called("jobResults", id);
    return this.jobResultList;
  }

  steerJob(id: string, verb: JobVerb): Steered {
    this.#called("steerJob", id, verb);
    const {
      plan: _plan,
      untilAt: _until,
      attempts: _attempts,
      holds: _holds,
      slowest: _slowest,
      inReach: _inReach,
      stuck: _stuck,
      ...view
    } = this.job(id);
    return { ...view, answers: this.jobAnswers };
  }

  retryJob(id: string, order: { readonly of: Retried }): JobView {
    this.#called("retryJob", id, order);
    return this.job(id);
  }

  dead(): DeadLetter[] {
    this.#called("dead");
    return [...this.deadList];
  }

  async retryDead(id: string): Promise<void> {
    this.#called("retryDead", id);
    this.#removeDead(id);
  }

  async dropDead(id: string): Promise<void> {
    this.#called("dropDead", id);
    this.#removeDead(id);
  }

  health(): Health {
    this.#called("health");
    return this.healthNow;
  }

  async reload(): Promise<ReloadAnswer> {
    this.#called("reload");
    return this.reloadAnswer;
  }

  async metrics(): Promise<string> {
    this.#called("metrics");
    return this.metricsText;
  }

  watch(listener: (happening: Happening) => void): () => void {
    this.#called("watch");
    const own = (happening: Happening): void => listener(happening);
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }

  async searchLogs(query: LogSearchQuery = {}): Promise<LogFindingsView> {
    this.#called("searchLogs", query);
    const asOf = this.clock.now();
    const meant = ({ node, domain, line }: LogLine): boolean =>
      (query.node ?? node) === node && (query.domain ?? domain) === domain && line.includes(query.text ?? "");
    const lines = this.logList.filter(meant).map((line) => ({ ...line, at: null }));
    return { asOf, lines, complete: true, bytesRead: 0, readBackAt: null, volume: [] };
  }

  async logs(query: { node?: string; domain?: string; lines?: number } = {}): Promise<LogLine[]> {
    this.#called("logs", query);
    const chosen = this.logList.filter(
      (line) =>
        (query.node === undefined || query.node === line.node) &&
        (query.domain === undefined || query.domain === line.domain),
    );
    return chosen.slice(-(query.lines ?? 10));
  }

  #called(operation: keyof Operations, ...args: unknown[]): void {
    this.calls.push({ operation, args });
    if (this.#failures.has(operation)) throw this.#failures.get(operation);
  }

  #find(id: string): MessageDetail {
    const ids = this.messageList
      .map((message) => message.id)
      .sort()
      .reverse();
    const wanted = findId(id, () => ids);
    const found = this.messageList.find((message) => message.id === wanted);
    if (found === undefined) throw new StewardError("message-unknown", { id });
    return found;
  }

  #processesOf(node: string): ProcessView[] {
    const processes = this.processList.get(node);
    if (processes === undefined) throw new StewardError("node-unknown", { node });
    return processes;
  }

  #removeDead(id: string): void {
    const index = this.deadList.findIndex((letter) => letter.id.startsWith(id));
    if (index < 0) throw new StewardError("dead-letter-unknown", { id });
    this.deadList.splice(index, 1);
  }
}

export function fakeOperations(): FakeOperations {
  return new FakeOperations();
}

export function sampleNode(name: string, now: number, fields: Partial<NodeDetail> = {}): NodeDetail {
  return {
    name,
    role: "edge",
    link: "online",
    linkSince: now - 60_000,
    cause: "hello",
    session: "none",
    work: "idle",
    trust: "accepted",
    storage: "ok",
    lastSeenAt: now - 1_000,
    asOf: now,
    waiting: 0,
    waitingBytes: 0,
    oldestCreatedAt: null,
    running: 0,
    bytesOut: 0,
    bytesIn: 0,
    changes: [],
    lanes: [],
    ...fields,
  };
}

export function sampleMessage(
  id: string,
  subject: string,
  state: State,
  createdAt: number,
  fields: Partial<MessageDetail> = {},
): MessageDetail {
  const origin = fields.origin ?? "central";
  const { kind } = parseSubject(subject);
  return {
    id,
    subject,
    origin,
    direction: "out",
    state,
    final: isFinal(kind, state),
    since: createdAt,
    createdAt,
    deliverBy: null,
    attempts: state === "queued" ? 0 : 1,
    summary: "uname -a",
    data: ["uname", "-a"],
    timeout: 30_000,
    history: [{ state: "queued", at: createdAt, by: origin }],
    output: [],
    ...fields,
  };
}

export function sampleProcess(subject: string, role: ProcessView["role"], now: number): ProcessView {
  return { subject, role, state: "idle", since: now - 60_000, restarts: 0, queued: 0, active: 0 };
}

function viewOf(detail: MessageDetail): MessageView {
  const { data: _d, timeout: _t, inReplyTo: _i, history: _h, conflict: _c, outcome: _o, output: _p, ...view } = detail;
  return view;
}
