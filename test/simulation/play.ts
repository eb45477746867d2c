import { createHash } from "node:crypto";
import { normalise } from "../../src/message/errors.ts";
import { receiverOf } from "../../src/message/subject.ts";
import { quiet } from "../harness/world/time.ts";
import { EDGE, World } from "../harness/world/world.ts";
import type { MemoryLink } from "../twins/memory-broker.ts";
import type { Disk } from "../twins/memory-store.ts";
import { check, type Violation } from "./check.ts";
import { HostileBroker } from "./hostile-broker.ts";
import { GUARDED, type Script, type Step } from "./script.ts";
import { JobTruth } from "./truth/job-truth.ts";
import { LinkTruth } from "./truth/link-truth.ts";

/**
 * Plays a script on a fleet: every step, then calm (all faults end, all nodes run), then until nobody owes anybody
 * anything, and holds what came of it against the promise. The same script gives the same run.
 */
export interface Played {
  /** Submitted, whatever came of it. */
  readonly messages: number;
  /** Ended in exactly one final state at their origin. */
  readonly ok: number;
  readonly lost: number;
  readonly doubled: number;
  /** Still open at the end, or their daemon died or lost its disk before it could say whether it had accepted them. */
  readonly unknown: number;
  readonly violations: readonly Violation[];
  /** Milliseconds of simulated time. */
  readonly simulated: number;
  /** Of everything that can be seen of the run. */
  readonly fingerprint: string;
}

/** One message that was submitted. */
export interface Attempt {
  readonly n: number;
  readonly subject: string;
  readonly origin: string;
  /** Simulated time, ms. */
  readonly at: number;
  /** Simulated time at which it must have begun; `null`: it may wait for ever. */
  readonly startBy: number | null;
  /** `open`: no answer, the daemon died meanwhile; or it could not say, since its disk failed. */
  answer: "open" | "accepted" | "refused";
  id: string | undefined;
  /** It was moved ahead by hand. */
  moved?: boolean;
}

const SETTLE = 2_500;
/** Within this time after the last fault all queues must be empty, ms: backoffs, timeouts and hanging methods fit in. */
const DRAINED_WITHIN = 60 * 60_000;
const LOOK_EVERY = 1_000;
/** What cannot be looked at for so long will never be there, ms. */
const BLIND = 120_000;

export async function play(script: Script, directory: string): Promise<Played> {
  const subscribe = [...EDGE.map((subject) => ({ subject })), GUARDED];
  const nodes = Object.fromEntries(script.nodes.map((name) => [name, { subscribe }]));
  const world = new World(directory, { seed: script.seed, nodes });
  const player = new Player(world);
  try {
    return await player.play(script);
  } finally {
    await world.end();
  }
}

class Player {
  readonly #world: World;
  readonly #attempts: Attempt[] = [];
  readonly #backups = new Map<string, Disk>();
  readonly #violations: Violation[] = [];
  readonly #links: LinkTruth;
  readonly #jobs: JobTruth;
  #plain: MemoryLink | undefined;
  #hostile: HostileBroker | undefined;

  constructor(world: World) {
    this.#world = world;
    this.#links = new LinkTruth(world);
    this.#jobs = new JobTruth(world);
  }

  async play({ steps }: Script): Promise<Played> {
    const world = this.#world;
    if (steps.some((step) => step.do === "hostile")) this.#hostile = new HostileBroker(world);
    try {
      await world.start();
      await world.advance(SETTLE);
      for (const step of steps) {
        await this.#perform(step);
        this.#links.stepped();
        this.#jobs.look();
      }
      await this.#calm();
    } catch (error) {
      this.#violations.push({ kind: "stuck", text: error instanceof Error ? error.message : String(error) });
    }
    // Accepted in the order of the calls, whichever answer came first.
    const numbers = new Map(this.#attempts.map(({ id, n }) => [id, n]));
    world.accepted.sort((a, b) => (numbers.get(a.id) ?? 0) - (numbers.get(b.id) ?? 0));
    const truthful = steps.every((step) => step.do !== "clock");
    this.#jobs.settled(truthful, steps.every(isGentle));
    const { lost, doubled, ok, open, violations } = await check(world, this.#attempts, truthful);
    const all = [...this.#violations, ...this.#links.violations, ...this.#jobs.violations, ...violations];
    return {
      messages: this.#attempts.length + this.#jobs.messages,
      ok,
      lost: lost.length,
      doubled: doubled.length,
      unknown: open.length + this.#attempts.filter(({ answer }) => answer === "open").length,
      violations: all,
      simulated: world.time.monotonic(),
      fingerprint: this.#fingerprint(),
    };
  }

  async #perform(step: Step): Promise<void> {
    const world = this.#world;
    switch (step.do) {
      case "send":
        return this.#send(step);
      case "cancel":
        return this.#cancel(step);
      case "job":
        return this.#jobs.order(step);
      case "steer":
        return this.#jobs.steer(step.n, step.verb);
      case "retry":
        return this.#jobs.retry(step);
      case "first":
        return this.#first(step.n);
      case "wait":
        return world.advance(step.ms);
      case "trespass":
        return this.#trespass(step);
      case "crash": {
        const { node, at, nth = 1, keep = 0, power = false } = step;
        if (!world.isUp(node)) return;
        if (at !== undefined) return world.crashAt(node, { at, nth, keep, power });
        world.crash(node, keep);
        if (power) world.host(node).kill();
        return quiet();
      }
      case "stop":
        if (!world.isUp(step.node)) return;
        world.thaw(step.node);
        await quiet();
        if (world.isUp(step.node)) await world.stop(step.node);
        return;
      case "freeze":
        if (world.isUp(step.node)) world.freeze(step.node);
        return;
      case "thaw":
        if (world.isUp(step.node)) world.thaw(step.node);
        return quiet();
      case "start":
        if (!world.isUp(step.node)) await world.start(step.node);
        return;
      case "cut":
        world.cut(step.node);
        return quiet();
      case "heal":
        world.heal(step.node);
        return quiet();
      case "link":
        return world.setFaults(step.node, {
          ...(step.out === undefined ? {} : { out: step.out }),
          ...(step.in === undefined ? {} : { in: step.in }),
        });
      case "clock":
        return world.setClock(step.node, step.wrong, step.rate);
      case "slowDisk":
        return world.setFlush(step.node, step.ms);
      case "slowSink":
        return world.setSink(step.node, step.ms);
      case "diskFault":
        return this.#setDiskFault(step.node, step.fault);
      case "loseDisk":
        if (!world.isUp(step.node)) world.loseDisk(step.node);
        return;
      case "backup":
        this.#backups.set(step.node, world.backup(step.node));
        return;
      case "restore": {
        const copy = this.#backups.get(step.node);
        if (copy !== undefined && !world.isUp(step.node)) world.restore(step.node, copy, step);
        return;
      }
      case "hostile":
        this.#hostile?.strike(step.way, step.seed, step.count);
        return quiet();
      case "broker":
        if (step.up) world.broker.up();
        else world.broker.down();
        return quiet();
    }
  }

  async #send({ from, n, messages }: Extract<Step, { do: "send" }>): Promise<void> {
    const world = this.#world;
    if (!world.isUp(from) || world.isFrozen(from)) return;
    const at = world.time.monotonic();
    const attempts = messages.map(({ subject, deliverBy = null }, i): Attempt => {
      const startBy = deliverBy === null ? null : at + deliverBy;
      return { n: n + i, subject, origin: from, at, startBy, answer: "open", id: undefined };
    });
    this.#attempts.push(...attempts);
    const drafts = messages.map((message, i) => ({ ...message, data: numbered(message.data, n + i) }));
    world
      .daemon(from)
      .operations.submit(drafts)
      .then(
        (accepted) => {
          accepted.forEach(({ id, subject }, i) => {
            const urgent = messages[i]?.urgent ?? false;
            // A message that was moved by hand keeps no order.
            world.accepted.push({
              id,
              subject,
              origin: from,
              urgent,
              ...(attempts[i]?.moved === true ? { held: true } : {}),
            });
            Object.assign(attempts[i] ?? {}, { id, answer: "accepted" });
          });
        },
        (error) => {
          // A group commit that failed may be on the disk all the same.
          if (normalise(error).code === "journal-failed") return;
          for (const attempt of attempts) attempt.answer = "refused";
        },
      );
    await quiet();
  }

  async #cancel({ n, twice = false }: Extract<Step, { do: "cancel" }>): Promise<void> {
    const attempt = this.#attempts.find((one) => one.n === n);
    if (attempt?.id === undefined || !this.#world.isUp(attempt.origin) || this.#world.isFrozen(attempt.origin)) return;
    const { operations } = this.#world.daemon(attempt.origin);
    // A refusal (it is gone, the journal is full) is an answer.
    for (let i = 0; i < (twice ? 2 : 1); i++) operations.cancel(attempt.id).catch(() => undefined);
    await quiet();
  }

  async #first(n: number): Promise<void> {
    const attempt = this.#attempts.find((one) => one.n === n);
    if (attempt?.id === undefined || !this.#world.isUp(attempt.origin) || this.#world.isFrozen(attempt.origin)) return;
    attempt.moved = true;
    const at = this.#world.accepted.findIndex(({ id }) => id === attempt.id);
    const line = this.#world.accepted[at];
    if (line !== undefined) this.#world.accepted[at] = { ...line, held: true };
    const { operations } = this.#world.daemon(attempt.origin);
    // A refusal (it was sent, it has ended) is an answer.
    operations.first(receiverOf(attempt.subject), { ids: [attempt.id] }).catch(() => undefined);
    await quiet();
  }

  async #trespass({ node, way }: Extract<Step, { do: "trespass" }>): Promise<void> {
    const subject = `${node}.${GUARDED.subject}`;
    if (way === "plain") {
      this.#plain ??= this.#world.broker.connect("plain");
      this.#plain.publish(subject, Buffer.from(JSON.stringify({ data: { do: "fail" } })));
      return quiet();
    }
    const from = way === "self" ? node : "central";
    if (!this.#world.isUp(from) || this.#world.isFrozen(from)) return;
    const data = way === "self" ? {} : { do: "fail" };
    // A refusal is an answer.
    this.#world
      .daemon(from)
      .operations.submit([{ subject, data }])
      .catch(() => undefined);
    await quiet();
  }

  #setDiskFault(node: string, fault: string | null): void {
    const disk = this.#world.disk(node);
    if (fault === null) delete disk.fault;
    else disk.fault = fault;
  }

  /** Ends every fault, then waits until nobody owes anybody anything. */
  async #calm(): Promise<void> {
    const world = this.#world;
    world.broker.up();
    for (const name of world.nodes) {
      this.#setDiskFault(name, null);
      world.heal(name);
      if (world.isUp(name)) world.thaw(name);
      world.setFaults(name, {});
      world.setClock(name, 0);
      world.setFlush(name, 0);
      world.setSink(name, 0);
    }
    await quiet();
    let end = world.time.monotonic() + DRAINED_WITHIN;
    let seen = world.time.monotonic();
    for (;;) {
      for (const name of world.nodes) {
        world.spare(name);
        if (!world.isUp(name)) await world.start(name);
        await this.#revive(name);
      }
      await this.#jobs.settle();
      await world.advance(LOOK_EVERY);
      const { owed, blind } = this.#owed();
      if (owed === undefined) break;
      if (!blind) seen = world.time.monotonic();
      else end = Math.min(end, seen + BLIND);
      if (world.time.monotonic() > end) {
        this.#violations.push({ kind: "stuck", text: owed });
        break;
      }
    }
    // Whatever was sent in any life is worth nothing now.
    this.#hostile?.replayAll();
    await world.advance(LOOK_EVERY);
    await this.#links.settled();
  }

  /** A subject that was quarantined goes on when its operator says so. */
  async #revive(name: string): Promise<void> {
    const { operations } = this.#world.daemon(name);
    let quarantined: readonly string[];
    try {
      quarantined = operations.health().quarantined;
    } catch {
      // Its core is being built anew.
      return;
    }
    for (const subject of quarantined) await this.#world.drive(operations.control(name, subject, "revive"));
  }

  /** What somebody still owes somebody, in words; `blind`: a daemon would not even say. */
  #owed(): { readonly owed?: string; readonly blind?: boolean } {
    const world = this.#world;
    try {
      for (const name of world.nodes) {
        const { operations } = world.daemon(name);
        const [pending] = operations.messages({ direction: "in", open: true, limit: 1 });
        if (pending !== undefined) return { owed: `${name} has not finished ${pending.id} (${pending.subject})` };
        for (const { name: other, waiting } of operations.nodes()) {
          if (waiting > 0 && world.nodes.includes(other)) return { owed: `${name} has messages that ${other} lacks` };
        }
      }
      for (const { id, origin } of world.accepted) {
        if (world.forgotten.has(id)) continue;
        if (!world.message(id, origin).final) return { owed: `${id} is ${world.state(id, origin)} at ${origin}` };
      }
      const job = this.#jobs.owed();
      if (job !== undefined) return { owed: job };
    } catch (error) {
      return { owed: error instanceof Error ? error.message : String(error), blind: true };
    }
    return {};
  }

  #fingerprint(): string {
    const { ledger, finals, time, nodes, accepted } = this.#world;
    const seen = {
      runs: ledger.runs,
      notes: [...ledger.notes],
      accepted,
      finals: [...finals],
      end: time.monotonic(),
      happenings: nodes.map((name) => [
        this.#world.happenings(name, "message"),
        this.#world.happenings(name, "transition"),
      ]),
    };
    return createHash("sha256").update(JSON.stringify(seen)).digest("hex").slice(0, 16);
  }
}

/** Steps that leave every node in reach, and every daemon alive; a start of what runs is none. */
const GENTLE: ReadonlySet<Step["do"]> = new Set(["send", "job", "steer", "retry", "cancel", "wait", "start", "first"]);

function isGentle({ do: verb }: Step): boolean {
  return GENTLE.has(verb);
}

/** Data of the test's own methods carry the number of their message. */
function numbered(data: unknown, n: number) {
  return Array.isArray(data) ? data : { ...(data as object), n };
}
