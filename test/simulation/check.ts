import { idTime } from "../../src/message/id.ts";
import { isFinal } from "../../src/message/lifecycle.ts";
import { kindOf, receiverOf } from "../../src/message/subject.ts";
import { judge } from "../harness/world/check.ts";
import { quiet } from "../harness/world/time.ts";
import type { World } from "../harness/world/world.ts";
import type { Attempt } from "./play.ts";
import { GUARDED } from "./script.ts";

/** What the promise says of a fleet at rest. Every breach has a kind, and words. */
export interface Violation {
  readonly kind:
    | "lost"
    | "doubled"
    | "late"
    | "trespass"
    | "breach"
    | "invented"
    | "forged"
    | "owed"
    | "vanished"
    | "alarm"
    | "order"
    | "rebuilt"
    | "leftover"
    | "link"
    | "job"
    | "stuck"
    | "threw"
    | "untrue";
  readonly text: string;
}

export interface Checked {
  readonly ok: number;
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  readonly open: readonly string[];
  readonly violations: readonly Violation[];
}

/** Stops the fleet. `truthful`: no clock ever was wrong. */
export async function check(world: World, attempts: readonly Attempt[], truthful = true): Promise<Checked> {
  const { ok, lost, doubled, open, breaches } = judge(world);
  const programs = programsRunTwice(world);
  const violations: Violation[] = [
    ...lost.map((id): Violation => ({ kind: "lost", text: `${id} was accepted, and its origin does not know it` })),
    ...doubled.map((id): Violation => ({ kind: "doubled", text: `${id} ran twice` })),
    ...programs.map((id): Violation => ({ kind: "doubled", text: `the program of ${id} ran twice` })),
    ...breaches.map((text): Violation => ({ kind: "breach", text })),
    ...(truthful && world.replaced.size === 0 ? lateRuns(world, attempts) : []),
    ...trespasses(world),
    ...unaccountedRuns(world, attempts),
    ...(world.replaced.size === 0 ? endsUnseen(world) : []),
    ...unaccountedNotes(world, attempts),
    ...falseAlarms(world),
    ...world.witness.faults.map((text): Violation => ({ kind: "forged", text })),
    ...world.faults.map((error): Violation => ({ kind: "threw", text: `a daemon threw into the broker: ${error}` })),
  ];
  violations.push(...(await rebuilt(world)), ...(await leftovers(world)));
  return { ok, lost, doubled: [...doubled, ...programs], open, violations };
}

function programsRunTwice(world: World): string[] {
  return world.nodes.flatMap((name) => {
    const { ledger } = world.host(name);
    return ledger.filter((id, at) => ledger.indexOf(id) !== at && !world.unknowable.has(id));
  });
}

/** Packets that are slow from the beginning of a life look like a fast link, by what links and disks here may add up to, ms. */
const UNSEEN_DELAY = 15_000;

/** Nothing starts after its deadline; an idempotent command may, when it may have begun in time before. */
function lateRuns(world: World, attempts: readonly Attempt[]): Violation[] {
  const startBy = new Map(attempts.map((attempt) => [attempt.n, attempt.startBy]));
  return world.ledger.runs.flatMap(({ id, n, method, began }): Violation[] => {
    const by = n === undefined ? null : (startBy.get(n) ?? null);
    if (by === null || method !== "work" || began <= by + UNSEEN_DELAY) return [];
    return [{ kind: "late", text: `${id} began ${Math.round((began - by) / 1000)} s after its deadline` }];
  });
}

/** Of what is sent there nothing is allowed. */
function trespasses(world: World): Violation[] {
  return world.ledger.runs
    .filter(({ subject }) => subject.endsWith(GUARDED.subject))
    .map(({ id, node }): Violation => ({ kind: "trespass", text: `${id} ran on ${node}, which does not take it` }));
}

/** Whatever ran was accepted by somebody, who knows its end; also what died before it could print the id. */
function unaccountedRuns(world: World, attempts: readonly Attempt[]): Violation[] {
  const runs = new Map<string, Attempt | undefined>();
  for (const { id, n } of world.ledger.runs)
    runs.set(
      id,
      attempts.find((attempt) => attempt.n === n),
    );
  for (const name of world.nodes) for (const id of world.host(name).ledger) runs.set(id, undefined);
  return [...runs].flatMap(([id, attempt]): Violation[] => {
    const origin = attempt?.origin ?? "central";
    if (!world.isUp(origin) || world.forgotten.has(id)) return [];
    // Nobody was told the id: it was made before its origin's disk was replaced, so that disk alone could know it.
    const printed = world.accepted.some((line) => line.id === id);
    const lost = world.replaced.get(origin);
    // An id tells the time of its origin's clock, which may be wrong.
    const made = attempt?.at ?? idTime(id) - world.time.now() + world.time.monotonic();
    if (!printed && lost !== undefined && made <= lost) return [];
    try {
      const { final, state } = world.message(id, origin);
      return final ? [] : [{ kind: "owed", text: `${id} ran, and is ${state} at ${origin}` }];
    } catch {
      return [{ kind: "invented", text: `${id} ran, and ${origin} does not know it` }];
    }
  });
}

/** What proved its end on a host that kept its disk is not told as interrupted. */
function endsUnseen(world: World): Violation[] {
  return world.nodes.flatMap((name) =>
    [...world.host(name).exited].flatMap((id): Violation[] => {
      if (world.forgotten.has(id) || !world.accepted.some((line) => line.id === id)) return [];
      const { state, reason } = world.message(id);
      const text = `the program of ${id} came to its end on ${name}, and is interrupted: ${reason}`;
      return state === "interrupted" ? [{ kind: "untrue", text }] : [];
    }),
  );
}

/** An event that was accepted is in the sink of its receiver, once and in order, or something visible says why not. */
function unaccountedNotes(world: World, attempts: readonly Attempt[]): Violation[] {
  const violations: Violation[] = [];
  const lanes = new Map<string, Attempt[]>();
  for (const attempt of attempts) {
    if (kindOf(attempt.subject) !== "event") continue;
    const key = `${attempt.origin} ${attempt.subject}`;
    lanes.set(key, [...(lanes.get(key) ?? []), attempt]);
  }
  for (const [lane, sent] of lanes) {
    const [origin = "", subject = ""] = lane.split(" ");
    const receiver = receiverOf(subject);
    if (!world.isUp(origin) || !world.isUp(receiver)) continue;
    const stored = world.ledger.notesOf(receiver, origin).map((note) => (note as { n: number }).n);
    const dead = new Set(
      world
        .daemon(receiver)
        .operations.dead()
        .map(({ id }) => id),
    );
    if (world.replaced.has(origin) || world.replaced.has(receiver)) {
      violations.push(...lostInSilence(world, lane, sent, new Set(stored)));
      continue;
    }
    if (new Set(stored).size !== stored.length)
      violations.push({ kind: "doubled", text: `a note of ${lane} is there twice` });
    if (stored.some((n, at) => n < (stored[at - 1] ?? -1))) {
      violations.push({ kind: "order", text: `notes of ${lane} are out of order: ${stored.join(" ")}` });
    }
    for (const { n, id, answer } of sent) {
      if (answer === "refused" && stored.includes(n)) {
        violations.push({ kind: "invented", text: `note ${n} of ${lane} was refused, and is stored` });
      }
      if (id === undefined) continue;
      const state = stateOf(world, id, origin);
      if (state === undefined) continue;
      const delivered = state === "received" || state === "succeeded";
      if (delivered && !stored.includes(n) && !dead.has(id)) {
        violations.push({
          kind: "vanished",
          text: `${id} (note ${n} of ${lane}) is ${state}, and neither stored nor dead`,
        });
      }
      if (!delivered && isFinal("event", state) && stored.includes(n)) {
        violations.push({ kind: "breach", text: `${id} (note ${n} of ${lane}) is ${state}, and stored` });
      }
    }
  }
  return violations;
}

/**
 * Where a disk was lost or restored, events that it held are gone or come again, as the sink's own files went back with it:
 * but somebody was told.
 */
function lostInSilence(world: World, lane: string, sent: readonly Attempt[], stored: ReadonlySet<number>): Violation[] {
  const [origin = "", subject = ""] = lane.split(" ");
  const receiver = receiverOf(subject);
  const loss = world.replaced.get(receiver) ?? -1;
  const told = [origin, receiver].some((name) =>
    world.lines(name).some(({ fields }) => TOLD.has((fields as { code?: string }).code ?? "")),
  );
  const dead = new Set(
    world
      .daemon(receiver)
      .operations.dead()
      .map(({ id }) => id),
  );
  return sent.flatMap(({ n, id, at }): Violation[] => {
    if (id === undefined || stored.has(n) || dead.has(id)) return [];
    const state = stateOf(world, id, origin);
    if (state !== "received" && state !== "succeeded") return [];
    if (at > loss)
      return [{ kind: "vanished", text: `${id} (note ${n} of ${lane}) is ${state}, and was sent after the loss` }];
    return told ? [] : [{ kind: "vanished", text: `${id} (note ${n} of ${lane}) is ${state}, and lost in silence` }];
  });
}

/** Whatever a node says to be lost was not on the disk that was put in the place of another one. */
function falseAlarms(world: World): Violation[] {
  return world.nodes.flatMap((name) =>
    world.lines(name).flatMap(({ fields, text }): Violation[] => {
      const { code } = fields as { code?: string };
      const fault =
        code === "journal-lost" ? missingThere(world, name, text) : code === "new-epoch" && forgottenThere(world, text);
      return typeof fault === "string" ? [{ kind: "alarm", text: `${name} says: ${text}; ${fault}` }] : [];
    }),
  );
}

const MISSING =
  /^\d+ events? (?:was|were) acknowledged to (\w+) by a journal of this node .* not here: (.*)\. \w+ does not/;
const RENEWED =
  /^(\w+) (?:has a new journal|goes on with an earlier state of its journal .* it has forgotten (.*), which)/;
const LANE = /(\S+) (?:\d+ of )?(\d+)(?: to \d+)?(?:, |$)/g;

function missingThere(world: World, receiver: string, text: string): string | undefined {
  const [, origin = "", lanes = ""] = MISSING.exec(text) ?? [];
  const disks = world.putInPlace.get(receiver) ?? [];
  // The numbers of an origin that has another journal are others.
  if (origin !== "" && world.replaced.has(origin)) return undefined;
  for (const [, subject = "", from] of lanes.matchAll(LANE))
    if (!disks.some(({ taken }) => (taken.get(`${origin} ${subject}`) ?? 0) < Number(from)))
      return `its disk had ${subject} ${from}`;
  return lanes === "" ? "nobody can tell what that means" : undefined;
}

function forgottenThere(world: World, text: string): string | undefined {
  const [said, node = "", lanes = ""] = RENEWED.exec(text) ?? [];
  if (said === undefined) return "nobody can tell what that means";
  const disks = world.putInPlace.get(node);
  if (disks === undefined) return `${node} has the disk that it always had`;
  for (const [, subject = "", from] of lanes.matchAll(LANE))
    if (!disks.some(({ given }) => (given.get(subject) ?? 0) < Number(from))) return `it had given ${subject} ${from}`;
  return undefined;
}

const TOLD: ReadonlySet<string> = new Set(["journal-lost", "journal-restored", "new-epoch"]);

function stateOf(world: World, id: string, origin: string) {
  try {
    return world.state(id, origin);
  } catch {
    return undefined;
  }
}

/** Every message that a daemon showed before it was stopped, it shows in the same state when it is back. */
async function rebuilt(world: World): Promise<Violation[]> {
  const before = views(world);
  const up = world.nodes.filter((name) => world.isUp(name));
  await world.stop(...up);
  await world.start(...up);
  const after = views(world);
  return [...before].flatMap(([key, view]): Violation[] =>
    after.get(key) === view
      ? []
      : [{ kind: "rebuilt", text: `${key} was ${view}, and is ${after.get(key)} after a restart` }],
  );
}

function views(world: World): Map<string, string> {
  const seen = new Map<string, string>();
  for (const name of world.nodes) {
    if (!world.isUp(name)) continue;
    for (const { id, direction } of world.daemon(name).operations.messages({ limit: 100_000 })) {
      if (direction === "in" && name === "central") continue;
      const { state, final, conflict, outcome, output, data } = world.message(id, name);
      if (!final) continue;
      seen.set(`${id} at ${name}`, JSON.stringify({ state, conflict, outcome, output, data }));
    }
  }
  return seen;
}

/** Nothing of a daemon that was stopped is there any more. */
async function leftovers(world: World): Promise<Violation[]> {
  const up = world.nodes.filter((name) => world.isUp(name));
  await world.advance(3_000);
  const idle = up.filter((name) => world.host(name).runs.size > 0);
  await world.stop(...up);
  await quiet();
  const bound = world.nodes.flatMap((name) =>
    [`${name}.command.work.os`, `_INBOX.${name}.x.y`].filter(
      (subject) => world.broker.subscriptions.match(subject).length > 0,
    ),
  );
  return [
    ...world.leftovers.map((text): Violation => ({ kind: "leftover", text })),
    ...idle.map((name): Violation => ({ kind: "leftover", text: `files of programs are left at ${name}` })),
    ...bound.map((subject): Violation => ({ kind: "leftover", text: `somebody still subscribes to ${subject}` })),
  ];
}
