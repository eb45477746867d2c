import { StewardError } from "../errors.ts";
import { isId } from "../id.ts";
import type { FinalState } from "../lifecycle.ts";
import { isFinalState, STATES, type State } from "../lifecycle.ts";
import type { AskedBy, Json, Message } from "../message.ts";
import { isToken } from "../subject.ts";
import { dataFault, FRAME_LIMITS, type FrameLimits } from "./bounds.ts";
import { insistMeant, isCount, isTime, KINDS, pack, unpack } from "./packet.ts";

/** The moment at which a frame or an ACK was sealed, by the clocks of its sender, ms. */
export interface SendingTime {
  /** Wall time since 1970, which may jump. */
  readonly sentAt: number;
  /** The life of the sender's daemon, and the monotonic time of that life, which never jumps. */
  readonly life?: string | undefined;
  readonly uptime?: number | undefined;
}

/** A batch of one lane; a lane is the pair of origin and NATS subject. A frame without items only asks for an ACK. */
export interface Frame extends SendingTime {
  readonly origin: string;
  /** Identity of the origin's journal. */
  readonly epoch: string;
  /** Origin's clock when the frame was sealed, ms. The receiver measures deadlines against this clock, never against its own. */
  readonly sentAt: number;
  /** Sequence number of the first item; 0: transient, outside all lanes. */
  readonly first: number;
  /** Numbers up to here are acknowledged, and the origin will not send them again. */
  readonly acked: number;
  /** Messages up to this number may have reached the receiver before, unacknowledged. */
  readonly sentBefore?: number | undefined;
  /** Numbers up to here were acknowledged to an earlier journal of the origin. */
  readonly base?: number | undefined;
  /** Epoch of the receiver's journal that acknowledged the numbers after `base`. */
  readonly receiverEpoch?: string | undefined;
  /** Epoch of the receiver's present journal, if the origin knows that it differs from `receiverEpoch`. */
  readonly receiverNow?: string | undefined;
  /** The life of the receiver's daemon that the frame is for. */
  readonly receiverLife?: string | undefined;
  readonly items: readonly FrameItem[];
}

export type FrameItem =
  | {
      readonly id: string;
      readonly createdAt: number;
      readonly deliverBy: number | null;
      readonly timeout: number | null;
      readonly data: Json;
      readonly inReplyTo?: string;
      readonly foreign?: true;
      readonly operator?: AskedBy;
    }
  /** A message that ended at its origin, or that its receiver cannot read, sent so that the lane's numbers have no gap. */
  | { readonly id: string; readonly skip: Skip }
  /** A message that arrived and cannot be read, with the fault; `id` is "" if the id itself is unreadable. */
  | { readonly id: string; readonly unreadable: string };

export type Skip = "expired" | "cancelled" | "rejected";

/** A complete message, as it travels. */
export type WholeItem = Extract<FrameItem, { data: Json }>;

/** The receiver has the lane's messages durably, up to `last`. An ACK answers a frame, or comes unasked when credit is back. */
export interface Ack {
  /** The receiver, and the identity of its journal. */
  readonly node: string;
  readonly receiverEpoch: string;
  /** The life of the receiver's daemon that answers. */
  readonly receiverLife?: string | undefined;
  /** The epoch of the answered frame. */
  readonly epoch: string;
  readonly sentAt: number;
  /** Monotonic time of the receiver's life, ms. */
  readonly uptime?: number | undefined;
  /** Cumulative: all numbers of the lane up to this one. */
  readonly last: number;
  /** Messages of the lane up to here have been started; never more than `last`. */
  readonly started: number;
  /** Last sequence number of the answered frame; above `last`, the origin has to send again from `last` + 1. */
  readonly upTo: number;
  /** Number of further messages of this lane that the receiver takes. */
  readonly credit: number;
  /** Number of commands of this subject that the receiver runs at once. */
  readonly concurrency?: number | undefined;
  /** Final states decided on arrival, repeated until `acked` of a frame covers them. */
  readonly verdicts: readonly Verdict[];
  /** The frame used numbers again that other messages had: the origin's journal was restored from an earlier state. */
  readonly wentBack?: true | undefined;
}

export interface Verdict {
  readonly seq: number;
  readonly state: FinalState;
  readonly reason: string;
}

interface WireFrame {
  l: string;
  o: string;
  e: string;
  t: number;
  f: number;
  a: number;
  s?: number;
  b?: number;
  n?: string;
  w?: string;
  i?: string;
  j?: string;
  p?: number;
  m: WireItem[];
}
export interface WireItem {
  i: string;
  c?: number;
  b?: number;
  t?: number;
  d?: Json;
  r?: string;
  f?: 1;
  /** The operator's name, the end and the signature of his statement; of a job: order, run, beginning, runs, least gap. */
  o?:
    | readonly [string]
    | readonly [string, number, string]
    | readonly [string, number, string, string, number, number, number, number];
  x?: Skip;
}
interface WireAck {
  l: string;
  o: string;
  n: string;
  i?: string;
  e: string;
  t: number;
  k: number;
  s: number;
  u: number;
  c: number;
  p?: number;
  q?: number;
  g?: 1;
  v?: [number, string, string][];
}

const NONE: readonly Verdict[] = [];
const SKIPS: ReadonlySet<unknown> = new Set<Skip>(["expired", "cancelled", "rejected"]);

export type FrameHead = Omit<Frame, "items">;

/** `items`: texts from `encodeItem`. `compressFrom`: bodies of so many bytes or more are deflated; `null`: none. */
export function packFrame(
  subject: string,
  head: FrameHead,
  items: readonly string[],
  compressFrom: number | null,
): Uint8Array {
  return pack(frameText(subject, head, items), KINDS.frame, compressFrom);
}

/** The JSON text of a frame, without its closing brace. Put together by hand: subjects and tokens need no escapes. */
export function frameText(subject: string, head: FrameHead, items: readonly string[]): string {
  const { origin, epoch, sentAt, first, acked, sentBefore, base, receiverEpoch, receiverNow, receiverLife } = head;
  const { life, uptime } = head;
  let text = `{"l":"${subject}","o":"${origin}","e":"${epoch}","t":${sentAt},"f":${first},"a":${acked}`;
  if (sentBefore !== undefined && sentBefore >= first) text += `,"s":${sentBefore}`;
  if (base !== undefined) text += `,"b":${base}`;
  if (receiverEpoch !== undefined) text += `,"n":"${receiverEpoch}"`;
  if (receiverNow !== undefined && receiverNow !== receiverEpoch) text += `,"w":"${receiverNow}"`;
  if (receiverLife !== undefined) text += `,"i":"${receiverLife}"`;
  if (life !== undefined) text += `,"j":"${life}"`;
  if (uptime !== undefined) text += `,"p":${Math.round(uptime)}`;
  return `${text},"m":[${items.length === 1 ? items[0] : items.join(",")}]`;
}

export function encodeItem(item: FrameItem): string {
  return "data" in item ? encodeWhole(item, JSON.stringify(item.data ?? null)) : JSON.stringify(toWire(item));
}

/** `data`: that of the item, as JSON. The text is put together by hand: ids need no escapes, and times are numbers. */
export function encodeWhole(item: WholeItem, data: string): string {
  let text = `{"i":"${item.id}","c":${item.createdAt},"d":${data}`;
  if (item.deliverBy !== null) text += `,"b":${item.deliverBy}`;
  if (item.timeout !== null) text += `,"t":${item.timeout}`;
  if (item.inReplyTo !== undefined) text += `,"r":"${item.inReplyTo}"`;
  if (item.operator !== undefined) text += `,"o":${JSON.stringify(wireOperator(item.operator))}`;
  return item.foreign === true ? `${text},"f":1}` : `${text}}`;
}

/** `reasons`: characters to which each verdict's reason is cut. */
export function encodeAck(subject: string, ack: Ack, reasons?: number): Uint8Array {
  return pack(ackText(subject, ack, reasons), KINDS.ack, null);
}

/** The JSON text of an ACK, without its closing brace. */
export function ackText(subject: string, ack: Ack, reasons = 500): string {
  const { node, receiverEpoch, receiverLife, epoch, sentAt, uptime, last, started, upTo, credit } = ack;
  let text = `{"l":"${subject}","o":"${node}","n":"${receiverEpoch}","e":"${epoch}","t":${sentAt},"k":${last},"s":${started}`;
  text += `,"u":${upTo},"c":${credit}`;
  if (receiverLife !== undefined) text += `,"i":"${receiverLife}"`;
  if (uptime !== undefined) text += `,"p":${Math.round(uptime)}`;
  if (ack.concurrency !== undefined) text += `,"q":${ack.concurrency}`;
  if (ack.wentBack === true) text += `,"g":1`;
  if (ack.verdicts.length > 0)
    text += `,"v":${JSON.stringify(ack.verdicts.map((v) => [v.seq, v.state, v.reason.slice(0, reasons)]))}`;
  return text;
}

/** The fault for which a receiver could not read this message in a frame; `undefined`: none. */
export function messageFault(item: WholeItem): string | undefined {
  return itemFault(toWire(item), FRAME_LIMITS);
}

/** @throws StewardError `frame-malformed`, `frame-misdirected`, `frame-version` or `frame-too-large`. */
export function decodeFrame(subject: string, payload: Uint8Array, limits: FrameLimits = FRAME_LIMITS): Frame {
  return readFrame(subject, unpack(subject, payload, KINDS.frame, limits), limits);
}

/** Reads the parsed body of a frame. @throws StewardError like `decodeFrame` */
export function readFrame(subject: string, body: unknown, limits: FrameLimits = FRAME_LIMITS): Frame {
  const wire = body as Partial<WireFrame>;
  const fault = frameFault(wire, limits);
  if (fault !== undefined) throw new StewardError("frame-malformed", { subject, fault });
  const { l, o, e, t, f, a, s, b, n, w, i, j, p, m } = wire as WireFrame;
  insistMeant(l, subject);
  const items = m.map((item) => readItem(item, limits));
  const unreadable = f === 0 ? items.find((item) => "unreadable" in item) : undefined;
  if (unreadable !== undefined) throw new StewardError("frame-malformed", { subject, fault: unreadable.unreadable });
  return {
    origin: o,
    epoch: e,
    sentAt: t,
    first: f,
    acked: a,
    sentBefore: s,
    base: b,
    receiverEpoch: n,
    receiverNow: w,
    receiverLife: i,
    life: j,
    uptime: p,
    items,
  };
}

/** `subject`: the subject of the answered frame. @throws StewardError like `decodeFrame`. */
export function decodeAck(subject: string, payload: Uint8Array, limits: FrameLimits = FRAME_LIMITS): Ack {
  return readAck(subject, unpack(subject, payload, KINDS.ack, limits), limits);
}

/** Reads the parsed body of an ACK. @throws StewardError like `decodeFrame` */
export function readAck(subject: string, body: unknown, limits: FrameLimits = FRAME_LIMITS): Ack {
  const wire = body as Partial<WireAck>;
  const fault = ackFault(wire, limits);
  if (fault !== undefined) throw new StewardError("frame-malformed", { subject, fault });
  const { l, o, n, i, e, t, k, s, u, c, p, q, g, v } = wire as WireAck;
  insistMeant(l, subject);
  return {
    node: o,
    receiverEpoch: n,
    epoch: e,
    sentAt: t,
    last: k,
    started: s,
    upTo: u,
    credit: c,
    verdicts: v === undefined ? NONE : v.map(([seq, state, reason]) => ({ seq, state: state as FinalState, reason })),
    receiverLife: i,
    uptime: p,
    concurrency: q,
    wentBack: g === undefined ? undefined : true,
  };
}

/** An unreadable item is rejected alone; the other items of its frame are taken. */
function readItem(wire: WireItem, limits: FrameLimits): FrameItem {
  const fault = itemFault(wire, limits);
  if (fault === undefined) return decodeItem(wire);
  const id: unknown = (wire as Partial<WireItem> | null)?.i;
  return { id: isId(id) ? id : "", unreadable: fault };
}

function toWire(item: FrameItem): WireItem {
  // An item without data is unreadable for every receiver.
  if ("unreadable" in item) return { i: item.id };
  if ("skip" in item) return { i: item.id, x: item.skip };
  const wire: WireItem = { i: item.id, c: item.createdAt, d: item.data };
  if (item.deliverBy !== null) wire.b = item.deliverBy;
  if (item.timeout !== null) wire.t = item.timeout;
  if (item.inReplyTo !== undefined) wire.r = item.inReplyTo;
  if (item.foreign === true) wire.f = 1;
  if (item.operator !== undefined) wire.o = wireOperator(item.operator);
  return wire;
}

function wireOperator({ name, statement }: AskedBy): NonNullable<WireItem["o"]> {
  if (statement === undefined) return [name];
  const { until, signature, run } = statement;
  if (run === undefined) return [name, until, signature];
  return [name, until, signature, run.order, run.run, run.from, run.runs, run.gap];
}

function operatorOf(asked: NonNullable<WireItem["o"]>): AskedBy {
  const [name, until, signature] = asked;
  if (until === undefined || signature === undefined) return { name };
  if (asked.length !== 8) return { name, statement: { until, signature } };
  const [, , , order, run, from, runs, gap] = asked;
  return { name, statement: { until, signature, run: { order, run, from, runs, gap } } };
}

/** Decodes an item that `itemFault` has passed. */
export function decodeItem({ i: id, x, c, b, t, d, r, f, o }: WireItem): Exclude<FrameItem, { unreadable: string }> {
  if (x !== undefined) return { id, skip: x };
  const whole = { id, createdAt: c ?? 0, deliverBy: b ?? null, timeout: t ?? null, data: d ?? null };
  const item = o === undefined ? whole : { ...whole, operator: operatorOf(o) };
  if (f !== undefined) return { ...item, foreign: true };
  return r === undefined ? item : { ...item, inReplyTo: r };
}

export function messageOf(item: WholeItem, subject: string, origin: string): Message {
  const { id, createdAt, deliverBy, timeout, data, inReplyTo, foreign, operator } = item;
  const whole = { id, subject, origin, createdAt, deliverBy, timeout, data };
  const message = operator === undefined ? whole : { ...whole, operator };
  if (foreign === true) return { ...message, foreign };
  return inReplyTo === undefined ? message : { ...message, inReplyTo };
}

function frameFault(wire: Partial<WireFrame>, limits: FrameLimits): string | undefined {
  if (typeof wire.l !== "string") return "subject";
  if (!isToken(wire.o)) return "origin";
  if (!isToken(wire.e)) return "epoch";
  if (!isTime(wire.t)) return "sending time";
  if (!isCount(wire.f)) return "first sequence number";
  if (!isCount(wire.a)) return "acknowledged sequence number";
  if (wire.s !== undefined && !isCount(wire.s)) return "sequence number sent before";
  if (wire.b !== undefined && !(isCount(wire.b) && wire.b <= wire.a)) return "base";
  if (wire.n !== undefined && !isToken(wire.n)) return "receiver's epoch";
  if (wire.w !== undefined && !isToken(wire.w)) return "receiver's present epoch";
  if (wire.i !== undefined && !isToken(wire.i)) return "receiver's life";
  if (wire.j !== undefined && !isToken(wire.j)) return "origin's life";
  if (wire.p !== undefined && !isCount(wire.p)) return "origin's uptime";
  // An acknowledged message is not sent again: such a frame would block its lane for all later messages.
  if (wire.f > 0 && wire.a >= wire.f) return "it carries what it says is acknowledged";
  if (!Array.isArray(wire.m) || (wire.m.length === 0 && wire.f === 0)) return "no items";
  if (wire.m.length > limits.items) return `${wire.m.length} items, ${limits.items} are allowed`;
  if (!isCount(wire.f + wire.m.length)) return "last sequence number";
  return undefined;
}

function itemFault(item: Partial<WireItem> | null, limits: FrameLimits): string | undefined {
  if (typeof item !== "object" || item === null) return "an item is not an object";
  if (!isId(item.i)) return "an item's id";
  if (item.x !== undefined) return SKIPS.has(item.x) ? undefined : "an item's skip marker";
  if (!isTime(item.c)) return "an item's time";
  if (item.b !== undefined && !isTime(item.b)) return "an item's deadline";
  if (item.t !== undefined && !isCount(item.t)) return "an item's timeout";
  if (item.r !== undefined && !isId(item.r)) return "the id that an item answers";
  if (item.f !== undefined && (item.f !== 1 || item.r !== undefined)) return "an item's mark of a plain publisher";
  if (item.o !== undefined && !isOperator(item.o)) return "an item's operator";
  return dataFault(item.d, limits);
}

/** A signature of Ed25519 in base64url has 86 characters. */
const SIGNATURE = /^[\w-]{86}$/;

function isOperator(value: unknown): boolean {
  if (!Array.isArray(value) || !isToken(value[0])) return false;
  if (value.length === 1) return true;
  const [, until, signature, order, run, from, runs, gap] = value as unknown[];
  if (!isTime(until) || typeof signature !== "string" || !SIGNATURE.test(signature)) return false;
  if (value.length === 3) return true;
  if (value.length !== 8 || !isId(order) || !isTime(from) || !isTime(gap)) return false;
  return isCount(run) && isCount(runs) && run >= 1 && run <= runs;
}

function ackFault(wire: Partial<WireAck>, limits: FrameLimits): string | undefined {
  if (typeof wire.l !== "string") return "subject";
  if (!isToken(wire.o)) return "node";
  if (!isToken(wire.n) || !isToken(wire.e)) return "epoch";
  if (wire.i !== undefined && !isToken(wire.i)) return "life";
  if (!isTime(wire.t)) return "sending time";
  if (wire.p !== undefined && !isCount(wire.p)) return "uptime";
  if (wire.q !== undefined && !(isCount(wire.q) && wire.q > 0)) return "concurrency";
  if (!isCount(wire.k) || !isCount(wire.s) || !isCount(wire.u) || !isCount(wire.c)) return "a sequence number";
  if (wire.g !== undefined && wire.g !== 1) return "a mark";
  if (wire.v === undefined) return undefined;
  if (!Array.isArray(wire.v) || wire.v.length > limits.items) return "verdicts";
  for (const verdict of wire.v as unknown[]) {
    if (!Array.isArray(verdict) || verdict.length !== 3) return "a verdict";
    const [seq, state, reason] = verdict as unknown[];
    if (!isCount(seq) || typeof reason !== "string") return "a verdict";
    if (typeof state !== "string" || !Object.hasOwn(STATES, state) || !isFinalState(state as State))
      return "a verdict's state";
  }
  return undefined;
}
