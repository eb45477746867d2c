import type { Inspector } from "../../actors/root.ts";
import type { Config } from "../../config/config.ts";
import type { HeldGroup } from "../../journal/jobs/held-group.ts";
import type { Journal } from "../../journal/journal.ts";
import type { JobRecord, JobStand } from "../../journal/records.ts";
import type { Clock, Timer } from "../../message/clock.ts";
import type { Draft } from "../../message/draft.ts";
import { StewardError } from "../../message/errors.ts";
import { findId } from "../../message/find-id.ts";
import type { NewId } from "../../message/id.ts";
import type { Hold } from "../../message/jobs/hold.ts";
import { isEnded, type JobCounts, type JobPlan, type Retried, waveEnds } from "../../message/jobs/job.ts";
import type { CarriedStatement, SignedJob } from "../../message/message.ts";
import type { Failures } from "../../observe/alerting/failures.ts";
import type { Happenings } from "../../observe/happenings.ts";
import type { NodeFacts } from "../fleet/facts/node-facts.ts";
import type { Fleet } from "../fleet/fleet.ts";
import type { NodeLabels } from "../fleet/node-labels.ts";
import type { Holding } from "../submit/holding.ts";
import { NO_ROOM_FOR_REPLIES, replyFault } from "../submit/reply-fault.ts";
import type { Withdrawal, Withdrawn } from "../submit/withdrawal.ts";
import { ApprovalRules } from "./approval-rules.ts";
import { attemptDrafts, nextRun, statementsOf } from "./attempt-drafts.ts";
import { Zones } from "./hours.ts";
import { Job, type JobReplies } from "./job.ts";
import { JobNodes } from "./job-nodes.ts";
import { type JobWish, planOf } from "./plan.ts";
import { type SigningTerms, signingTerms } from "./signing-terms.ts";

export interface JobsOptions {
  readonly config: () => Config;
  readonly journal: Journal;
  readonly holding: Holding;
  readonly withdrawal: Withdrawal;
  readonly fleet: Pick<Fleet, "reach" | "trust">;
  readonly facts: Pick<NodeFacts, "value">;
  readonly labels: Pick<NodeLabels, "list">;
  readonly failures: Pick<Failures, "report" | "over">;
  readonly happenings: Happenings;
  readonly inspector: Inspector;
  readonly newId: NewId;
  readonly clock: Clock;
  readonly replies: JobReplies & { hasRoomFor(replies: number): boolean };
  readonly core: { fail(error: unknown): void };
}

/** An intention over many nodes, with the frozen list of them. */
export interface JobOrder {
  readonly by: string;
  readonly target: string;
  readonly nodes: readonly string[];
  /** The message to each node; its subject has no receiver. */
  readonly draft: Draft;
  /** The signature of the operator on it for each node; absent: nobody has signed it. */
  readonly signed?: SignedJob;
  /** Destinations of the outcome of the whole job. */
  readonly reply?: readonly string[];
  readonly note: string;
  readonly plan: JobPlan;
  /** True: the job waits for `start`. */
  readonly asDraft: boolean;
}

export const JOB_VERBS = ["start", "approve", "pause", "resume", "promote", "abort", "cancel"] as const;
export type JobVerb = (typeof JOB_VERBS)[number];

/** The person or program that asks for another attempt. */
export interface Retrier {
  /** In words. */
  readonly by: string;
  readonly operator?: string | undefined;
  readonly signed?: SignedJob | undefined;
}

/** The answer of one node to a cancel. */
type Answered = Withdrawn & { readonly node: string };

/** A job as it stands. */
export interface KnownJob {
  readonly record: JobRecord;
  readonly stand: JobStand;
  /** Why nothing is released though the plan allows it; empty: nothing stands in the way. */
  readonly stuck: string;
  readonly jobNodes: JobNodes;
}

/** Old jobs are looked for every so many ms. */
const SWEEP = 600_000;
/** Counts of messages that have no end yet. */
const NOT_ENDED: ReadonlySet<keyof JobCounts> = new Set(["held", "queued", "received", "running", "unknown"]);
/** The ends that a retry is made on. */
const RETRY: Readonly<Record<Retried, readonly (keyof JobCounts)[]>> = {
  failed: ["failed", "rejected"],
  notStarted: ["expired", "cancelled"],
  unknown: ["unknown"],
};

/** All jobs of this node. Jobs that have not ended are in memory, each with its actor; the others are read when asked for. */
export class Jobs {
  readonly zones: Zones;
  readonly approvals: ApprovalRules;
  readonly #options: JobsOptions;
  readonly #open = new Map<string, Job>();
  #timer: Timer | undefined;

  constructor(options: JobsOptions) {
    this.#options = options;
    this.zones = new Zones({ node: options.config().node, facts: options.facts });
    this.approvals = new ApprovalRules(options);
  }

  /** Goes on with the jobs of earlier lives of the daemon. */
  begin(): void {
    const { journal, clock } = this.#options;
    for (const id of journal.jobs.ids) {
      const record = journal.jobs.record(id);
      const stand = journal.jobs.stand(id);
      if (record === undefined || stand === undefined) this.#damaged(id, record);
      else if (!isEnded(stand.state)) this.#opened(record, stand).lookWithin(0);
    }
    const sweep = (): void => {
      this.#sweep();
      this.#timer = clock.setTimeout(sweep, SWEEP);
    };
    this.#timer = clock.setTimeout(sweep, SWEEP);
  }

  end(): void {
    this.#options.clock.clearTimeout(this.#timer);
    for (const job of this.#open.values()) job.stop();
    this.#open.clear();
  }

  /** Ids of all jobs, the newest first. */
  *newest(): Generator<string> {
    yield* [...this.#options.journal.jobs.ids].sort().reverse();
  }

  get openCount(): number {
    return this.#open.size;
  }

  plan(wish: JobWish): JobPlan {
    return planOf(wish, this.#options.clock.now(), this.zones);
  }

  /** The times that an operator's signature on a job with this plan speaks of. */
  signing(plan: JobPlan): SigningTerms | undefined {
    return signingTerms(plan, this.#options.clock.now(), this.zones);
  }

  /** Takes a job in: its messages are held, or released already, as its plan says. Durable with the journal's next flush. */
  create({ by, target, nodes, draft, signed, note, plan, asDraft, reply: jobReply = [] }: JobOrder): JobRecord {
    const { journal, holding, newId, clock } = this.#options;
    this.insistReply(jobReply, (draft.reply?.length ?? 0) * nodes.length);
    const id = newId();
    const drafts = attemptDrafts(draft, nodes, draft.operator?.name, statementsOf(signed));
    const until = plan.until === null ? {} : { until: plan.until };
    const [group] = holding.hold(drafts, { owner: id, reason: "order", ...until });
    if (group === undefined) throw new StewardError("target-empty", { target, fault: "it names no node" });
    const at = clock.now();
    const { subject, reply } = draft;
    const ordered: JobRecord = { v: 1, id, at, by, target, subject, note, plan };
    const replies = { ...(reply === undefined ? {} : { reply }), ...(jobReply.length === 0 ? {} : { jobReply }) };
    const record = { ...ordered, ...replies };
    const stand: JobStand = {
      ...{ v: 1, state: "draft", since: at, cause: "", wave: 0, waveEndedAt: null, beginAt: plan.beginAt, allowed: {} },
      attempts: [{ group: group.id, at, of: "all", waves: waveEnds(plan.waves, nodes.length) }],
    };
    journal.jobs.add(record);
    journal.jobs.setStand(id, stand);
    const job = this.#opened(record, stand);
    if (!asDraft) this.#start(job, by);
    job.look();
    return record;
  }

  /** @throws StewardError `job-invalid` if the outcome of a job cannot go there, beside so many replies of its messages */
  insistReply(names: readonly string[], others = 0): void {
    const { config, replies } = this.#options;
    if (names.length === 0) return;
    const noRoom = replies.hasRoomFor(names.length + others) ? undefined : NO_ROOM_FOR_REPLIES;
    const fault = replyFault(names, config()) ?? noRoom;
    if (fault !== undefined) throw new StewardError("job-invalid", { fault: `reply of the job: ${fault}` });
  }

  /** The job with an id or an unambiguous beginning of one. @throws StewardError `job-unknown`, `message-ambiguous` */
  get(idOrPrefix: string): KnownJob {
    const id = this.find(idOrPrefix);
    const open = this.#open.get(id);
    if (open !== undefined) {
      open.jobNodes.lookAtOpen();
      return { record: open.record, stand: open.stand, stuck: open.stuck, jobNodes: open.jobNodes };
    }
    const { journal, fleet } = this.#options;
    const record = journal.jobs.record(id);
    const stand = journal.jobs.stand(id);
    if (record === undefined || stand === undefined) throw new StewardError("job-unknown", { id: idOrPrefix });
    return { record, stand, stuck: "", jobNodes: new JobNodes(journal, stand, (node) => fleet.reach(node)) };
  }

  /** The state of a job; `undefined`: there is no such job. */
  standOf(id: string): JobStand | undefined {
    return this.#open.get(id)?.stand ?? this.#options.journal.jobs.stand(id);
  }

  /** @throws StewardError `job-unknown`, `message-ambiguous` */
  find(idOrPrefix: string): string {
    const id = findId(idOrPrefix, () => this.newest(), undefined, "job-unknown");
    if (!this.#options.journal.jobs.has(id)) throw new StewardError("job-unknown", { id: idOrPrefix });
    return id;
  }

  /**
   * Does what an operator asks for. A job that has ended stays what it is, and can still be cancelled: its messages that have not
   * ended are asked back. Returns what was said of each message. @throws StewardError `job-unknown`, `job-state`
   */
  steer(idOrPrefix: string, verb: JobVerb, by: string): readonly Answered[] {
    const id = this.find(idOrPrefix);
    if (verb === "cancel" && !this.#open.has(id)) return this.#cancelLeft(this.get(id));
    const job = this.#openJob(id, verb);
    const answers: Answered[] = [];
    const counts = job.jobNodes.counts();
    const allowed = {
      failed: counts.failed,
      rejected: counts.rejected,
      expired: counts.expired,
      unknown: counts.unknown,
    };
    const cause = `${verb} by ${by}`;
    const did = ((): boolean => {
      switch (verb) {
        case "start":
          return job.stand.state === "draft" && this.#start(job, by);
        case "approve":
          return job.stand.state === "awaitingApproval" && this.#release(job, cause);
        case "promote":
          return job.nextWave(job.stand.state === "paused" ? "promote" : "wave", cause, { allowed });
        case "resume":
          return job.move("resume", cause, { allowed });
        default:
          return job.move(verb, cause);
      }
    })();
    if (!did) throw refused(job.record, job.stand, verb);
    if (verb === "abort") job.endHeld("cancelled", `the job was aborted by ${by}`);
    if (verb === "cancel") answers.push(...this.#cancelAll(job));
    job.look();
    return answers;
  }

  /** The nodes that another attempt would be made on. @throws StewardError `job-unknown`, `job-none-left` */
  retried(idOrPrefix: string, of: Retried): string[] {
    const { record, jobNodes } = this.get(idOrPrefix);
    const nodes = [...jobNodes.entries()].flatMap(({ node, kind }) => (RETRY[of].includes(kind) ? [node] : []));
    if (nodes.length === 0) throw new StewardError("job-none-left", { id: record.id, of });
    return nodes;
  }

  /** Makes another attempt on nodes of a job. Returns their number. @throws StewardError `job-unknown`, `job-state`, `job-none-left` */
  retry(idOrPrefix: string, of: Retried, { by, operator, signed }: Retrier): number {
    const { record, stand, jobNodes } = this.get(idOrPrefix);
    const { id, plan } = record;
    const isPossible = isEnded(stand.state) || stand.state === "running" || stand.state === "paused";
    if (!isPossible || jobNodes.heldCount > 0) throw refused(record, stand, "retry");
    const nodes = this.retried(id, of);
    const group = this.#hold(record, nodes, { reason: "order" }, operator, statementsOf(signed));
    const job = this.#open.get(id) ?? this.#opened(record, stand);
    // A job that was ended before its time has that time still to wait for.
    const isEarly = isEnded(stand.state) && (stand.beginAt ?? 0) > this.#options.clock.now();
    const begin = this.#needsApproval(record, group) ? "askAgain" : isEarly ? "schedule" : "retry";
    job.attempt(group, `${of} by ${by}`, waveEnds(plan.waves, nodes.length), begin);
    job.look();
    return nodes.length;
  }

  /** A message of this node has ended. */
  messageEnded(id: string): void {
    const { held } = this.#options.journal;
    if (held.groups.length === 0 || this.#open.size === 0) return;
    const owner = held.groupOf(id)?.record.owner;
    const job = owner === undefined ? undefined : this.#open.get(owner);
    if (job === undefined) return;
    const found = held.find(id);
    if (found !== undefined) job.changed(found.group, found.index);
  }

  /** A node has left the fleet: jobs that begin again and again hold nothing more for its name. */
  nodeLeft(node: string): void {
    for (const job of this.#open.values()) job.nodeLeft(node);
  }

  /** The link to a node has changed: what its messages are counted as may be another thing now. */
  linkChanged(): void {
    for (const job of this.#open.values()) job.lookWithin(TOGETHER);
  }

  #start(job: Job, by: string): boolean {
    const { group } = job.jobNodes;
    const asks = job.record.plan.approval || (group !== undefined && this.#needsApproval(job.record, group));
    return asks ? job.move("ask", `asked for by ${by}`) : this.#release(job, `ordered by ${by}`);
  }

  #needsApproval({ subject }: JobRecord, group: HeldGroup): boolean {
    const { data } = group.record;
    const members = this.#options.journal.held.members(group);
    return this.approvals.rule(members.map(([, node]) => ({ subject: `${node}.${subject}`, data }))) !== undefined;
  }

  #release(job: Job, cause: string): boolean {
    return job.move(job.stand.beginAt === null ? "begin" : "schedule", cause);
  }

  /** Asks every message of a job back that has not ended. */
  #cancelAll(job: Job): Answered[] {
    const entries = [...job.jobNodes.entries()];
    job.endHeld("cancelled", "the job was cancelled");
    return entries.flatMap((entry) =>
      entry.kind === "held" ? [{ kind: "done" as const, id: entry.id, node: entry.node }] : this.#askedBack(entry),
    );
  }

  /** Asks the messages of a job that has ended back which have not. @throws StewardError `job-state` if all have */
  #cancelLeft({ record, stand, jobNodes }: KnownJob): Answered[] {
    const left = [...jobNodes.entries()].filter(({ kind }) => NOT_ENDED.has(kind));
    if (left.length === 0) {
      const state = `${stand.state}, and all of its messages have ended`;
      throw new StewardError("job-state", { id: record.id, verb: "cancel", state });
    }
    return left.flatMap((entry) => this.#askedBack(entry));
  }

  #askedBack({ node, id }: { readonly node: string; readonly id: string }): Answered[] {
    const answer = this.#options.withdrawal.cancel(id);
    return answer === undefined ? [] : [{ ...answer, node }];
  }

  #openJob(id: string, verb: string): Job {
    const job = this.#open.get(id);
    if (job !== undefined) return job;
    const { state } = this.get(id).stand;
    throw new StewardError("job-state", { id, verb, state });
  }

  #opened(record: JobRecord, stand: JobStand): Job {
    const { core } = this.#options;
    const job = new Job(record, stand, {
      ...this.#options,
      zones: this.zones,
      again: (of, hold) => this.#again(of, hold),
      later: (of, nodes, hold) => this.#later(of, nodes, hold),
      needsApproval: (of, group) => this.#needsApproval(of, group),
      onEnd: (ended) => this.#closed(ended),
      onFault: (error) => core.fail(error),
    });
    this.#open.set(record.id, job);
    return job;
  }

  #closed(job: Job): void {
    job.stop();
    this.#open.delete(job.record.id);
  }

  /** Holds messages for another time of the schedule, with what its operator has signed for that. */
  #again(record: JobRecord, hold: Hold): HeldGroup | undefined {
    const { held, jobs } = this.#options.journal;
    const groups = (jobs.stand(record.id)?.attempts ?? []).flatMap(({ group }) => held.group(group) ?? []);
    const [first] = groups;
    if (first === undefined) return undefined;
    const members = held.members(first);
    const nodes = members.map(([, node]) => node);
    const made = this.#hold(record, nodes, hold, first.record.operator, nextRun(groups, members));
    for (const node of jobs.stand(record.id)?.left ?? [])
      this.#options.holding.end(made, [nodes.indexOf(node)], "cancelled", `${node} was decommissioned`);
    return made;
  }

  /** Holds messages in the place of some of the latest attempt, with what their operator has signed for those. */
  #later(record: JobRecord, nodes: readonly string[], hold: Hold): HeldGroup {
    const { held, jobs } = this.#options.journal;
    const latest = jobs.stand(record.id)?.attempts.at(-1);
    const group = latest && held.group(latest.group);
    const run = group?.record.run;
    const members = new Map(group && held.members(group).map((member) => [member[1], member]));
    return this.#hold(record, nodes, hold, group?.record.operator, (node) => {
      const [, , until, signature] = members.get(node) ?? [];
      return run === undefined || until === undefined || signature === undefined
        ? undefined
        : { until, signature, run };
    });
  }

  /** Holds messages like those of the first attempt for some of its nodes. */
  #hold(
    { id, plan, reply }: JobRecord,
    nodes: readonly string[],
    hold: Hold,
    operator: string | undefined,
    statements: (node: string) => CarriedStatement | undefined,
  ): HeldGroup {
    const { journal, holding, clock } = this.#options;
    const [first] = journal.jobs.stand(id)?.attempts ?? [];
    const group = first === undefined ? undefined : journal.held.group(first.group);
    if (group === undefined) throw new StewardError("job-unknown", { id });
    const { subject, data, timeout, wait: deliverBy, urgent } = group.record;
    const draft = {
      ...{ subject, data, deliverBy },
      ...(timeout === null ? {} : { timeout }),
      ...(urgent === undefined ? {} : { urgent }),
      ...(reply === undefined ? {} : { reply }),
    };
    const until = plan.until === null || plan.until <= clock.now() ? {} : { until: plan.until };
    const [made] = holding.hold(attemptDrafts(draft, nodes, operator, statements), { owner: id, ...until, ...hold });
    if (made === undefined) throw new StewardError("job-none-left", { id, of: "all" });
    return made;
  }

  /** A row of the job is gone: nothing more of it is released. */
  #damaged(id: string, record: JobRecord | undefined): void {
    const { journal, holding, failures, clock, replies } = this.#options;
    const groups = journal.held.groups.filter((group) => group.record.owner === id);
    const reason = "the record of its job was damaged";
    for (const group of groups) holding.end(group, group.held(), "cancelled", reason);
    const text = `job ${id}: ${reason}: what was held of it is cancelled`;
    failures.report("job-damaged", text, `job ${id}`);
    const told = { id, text, state: "aborted", cause: reason, endedAt: clock.now() };
    replies.ended(id, () => told, { about: "job", key: id });
    if (record === undefined) {
      journal.jobs.drop(id);
      return;
    }
    const at = clock.now();
    journal.jobs.setStand(id, {
      ...{ v: 1, state: "aborted", since: at, cause: reason, wave: 0, waveEndedAt: null, beginAt: null, allowed: {} },
      attempts: groups.map((group) => ({ group: group.id, at, of: "all", waves: [group.record.count] })),
    });
  }

  /** Forgets jobs that ended long ago, or the oldest ones of a journal that is beyond its bytes; their messages follow. */
  #sweep(): void {
    const { journal, clock, config, fleet } = this.#options;
    const { age, bytes } = config().retention;
    let over = journal.bytes() > bytes;
    for (const id of [...journal.jobs.ids].sort()) {
      if (this.#open.has(id)) continue;
      const stand = journal.jobs.stand(id);
      if (stand === undefined || (!over && stand.since >= clock.now() - age)) continue;
      if (!new JobNodes(journal, stand, (node) => fleet.reach(node)).allEnded) continue;
      journal.jobs.drop(id);
      over = false;
    }
  }
}

/** Changes of many links are looked at together, ms. */
const TOGETHER = 100;

function refused({ id }: JobRecord, { state }: JobStand, verb: string): StewardError {
  return new StewardError("job-state", { id, verb, state });
}
