import { seededRandom } from "../harness/random.ts";
import { POINTS, type Point } from "../harness/world/parts.ts";
import type { Fault, Planned, PlannedJob, Script, Step } from "./script.ts";

/**
 * Makes a script from a seed. Each seed picks some of the faults it may use, and of each how often: runs that differ much
 * find more than runs that all have a little of everything.
 */
export interface Wanted {
  readonly nodes: number;
  readonly faults: readonly Fault[];
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;
const COMMANDS = ["work", "redo", "shellcommand"];

export function generate(seed: number, { nodes: count, faults }: Wanted): Script {
  const dice = new Dice(seed);
  const nodes = Array.from({ length: count }, (_, i) => `ship${i + 1}`);
  const everyone = ["central", ...nodes];
  const chosen = faults.filter(() => dice.chance(dice.chance(0.3) ? 0.9 : 0.35));
  const uses = new Set(chosen.length === 0 ? faults.slice(0, 1) : chosen);
  const steps: Step[] = [];
  let n = 0;

  const rounds = 6 + dice.below(18);
  /** How fast things follow on each other in this run, ms. */
  const pace = dice.pick([5, 200, 2 * SECOND, 20 * SECOND]);
  for (let round = 0; round < rounds; round++) {
    for (let calls = dice.below(3); calls >= 0; calls--) {
      const messages = plan();
      // Central commands; nodes report.
      const from = messages[0]?.subject.startsWith("central.") === true ? dice.pick(nodes) : "central";
      steps.push({ do: "send", from, n, messages });
      n += messages.length;
      if (uses.has("cancel") && dice.chance(0.3)) cancel();
      if (dice.chance(0.3)) steps.push({ do: "wait", ms: dice.below(50) });
    }
    if (uses.has("urgent") && n > 0 && dice.chance(0.3))
      steps.push({ do: "first", n: Math.max(0, n - 1 - dice.below(8)) });
    if (uses.has("jobs")) steer();
    if (uses.has("jobs") && (round === 0 || dice.chance(0.2))) job();
    if (dice.chance(0.6)) harm(dice.pick([...uses]));
    if (uses.has("cancel") && dice.chance(0.3)) cancel();
    steps.push({ do: "wait", ms: dice.below(dice.chance(0.05) ? 3 * MINUTE : pace) });
    for (let tries = 0; tries < 6; tries++) repair();
    for (const node of everyone) if (dice.chance(0.5)) steps.push({ do: "start", node });
  }
  return { seed, nodes, steps };

  function plan(): Planned[] {
    const to = dice.pick(nodes);
    const event = dice.chance(0.25);
    const toCentral = event && dice.chance(0.7);
    const method = dice.pick(COMMANDS);
    const subject = event ? `${toCentral ? "central" : to}.event.note.news` : `${to}.command.${method}.os`;
    const isUrgent = uses.has("urgent") && !event && dice.chance(0.25);
    const how = event ? note : method === "shellcommand" ? program : work;
    return Array.from({ length: dice.chance(0.15) ? 1 + dice.below(12) : 1 }, () => ({
      subject,
      ...how(),
      ...limits(event),
      ...(isUrgent ? { urgent: true } : {}),
    }));
  }

  function work(): Pick<Planned, "data"> {
    const poisoned = uses.has("poison") && dice.chance(0.15);
    const hangs = uses.has("slow") && dice.chance(0.1);
    const does = poisoned
      ? dice.pick(["throw", "reject", "throwOnce", "fail"])
      : hangs
        ? dice.pick(["never", "late"])
        : undefined;
    return { data: { ms: duration(), ...(does === undefined ? {} : { do: does }) } };
  }

  function program(): Pick<Planned, "data"> {
    return { data: dice.chance(0.2) ? ["exit", String(dice.below(3))] : ["sleep", String(duration())] };
  }

  function note(): Pick<Planned, "data"> {
    return { data: uses.has("poison") && dice.chance(0.1) ? { poison: true } : {} };
  }

  function duration(): number {
    return dice.chance(0.4) ? 0 : dice.below(dice.chance(0.1) ? 30 * SECOND : 1 + pace);
  }

  /** What hangs must end some day: commands always have a timeout here. */
  function limits(event: boolean): Pick<Planned, "deliverBy" | "timeout"> {
    const short = uses.has("expiry") && dice.chance(0.4);
    return {
      deliverBy: short ? SECOND + dice.below(20 * SECOND) : null,
      ...(event ? {} : { timeout: uses.has("expiry") && dice.chance(0.2) ? SECOND + dice.below(SECOND) : MINUTE }),
    };
  }

  function cancel(): void {
    if (n > 0)
      steps.push({ do: "cancel", n: Math.max(0, n - 1 - dice.below(4)), ...(dice.chance(0.2) ? { twice: true } : {}) });
  }

  function job(): void {
    const some = nodes.filter(() => dice.chance(0.8));
    const to = some.length === 0 ? nodes : some;
    const subject = `command.${dice.chance(0.85) ? "work" : "redo"}.os`;
    steps.push({ do: "job", n: n++, to, order: { subject, ...ends(to), timeout: MINUTE, ...shape(), ...times() } });
    // Most jobs are short: a pause that finds one running, with messages held, comes soon.
    if (!dice.chance(0.3)) return;
    steps.push({ do: "wait", ms: dice.below(SECOND) });
    steps.push({ do: "steer", n: n - 1, verb: "pause" });
  }

  /** What becomes of it on its nodes. */
  function ends(to: readonly string[]): Pick<PlannedJob, "data"> {
    const ms = duration();
    return { data: dice.chance(0.3) ? { ms, do: dice.pick(["fail", "reject"]), on: [dice.pick(to)] } : { ms } };
  }

  function shape(): Partial<PlannedJob> {
    const waves = dice.pick(["1,100%", "1,2,100%", "50%,100%", "2,100%"]);
    const bound = `${dice.pick(["failed", "rejected", "expired", "unknown"])}=${dice.below(2)}:${dice.pick(["pause", "abort"])}`;
    return {
      ...(dice.chance(0.6) ? { waves, soak: dice.pick([0, SECOND, 10 * SECOND]) } : {}),
      ...(dice.chance(0.2) ? { gate: dice.pick(["50%", "100%"]) } : {}),
      ...(dice.chance(0.4) ? { max: [bound] } : {}),
      ...(dice.chance(0.25) ? { atOnce: 1 } : {}),
      ...(dice.chance(0.25) ? { rate: dice.pick([2, 6, 60]) } : {}),
      ...(dice.chance(0.3) ? { ifAway: dice.pick(["skip", "fail", "queue"]) } : {}),
      ...(dice.chance(0.1) ? { approval: true } : {}),
      ...(dice.chance(0.1) ? { draft: true } : {}),
      ...(uses.has("expiry") && dice.chance(0.3) ? { deliverBy: SECOND + dice.below(20 * SECOND) } : {}),
    };
  }

  function times(): Partial<PlannedJob> {
    const beginsIn = 1 + dice.below(60);
    return {
      ...(dice.chance(0.15) ? { beginsIn } : dice.chance(0.05) ? { every: "every 10m" } : {}),
      ...(dice.chance(0.15) ? { overIn: beginsIn + 1 + dice.below(120) } : {}),
      ...(dice.chance(0.2) ? { opensIn: dice.below(3), openFor: 1 + dice.below(3) } : {}),
    };
  }

  function steer(): void {
    const ordered = steps.filter((step) => step.do === "job");
    if (ordered.length === 0 || dice.chance(0.5)) return;
    const { n: which } = dice.pick(ordered.slice(-2));
    const verbs = ["start", "approve", "pause", "resume", "resume", "promote", "abort", "cancel"] as const;
    if (dice.chance(0.25)) steps.push({ do: "retry", n: which, of: dice.pick(["failed", "notStarted", "unknown"]) });
    else steps.push({ do: "steer", n: which, verb: dice.pick(verbs) });
  }

  function harm(fault: Fault): void {
    const node = dice.pick(everyone);
    const share = dice.pick([0.05, 0.3, 0.8]);
    switch (fault) {
      case "crash":
      case "torn":
      case "power":
        steps.push({
          do: "crash",
          node,
          ...(dice.chance(0.85) ? { at: dice.pick<Point>(POINTS), nth: 1 + dice.below(dice.pick([2, 8, 40])) } : {}),
          ...(uses.has("torn") && dice.chance(0.5) ? { keep: 1 + dice.below(6) } : {}),
          ...(fault === "power" ? { power: true } : {}),
        });
        // What is open at a crash is what it may lose: a slow disk keeps more of it open.
        if (dice.chance(0.3)) steps.push({ do: "slowDisk", node, ms: dice.pick([1, 5, 50]) });
        break;
      case "restart":
        steps.push({ do: "stop", node });
        break;
      case "frozen":
        steps.push(
          { do: "freeze", node: dice.pick(nodes) },
          ...(dice.chance(0.5) ? [] : [{ do: "wait" as const, ms: dice.below(40 * SECOND) }]),
        );
        break;
      case "partition":
        steps.push({ do: "cut", node });
        break;
      case "oneway":
        steps.push({ do: "link", node, [dice.pick(["in", "out"])]: { drop: 1 } });
        break;
      case "halfopen":
        steps.push({ do: "link", node, in: { drop: 1 }, out: { drop: 1 } });
        break;
      case "broker":
        steps.push({ do: "broker", up: false }, { do: "wait", ms: dice.below(pace) }, { do: "broker", up: true });
        break;
      case "loss":
        link(node, { drop: Math.min(share, 0.5) });
        break;
      case "delay":
        link(node, { delay: 1 + dice.below(2 * SECOND) });
        break;
      case "duplicate":
        link(node, { duplicate: share });
        break;
      case "reorder":
        link(node, { reorder: { share, within: 1 + dice.below(3 * SECOND) } });
        break;
      case "corrupt":
        link(node, { flip: share / 2 });
        break;
      case "clock": {
        const far = dice.pick([MINUTE, 60 * MINUTE, DAY]);
        steps.push({ do: "clock", node, wrong: dice.pick([far, -far]) });
        break;
      }
      case "calendar":
        steps.push({ do: "clock", node, wrong: dice.pick([3650 * DAY, -3650 * DAY]) });
        break;
      case "drift":
        steps.push({ do: "clock", node, wrong: 0, rate: dice.pick([-0.1, -0.001, 0.001, 0.1]) });
        break;
      case "slow":
        steps.push({ do: dice.pick(["slowDisk", "slowSink"]), node, ms: dice.pick([5, 50, 500, 5 * SECOND]) });
        break;
      case "full":
      case "sync":
        steps.push(
          { do: "diskFault", node, fault: fault === "full" ? "ENOSPC" : "EIO" },
          { do: "wait", ms: dice.below(dice.pick([50, 5 * SECOND, MINUTE])) },
          { do: "diskFault", node, fault: null },
        );
        break;
      case "disk":
        steps.push({ do: "crash", node }, { do: "loseDisk", node });
        break;
      case "restore":
        if (dice.chance(0.5)) steps.push({ do: "backup", node });
        else steps.push({ do: "crash", node }, { do: "restore", node, ...(dice.chance(0.5) ? { inPlace: true } : {}) });
        break;
      case "trespass":
        steps.push({ do: "trespass", node: dice.pick(nodes), way: dice.pick(["plain", "self", "central"]) });
        break;
      case "hostile":
        steps.push({
          do: "hostile",
          way: dice.pick(["replay", "replay", "swap", "edit", "clear"]),
          seed: dice.below(2 ** 31),
          count: 1 + dice.below(dice.pick([3, 30])),
        });
        break;
      case "poison":
      case "jobs":
      case "urgent":
      case "cancel":
      case "expiry":
        break;
    }
  }

  function link(node: string, faults: Extract<Step, { do: "link" }>["in"] & object): void {
    const way = dice.below(3);
    steps.push({ do: "link", node, ...(way === 0 ? {} : { in: faults }), ...(way === 1 ? {} : { out: faults }) });
  }

  /** Ends something that was done before. */
  function repair(): void {
    const done = dice.pick(steps);
    if (done.do === "freeze") steps.push({ do: "thaw", node: done.node });
    if (done.do === "cut") steps.push({ do: "heal", node: done.node });
    if (done.do === "link") steps.push({ do: "link", node: done.node });
    if (done.do === "clock") steps.push({ do: "clock", node: done.node, wrong: 0 });
    if (done.do === "slowDisk" || done.do === "slowSink") steps.push({ do: done.do, node: done.node, ms: 0 });
  }
}

class Dice {
  readonly #next: () => number;

  constructor(seed: number) {
    const random = seededRandom(seed);
    // Neighbouring seeds begin alike.
    for (let i = 0; i < 8; i++) random.next();
    this.#next = random.next;
  }

  below(n: number): number {
    return Math.floor(this.#next() * n);
  }

  chance(probability: number): boolean {
    return this.#next() < probability;
  }

  pick<T>(from: readonly T[]): T {
    const found = from[this.below(from.length)];
    if (found === undefined) throw new Error("there is nothing to pick from");
    return found;
  }
}
