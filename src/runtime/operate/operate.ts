import type { BrokerLink } from "../../broker/link.ts";
import type { Config } from "../../config/config.ts";
import type { Journal } from "../../journal/journal.ts";
import type { InRecord } from "../../journal/records.ts";
import type { Clock } from "../../message/clock.ts";
import type { Draft } from "../../message/draft.ts";
import { StewardError } from "../../message/errors.ts";
import { findId } from "../../message/find-id.ts";
import { isFinal } from "../../message/lifecycle.ts";
import type { Json } from "../../message/message.ts";
import type { ProcessVerb } from "../../message/process-verb.ts";
import { asLane } from "../../message/standstill.ts";
import { CONTROL_DOMAIN, kindOf, parseSubject, receiverOf } from "../../message/subject.ts";
import type { Method } from "../../methods/define.ts";
import { readLogs } from "../../methods/syslog/write/stored.ts";
import type { AlertMemory } from "../../observe/alert-memory.ts";
import type { Announcer } from "../../observe/announce.ts";
import type { Happenings } from "../../observe/happenings.ts";
import type { Metrics } from "../../observe/metrics/metrics.ts";
import { authorise, PLAIN_PUBLISHER } from "../../security/authorise.ts";
import type { LaneView } from "../deliver/publisher.ts";
import type { Publishers } from "../deliver/publishers.ts";
import type { CancelResult } from "../execute/cancel-method.ts";
import { begins } from "../execute/unvouched.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { Routes } from "../receive/routes.ts";
import type { Vouching } from "../resync/vouch-ask.ts";
import type { Submitter } from "../submit/submit.ts";
import type { Storage } from "../upkeep/storage.ts";
import type {
  CancelAnswer,
  MessageDetail,
  MessageFilter,
  MessageView,
  NodeDetail,
  NodeView,
  Operations,
  ProcessList,
  ProcessView,
  WaitingProcess,
} from "./operations.ts";
import { detailDone, detailIn, detailOut, type Sight, viewDead, viewDone, viewIn, viewOut } from "./views.ts";

/** The rooms that answer, of the core that runs now. */
export interface Rooms {
  readonly journal: Journal;
  readonly storage: Storage;
  readonly link: BrokerLink;
  readonly fleet: Fleet;
  readonly vouching: Vouching;
  readonly publishers: Publishers;
  readonly submitter: Submitter;
  readonly announce: Announcer;
  readonly failures: { readonly memory: AlertMemory };
  readonly routes: Routes;
  readonly methods: ReadonlyMap<string, Method>;
  /** Commands under way on this node, by id. */
  readonly running: { readonly size: number };
  readonly canceller: { cancel(id: string, by: string): CancelResult };
  /** Where a method keeps its files. */
  directory(method: string): string;
}

/** The supervised processes of this node. */
export interface ProcessTable {
  views(): ProcessView[];
  waiting(): WaitingProcess[];
  /** @throws StewardError `process-unknown` */
  control(verb: ProcessVerb, subject: string): Promise<ProcessView>;
}

/** What the running daemon answers to its operators. The core may be a new one after a failure: it is asked for anew. */
export interface OperateOptions {
  readonly core: () => Rooms;
  readonly processes: () => ProcessTable;
  readonly config: () => Config;
  readonly clock: Clock;
  readonly happenings: Happenings;
  readonly metrics: () => Metrics;
  readonly version: string;
  readonly startedAt: number;
  readonly reload: Operations["reload"];
  readonly counters: { node(name: string): { bytesIn: number; bytesOut: number } };
}

const LIMIT = 100;
/** Lanes that stand still: shown of one node, and of this daemon. */
const WORST = 5;
const MOST_STUCK = 100;
const ANSWER_WITHIN = 10_000;

export function operate(options: OperateOptions): Operations {
  const { core, processes, config, clock, happenings } = options;
  const self = (): string => config().node;
  const sight = (): Sight => ({
    outbox: core().journal.outbox,
    link: (node) => core().fleet.link(node),
    blocked: (subject) => core().publishers.get(subject)?.view().reason,
    stuck: (node, subject) => core().fleet.unattended(node, subject),
    changes: (node) => core().fleet.describe(node)?.changes ?? [],
    now: clock.now(),
  });

  const waitsFor = (record: InRecord): string | undefined => {
    if (!begins(record)) return undefined;
    const { subject, origin } = record.message;
    if (core().vouching.isOpen(record))
      return `waits until ${origin} says that it has not run: this daemon was restarted`;
    return core().routes.stuck(subject);
  };

  async function send(drafts: readonly Draft[]) {
    const { journal, storage, announce } = core();
    const records = core().submitter.submit(drafts);
    try {
      await storage.durable();
    } catch (error) {
      // Who hears that it was refused sends it again: it must not run as well once the disk takes it.
      const now = clock.now();
      const ended = records.flatMap(
        ({ message }) =>
          journal.outbox.withdraw(message.id, "cancelled", now, "its journal could not be written") ?? [],
      );
      journal.flushed().then(
        () => announce.withdrawn(ended),
        () => undefined,
      );
      if (ended.length === records.length) throw error;
      // Some are on their way: they are sent as soon as they are durable, and only then is there an answer.
      await journal.flushed();
    }
    return records;
  }

  function* all(filter: MessageFilter, prefix = ""): Iterable<MessageView> {
    const { outbox, inbox } = core().journal;
    if (filter.direction !== "in")
      for (const { lane, record } of outbox.newest(prefix)) yield viewOut(lane, record, sight());
    if (filter.direction === "out") return;
    for (const record of inbox.pending().reverse())
      if (record.message.id.startsWith(prefix)) yield viewIn(record, waitsFor(record));
    for (const record of inbox.newestDone(prefix)) yield viewDone(record);
  }

  /** Sends a command to another node and waits for its outcome. */
  async function ask(draft: Draft, timeout: number): Promise<Json> {
    const node = receiverOf(draft.subject);
    let done: (detail: MessageDetail) => void = () => undefined;
    const outcome = new Promise<MessageDetail>((resolve) => {
      done = resolve;
    });
    let id = "";
    const check = (): void => {
      const found = core().journal.outbox.find(id);
      if (found === undefined) return;
      const detail = detailOut(found.lane, found.record, sight());
      if (isFinal("command", detail.state)) done(detail);
    };
    const unsubscribe = happenings.subscribe((happening) => {
      if (happening.type === "message" && happening.id === id) queueMicrotask(check);
    });
    const [record] = await send([{ ...draft, deliverBy: timeout, knownNodesOnly: true }]);
    id = record?.message.id ?? "";
    let silent: (error: StewardError) => void = () => undefined;
    const silence = new Promise<never>((_, reject) => {
      silent = reject;
    });
    const timer = clock.setTimeout(
      () => silent(new StewardError("node-silent", { node, seconds: Math.round(timeout / 1000) })),
      timeout,
    );
    check();
    try {
      const detail = await Promise.race([outcome, silence]);
      if (detail.state === "succeeded") return detail.outcome?.result ?? null;
      throw new StewardError("api-failed", { status: detail.state, fault: detail.reason ?? `${node} gave no reason` });
    } finally {
      clock.clearTimeout(timer);
      unsubscribe();
    }
  }

  /** Once for all nodes: with thousands of them there are thousands of lanes. */
  function lanesByNode(): Map<string, LaneView[]> {
    const lanes = new Map<string, LaneView[]>();
    for (const lane of core().publishers.lanes()) {
      const node = receiverOf(lane.subject);
      const those = lanes.get(node);
      if (those === undefined) lanes.set(node, [lane]);
      else those.push(lane);
    }
    return lanes;
  }

  function nodeView(name: string, lanes: readonly LaneView[] = []): NodeDetail | undefined {
    const { journal, fleet } = core();
    const known = fleet.describe(name);
    if (known === undefined && name !== self()) return undefined;
    const oldest = lanes.flatMap((lane) => (lane.oldest === null ? [] : [lane.oldest]));
    const now = clock.now();
    const sums = {
      waiting: lanes.reduce((sum, lane) => sum + lane.waiting, 0),
      oldestWaiting: oldest.length === 0 ? null : now - Math.min(...oldest),
      running: journal.outbox.openCount(name),
      bytesOut: options.counters.node(name).bytesOut,
      bytesIn: options.counters.node(name).bytesIn,
      lanes,
    };
    const role = name === self() ? "self" : name === config().central ? "central" : "edge";
    const stuck = lanes.flatMap(({ subject, stuck: lane }) => (lane === undefined ? [] : [{ subject, ...lane }]));
    const said = name === self() ? processes().waiting().map(asLane) : (known?.stuck ?? []);
    const worst = [...stuck.sort((a, b) => a.since - b.since).slice(0, WORST), ...said.slice(0, WORST)];
    const counted = { ...sums, ...(worst.length === 0 ? {} : { stuck: worst }) };
    if (known !== undefined) return { ...known, role, ...counted };
    const { state, since, server = "" } = core().link.health();
    return {
      name,
      role,
      ...(fleet.selfHeld === undefined ? {} : { heldBack: fleet.selfHeld }),
      link: fleet.link(name),
      linkSince: since,
      cause: state === "connected" ? `broker ${server}` : `broker ${state}`,
      session: "live",
      work: core().running.size > 0 ? "busy" : "idle",
      trust: "accepted",
      storage: core().storage.level(),
      lastSeen: now,
      asOf: now,
      version: options.version,
      startedAt: options.startedAt,
      epoch: journal.epoch,
      methods: [...core().methods.keys()],
      changes: [],
      ...counted,
    };
  }

  return {
    async submit(drafts) {
      const records = await send(drafts);
      return records.map(({ message }) => {
        const node = receiverOf(message.subject);
        const blocked = core().publishers.get(message.subject)?.stuck?.reason ?? core().fleet.heldBack(node);
        const accepted = { id: message.id, subject: message.subject, node, link: core().fleet.link(node) };
        return blocked === undefined ? accepted : { ...accepted, blocked };
      });
    },
    cancel: async (id) => await cancel(id),
    messages(filter) {
      const limit = filter.limit ?? LIMIT;
      const found = (["out", "in"] as const)
        .filter((direction) => filter.direction === undefined || filter.direction === direction)
        .flatMap((direction) => firstOf(all({ ...filter, direction }), (view) => matches(view, filter), limit));
      return found.sort((a, b) => (a.id < b.id ? 1 : -1)).slice(0, limit);
    },
    message: (id) => detail(id),
    durable: () => core().journal.flushed(),
    nodes() {
      const lanes = lanesByNode();
      return [self(), ...core().fleet.names()]
        .flatMap((name) => nodeView(name, lanes.get(name)) ?? [])
        .map(({ lanes: _lanes, changes: _changes, methods: _methods, ...view }): NodeView => view);
    },
    node(name) {
      const view = nodeView(name, lanesByNode().get(name));
      if (view === undefined) throw new StewardError("node-unknown", { node: name });
      return view;
    },
    async processes(node = self(), timeout = ANSWER_WITHIN) {
      if (node === self()) return { node, asOf: clock.now(), processes: processes().views() };
      const answer = await ask(
        { subject: `${node}.command.process.${CONTROL_DOMAIN}`, data: { verb: "ps", subject: "" } },
        timeout,
      );
      return answer as unknown as ProcessList;
    },
    async control(verb, node, subject) {
      const full = subject.split(".").length === 3 ? `${node}.${subject}` : subject;
      if (node === self()) return await processes().control(verb, full);
      const answer = await ask(
        { subject: `${node}.command.process.${CONTROL_DOMAIN}`, data: { verb, subject: full } },
        ANSWER_WITHIN,
      );
      return answer as unknown as ProcessView;
    },
    dead: () => core().journal.inbox.dead().map(viewDead),
    async retryDead(id) {
      const { journal, routes } = core();
      const letter = journal.inbox.dead().find((dead) => dead.message.id === id);
      if (letter === undefined) throw new StewardError("message-unknown", { id });
      const { subject } = letter.message;
      if (receiverOf(subject) !== self()) {
        // A letter that is refused again stays where it is.
        await send([{ subject, data: letter.message.data }]);
        journal.inbox.dropDead(id);
        await journal.flushed();
        return;
      }
      const route = routes.find(subject);
      const { origin, data, foreign } = letter.message;
      const sender = foreign === true && origin === self() ? PLAIN_PUBLISHER : origin;
      authorise(sender, subject, data, route.config, route.method);
      if (route.room === 0) throw new StewardError("queue-full", { subject, limit: route.config.queue });
      const record = journal.inbox.exhume(id, clock.now());
      await journal.flushed();
      if (record === undefined) return;
      route.taken();
      route.process?.feed([record], clock.monotonic());
    },
    async dropDead(id) {
      if (!core().journal.inbox.dropDead(id)) throw new StewardError("message-unknown", { id });
      await core().journal.flushed();
    },
    alerts: () => core().failures.memory.all(),
    async clearAlert(no) {
      if (!core().failures.memory.clear(no)) throw new StewardError("alert-unknown", { no });
      await core().journal.flushed();
    },
    health() {
      const journal = core().storage.health();
      const broker = core().link.health();
      const views = processes().views();
      const waiting = processes().waiting();
      const quarantined = views.flatMap(({ subject, state }) => (state === "quarantined" ? [subject] : []));
      const stuck = core().publishers.stuck(MOST_STUCK);
      const ok =
        stuck.length === 0 &&
        core().fleet.selfHeld === undefined &&
        broker.state === "connected" &&
        broker.refused === undefined &&
        (journal.state === "ok" || journal.state === "low") &&
        quarantined.length === 0 &&
        waiting.length === 0;
      return {
        node: self(),
        ok,
        version: options.version,
        startedAt: options.startedAt,
        asOf: clock.now(),
        broker,
        journal,
        quarantined,
        ...(waiting.length === 0 ? {} : { waiting }),
        stuck,
      };
    },
    reload: options.reload,
    metrics: () => options.metrics().text(),
    watch: (listener) => happenings.subscribe(listener),
    logs: async (query) => await readLogs(core().directory("syslogforwarding"), query),
  };

  async function cancel(idOrPrefix: string): Promise<CancelAnswer> {
    const { id, state, final, direction, subject } = detail(idOrPrefix);
    if (final) return { kind: "tooLate", id, state };
    const { journal } = core();
    if (direction === "in") {
      const answer = core().canceller.cancel(id, self());
      await journal.flushed();
      return answer === "done" ? { kind: "done", id } : { kind: "tooLate", id, state: detail(id).state };
    }
    const withdrawn = journal.outbox.withdraw(id, "cancelled", clock.now(), "cancelled before it was sent");
    if (withdrawn !== undefined) {
      await journal.flushed();
      core().announce.withdrawn([withdrawn]);
      return { kind: "done", id };
    }
    if (kindOf(subject) === "event") return { kind: "tooLate", id, state };
    const { node } = parseSubject(subject);
    const draft = { subject: `${node}.command.cancel.${CONTROL_DOMAIN}`, data: { id }, deliverBy: null };
    const [asked] = core().submitter.submit([draft]);
    if (asked !== undefined)
      journal.outbox.cancelRequested(id, { cancelRequestedAt: clock.now(), cancelId: asked.message.id });
    await journal.flushed();
    const isHeard = core().fleet.link(node) === "online";
    if (state === "sent") {
      const when = isHeard ? "it was asked to cancel it" : "it is cancelled when that node is heard";
      return { kind: "requested", id, reason: `${node} is not known to have it: ${when}` };
    }
    const end = isHeard
      ? "it was asked to end it"
      : `it is asked to end it when it is heard: its link is ${core().fleet.link(node)}`;
    return { kind: "requested", id, reason: `${node} has it: ${end}` };
  }

  /** Ids of messages, the newest first; without a prefix those that steward sends for itself are left out. */
  function* newestIds(prefix = ""): Iterable<string> {
    const { outbox, inbox } = core().journal;
    const pending = inbox.pending().map(({ message }) => message);
    const streams: readonly Iterable<{ readonly id: string; readonly subject: string }>[] = [
      mapped(outbox.newest(prefix), ({ record: { message } }) => message),
      pending.filter(({ id }) => id.startsWith(prefix)).sort((a, b) => (a.id < b.id ? 1 : -1)),
      inbox.newestDone(prefix),
    ];
    for (const { id, subject } of newestFirst(streams))
      if (prefix !== "" || !subject.endsWith(`.${CONTROL_DOMAIN}`)) yield id;
  }

  function detail(prefix: string): MessageDetail {
    const { outbox, inbox } = core().journal;
    const id = findId(prefix, newestIds, newestIds);
    const out = outbox.find(id);
    if (out !== undefined) return detailOut(out.lane, out.record, sight());
    const pending = inbox.find(id);
    if (pending !== undefined) return detailIn(pending, self(), waitsFor(pending));
    const done = inbox.done(id);
    if (done === undefined) throw new StewardError("message-unknown", { id: prefix });
    return detailDone(done, self());
  }
}

function* mapped<T, R>(items: Iterable<T>, of: (item: T) => R): Iterable<R> {
  for (const item of items) yield of(item);
}

/** Items of several streams, each of them sorted by id from the newest on, as one. */
function* newestFirst<T extends { readonly id: string }>(streams: readonly Iterable<T>[]): Iterable<T> {
  const open = streams.map((stream) => {
    const from = stream[Symbol.iterator]();
    return { from, next: from.next() };
  });
  for (;;) {
    let newest: { readonly from: Iterator<T>; next: IteratorResult<T> } | undefined;
    for (const one of open) {
      if (one.next.done === true) continue;
      if (newest === undefined || one.next.value.id > (newest.next.value as T).id) newest = one;
    }
    if (newest === undefined) return;
    yield newest.next.value as T;
    newest.next = newest.from.next();
  }
}

function firstOf<T>(items: Iterable<T>, wanted: (item: T) => boolean, limit: number): T[] {
  const found: T[] = [];
  for (const item of items) {
    if (wanted(item)) found.push(item);
    if (found.length >= limit) break;
  }
  return found;
}

function matches(view: MessageView, filter: MessageFilter): boolean {
  const subject = parseSubject(view.subject);
  if (filter.node !== undefined && subject.node !== filter.node && view.origin !== filter.node) return false;
  if (filter.state !== undefined && view.state !== filter.state) return false;
  if (filter.method !== undefined && subject.method !== filter.method) return false;
  if (filter.domain !== undefined && subject.domain !== filter.domain) return false;
  return filter.open !== true || !view.final;
}
