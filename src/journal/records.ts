import type { Assertion, Life, State } from "../message/lifecycle.ts";
import type { Json, Message } from "../message/message.ts";
import type { Outcome } from "../message/report.ts";
import type { Verdict, WireItem } from "../message/wire/frame.ts";

/** The records of the journal. Each carries the version of its layout; records that are read here stay readable. */
export const JOURNAL_VERSION = 2;

/** One lane that this node sends on. Sequence numbers begin at 1. */
export interface OutLane {
  readonly v: 1;
  readonly no: number;
  readonly subject: string;
  /** Next sequence number to give. */
  next: number;
  /** Up to here it was on the wire at least once. */
  sent: number;
  /** Up to here the receiver has it, durably. */
  acked: number;
  /** Up to here the receiver has started it. */
  started: number;
  /** Below here everything is final. */
  open: number;
  /** The journal that acknowledged it last. */
  receiverEpoch: string | undefined;
  /** Up to here that was before this journal took its present epoch; absent: nothing was. */
  base?: number;
  /** Up to where an earlier epoch of this journal had given numbers, the latest first; absent: there was none. */
  given?: readonly (readonly [epoch: string, upTo: number])[];
  /** When what is not final passed the watermarks; absent: nothing did, or its own record has it. */
  marks?: OutMarks | undefined;
}

/** Each stands for the messages after the one before it, up to its number; times in ms, those of `a` and `r` by the receiver. */
export interface OutMarks {
  /** When they were first sent, and how often. */
  readonly s: readonly (readonly [upTo: number, at: number, attempts: number])[];
  /** When the receiver had them. */
  readonly a: readonly (readonly [upTo: number, at: number])[];
  /** When the receiver had started them. */
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
  /** How often it was handed to the broker. */
  readonly attempts: number;
  /** The assertions about the message. Without any, its state is read off the lane's watermarks. */
  readonly life: Life | undefined;
  /** The state that this adds up to. */
  readonly asserted: State | undefined;
  readonly outcome: Outcome | undefined;
  readonly cancelRequestedAt: number | undefined;
  /** The command that asks its node to end it. */
  readonly cancelId: string | undefined;
  /** When its end was first heard of, by the clock of this node. */
  readonly heardAt: number | undefined;
  /** The end that it came to here before its first sending; it travels as a skip marker. */
  readonly skip: "expired" | "cancelled" | undefined;
}

/** Messages of one lane that were accepted in one turn, as they lie in the journal. */
export interface OutBatch {
  readonly v: 1;
  /** 1: they are kept after their end. */
  readonly k: 0 | 1;
  /** The messages as they travel; `null`: forgotten since. */
  readonly m: readonly (WireItem | null)[];
}

/** The knowledge of one message of a batch, as it lies in the journal. */
export interface OutState {
  /** Attempts, and when it was sent, received and started; ms, 0: not known. */
  readonly n: number;
  readonly p: readonly [number, number, number];
  /** The assertion of the end, or else all assertions. */
  readonly e: Assertion | undefined;
  readonly l: Life | undefined;
  readonly o: Outcome | undefined;
  readonly c: number | undefined;
  readonly i: string | undefined;
  readonly h: number | undefined;
  readonly x: "expired" | "cancelled" | undefined;
}

/** The result of a report: the record now, whether it is in another state, whether two ends contradict each other. */
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
  /** Final states decided at the door which the origin may not know yet. */
  verdicts: readonly Verdict[];
  /** The message with the highest number, unless another journal of this node had it. */
  lastId: string | undefined;
  /** Numbers, from and to, that this journal knows nothing of though the origin holds an ACK for them: another had them. */
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
  /** By this node's clock, ms; `null`: none. */
  readonly deadline: number | null;
  readonly state: "received" | "running";
  readonly startedAt?: number;
  /** How often it failed its process. */
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

/** The position of a source or sink, which becomes durable together with its messages. */
export interface Checkpoint {
  readonly key: string;
  readonly value: Json;
}
