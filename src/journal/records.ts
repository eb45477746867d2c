import type { HoldReason } from "../message/jobs/hold.ts";
import type { Bounded, JobPlan, JobState } from "../message/jobs/job.ts";
import type { Assertion, Life, State } from "../message/lifecycle.ts";
import type { Json, Message, SignedRun } from "../message/message.ts";
import type { Outcome } from "../message/report.ts";
import type { Fact } from "../message/target/compare.ts";
import type { Verdict, WireItem } from "../message/wire/frame.ts";

/** The version of the journal's layout. Records of earlier versions stay readable. */
export const JOURNAL_VERSION = 2;

/** One lane that this node sends on. Sequence numbers begin at 1. */
export interface OutLane {
  readonly v: 1;
  readonly no: number;
  readonly subject: string;
  /** The next sequence number to give. */
  next: number;
  /** Numbers up to here were on the wire at least once. */
  sent: number;
  /** Numbers up to here the receiver has, durably. */
  acked: number;
  /** Numbers up to here the receiver has started. */
  started: number;
  /** Numbers below this one are final. */
  open: number;
  /** The epoch of the receiver's journal that the unacknowledged messages were first sent to, or that acknowledged last. */
  receiverEpoch: string | undefined;
  /** Numbers up to here were acknowledged to an earlier epoch of this journal; absent: none. */
  base?: number;
  /** The last number of each earlier epoch of this journal, the latest epoch first; absent: there was none. */
  given?: readonly (readonly [epoch: string, upTo: number])[];
  /** The times at which open messages passed the watermarks; absent: none did, or the messages' own records have them. */
  marks?: OutMarks | undefined;
  /** True: ids do not rise along the lane, because a message was held before it came here. */
  late?: boolean;
}

/** Each mark covers the numbers after the mark before it, up to its own; times in ms, for `a` and `r` by the receiver's clock. */
export interface OutMarks {
  /** Time of the first sending, and number of sendings. */
  readonly s: readonly (readonly [upTo: number, at: number, attempts: number])[];
  /** Time of the receipt. */
  readonly a: readonly (readonly [upTo: number, at: number])[];
  /** Time of the start. */
  readonly r: readonly (readonly [upTo: number, at: number])[];
}

/** One message that this node accepted. */
export interface OutRecord {
  readonly message: Message;
  readonly seq: number;
  /** The message as it travels, JSON, and the bytes that it takes of a frame. */
  readonly text: string;
  readonly bytes: number;
  /** True: the record is kept after its end, for the operator; those of sources and replies are not. */
  readonly keep: boolean;
  /** Number of times that the message was handed to the broker. */
  readonly attempts: number;
  /** The assertions about the message. Without any, its state is read off the lane's watermarks. */
  readonly life: Life | undefined;
  /** The state that the assertions add up to. */
  readonly asserted: State | undefined;
  readonly outcome: Outcome | undefined;
  readonly cancelRequestedAt: number | undefined;
  /** The id of the command that asks the message's node to end it. */
  readonly cancelId: string | undefined;
  /** The time at which this node first heard of the end, by its own clock. */
  readonly heardAt: number | undefined;
  /** The end of a message that ended here before its first sending; such a message travels as a skip marker. */
  readonly skip: "expired" | "cancelled" | undefined;
}

/** Messages of one lane that were accepted in one turn, as they lie in the journal. */
export interface OutBatch {
  readonly v: 1;
  /** 1: they are kept after their end. */
  readonly k: 0 | 1;
  /** The messages as they travel; `null`: forgotten. */
  readonly m: readonly (WireItem | null)[];
}

/** The state of one message of a batch, as it lies in the journal. */
export interface OutState {
  /** Attempts, and the times of sending, receipt and start, ms; 0: not known. */
  readonly n: number;
  readonly p: readonly [number, number, number];
  /** The end, if it is the only assertion; otherwise `l` has all assertions. */
  readonly e: Assertion | undefined;
  readonly l: Life | undefined;
  readonly o: Outcome | undefined;
  readonly c: number | undefined;
  readonly i: string | undefined;
  readonly h: number | undefined;
  readonly x: "expired" | "cancelled" | undefined;
}

/** Messages that are held together: they differ in their receivers alone. The row of the group, which never changes. */
export interface HeldGroupRecord {
  readonly v: 1;
  /** `<command|event>.<method>.<domain>`: the subjects without their receivers. */
  readonly subject: string;
  readonly data: Json;
  readonly timeout: number | null;
  /** How long each may wait to start, from its release on, ms; `null`: for ever. */
  readonly wait: number | null;
  /** No message of the group starts after this time, nor is it held any longer; `null`: there is no such time. */
  readonly until: number | null;
  /** When the messages were accepted. */
  readonly at: number;
  readonly count: number;
  /** The operator who asked for them; absent: nobody who has a name. */
  readonly operator?: string;
  /** The run of a job that the statements of its members are on; absent: each is on its message alone. */
  readonly run?: SignedRun;
  /** Urgent messages go before what waits for their nodes, once they are released. */
  readonly urgent?: true;
  /** The id of the last message; the first one is the id of the group. */
  readonly last: string;
  /** The id of the one that decides when they are released, such as a job. */
  readonly owner: string;
}

/** Members of a group, `CHUNK` to a row, in the order of their ids. Empty: the row was damaged. */
export type HeldMembers = readonly HeldMember[];
/** `until`, `signature`: the operator's statement on the message. */
export type HeldMember =
  | readonly [id: string, node: string]
  | readonly [id: string, node: string, until: number, signature: string];

/** The end of a message that was never in a lane. */
export interface HeldEnd {
  readonly state: "cancelled" | "expired";
  readonly at: number;
  readonly reason: string;
}

/** The present state of a group, by place in it: each run covers the places after the run before it, below `upTo`. */
export interface HeldStand {
  readonly v: 1;
  /** 0: held; 1: in its lane; else its end. */
  readonly runs: readonly HeldRun[];
  readonly reasons: readonly HeldWhy[];
}

export type HeldRun = readonly [upTo: number, stand: 0 | 1 | HeldEnd];
export type HeldWhy = readonly [upTo: number, reason: HoldReason, text: string];

/** A job as it was ordered. The row never changes; its messages are in the groups of its attempts. */
export interface JobRecord {
  readonly v: 1;
  readonly id: string;
  readonly at: number;
  /** The person or the program that ordered it, in words. */
  readonly by: string;
  /** The target as it was written, and the subject without receiver. */
  readonly target: string;
  readonly subject: string;
  readonly note: string;
  readonly plan: JobPlan;
  /** Destinations to which the outcome of each of its messages goes, and those of its own outcome. */
  readonly reply?: readonly string[];
  readonly jobReply?: readonly string[];
}

/** The present state of a job: what cannot be derived from its messages. */
export interface JobStand {
  readonly v: 1;
  readonly state: JobState;
  readonly since: number;
  readonly cause: string;
  /** The wave that runs, counted from 0, and since when all of it has ended; `null`: it has not. */
  readonly wave: number;
  readonly waveEndedAt: number | null;
  /** When it begins; `null`: at once, or once it is approved. */
  readonly beginAt: number | null;
  /** Ends of each kind that an operator has seen and let pass. */
  readonly allowed: Readonly<Partial<Record<Bounded, number>>>;
  /** The first has all nodes of the job. */
  readonly attempts: readonly JobAttempt[];
  /** Nodes that left the fleet since a job was ordered that begins again and again. */
  readonly left?: readonly string[];
}

export interface JobAttempt {
  /** The group of held messages. */
  readonly group: string;
  readonly at: number;
  /** The nodes that it is for, in words: `all`, `failed`, … */
  readonly of: string;
  /** The places in the group at which its waves end. */
  readonly waves: readonly number[];
  /** Groups of messages in the place of those of this attempt that expired with their window: they wait for the next one. */
  readonly later?: readonly string[];
}

/** The result of a report. `changed`: the record is in another state; `conflict`: two ends contradict each other. */
export interface Reported {
  readonly record: OutRecord;
  readonly changed: boolean;
  readonly conflict: boolean;
}

/** One lane that this node receives on, for one epoch of its origin. */
export interface InLane {
  readonly v: 1;
  readonly origin: string;
  readonly epoch: string;
  readonly subject: string;
  /** Highest sequence number taken; all below are taken too. */
  last: number;
  /** Final states decided on arrival which the origin may not know yet. */
  verdicts: readonly Verdict[];
  /** The id of the message with number `last`, unless another journal of this node took that message. */
  lastId: string | undefined;
  /** Numbers, from and to, that another journal of this node acknowledged and this one never saw. */
  lost: readonly (readonly [from: number, to: number])[];
  at: number;
}

/** One message taken from another node that is not finished. */
export interface InRecord {
  readonly v: 1;
  readonly message: Message;
  readonly epoch: string;
  readonly seq: number;
  readonly receivedAt: number;
  /** The deadline by this node's clock, ms; `null`: none. */
  readonly deadline: number | null;
  readonly state: "received" | "running";
  readonly startedAt?: number;
  /** Number of attempts in which its process failed. */
  readonly attempts: number;
  readonly cancelRequestedBy?: string;
  /** True: the command may have run since this journal was copied. */
  readonly doubtful?: true;
}

/** One command that ended here. */
export interface DoneRecord {
  readonly v: 1;
  readonly id: string;
  readonly subject: string;
  readonly origin: string;
  readonly createdAt: number;
  readonly receivedAt: number;
  readonly state: State;
  readonly outcome: Outcome;
  readonly summary: string;
  /** The operator who asked for it, by the word of its origin; absent: nobody who has a name. */
  readonly operator?: string;
}

/** A message that could not be handled, kept whole. */
export interface DeadRecord {
  readonly v: 1;
  readonly message: Message;
  readonly epoch: string;
  readonly seq: number;
  readonly receivedAt: number;
  readonly at: number;
  readonly reason: string;
  readonly attempts: number;
}

/** The labels that were given to one node at this one. */
export interface LabelsRecord {
  readonly v: 1;
  readonly given: Readonly<Record<string, GivenLabel>>;
  /** When the node was enrolled with labels that were taken over, ms; absent: with none. */
  readonly enrolledAt?: number;
}

export interface GivenLabel {
  readonly value: string;
  /** The giver, in words. */
  readonly by: string;
  readonly at: number;
}

/** A change of one region of a node: since when it is in which state, and why. */
export type HistoryEntry = readonly [at: number, node: string, region: string, state: string, cause: string];

/** The changes of nodes that one life of the daemon saw from one time to another. */
export interface HistoryRecord {
  readonly v: 1;
  readonly from: number;
  readonly until: number;
  readonly entries: readonly HistoryEntry[];
}

/** The facts that one node told. */
export interface FactsRecord {
  readonly v: 1;
  /** When the node told last, by its clock, ms. */
  readonly at: number;
  /** Each fact, and since when it is so. */
  readonly facts: Readonly<Record<string, readonly [value: Fact, since: number]>>;
  /** The latest changes, the oldest first; `null`: it was not there. */
  readonly changes: readonly FactChange[];
}

export type FactChange = readonly [at: number, key: string, from: Fact | null, to: Fact | null];

/** The position of a source or sink, which becomes durable together with its messages. */
export interface Checkpoint {
  readonly key: string;
  readonly value: Json;
}
