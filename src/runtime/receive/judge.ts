import type { Judgement, PlacedNew } from "../../journal/inbox.ts";
import type { Journal } from "../../journal/journal.ts";
import type { DoneRecord } from "../../journal/records.ts";
import { faultText } from "../../message/errors.ts";
import type { Report } from "../../message/report.ts";
import { kindOf } from "../../message/subject.ts";
import { type Frame, type FrameItem, messageOf } from "../../message/wire/frame.ts";
import type { Counters } from "../../observe/metrics/counters.ts";
import type { Repair } from "../resync/compare-ask.ts";
import type { BegunBefore } from "../resync/may-have-run.ts";
import type { Reports } from "./reports.ts";
import type { Routes } from "./routes.ts";
import type { UsedStatements } from "./used-statements.ts";

/** A frame that came, its travel time, and the announcements to make once its messages are durable. */
export interface Arrival {
  readonly frame: Frame;
  readonly subject: string;
  /** Wall time, ms. */
  readonly at: number;
  /** Travel time of the frame, ms. */
  readonly underWay: number;
  readonly told: (() => void)[];
  /** False: the journal has no room for new work; asked for the first message that needs room. */
  hasRoom: boolean | undefined;
}

export interface JudgeOptions {
  readonly node: string;
  readonly journal: Journal;
  readonly routes: Routes;
  readonly counters: Counters;
  readonly reports: Pick<Reports, "fold">;
  /** Hears of the ends of this node's own commands. */
  readonly ends: Pick<Repair, "ended">;
  readonly answers: Answers;
  readonly statements: UsedStatements;
}

/** Sends the outcomes of commands home: `execute/respond.ts`. */
export interface Answers {
  /** An outcome is owed once more. */
  again(done: DoneRecord): void;
}

const LOST = "it may have begun here before this node lost its journal";

/** Decides on new messages by this node's own configuration: permission, deadline, room. Refusals are counted by reason. */
export class Judge {
  readonly #options: JudgeOptions;
  readonly #before: BegunBefore;

  constructor(options: JudgeOptions, before: BegunBefore) {
    this.#options = options;
    this.#before = before;
  }

  /** Decides on the messages of a frame in order, as far as there is room. */
  all(arrival: Arrival, place: PlacedNew): Judgement[] {
    const { journal, answers } = this.#options;
    const { items, first } = arrival.frame;
    const decisions: Judgement[] = [];
    for (let seq = place.from; seq < first + items.length; seq++) {
      const item = items[seq - first];
      if (item === undefined) break;
      const judged = journal.inbox.known(place, item, seq) ?? this.#one(arrival, item, seq);
      // The origin sends this message and all behind it again.
      if (judged === "full") break;
      if (judged.kind === "known" && judged.done !== undefined) answers.again(judged.done);
      decisions.push(judged);
    }
    return decisions;
  }

  /** A command that may have begun here is never ended as one that did not begin: it becomes `interrupted`. */
  #one(arrival: Arrival, item: FrameItem, seq: number): Judgement | "full" {
    const { frame, subject } = arrival;
    if (this.#before.onLostDisk(frame, subject, item, seq))
      return { kind: "verdict", state: "interrupted", reason: LOST };
    const judged = this.#decide(arrival, item, seq);
    if (judged === "full" || judged.kind !== "verdict" || !this.#before.unrecorded(frame, subject, seq)) return judged;
    const reason = `it may have begun here before this node was started; else: ${judged.reason}`;
    return { kind: "verdict", state: "interrupted", reason };
  }

  #decide(arrival: Arrival, item: FrameItem, seq: number): Judgement | "full" {
    const { frame, subject, at, underWay, told } = arrival;
    const { routes, counters, reports, ends, journal, node, statements } = this.#options;
    if ("skip" in item) {
      const by = journal.inbox.cancelledEarly(item.id);
      if (by !== undefined && item.skip === "cancelled")
        return { kind: "verdict", state: "cancelled", reason: `${by} cancelled it before it arrived` };
      const reason = item.skip === "rejected" ? `${node} could not read it` : "it ended at its origin";
      return { kind: "verdict", state: item.skip, reason };
    }
    if ("unreadable" in item) {
      counters.refuse("frame-malformed", { subject, origin: frame.origin, id: item.id, fault: item.unreadable });
      return { kind: "verdict", state: "rejected", reason: `${node} cannot read it: ${item.unreadable}` };
    }
    try {
      if (item.inReplyTo !== undefined && kindOf(subject) === "event") {
        const report = item.data as unknown as Report;
        if (reports.fold(item.inReplyTo, frame.origin, report, told)) {
          if (report.state !== "running") ends.ended(item.inReplyTo, report);
          return { kind: "folded" };
        }
        counters.refuse("report-unknown", { subject, origin: frame.origin, id: item.inReplyTo });
        return { kind: "verdict", state: "rejected", reason: `no command ${item.inReplyTo} is known here` };
      }
      const route = routes.find(subject);
      const sender = route.senderOf(messageOf(item, subject, frame.origin), statements);
      route.decide(sender, item.data, item.id);
      const canceller = journal.inbox.cancelledEarly(item.id);
      if (canceller !== undefined)
        return { kind: "verdict", state: "cancelled", reason: `${canceller} cancelled it before it arrived` };
      const remaining = item.deliverBy === null ? null : item.deliverBy - frame.sentAt - underWay;
      const unproved = this.#before.isUnproved(frame, subject, seq);
      // A command that may have begun in an earlier life is not expired here: its origin is asked first.
      if (remaining !== null && remaining <= 0 && !unproved) {
        counters.refuse("deadline-passed", { subject, origin: frame.origin });
        return { kind: "verdict", state: "expired", reason: expiredUnderWay(remaining, underWay) };
      }
      arrival.hasRoom ??= routes.hasRoom();
      if (!arrival.hasRoom || route.room === 0) return "full";
      route.taken(frame.origin);
      const start = !unproved && !journal.renewed && (route.process?.reserve() ?? false);
      // A command that may have begun in time gets no deadline: it begins again, whenever its turn comes.
      statements.used(item);
      const bound = remaining !== null && !this.#before.unrecorded(frame, subject, seq);
      return { kind: "take", deadline: bound ? at + remaining : null, start };
    } catch (error) {
      // A method's own check throws plain errors for invalid data.
      const code = error instanceof Error && "code" in error ? String(error.code) : "data-invalid";
      counters.refuse(code, { subject, origin: frame.origin, id: item.id, fault: faultText(error) });
      return { kind: "verdict", state: "rejected", reason: faultText(error) };
    }
  }
}

function expiredUnderWay(remaining: number, underWay: number): string {
  if (remaining + underWay <= 0) return "its deadline had passed when it was sent";
  return underWay < 1000
    ? "its deadline had passed when it arrived"
    : `its deadline had passed when it arrived: it was under way for ${Math.round(underWay / 1000)} s`;
}
