import type { Assertion } from "../../message/lifecycle.ts";
import type { Message } from "../../message/message.ts";
import { receiverOf } from "../../message/subject.ts";

/** When a message passed what its lane's watermarks say of it; in memory only, for its history. Milliseconds. */
interface Passed {
  attempts: number;
  readonly sentAt: number;
  /** By the clock of the node. */
  receivedAt?: number;
  startedAt?: number;
}

export class Milestones {
  readonly #passed = new Map<string, Passed>();

  sent(id: string, at: number): void {
    const passed = this.#passed.get(id);
    if (passed === undefined) this.#passed.set(id, { sentAt: at, attempts: 1 });
    else passed.attempts++;
  }

  received(id: string, at: number, started: boolean): void {
    const passed = this.#passed.get(id);
    if (passed === undefined) return;
    passed.receivedAt = at;
    if (started) passed.startedAt = at;
  }

  /** The node's own word of when it began: it knows best. */
  started(id: string, at: number): void {
    const passed = this.#passed.get(id);
    if (passed === undefined) return;
    passed.startedAt = at;
    if (passed.receivedAt !== undefined) passed.receivedAt = Math.min(passed.receivedAt, at);
  }

  forget(id: string): void {
    this.#passed.delete(id);
  }

  attempts(id: string): number | undefined {
    return this.#passed.get(id)?.attempts;
  }

  /** What can be said of a message on which nobody has reported, oldest first. */
  assertions({ id, subject, createdAt }: Message, origin: string): Assertion[] {
    const passed = this.#passed.get(id);
    const node = receiverOf(subject);
    const assertions: Assertion[] = [{ state: "queued", at: createdAt, by: origin }];
    if (passed === undefined) return assertions;
    assertions.push({ state: "sent", at: passed.sentAt, by: origin });
    if (passed.receivedAt !== undefined) assertions.push({ state: "received", at: passed.receivedAt, by: node });
    if (passed.startedAt !== undefined) assertions.push({ state: "running", at: passed.startedAt, by: node });
    return assertions;
  }
}
