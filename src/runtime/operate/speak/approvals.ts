import type { HeldGroup } from "../../../journal/jobs/held-group.ts";
import type { Draft } from "../../../message/draft.ts";
import { StewardError } from "../../../message/errors.ts";
import { findId } from "../../../message/find-id.ts";
import { receiverOf } from "../../../message/subject.ts";
import { summarise } from "../../../message/text/summary.ts";
import type { Speaker } from "../../../security/operators/speaker.ts";
import { LONGEST_STATEMENT } from "../../../security/operators/statement.ts";
import type { KnownJob } from "../../jobs/jobs.ts";
import { messageOf } from "../../submit/holding.ts";
import type { OperateOptions } from "../rooms.ts";
import type { ApprovalView } from "../table/operators.ts";
import type { Reach } from "./reach.ts";

export interface ApprovalsOptions extends OperateOptions {
  readonly reach: Pick<Reach, "insist">;
  /** The whole id of the message that somebody means. @throws StewardError `message-unknown`, `message-ambiguous` */
  readonly messageId: (written: string) => string;
}

/**
 * Commands that two people must want, as `approvals` of the configuration names them.
 *
 *   submit ─▶ held (approval) ─(another operator approves)─▶ queued        ─(refused, cancelled)─▶ cancelled
 *                                                                          ─(its deadline)─▶ expired
 *
 * All messages of one request are decided on together. The asker stands in their group, so a restart changes nothing. A job
 * is approved as a whole: its waves, its times, and each other attempt by itself.
 */
export class Approvals {
  readonly #options: ApprovalsOptions;
  readonly #speaker: Speaker;

  constructor(options: ApprovalsOptions, speaker: Speaker) {
    this.#options = options;
    this.#speaker = speaker;
  }

  /** The rule for which these messages need an approval, in words; `undefined`: they need none. */
  rule(drafts: readonly Pick<Draft, "subject" | "data">[]): string | undefined {
    return this.#options.core().jobs.approvals.rule(drafts);
  }

  /** True if these messages need an approval. @throws StewardError `approval-unnamed` where the speaker has no name */
  insistRule(messages: readonly Pick<Draft, "subject" | "data">[]): boolean {
    const rule = this.rule(messages);
    if (rule !== undefined && this.#speaker.operator === undefined)
      throw new StewardError("approval-unnamed", { rule });
    return rule !== undefined;
  }

  /** Only another operator approves a job that a rule names, or that an operator ordered. @throws StewardError `approval-own`, … */
  insistApprover({ record: { id, subject, by }, jobNodes }: KnownJob): void {
    const asker = jobNodes.group?.record.operator;
    const data = jobNodes.group?.record.data ?? null;
    const messages = [...jobNodes.entries()].map(({ node }) => ({ subject: `${node}.${subject}`, data }));
    const rule = this.rule(messages) ?? (asker === undefined ? undefined : `it was asked for by ${by}`);
    if (rule === undefined) return;
    const { operator, name } = this.#speaker;
    if (operator === undefined) throw new StewardError("approval-unnamed", { rule });
    if (asker === operator) throw new StewardError("approval-own", { id, operator: name });
    if (asker !== undefined) this.#insistAsker(id, asker);
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

  /** Requests and jobs that wait. */
  list(): ApprovalView[] {
    const open = new Map<string, HeldGroup[]>();
    for (const group of this.#open()) {
      const { owner } = group.record;
      open.set(owner, [...(open.get(owner) ?? []), group]);
    }
    const jobs = this.#waitingJobs().map((id) => this.#jobView(id));
    return [...[...open.values()].map((groups) => this.#view(groups)), ...jobs];
  }

  /** Lets the messages of the request go to which this one belongs. @throws StewardError `approval-none`, `approval-own`, … */
  async approve(id: string): Promise<ApprovalView> {
    const job = this.#waitingJob(id);
    if (job !== undefined) return await this.#steer(job, "approve");
    const groups = this.#request(this.#options.messageId(id));
    const view = this.#view(groups);
    const { operator, name } = this.#speaker;
    if (operator === undefined)
      throw new StewardError("approval-unnamed", { rule: `it was asked for by ${view.operator}` });
    if (groups.some(({ record }) => record.operator === operator))
      throw new StewardError("approval-own", { id, operator: name });
    const { holding, storage, journal } = this.#options.core();
    for (const group of groups)
      for (const [, node] of journal.held.members(group)) this.#options.reach.insist(`${node}.${group.record.subject}`);
    for (const group of groups) this.#insistAsker(id, group.record.operator ?? "");
    for (const group of groups) holding.release(group, [...group.held()]);
    this.#record("approve", view);
    await storage.durable();
    return view;
  }

  /** Ends the messages of the request to which this one belongs. @throws StewardError `approval-none` */
  async refuse(id: string): Promise<ApprovalView> {
    const job = this.#waitingJob(id);
    if (job !== undefined) return await this.#steer(job, "cancel");
    const groups = this.#request(this.#options.messageId(id));
    const view = this.#view(groups);
    const { holding, journal } = this.#options.core();
    for (const group of groups)
      for (const [, node] of journal.held.members(group)) this.#options.reach.insist(`${node}.${group.record.subject}`);
    for (const group of groups) holding.end(group, group.held(), "cancelled", `${this.#speaker.name} refused it`);
    this.#record("refuse", view);
    await journal.flushed();
    return view;
  }

  #insistAsker(id: string, operator: string): void {
    if (this.#options.operators.named(operator)?.standing === "accepted") return;
    const fault = `${operator}@${this.#options.config().node}, who asked for it, is no operator any more`;
    throw new StewardError("approval-none", { id, fault });
  }

  #waitingJobs(): string[] {
    const { jobs } = this.#options.core();
    return [...jobs.newest()].filter((id) => jobs.standOf(id)?.state === "awaitingApproval");
  }

  /** The job that waits for an approval and has this id, or a message with it. */
  #waitingJob(id: string): KnownJob | undefined {
    const { holding, jobs } = this.#options.core();
    const owner = holding.find(id)?.group.record.owner;
    const waiting = this.#waitingJobs();
    if (owner !== undefined && waiting.includes(owner)) return jobs.get(owner);
    const isOne = waiting.some((one) => one.startsWith(id.toUpperCase()));
    return isOne ? jobs.get(findId(id, () => waiting)) : undefined;
  }

  async #steer(job: KnownJob, verb: "approve" | "cancel"): Promise<ApprovalView> {
    const { jobs, storage } = this.#options.core();
    const { id, subject } = job.record;
    const view = this.#jobView(id);
    if (verb === "approve") this.insistApprover(job);
    for (const { node } of job.jobNodes.entries()) this.#options.reach.insist(`${node}.${subject}`);
    jobs.steer(id, verb, this.#speaker.name);
    this.#record(verb === "approve" ? "approve" : "refuse", view);
    await storage.durable();
    return view;
  }

  #jobView(id: string): ApprovalView {
    const { record, stand, jobNodes } = this.#options.core().jobs.get(id);
    return {
      id,
      operator: record.by,
      subject: record.subject,
      nodes: [...jobNodes.entries()].map(({ node }) => node),
      askedAt: stand.since,
      endsAt: record.plan.until,
      summary: summarise(jobNodes.group?.record.data ?? null),
    };
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
