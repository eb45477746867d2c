import { covers } from "../../../config/policy/rule.ts";
import type { HeldGroup } from "../../../journal/jobs/held-group.ts";
import type { Draft } from "../../../message/draft.ts";
import { StewardError } from "../../../message/errors.ts";
import { receiverOf, withoutReceiver } from "../../../message/subject.ts";
import { summarise } from "../../../message/text/summary.ts";
import type { Speaker } from "../../../security/operators/speaker.ts";
import { LONGEST_STATEMENT } from "../../../security/operators/statement.ts";
import { messageOf } from "../../submit/holding.ts";
import type { OperateOptions } from "../rooms.ts";
import type { ApprovalView } from "../table/operators.ts";
import { GivenLabels } from "./given-labels.ts";
import type { Reach } from "./reach.ts";

export interface ApprovalsOptions extends OperateOptions {
  readonly reach: Pick<Reach, "insist">;
}

/**
 * Commands that two people must want, as `approvals` of the configuration names them.
 *
 *   submit ─▶ held (approval) ─(another operator approves)─▶ queued        ─(refused, cancelled)─▶ cancelled
 *                                                                          ─(its deadline)─▶ expired
 *
 * All messages of one request are decided on together. The asker stands in their group, so a restart changes nothing.
 */
export class Approvals {
  readonly #options: ApprovalsOptions;
  readonly #speaker: Speaker;

  constructor(options: ApprovalsOptions, speaker: Speaker) {
    this.#options = options;
    this.#speaker = speaker;
  }

  /** The rule for which these messages need an approval, in words; `undefined`: they need none. */
  rule(drafts: readonly Pick<Draft, "subject">[]): string | undefined {
    const { config } = this.#options;
    const labels = new GivenLabels(this.#options);
    for (const [i, { subject, on, nodes }] of config().approvals.entries()) {
      const meant = new Set(
        drafts
          .filter((draft) => covers(subject, withoutReceiver(draft.subject)))
          .map((draft) => receiverOf(draft.subject))
          .filter((node) => on === undefined || labels.matches(on, node)),
      );
      if (meant.size >= nodes)
        return `approvals[${i}]: ${subject}${on === undefined ? "" : ` on ${on}`}, from ${nodes} nodes on`;
    }
    return undefined;
  }

  /** Holds messages until another operator approves. @throws StewardError `approval-unnamed`, and why a draft is refused */
  hold(drafts: readonly Draft[], rule: string): HeldGroup[] {
    const { core, config, clock } = this.#options;
    const { operator, name } = this.#speaker;
    if (operator === undefined) throw new StewardError("approval-unnamed", { rule });
    const waits = drafts.map(({ deliverBy = config().defaults.deliverBy }) => deliverBy ?? LONGEST_STATEMENT);
    const until = clock.now() + Math.min(...waits, LONGEST_STATEMENT);
    const { holding, newId } = core();
    const text = `another operator than ${name} has to approve it`;
    return holding.hold(drafts, { reason: "approval", text, owner: newId(), until });
  }

  list(): ApprovalView[] {
    const open = new Map<string, HeldGroup[]>();
    for (const group of this.#open()) {
      const { owner } = group.record;
      open.set(owner, [...(open.get(owner) ?? []), group]);
    }
    return [...open.values()].map((groups) => this.#view(groups));
  }

  /** Lets the messages of the request go to which this one belongs. @throws StewardError `approval-none`, `approval-own`, … */
  async approve(id: string): Promise<ApprovalView> {
    const groups = this.#request(id);
    const view = this.#view(groups);
    const { operator, name } = this.#speaker;
    if (operator === undefined)
      throw new StewardError("approval-unnamed", { rule: `it was asked for by ${view.operator}` });
    if (groups.some(({ record }) => record.operator === operator))
      throw new StewardError("approval-own", { id, operator: name });
    const { core, config } = this.#options;
    const { holding, storage, journal } = core();
    for (const group of groups)
      for (const [, node] of journal.held.members(group)) this.#options.reach.insist(`${node}.${group.record.subject}`);
    for (const group of groups) {
      const asked = this.#options.operators.named(group.record.operator ?? "");
      if (asked?.standing === "accepted") continue;
      throw new StewardError("approval-none", {
        id,
        fault: `${group.record.operator}@${config().node}, who asked for it, is no operator any more`,
      });
    }
    for (const group of groups) holding.release(group, [...group.held()]);
    this.#record("approve", view);
    await storage.durable();
    return view;
  }

  /** Ends the messages of the request to which this one belongs. @throws StewardError `approval-none` */
  async refuse(id: string): Promise<ApprovalView> {
    const groups = this.#request(id);
    const view = this.#view(groups);
    const { holding, journal } = this.#options.core();
    for (const group of groups)
      for (const [, node] of journal.held.members(group)) this.#options.reach.insist(`${node}.${group.record.subject}`);
    for (const group of groups) holding.end(group, group.held(), "cancelled", `${this.#speaker.name} refused it`);
    this.#record("refuse", view);
    await journal.flushed();
    return view;
  }

  #record(operation: string, { id, subject, nodes, operator }: ApprovalView): void {
    const { audit } = this.#options.core();
    const by = this.#speaker.name;
    audit.record({
      what: "approval",
      by,
      allowed: operation === "approve",
      operation,
      subject,
      nodes: nodes.slice(0, 200),
      ids: [id],
      askedBy: operator,
    });
  }

  /** Groups of requests; a job that waits for its own approval is approved as a job. */
  #open(): HeldGroup[] {
    const { held, jobs } = this.#options.core().journal;
    return held.groups.filter(
      (group) => group.heldCount > 0 && group.why(0).reason === "approval" && !jobs.has(group.record.owner),
    );
  }

  #request(id: string): HeldGroup[] {
    const { holding } = this.#options.core();
    const owner = holding.find(id)?.group.record.owner;
    const groups = this.#open().filter(({ record }) => record.owner === owner);
    if (groups.length > 0) return groups;
    throw new StewardError("approval-none", { id, fault: "it does not wait for an approval" });
  }

  #view(groups: readonly HeldGroup[]): ApprovalView {
    const { core, config } = this.#options;
    const { node: origin } = config();
    const members = groups.flatMap((group) =>
      [...group.held()].flatMap((index) => {
        const [id = "", node = ""] = core().journal.held.members(group)[index] ?? [];
        return [messageOf(group, id, node, origin)];
      }),
    );
    const [group] = groups;
    const [first] = members;
    return {
      id: first?.id ?? "",
      operator: `${group?.record.operator ?? ""}@${origin}`,
      subject: group?.record.subject ?? "",
      nodes: members.map(({ subject }) => receiverOf(subject)),
      askedAt: group?.record.at ?? 0,
      endsAt: group?.record.until ?? null,
      summary: summarise(group?.record.data ?? null),
    };
  }
}
