import { createHash } from "node:crypto";
import type { Draft } from "../../message/draft.ts";
import { StewardError } from "../../message/errors.ts";
import type { JobCounts } from "../../message/jobs/job.ts";
import { isEnded, type Retried, waveEnds } from "../../message/jobs/job.ts";
import type { Json, SignedJob } from "../../message/message.ts";
import type { OutputPart } from "../../message/report.ts";
import { scheduledBy } from "../../message/schedule/scheduled.ts";
import { parseSubject } from "../../message/subject.ts";
import { summarise } from "../../message/text/summary.ts";
import { itemBytes } from "../../message/wire/bounds.ts";
import { CLOCK_TOLERANCE } from "../../security/operators/command-signatures.ts";
import type { Speaker } from "../../security/operators/speaker.ts";
import { LONGEST_STATEMENT } from "../../security/operators/statement.ts";
import { statementsOf } from "../jobs/attempt-drafts.ts";
import type { JobVerb, KnownJob } from "../jobs/jobs.ts";
import type { JobWish } from "../jobs/plan.ts";
import { recordSubmitted } from "../submit/audited.ts";
import type { Nodes } from "./fleet/nodes.ts";
import type { Messages } from "./messages.ts";
import type { OperateOptions } from "./rooms.ts";
import type { Approvals } from "./speak/approvals.ts";
import type { Reach } from "./speak/reach.ts";
import type {
  Found,
  JobDetail,
  JobNode,
  JobNodeQuery,
  JobOrderOf,
  JobPlanView,
  JobQuery,
  JobResult,
  JobView,
  Steered,
} from "./table/jobs.ts";
import type { MessageView } from "./table/messages.ts";

const LIMIT = 100;
/** Signatures of one job that are looked at: each node looks at its own. */
const LOOKED_AT = 200;
/** The most nodes of all jobs of one list that are counted: counts are derived from messages, which takes its time. */
const MOST_COUNTED = 30_000;
const SLOWEST = 3;
/** Jobs, and messages, that a beginning of an id finds at most. */
const MOST_FOUND = 20;
/** Characters of one stream of an output, and of all outputs of one answer. */
const MOST_OUTPUT = 64 * 1024;
const MOST_OUTPUTS = 8 * 1024 * 1024;
const STREAMS = ["stdout", "stderr"] as const;

export interface JobOptions extends OperateOptions {
  readonly reach: Reach;
  readonly approvals: Pick<Approvals, "rule" | "insistRule" | "insistApprover">;
}

/** The operations on jobs, in the name of a speaker: a job goes no further than its speaker's single messages do. */
export class JobOperations {
  readonly #options: OperateOptions;
  readonly #speaker: Speaker;
  readonly #reach: Reach;
  readonly #approvals: JobOptions["approvals"];
  readonly #messages: Messages;
  readonly #nodes: Nodes;

  constructor(options: JobOptions, speaker: Speaker, messages: Messages, nodes: Nodes) {
    this.#options = options;
    this.#speaker = speaker;
    this.#reach = options.reach;
    this.#approvals = options.approvals;
    this.#messages = messages;
    this.#nodes = nodes;
  }

  /**
   * `key`: makes it happen once, however often it is called.
   * @throws StewardError `target-invalid`, `target-large`, `job-invalid`, `approval-unnamed`, `reach-denied`, …
   */
  async create(order: JobOrderOf, key?: string): Promise<JobView> {
    const { jobs, journal, storage } = this.#options.core();
    insistCommand(order.subject);
    const plan = jobs.plan(wishOf(order));
    const nodes = this.#nodes.meantBy(order.to, order.most);
    this.#nodes.insistOrdered(nodes, order.knownNodesOnly);
    const messages = nodes.map((node) => ({ subject: `${node}.${order.subject}`, data: order.data }));
    // A job that a rule names is approved once, for all of its waves and times.
    const approval = this.#approvals.insistRule(messages) || plan.approval;
    for (const message of messages) this.#insistReach(message);
    const { signed } = order;
    if (signed !== undefined) this.#insistSigned(signed, nodes, order);
    const { to, written: target = to, note = "", draft: asDraft = false } = order;
    const { name: by, operator } = this.#speaker;
    const draft = { ...draftOf(order), ...(operator === undefined ? {} : { operator: { name: operator } }) };
    const reply = order.jobReply ?? [];
    const intention = { by, target, nodes, draft, reply, note, plan: { ...plan, approval }, asDraft };
    const record = jobs.create(signed === undefined ? intention : { ...intention, signed });
    if (key !== undefined) journal.setTaken(key, [record.id]);
    const [first] = jobs.get(record.id).stand.attempts;
    const group = first && journal.held.group(first.group);
    if (group !== undefined) {
      const { subject, data } = group.record;
      const submitted = journal.held.members(group).map(([id, node]) => ({
        message: { id, subject: `${node}.${subject}`, data },
      }));
      recordSubmitted(this.#options.core(), by, submitted);
    }
    await storage.durable();
    return this.#view(jobs.get(record.id), true);
  }

  /** @throws StewardError `target-invalid`, `job-invalid`, … */
  plan(order: JobOrderOf): JobPlanView {
    const { jobs } = this.#options.core();
    insistCommand(order.subject);
    const plan = jobs.plan(wishOf(order));
    jobs.insistReply([...(order.reply ?? []), ...(order.jobReply ?? [])]);
    const { nodes, target, away, most } = this.#nodes.resolve({ to: order.to });
    this.#nodes.insistOrdered(nodes, order.knownNodesOnly);
    const { beginAt, until: untilAt } = plan;
    const terms = jobs.signing(plan);
    const signing = terms && { firstAt: terms.from, untilAt: terms.until, runs: terms.runs, gap: terms.gap };
    return {
      ...(signing === undefined ? {} : { signing }),
      ...{ target, nodes, away, most, beginAt, untilAt },
      waves: waveEnds(plan.waves, nodes.length),
      bytes: itemBytes(order.data),
    };
  }

  list({ state, open = false, limit = LIMIT, before }: JobQuery): JobView[] {
    const { jobs } = this.#options.core();
    const found: JobView[] = [];
    let counted = 0;
    for (const id of jobs.newest()) {
      if (found.length >= limit) break;
      if (before !== undefined && id >= before) continue;
      const stand = jobs.standOf(id);
      if (stand === undefined || (state !== undefined && stand.state !== state) || (open && isEnded(stand.state)))
        continue;
      const known = jobs.get(id);
      counted += known.jobNodes.size;
      found.push(this.#view(known, counted <= MOST_COUNTED));
    }
    return found;
  }

  /** The jobs and messages whose ids begin so. A job stands for its messages too. */
  found(beginning: string): Found {
    const { jobs, journal } = this.#options.core();
    const prefix = beginning.toUpperCase();
    const fitting = new Set([...jobs.newest()].filter((id) => id.startsWith(prefix)));
    const messages: MessageView[] = [];
    for (const { id, view } of this.#messages.beginning(prefix)) {
      if (messages.length > MOST_FOUND) break;
      if (!fitting.has(journal.held.find(id)?.group.record.owner ?? "")) messages.push(view());
    }
    return {
      jobs: [...fitting].slice(0, MOST_FOUND).map((id) => this.#view(jobs.get(id), false)),
      messages: messages.slice(0, MOST_FOUND),
      more: fitting.size > MOST_FOUND || messages.length > MOST_FOUND,
    };
  }

  detail(id: string): JobDetail {
    const { journal, jobs } = this.#options.core();
    const known = jobs.get(id);
    const { record, stand, stuck, jobNodes } = known;
    const { beginAt: _beginAt, until: untilAt, ...plan } = record.plan;
    const holds = new Map<string, { reason: JobDetail["holds"][number]["reason"]; text: string; nodes: number }>();
    for (const group of jobNodes.groups)
      for (const index of group.held()) {
        const { reason, text = "" } = group.why(index);
        const key = `${reason} ${text}`;
        const hold = holds.get(key) ?? { reason, text, nodes: 0 };
        holds.set(key, { ...hold, nodes: hold.nodes + 1 });
      }
    const attempts = stand.attempts.map(({ group, at, of }) => ({
      at,
      of,
      nodes: journal.held.group(group)?.record.count ?? 0,
    }));
    return {
      ...this.#view(known, true),
      counts: jobNodes.counts(),
      plan,
      untilAt,
      attempts,
      holds: [...holds.values()],
      slowest: this.#slowest(known),
      inReach: jobNodes.underWay,
      ...(record.reply === undefined ? {} : { reply: [...record.reply] }),
      ...(record.jobReply === undefined ? {} : { jobReply: [...record.jobReply] }),
      ...(stuck === "" ? {} : { stuck }),
    };
  }

  nodesOf(id: string, { state, limit = Number.POSITIVE_INFINITY, after = 0 }: JobNodeQuery): JobNode[] {
    const { jobNodes } = this.#options.core().jobs.get(id);
    const found: JobNode[] = [];
    for (let place = after; place < jobNodes.size && found.length < limit; place++) {
      const { node, id: message, attempt, kind } = jobNodes.entry(place);
      if (state !== undefined && kind !== state) continue;
      const detail = this.#messages.view(message);
      const { reason, code } = detail ?? {};
      const took = this.#took(message);
      found.push({
        ...{ place: place + 1, node, id: message, attempt: attempt + 1, kind, state: detail?.state ?? "held" },
        ...(reason === undefined ? {} : { reason }),
        ...(code === undefined ? {} : { code }),
        ...(took === undefined ? {} : { took }),
      });
    }
    return found;
  }

  results(id: string): JobResult[] {
    const { jobs, journal } = this.#options.core();
    const { jobNodes } = jobs.get(id);
    const found = new Map<string, { readonly result: Omit<JobResult, "nodes">; readonly nodes: string[] }>();
    let room = MOST_OUTPUTS;
    for (const { node, id: message, kind } of jobNodes.entries()) {
      const parts = journal.outbox.output(message);
      const { code, totals } = journal.outbox.find(message)?.record.outcome ?? {};
      const [stdout, stderr] = [textOf(parts, "stdout"), textOf(parts, "stderr")];
      const key = createHash("sha256")
        .update(JSON.stringify([kind, code, stdout, stderr]))
        .digest("base64");
      const same = found.get(key);
      if (same !== undefined) {
        same.nodes.push(node);
        continue;
      }
      const most = Math.min(MOST_OUTPUT, room);
      const isKept = STREAMS.every((stream) => (totals?.[stream].bytes ?? 0) <= (totals?.[stream].kept ?? 0));
      const cut = stdout.length > most || stderr.length > most || !isKept;
      const kept = { stdout: stdout.slice(0, most), stderr: stderr.slice(0, most) };
      room -= kept.stdout.length + kept.stderr.length;
      const result = { kind, ...kept, ...(code === undefined ? {} : { code }), ...(cut ? { cut: true as const } : {}) };
      found.set(key, { result, nodes: [node] });
    }
    return [...found.values()]
      .sort((a, b) => b.nodes.length - a.nodes.length)
      .map(({ result, nodes }) => ({ ...result, nodes }));
  }

  /** @throws StewardError `message-unknown`, `reach-denied`, … */
  async steer(id: string, verb: JobVerb): Promise<Steered> {
    const { jobs, journal } = this.#options.core();
    this.#insistReachOf(jobs.get(id));
    if (verb === "approve") this.#approvals.insistApprover(jobs.get(id));
    const answers = jobs.steer(id, verb, this.#speaker.name);
    await journal.flushed();
    return {
      ...this.#view(jobs.get(id), true),
      answers: answers.map((answer) => ({
        ...{ node: answer.node, id: answer.id, kind: answer.kind },
        ...("reason" in answer ? { reason: answer.reason } : {}),
      })),
    };
  }

  /** @throws StewardError `message-unknown`, `reach-denied`, … */
  async retry(id: string, of: Retried, signed?: SignedJob): Promise<JobView> {
    const { jobs, journal } = this.#options.core();
    const { record, jobNodes } = jobs.get(id);
    this.#insistReachOf(jobs.get(id));
    const nodes = jobs.retried(id, of);
    const data = jobNodes.group?.record.data ?? null;
    this.#approvals.insistRule(nodes.map((node) => ({ subject: `${node}.${record.subject}`, data })));
    if (signed !== undefined) this.#insistSigned(signed, nodes, { subject: record.subject, data });
    const { name: by, operator } = this.#speaker;
    jobs.retry(id, of, { by, operator, signed });
    await journal.flushed();
    return this.#view(jobs.get(id), true);
  }

  /** Signatures that a node would refuse are refused here; of many, some are looked at. @throws StewardError `command-signature`, … */
  #insistSigned(signed: SignedJob, nodes: readonly string[], { subject, data }: { subject: string; data: Json }): void {
    const { operator, name: who } = this.#speaker;
    const { clock, signatures } = this.#options;
    const refused = (fault: string): StewardError => new StewardError("signature-refused", { fault });
    if (operator === undefined) throw refused(`it comes with the signature of an operator, and from ${who}`);
    const { until } = signed;
    if (until - clock.now() > LONGEST_STATEMENT + CLOCK_TOLERANCE) throw refused("it holds longer than 30 days");
    const statement = statementsOf(signed);
    const step = Math.max(1, Math.floor(nodes.length / LOOKED_AT));
    for (const [i, node] of nodes.entries()) {
      const own = statement(node);
      if (own === undefined) throw refused(`it does not speak of ${node}: give the command again`);
      const message = { id: "", subject: `${node}.${subject}`, data, operator: { name: operator, statement: own } };
      if (i % step === 0) signatures.operatorOf(message, false);
    }
  }

  /** @throws StewardError `reach-denied` */
  #insistReach(message: Pick<Draft, "subject" | "data">): void {
    this.#reach.insist(message.subject);
    const scheduled = scheduledBy(message);
    if (scheduled !== undefined) this.#reach.insist(scheduled.subject);
  }

  #insistReachOf({ record, jobNodes }: KnownJob): void {
    const data = jobNodes.group?.record.data ?? null;
    for (const { node } of jobNodes.entries()) this.#insistReach({ subject: `${node}.${record.subject}`, data });
  }

  #view({ record, stand, jobNodes }: KnownJob, counted: boolean): JobView {
    const { id, at: createdAt, by, target, note, subject } = record;
    const { state, since, cause, wave, attempts, beginAt } = stand;
    return {
      ...{ id, createdAt, by, target, note, subject, state, since, cause, wave, beginAt },
      summary: summarise(jobNodes.group?.record.data ?? null),
      nodes: jobNodes.size,
      waves: attempts.at(-1)?.waves ?? [],
      ...(counted ? { counts: jobNodes.counts() } : {}),
    };
  }

  #slowest({ jobNodes }: KnownJob): JobDetail["slowest"] {
    const found: { node: string; id: string; took: number }[] = [];
    for (const { node, id, kind } of jobNodes.entries()) {
      if (NEVER_RAN.has(kind)) continue;
      const took = this.#took(id);
      if (took === undefined) continue;
      found.push({ node, id, took });
      if (found.length > SLOWEST) found.sort((a, b) => b.took - a.took).pop();
    }
    return found.sort((a, b) => b.took - a.took);
  }

  #took(id: string): number | undefined {
    const outcome = this.#options.core().journal.outbox.find(id)?.record.outcome;
    return outcome?.startedAt === undefined ? undefined : Math.max(0, outcome.at - outcome.startedAt);
  }
}

const NEVER_RAN: ReadonlySet<keyof JobCounts> = new Set(["held", "queued", "received", "running", "rejected"]);

function wishOf(order: JobOrderOf): JobWish {
  const { waves, soak, gate, max, onBound, atOnce, rate, ifAway, at, every, window, tz, until, approval } = order;
  const wish = { waves, soak, gate, max, onBound, atOnce, rate, ifAway, at, every, window, tz, until, approval };
  return Object.fromEntries(Object.entries(wish).filter(([, value]) => value !== undefined)) as JobWish;
}

function draftOf({ subject, data, deliverBy, timeout, knownNodesOnly, urgent, reply }: JobOrderOf) {
  return {
    ...{ subject, data },
    ...(deliverBy === undefined ? {} : { deliverBy }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(knownNodesOnly === undefined ? {} : { knownNodesOnly }),
    ...(urgent === undefined ? {} : { urgent }),
    ...(reply === undefined ? {} : { reply }),
  };
}

/** Only commands have an end that can be counted. */
function insistCommand(subject: string): void {
  const { kind } = parseSubject(`node.${subject}`);
  if (kind !== "command") throw new StewardError("job-invalid", { fault: `${subject} is no command` });
}

function textOf(parts: readonly OutputPart[], stream: OutputPart["stream"]): string {
  const chunks = parts.flatMap((part) =>
    part.stream === stream ? [Buffer.from(part.text, part.encoding ?? "utf8")] : [],
  );
  return Buffer.concat(chunks).toString("utf8");
}
