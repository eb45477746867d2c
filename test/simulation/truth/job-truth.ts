import type { HeldGroupRecord, HeldMembers, JobStand } from "../../../src/journal/records.ts";
import type { Table } from "../../../src/journal/store/store.ts";
import { normalise } from "../../../src/message/errors.ts";
import { isEnded, type JobState } from "../../../src/message/jobs/job.ts";
import { isFinalState, type State } from "../../../src/message/lifecycle.ts";
import type { JobVerb } from "../../../src/runtime/jobs/jobs.ts";
import type { JobNode, JobView } from "../../../src/runtime/operate/table/jobs.ts";
import { quiet } from "../../harness/world/time.ts";
import type { World } from "../../harness/world/world.ts";
import type { Violation } from "../check.ts";
import type { Step } from "../script.ts";
import { type End, type Kept, promisesKept, type Release } from "./job-promises.ts";

type Order = Extract<Step, { do: "job" }>;

/** One job that was ordered, with all that was seen of it. Times are ms of simulated time. */
export interface Ordered extends Kept {
  answer: "open" | "accepted" | "refused";
  id: string | undefined;
}

const MINUTE = 60_000;
/** In calm a job that still is open after so long is cancelled, ms: its window or its rate would take too long. */
const LONG = 20 * MINUTE;
/** The word of a job's list for the state of a message. */
const WORD: Readonly<Record<State, JobNode["kind"]>> = {
  held: "held",
  queued: "queued",
  sent: "queued",
  received: "received",
  running: "running",
  unknown: "unknown",
  succeeded: "succeeded",
  failed: "failed",
  timedOut: "failed",
  interrupted: "failed",
  rejected: "rejected",
  expired: "expired",
  cancelled: "cancelled",
};
const ENDS: ReadonlySet<JobNode["kind"]> = new Set(["succeeded", "failed", "rejected", "expired", "cancelled"]);

/**
 * The operator of a simulated fleet who orders and steers jobs, and notes what is told of them: the releases and the ends of
 * their messages as they happen, and the states that are on disk. `job-promises.ts` holds that against the plans.
 */
export class JobTruth {
  readonly violations: Violation[] = [];
  readonly #world: World;
  readonly #jobs = new Map<number, Ordered>();
  readonly #releases: Release[] = [];
  readonly #ends = new Map<string, End>();
  readonly #known = new Set<string>();
  #calmSince: number | undefined;

  constructor(world: World) {
    this.#world = world;
    world.onMessage = (node, { id, state, subject }) => {
      if (node !== "central" || !subject.includes(".command.")) return;
      const at = world.time.monotonic();
      if (state === "queued") this.#releases.push({ id, at, link: this.#linkOf(subject.split(".")[0] ?? "") });
      else if (isFinalState(state) && !this.#ends.has(id)) this.#ends.set(id, { at, state });
    };
  }

  #linkOf(node: string): string {
    try {
      return this.#world.node(node).link;
    } catch {
      return "unknown";
    }
  }

  /** Messages of jobs that were seen on disk. */
  get messages(): number {
    return this.#known.size;
  }

  get #central() {
    return this.#world.isUp("central") && !this.#world.isFrozen("central")
      ? this.#world.daemon("central").operations
      : undefined;
  }

  async order({ n, to, order }: Order): Promise<void> {
    const operations = this.#central;
    if (operations === undefined) return;
    const { time } = this.#world;
    const { beginsIn, overIn, opensIn, openFor = 1, ...rest } = order;
    const opens = opensIn === undefined ? undefined : Math.floor(time.now() / MINUTE) * MINUTE + opensIn * MINUTE;
    const window = opens === undefined ? undefined : ([opens, opens + openFor * MINUTE] as const);
    const at = time.monotonic();
    const ordered: Ordered = {
      ...{ n, order, to, at, answer: "open", id: undefined, asked: [], seen: [], attempts: [] },
      window: window?.map((wall) => wall - time.now() + at),
    };
    this.#jobs.set(n, ordered);
    const clock = (ms: number): string => new Date(ms).toISOString().slice(11, 16);
    operations
      .createJob({
        ...rest,
        ...{ to: to.join(", "), note: `job ${n}`, most: 100, data: { ...(order.data as object), n } },
        ...(beginsIn === undefined ? {} : { at: `in ${beginsIn}s` }),
        ...(overIn === undefined ? {} : { until: `in ${overIn}s` }),
        ...(window === undefined ? {} : { window: window.map(clock).join("-"), tz: "UTC" }),
      })
      .then(
        ({ id }) => {
          ordered.answer = "accepted";
          ordered.id = id;
        },
        (error) => {
          // A group commit that failed may be on the disk all the same.
          if (normalise(error).code !== "journal-failed") ordered.answer = "refused";
        },
      );
    await quiet();
  }

  async steer(n: number, verb: JobVerb): Promise<void> {
    await this.#ask(n, verb, (id) => this.#central?.steerJob(id, verb));
  }

  async retry({ n, of }: Extract<Step, { do: "retry" }>): Promise<void> {
    await this.#ask(n, "retry", (id) => this.#central?.retryJob(id, { of }));
  }

  /** A refusal is an answer. */
  async #ask(n: number, verb: JobVerb | "retry", call: (id: string) => Promise<unknown> | undefined): Promise<void> {
    const job = this.#jobs.get(n);
    if (job?.id === undefined || this.#central === undefined) return;
    const { time } = this.#world;
    const asked: Ordered["asked"][number] = { verb, at: time.monotonic() };
    job.asked.push(asked);
    call(job.id)?.then(
      () => {
        asked.didAt = time.monotonic();
      },
      () => undefined,
    );
    await quiet();
  }

  /** Looks at all jobs as their operator does, and at what of them is on disk. */
  look(): void {
    for (const view of this.#views()) {
      const n = Number(/^job (\d+)$/.exec(view.note)?.[1] ?? -1);
      const job = this.#jobs.get(n);
      if (job === undefined || job.answer === "refused") this.#broken(`job ${view.id} is there, and was not accepted`);
      else this.#see(job, view);
    }
  }

  #views(): readonly JobView[] {
    try {
      return this.#central?.jobs({ limit: 10_000 }) ?? [];
    } catch {
      // Its core is being built anew.
      return [];
    }
  }

  #see(job: Ordered, { id, state, nodes: size }: JobView): void {
    const operations = this.#central;
    if (operations === undefined) return;
    job.id ??= id;
    const nodes = operations.jobNodes(id);
    const { counts } = operations.job(id);
    const listed = new Map<string, number>();
    for (const { kind } of nodes) listed.set(kind, (listed.get(kind) ?? 0) + 1);
    for (const [kind, count] of Object.entries(counts))
      if (count !== (listed.get(kind) ?? 0))
        this.#broken(`job ${job.n} counts ${count} ${kind}, and lists ${listed.get(kind) ?? 0}`);
    for (const { node, id: message, kind } of nodes) {
      const found = this.#stateOf(message);
      if (found !== undefined && WORD[found] !== kind)
        this.#broken(`job ${job.n} lists ${kind} for ${node}, and the message is ${found}`);
    }
    if (size !== nodes.length) this.#broken(`job ${job.n} has ${size} nodes, and lists ${nodes.length}`);
    if (state === "done" || state === "doneWithFailures")
      for (const { node, kind } of nodes)
        if (!ENDS.has(kind)) this.#broken(`job ${job.n} is ${state}, and its message to ${node} is ${kind}`);
    if (this.#world.replaced.size === 0)
      for (const { id: message, kind } of nodes)
        if (kind === "held" && this.#world.ledger.runsOf(message) > 0)
          this.#broken(`${message} of job ${job.n} is held, and ran`);
    const stored = this.#row<JobStand>("jobs", id, 1);
    if (stored === undefined) return;
    this.#accept(job, stored);
    if (stored.state === state) job.seen.push({ at: this.#world.time.monotonic(), state });
  }

  /** The state that an operator is told of a message; `undefined`: its record is gone. */
  #stateOf(message: string): State | undefined {
    try {
      return this.#central?.message(message).state;
    } catch {
      return undefined;
    }
  }

  /** Messages that are on disk are accepted, whether or not their job's id was ever printed. */
  #accept(job: Ordered, { attempts }: JobStand): void {
    for (const { group, waves } of attempts) {
      if (job.attempts.some((known) => known.group === group)) continue;
      const record = this.#row<HeldGroupRecord>("held", group, 0);
      const members: HeldMembers = this.#row<HeldMembers>("held", group, 1) ?? [];
      if (record === undefined) continue;
      job.attempts.push({ group, waves, ids: members.map(([id]) => id) });
      for (const [id, node] of members) {
        this.#known.add(id);
        this.#world.accepted.push({ id, subject: `${node}.${record.subject}`, origin: "central", held: true });
      }
    }
  }

  #row<T>(table: Table, ...key: readonly (string | number)[]): T | undefined {
    return this.#world.disk("central").tables.get(table)?.get(key.join("\u0000"))?.value as T | undefined;
  }

  /** In calm each job comes to its end, as its operator wants it. */
  async settle(): Promise<void> {
    this.look();
    const now = this.#world.time.monotonic();
    this.#calmSince ??= now;
    for (const { note, state } of this.#views()) {
      const job = this.#jobs.get(Number(note.slice(4)));
      if (job === undefined || isEnded(state)) continue;
      const tried = job.asked.filter(({ at }) => at >= (this.#calmSince ?? 0)).length;
      const verb = this.#wish(state, tried, job.order.every !== undefined || now - this.#calmSince > LONG);
      if (verb !== undefined) await this.steer(job.n, verb);
    }
  }

  #wish(state: JobState, tried: number, isOver: boolean): JobVerb | undefined {
    if (isOver) return "cancel";
    if (state === "draft") return "start";
    if (state === "awaitingApproval") return "approve";
    if (state !== "paused") return undefined;
    return tried === 0 ? "resume" : tried < 4 ? "promote" : "cancel";
  }

  /** A job that is still open, in words. */
  owed(): string | undefined {
    const [open] = this.#views().filter(({ state }) => !isEnded(state));
    return open === undefined ? undefined : `${open.note} is ${open.state}: ${open.cause}`;
  }

  /** Holds all that was seen against the plans. `truthful`: no clock ever was wrong; `undisturbed`: nodes were always in reach. */
  settled(truthful: boolean, undisturbed: boolean): void {
    this.look();
    const world = this.#world;
    const ran = new Map(world.ledger.runs.map(({ id, began, method }) => [id, { at: began, method }]));
    for (const job of this.#jobs.values()) {
      if (job.id === undefined) continue;
      const facts = { releases: this.#releases, ends: this.#ends, ran, truthful, undisturbed };
      // A disk that was put back does not know what was decided since.
      const found = world.replaced.has("central") ? [] : promisesKept(job, facts);
      for (const text of found) this.#broken(`job ${job.n}: ${text}`);
    }
  }

  #broken(text: string): void {
    if (!this.violations.some((known) => known.text === text)) this.violations.push({ kind: "job", text });
  }
}
