import type { InRecord, OutLane, OutRecord } from "../../journal/records.ts";
import { StewardError } from "../../message/errors.ts";
import { findId } from "../../message/find-id.ts";
import { isFinalState } from "../../message/lifecycle.ts";
import { CONTROL_DOMAIN, parseSubject, receiverOf } from "../../message/subject.ts";
import { begins } from "../execute/unvouched.ts";
import type { OperateOptions } from "./rooms.ts";
import type { MessageDetail, MessageFilter, MessageView } from "./table/messages.ts";
import {
  detailDone,
  detailHeld,
  detailIn,
  detailOut,
  type Sight,
  viewDone,
  viewHeld,
  viewIn,
  viewOut,
} from "./views.ts";

const LIMIT = 100;

/** A record of the journal, whose view is made only when it is listed. */
interface Row {
  readonly id: string;
  readonly subject: string;
  readonly origin: string;
  readonly view: () => MessageView;
}

/** The messages of the journal as they are shown: those sent from here, and those taken from others. */
export class Messages {
  readonly #options: OperateOptions;

  constructor(options: OperateOptions) {
    this.#options = options;
  }

  /** The newest first. Open messages, and those of some lanes, are found by their lanes: others cost nothing. */
  list(filter: MessageFilter): MessageView[] {
    const { limit = LIMIT, before, direction, open = false, state } = filter;
    // An event is final once it is received; every other state that is not final is one of an open message.
    const unfinished = open || (state !== undefined && state !== "received" && !isFinalState(state));
    const streams = [
      ...(direction === "in" ? [] : [unfinished ? this.#openSent(filter) : this.#sent(filter), this.#held(before)]),
      ...(direction === "out" ? [] : [this.#pending(), ...(unfinished ? [] : [this.#done(before)])]),
    ];
    const found: MessageView[] = [];
    for (const row of newestFirst(streams)) {
      // A message to this node itself is listed twice, both on one page: the next page begins after their id.
      if (found.length >= limit && row.id !== found.at(-1)?.id) break;
      if ((before !== undefined && row.id >= before) || !matches(row, filter)) continue;
      const view = row.view();
      if ((!open || !view.final) && (state === undefined || view.state === state)) found.push(view);
    }
    return found;
  }

  /** The message with an id, or with an unambiguous beginning of one. @throws StewardError `message-unknown`, `message-ambiguous` */
  detail(prefix: string): MessageDetail {
    const { jobs, journal } = this.#options.core();
    const newest = (beginning?: string) => this.#newestIds(beginning);
    const id = findId(prefix, newest, newest);
    const detail = this.#detail(id, prefix);
    const { owner } = journal.held.find(id)?.group.record ?? {};
    const isOfJob = owner !== undefined && detail.direction === "out" && jobs.standOf(owner) !== undefined;
    return isOfJob ? { ...detail, job: owner } : detail;
  }

  #detail(id: string, prefix: string): MessageDetail {
    const { core, config } = this.#options;
    const { outbox, held, inbox } = core().journal;
    const out = outbox.find(id);
    if (out !== undefined) {
      const reply = core().errands.expected(id);
      const detail = detailOut(out.lane, out.record, this.#sight());
      return reply === undefined ? detail : { ...detail, reply };
    }
    const kept = held.find(id);
    if (kept !== undefined && kept.group.at(kept.index) !== 1) return detailHeld(kept, config().node);
    const pending = inbox.find(id);
    if (pending !== undefined) return detailIn(pending, config().node, this.#waitsFor(pending));
    const done = inbox.done(id);
    if (done === undefined) throw new StewardError("message-unknown", { id: prefix });
    return detailDone(done, config().node);
  }

  /** Messages with ids that begin so, the newest first, without those that steward sends for itself. */
  *beginning(prefix: string): Iterable<Pick<Row, "id" | "view">> {
    for (const row of this.#rows(prefix)) if (!row.subject.endsWith(`.${CONTROL_DOMAIN}`)) yield row;
  }

  /** One message that this node sent or holds; `undefined`: there is none with this id. */
  view(id: string): MessageView | undefined {
    const { outbox, held } = this.#options.core().journal;
    const out = outbox.find(id);
    if (out !== undefined) return viewOut(out.lane, out.record, this.#sight());
    const kept = held.find(id);
    return kept === undefined ? undefined : viewHeld(kept, this.#options.config().node);
  }

  /** A record of a lane, as lists show it. */
  viewOn(lane: OutLane, record: OutRecord): MessageView {
    return viewOut(lane, record, this.#sight());
  }

  #sight(): Sight {
    const { core, config, clock } = this.#options;
    const { journal, fleet, publishers, maintenance } = core();
    return {
      outbox: journal.outbox,
      link: (node) => fleet.reach(node),
      held: (subject) => maintenance.halts(subject),
      blocked: (subject) => publishers.get(subject)?.view().reason,
      isAwaited: (node) => core().awaited(node) !== undefined,
      stuck: (node, subject) => fleet.unattended(node, subject),
      changes: (node) => (node === config().node ? [] : (fleet.describe(node)?.changes ?? [])),
      now: clock.now(),
    };
  }

  #waitsFor(record: InRecord): string | undefined {
    const { id, subject, origin } = record.message;
    const { vouching, routes } = this.#options.core();
    if (begins(record) && vouching.isOpen(record))
      return `waits until ${origin} says that it has not run: this daemon was restarted`;
    const hindered = routes.get(subject)?.process?.waitsFor(id);
    if (hindered !== undefined || !begins(record)) return hindered;
    return routes.stuck(subject);
  }

  #sent(filter: MessageFilter): Iterable<Row> {
    const { outbox } = this.#options.core().journal;
    const { before, node, method, domain } = filter;
    const ofSome = node !== undefined || method !== undefined || domain !== undefined;
    const found = ofSome ? outbox.newestOn(this.#isMeant(filter), before) : outbox.newest("", before);
    return mapped(found, (each) => this.#sentRow(each));
  }

  /** Open messages of the lanes that the filter allows. */
  #openSent(filter: MessageFilter): Iterable<Row> {
    const lanes = this.#options.core().journal.outbox.open(this.#isMeant(filter));
    return mapped(lanes, (found) => this.#sentRow(found));
  }

  /** True for the lanes that the filter allows. */
  #isMeant(filter: MessageFilter): (subject: string) => boolean {
    const origin = this.#options.config().node;
    return (subject) => matches({ subject, origin }, filter);
  }

  #sentRow({ lane, record }: { readonly lane: OutLane; readonly record: OutRecord }): Row {
    const { id, subject, origin } = record.message;
    return { id, subject, origin, view: () => viewOut(lane, record, this.#sight()) };
  }

  /** Messages that are in no lane. */
  #held(before?: string, prefix?: string): Iterable<Row> {
    const origin = this.#options.config().node;
    return mapped(this.#options.core().journal.held.newest(prefix, before), (found) => {
      const { group, id, node } = found;
      return { id, subject: `${node}.${group.record.subject}`, origin, view: () => viewHeld(found, origin) };
    });
  }

  #pending(prefix = ""): Iterable<Row> {
    const records = this.#options.core().journal.inbox.pending();
    return records
      .filter(({ message }) => message.id.startsWith(prefix))
      .sort((a, b) => (a.message.id < b.message.id ? 1 : -1))
      .map((record) => {
        const { id, subject, origin } = record.message;
        return { id, subject, origin, view: () => viewIn(record, this.#waitsFor(record)) };
      });
  }

  #done(before?: string, prefix?: string): Iterable<Row> {
    const records = this.#options.core().journal.inbox.newestDone(prefix, before);
    return mapped(records, (record) => ({ ...record, view: () => viewDone(record) }));
  }

  /** Ids of the newest messages; those that steward sends for itself are included only with a prefix. */
  *#newestIds(prefix = ""): Iterable<string> {
    for (const { id, subject } of this.#rows(prefix))
      if (prefix !== "" || !subject.endsWith(`.${CONTROL_DOMAIN}`)) yield id;
  }

  #rows(prefix: string): Iterable<Row> {
    const sent = mapped(this.#options.core().journal.outbox.newest(prefix), (found) => this.#sentRow(found));
    const held = this.#held(undefined, prefix);
    return newestFirst([sent, held, this.#pending(prefix), this.#done(undefined, prefix)]);
  }
}

function matches({ subject, origin }: Pick<Row, "subject" | "origin">, filter: MessageFilter): boolean {
  const { node, method, domain } = filter;
  if (node !== undefined && receiverOf(subject) !== node && origin !== node) return false;
  if (method === undefined && domain === undefined) return true;
  const parts = parseSubject(subject);
  return (method === undefined || parts.method === method) && (domain === undefined || parts.domain === domain);
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
