import type { SubscribeConfig } from "../../config/config.ts";
import type { InRecord } from "../../journal/records.ts";
import type { Json, Message } from "../../message/message.ts";
import type { Method, MethodFacts } from "../../methods/define.ts";
import type { Permission, Sender, StatementCheck } from "../../security/policy/permission.ts";

/** A lane whose sender was told to wait. */
export interface WaitingLane {
  roomAgain(): void;
}

/** The messages that wait on one subject: kept when the subscription is changed or removed. */
export class Backlog {
  /** Messages taken and not finished. */
  messages = 0;
  /** Messages taken and not finished, by their origin. */
  readonly of = new Map<string, number>();
  /** Lanes whose senders were told that there is no room, by origin and epoch. */
  lanes = new Map<string, WaitingLane>();

  taken(origin: string): void {
    this.messages++;
    this.of.set(origin, (this.of.get(origin) ?? 0) + 1);
  }

  finished(origin: string): void {
    this.messages--;
    const left = (this.of.get(origin) ?? 0) - 1;
    if (left > 0) this.of.set(origin, left);
    else this.of.delete(origin);
  }
}

/** Messages that are taken and not yet handed to a process, by batch: whoever hands messages over takes them out of their batch. */
class InHand {
  readonly #batches = new Set<InRecord[]>();

  /** A batch of these messages, to be given to the process. */
  begin(records: readonly InRecord[]): InRecord[] {
    const batch = [...records];
    if (batch.length > 0) this.#batches.add(batch);
    return batch;
  }

  end(batch: InRecord[]): void {
    this.#batches.delete(batch);
  }

  get size(): number {
    let size = 0;
    for (const batch of this.#batches) size += batch.length;
    return size;
  }

  has(id: string): boolean {
    for (const batch of this.#batches) if (batch.some(({ message }) => message.id === id)) return true;
    return false;
  }
}

/** The subscriber of a subject, as the receiving side uses it. */
export interface RouteProcess {
  readonly state: "idle" | "working";
  /** Messages under way. */
  readonly active: number;
  /** The reason, outside of its method, why a command whose turn has come waits; without an id, of the first such command. */
  waitsFor(id?: string): string | undefined;
  /** True if a command taken now would run at once; its place is then kept for it. */
  reserve(): boolean;
  /** Hands over durable messages that were taken at that monotonic time. */
  feed(records: readonly InRecord[], takenAt: number): void;
}

/**
 * The way in of one subject: its setting, its method, its process while that runs, and the number of waiting messages. Only
 * this class counts them, up when a message is taken and down when one is finished; once the queue is half empty again, the
 * waiting lanes are told.
 *
 * The doors to the work of the method are handed over by `admit` alone, which decides: no room can reach them for a message
 * about which no decision was made.
 */
export class Route {
  readonly subject: string;
  readonly config: SubscribeConfig;
  readonly method: MethodFacts;
  readonly inHand = new InHand();
  process: RouteProcess | undefined;
  readonly #backlog: Backlog;
  readonly #doors: Method;
  readonly #permission: Permission;

  constructor(
    subject: string,
    config: SubscribeConfig,
    method: Method,
    { backlog, permission }: { readonly backlog: Backlog; readonly permission: Permission },
  ) {
    this.#doors = method;
    this.#permission = permission;
    this.subject = subject;
    this.config = config;
    this.method = method;
    this.#backlog = backlog;
  }

  /** Messages taken and not finished. */
  get waiting(): number {
    return this.#backlog.messages;
  }

  /** The number of messages that may still be taken. */
  get room(): number {
    return Math.max(0, this.config.queue - this.#backlog.messages);
  }

  /** The sender of a message, with the operator whose signature holds. @throws StewardError `command-signature` */
  senderOf(message: Message, arrival?: StatementCheck): Sender {
    return this.#permission.senderOf(message, arrival);
  }

  /**
   * Decides on a message that comes, by the policy of now. Returns the line that allows it. `id`: the decision is recorded.
   * @throws StewardError `permission-denied` with the line that refuses it, and the errors of the method's check
   */
  decide(sender: Sender, data: Json, id?: string): string {
    return this.#permission.insist(sender, this.subject, data, this.method, this.#backlog.of.get(sender.origin), id);
  }

  /** Decides on a message that is to be handled now, and opens the doors of its method. @throws like `decide` */
  admit(sender: Sender, data: Json): Method {
    this.#permission.insist(sender, this.subject, data, this.method);
    return this.#doors;
  }

  taken(origin: string): void {
    this.#backlog.taken(origin);
  }

  finished(origin: string): void {
    this.#backlog.finished(origin);
    if (this.#backlog.messages !== Math.floor(this.config.queue / 2) || this.#backlog.lanes.size === 0) return;
    const { lanes } = this.#backlog;
    this.#backlog.lanes = new Map();
    for (const lane of lanes.values()) lane.roomAgain();
  }

  /** `key`: names the lane; each waits once. */
  awaitRoom(key: string, lane: WaitingLane): void {
    this.#backlog.lanes.set(key, lane);
  }
}
