import { checkJournal } from "../../../src/journal/check/check.ts";
import { openJournal } from "../../../src/journal/journal.ts";
import { TABLES } from "../../../src/journal/store/store.ts";
import { isFinal } from "../../../src/message/lifecycle.ts";
import { kindOf, parseSubject, receiverOf } from "../../../src/message/subject.ts";
import { emptyDisk, openMemoryStore } from "../../twins/memory-store.ts";
import { seededRandom } from "../random.ts";
import type { World } from "./world.ts";

/** What the promise says of a world, whatever was done to it: counted like Jepsen counts, and every breach in words. */
export interface Verdict {
  /** Commands that ended in exactly one state. */
  readonly ok: number;
  /** Accepted, and unknown at their origin. */
  readonly lost: readonly string[];
  /** Commands that ran more than once, of methods that say that this is not harmless. */
  readonly doubled: readonly string[];
  /** Still visibly open. */
  readonly open: readonly string[];
  readonly breaches: readonly string[];
}

/** Methods that may run again. */
const IDEMPOTENT: ReadonlySet<string> = new Set(["redo"]);

export function judge(world: World): Verdict {
  const lost: string[] = [];
  const open: string[] = [];
  const breaches: string[] = [];
  let ok = 0;
  for (const { id, subject, origin } of world.accepted) {
    if (!world.isUp(origin) || world.forgotten.has(id)) continue;
    // A node that lost its record, or went back to an earlier one, says that it cannot prove what it may have told before;
    // of the two ends the earlier stands, whichever is heard first.
    // What may run twice may end in two ways there: both are shown.
    const doubtful = world.replaced.has(receiverOf(subject));
    const twice = doubtful && IDEMPOTENT.has(parseSubject(subject).method);
    let state: string;
    let isShown: boolean;
    try {
      const detail = world.message(id, origin);
      state = detail.state;
      isShown = detail.conflict !== undefined;
      const ends = [state, detail.conflict?.state];
      const unknowable = world.unknowable.has(id);
      if (detail.conflict !== undefined && !unknowable && !(twice || (doubtful && ends.includes("interrupted"))))
        breaches.push(`${id} ended twice: ${state} and ${detail.conflict.state}`);
      if (isFinal(kindOf(subject), detail.state)) ok++;
      else open.push(id);
      if (unknowable) continue;
    } catch {
      lost.push(id);
      continue;
    }
    const finals = world.finals.get(id) ?? [];
    // An origin that went back says "never sent" of what it does not remember sending: its node's word corrects that.
    const corrected = world.replaced.has(origin) && ["expired", "cancelled"].includes(finals[0] ?? "");
    if (new Set(finals).size > 1 && !(twice || corrected || (doubtful && finals[0] === "interrupted")))
      breaches.push(`${id} changed its final state: ${finals.join(", ")}`);
    const last = finals.at(-1);
    if (last !== undefined && last !== state) breaches.push(`${id} was ${last} and is ${state}`);
    if (["expired", "rejected"].includes(state) && world.ledger.runsOf(id) > 0 && !(twice && isShown))
      breaches.push(`${id} is ${state} and ran`);
    if (
      ["succeeded", "failed", "timedOut"].includes(state) &&
      subject.includes(".command.work.") &&
      world.ledger.runsOf(id) !== 1
    ) {
      breaches.push(`${id} is ${state} and ran ${world.ledger.runsOf(id)} times`);
    }
  }
  const runs = new Map<string, number>();
  for (const { id, method } of world.ledger.runs) if (!IDEMPOTENT.has(method)) runs.set(id, (runs.get(id) ?? 0) + 1);
  const doubled = [...runs].flatMap(([id, times]) => (times > 1 && !world.unknowable.has(id) ? [id] : []));
  breaches.push(...outOfOrder(world), ...differsFromDisk(world), ...unsound(world));
  return { ok, lost, doubled, open, breaches };
}

/** Commands of one lane began in the order in which they were accepted (with a concurrency of 1). */
function outOfOrder(world: World): string[] {
  const place = new Map(world.accepted.flatMap(({ id, held }, at) => (held === true ? [] : [[id, at] as const])));
  const kind = (at: number): string => (world.accepted[at]?.urgent === true ? "urgent" : "");
  const latest = new Map<string, number>();
  // Programs have a ledger of their own on each host.
  const programs = world.nodes.flatMap((name) => world.host(name).ledger);
  const begun = [
    ...world.ledger.runs,
    ...programs.map((id) => ({ id, subject: world.accepted[place.get(id) ?? -1]?.subject ?? "", method: "program" })),
  ];
  return begun.flatMap(({ id, subject, method }) => {
    const at = place.get(id);
    // What an origin sent before it lost its disk is of another lane than what it sent since.
    if (at === undefined || IDEMPOTENT.has(method) || world.forgotten.has(id) || world.unknowable.has(id)) return [];
    const lane = `${world.accepted[at]?.origin} ${subject} ${kind(at)}`;
    const before = latest.get(lane) ?? -1;
    latest.set(lane, Math.max(before, at));
    return at < before ? [`${id} overtook on ${lane}`] : [];
  });
}

/** What a restart would read is what the daemon shows. */
function differsFromDisk(world: World): string[] {
  return world.nodes.flatMap((name) => {
    if (!world.isUp(name)) return [];
    const disk = emptyDisk();
    for (const table of TABLES) {
      for (const entry of world.store(name).range(table, {})) {
        disk.tables.get(table)?.set([entry.key].flat().join("\u0000"), entry);
      }
    }
    const rebuilt = openJournal(openMemoryStore(disk), {
      node: name,
      path: "",
      clock: world.time,
      random: seededRandom(1),
    });
    return world.accepted.flatMap(({ id, origin }) => {
      if (origin !== name || world.forgotten.has(id)) return [];
      const found = rebuilt.outbox.find(id);
      const held = found === undefined ? rebuilt.held.find(id) : undefined;
      if (held !== undefined && held.group.at(held.index) !== 1) return [];
      if (found === undefined) return [`${id} is not in the journal of ${name}`];
      const [before, after] = [world.state(id, name), rebuilt.outbox.stateOf(found.lane, found.record)];
      return before === after || before === "unknown"
        ? []
        : [`${id} is ${before}, and would be ${after} after a restart`];
    });
  });
}

/** The rows of each journal have their shapes and agree with each other, as `steward doctor` would say. */
function unsound(world: World): string[] {
  return world.nodes.flatMap((name) => {
    if (!world.isUp(name)) return [];
    const { problems } = checkJournal(world.store(name));
    return problems.map(({ table, key, fault }) => `the journal of ${name} is not sound: ${table} ${key}: ${fault}`);
  });
}
