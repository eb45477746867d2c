import type { OutRecord } from "../../journal/records.ts";
import type { Draft, TargetedDraft } from "../../message/draft.ts";
import { StewardError } from "../../message/errors.ts";
import { holdText } from "../../message/jobs/hold.ts";
import { isFinal } from "../../message/lifecycle.ts";
import type { Json } from "../../message/message.ts";
import { nodeNameFault } from "../../message/node-name.ts";
import { scheduledBy } from "../../message/schedule/scheduled.ts";
import { isSubject, receiverOf } from "../../message/subject.ts";
import { Deferred } from "../../platform/deferred.ts";
import type { Speaker } from "../../security/operators/speaker.ts";
import { recordSubmitted } from "../submit/audited.ts";
import { messageOf } from "../submit/holding.ts";
import type { Nodes } from "./fleet/nodes.ts";
import type { Messages } from "./messages.ts";
import type { OperateOptions } from "./rooms.ts";
import type { Approvals } from "./speak/approvals.ts";
import type { Reach } from "./speak/reach.ts";
import { type Accepted, type CancelAnswer, insistCount, type MessageDetail, type Order } from "./table/messages.ts";
import { LIMITS } from "./table/shape.ts";

interface SubmissionOptions extends OperateOptions {
  readonly reach: Pick<Reach, "insist">;
  readonly approvals: Pick<Approvals, "rule" | "hold">;
}

/** Messages that operators send and cancel, and questions to other nodes. */
export class Submission {
  readonly #options: SubmissionOptions;
  readonly #speaker: Speaker;
  readonly #messages: Messages;
  readonly #nodes: Nodes;

  constructor(options: SubmissionOptions, speaker: Speaker, messages: Messages, nodes: Nodes) {
    this.#options = options;
    this.#speaker = speaker;
    this.#messages = messages;
    this.#nodes = nodes;
  }

  async submit(orders: readonly Order[]): Promise<Accepted[]> {
    const drafts = this.drafts(orders);
    for (const draft of drafts) {
      this.#options.reach.insist(draft.subject);
      const scheduled = scheduledBy(draft);
      if (scheduled !== undefined) this.#options.reach.insist(scheduled.subject);
      this.#insistStatement(draft);
    }
    const rule = this.#options.approvals.rule(drafts);
    if (rule !== undefined) return await this.#hold(drafts, rule);
    const records = await this.send(drafts);
    const { publishers, fleet, link, maintenance } = this.#options.core();
    const awaited = (node: string) =>
      fleet.link(node) === "neverSeen" ? this.#options.core().awaited(node) : undefined;
    const { state } = link.health();
    return records.map(({ message: { id, subject, deliverBy } }) => {
      const node = receiverOf(subject);
      const stands = publishers.get(subject)?.stuck?.reason ?? fleet.heldBack(node) ?? fleet.cutOff(node);
      const blocked = stands ?? maintenance.halts(subject) ?? awaited(node);
      let accepted: Accepted = {
        id,
        subject,
        node,
        link: fleet.reach(node),
        linkSince: this.#nodes.linkSince(node),
        deliverBy,
      };
      if (node === this.#options.config().node) accepted = { ...accepted, here: true };
      else if (state !== "connected") accepted = { ...accepted, broker: state };
      if (blocked !== undefined) accepted = { ...accepted, blocked };
      return accepted;
    });
  }

  /** Messages that another operator has to approve: durable, and not on their way. */
  async #hold(drafts: readonly Draft[], rule: string): Promise<Accepted[]> {
    const { core, config } = this.#options;
    const { journal, storage, fleet } = core();
    const { node: origin } = config();
    const groups = this.#options.approvals.hold(drafts, rule);
    const held = groups.flatMap((group) =>
      journal.held.members(group).map(([id, node]) => ({ group, message: messageOf(group, id, node, origin) })),
    );
    recordSubmitted(core(), this.#speaker.name, held);
    await storage.durable();
    return held.map(({ group, message: { id, subject, deliverBy } }, i) => {
      const node = receiverOf(subject);
      const link = { link: fleet.reach(node), linkSince: this.#nodes.linkSince(node) };
      return { id, subject, node, ...link, deliverBy, held: holdText(group.why(i)) };
    });
  }

  /** Resolves when every message is durable. */
  async send(drafts: readonly Draft[]): Promise<OutRecord[]> {
    const { clock, core } = this.#options;
    const { journal, storage, announce, submitter } = core();
    const records = submitter.submit(drafts);
    recordSubmitted(core(), this.#speaker.name, records);
    try {
      await storage.durable();
    } catch (error) {
      // An operator sends a refused message again: the first one must not run too, once the disk works.
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
      // Messages that cannot be ended any more are on their way: the operator gets the answer once they are durable.
      await journal.flushed();
    }
    return records;
  }

  /** Sends a command to another node and waits for its outcome. */
  async ask(draft: Draft, timeout: number): Promise<Json> {
    const { clock, happenings } = this.#options;
    const node = receiverOf(draft.subject);
    const outcome = new Deferred<MessageDetail>();
    const silence = new Deferred<never>();
    let id = "";
    const check = (): void => {
      if (this.#options.core().journal.outbox.find(id) === undefined) return;
      const detail = this.#messages.detail(id);
      if (isFinal("command", detail.state)) outcome.resolve(detail);
    };
    const unsubscribe = happenings.subscribe((happening) => {
      if (happening.type === "message" && happening.id === id) queueMicrotask(check);
    });
    const [record] = await this.send([{ ...draft, deliverBy: timeout, knownNodesOnly: true }]);
    id = record?.message.id ?? "";
    const timer = clock.setTimeout(
      () => silence.reject(new StewardError("node-silent", { node, seconds: Math.round(timeout / 1000) })),
      timeout,
    );
    check();
    try {
      const detail = await Promise.race([outcome.promise, silence.promise]);
      if (detail.state === "succeeded") return detail.outcome?.result ?? null;
      const { state, reason: fault = "it gave no reason" } = detail;
      if (state === "expired") throw new StewardError("node-silent", { node, seconds: Math.round(timeout / 1000) });
      throw new StewardError("node-refused", { node, state, fault });
    } finally {
      clock.clearTimeout(timer);
      unsubscribe();
    }
  }

  async cancel(idOrPrefix: string): Promise<CancelAnswer> {
    const { config, core } = this.#options;
    const { id, state, final, direction, subject } = this.#messages.detail(idOrPrefix);
    this.#options.reach.insist(subject);
    core().audit.record({
      what: "operation",
      by: this.#speaker.name,
      allowed: true,
      operation: "cancel",
      subject,
      ids: [id],
    });
    if (final) return { kind: "tooLate", id, state };
    const { journal, withdrawal, canceller } = core();
    if (direction === "in") {
      const answer = canceller.cancel(id, config().node);
      await journal.flushed();
      return answer === "done" ? { kind: "done", id } : { kind: "tooLate", id, state: this.#messages.detail(id).state };
    }
    const answer = withdrawal.cancel(id) ?? { kind: "tooLate", id, state };
    await journal.flushed();
    return answer;
  }

  /** The draft with the operator who speaks. */
  #attributed(draft: Draft, statement: TargetedDraft["statement"]): Draft {
    const { operator: name, name: who } = this.#speaker;
    if (name === undefined) {
      if (statement === undefined) return draft;
      throw new StewardError("signature-refused", {
        fault: `it comes with a statement of an operator, and from ${who}`,
      });
    }
    return { ...draft, operator: statement === undefined ? { name } : { name, statement } };
  }

  /** A statement that the node would refuse is refused here. @throws StewardError `command-signature` */
  #insistStatement({ id = "", subject, data, operator }: Draft): void {
    if (operator?.statement === undefined) return;
    const { signatures } = this.#options;
    signatures.operatorOf({ id, subject, data, operator }, true);
  }

  /**
   * A message for each node that an order means, whichever way the order came.
   *
   * @throws StewardError `node-unknown`, `target-invalid`, `target-large`, `message-invalid`, …
   */
  drafts(orders: readonly TargetedDraft[]): Draft[] {
    const drafts: Draft[] = [];
    let bytes = 0;
    for (const { to, most, statement, ...order } of orders) {
      const draft = this.#attributed(order, statement);
      if (to !== undefined && draft.id !== undefined)
        throw new StewardError("message-invalid", {
          where: draft.id,
          fault: "an id is for one message: name its node",
        });
      if (to === undefined) {
        // Every message is checked for its subject later on.
        const node = receiverOf(draft.subject);
        if (nodeNameFault(node) === undefined && isSubject(draft.subject))
          this.#nodes.insistOrdered([node], draft.knownNodesOnly);
        drafts.push(draft);
        continue;
      }
      const nodes = this.#nodes.meantBy(to, most);
      insistCount(drafts.length + nodes.length);
      this.#nodes.insistOrdered(nodes, draft.knownNodesOnly);
      // The messages to all nodes together are bounded as if each had been in the request.
      bytes += nodes.length * Buffer.byteLength(JSON.stringify(draft.data));
      if (bytes > LIMITS.bodyBytes) {
        const fault = `the messages to ${nodes.length} nodes take ${bytes} bytes together, ${LIMITS.bodyBytes} are allowed`;
        throw new StewardError("request-invalid", { fault });
      }
      for (const node of nodes) {
        drafts.push({ ...draft, subject: `${node}.${draft.subject}` });
      }
    }
    return drafts;
  }
}
