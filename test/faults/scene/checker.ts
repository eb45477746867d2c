import { existsSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { isDeepStrictEqual } from "node:util";
import { checkOffline } from "../../../src/journal/offline.ts";
import { systemClock } from "../../../src/platform/system-clock.ts";
import type { MessageDetail, MessageView } from "../../../src/runtime/operate/table/messages.ts";
import { eventuallySeen } from "../../harness/eventually.ts";
import type { Fleet } from "../../harness/fleet/fleet.ts";
import type { TestNode } from "../../harness/fleet/test-node.ts";
import { LAST_WORD, type Ledger } from "./ledger.ts";

/**
 * Holds what a fleet did against what it promised, once the fault is over: the ledger that the commands wrote, the command
 * line and the API of central, and what central and the edges know after they were killed and rebuilt from their journals.
 *
 * I1 an accepted id is known to its origin. I2 no id ran twice. I3 what ran has its outcome at the origin. I4 no final state
 * changed. I5 the state rebuilt from the journal is the one before, and the
 * journal is sound, as `steward doctor` would say, and was never taken for one that was put back or damaged. I6 order in a
 * lane. I7 queues drain. I8 no record of a run stays behind (processes and files: the fleet's own end). I9 the shown link is
 * the true one.
 */
export interface Evidence {
  readonly fleet: Fleet;
  readonly ledger: Ledger;
  /** In the order in which they were accepted. */
  readonly accepted: readonly string[];
  /** Domains whose commands run one after the other. */
  readonly ordered?: readonly string[];
  /** What must hold of more than the ledger's own commands, one line for each fault. */
  readonly faults?: readonly string[];
  /** Milliseconds for everything to drain; default 30 s. */
  readonly within?: number;
}

/** In Jepsen's words: `unknown` is what ended as `interrupted`, its end cannot be proved. */
export interface Verdict {
  readonly commands: number;
  readonly ok: number;
  readonly lost: number;
  readonly doubled: number;
  /** Commands of an ordered domain that began in the place of another one. */
  readonly disordered: number;
  readonly unknown: number;
  /** One line for each breach of an invariant, the first of each kind. */
  readonly breaches: readonly string[];
}

const MANY = 100_000;
/** A daemon that was long without a broker dials again within 15 s, and a dial into a silent link takes another 15. */
export const RECONNECTS = 35_000;

export async function check(evidence: Evidence): Promise<Verdict> {
  const { fleet, ledger, accepted, ordered = [], faults = [], within = 30_000 } = evidence;
  const breaches = new Breaches();
  for (const fault of faults) breaches.add("fault", fault);
  const { central } = fleet;
  const edges = fleet.nodes.filter((node) => node !== central);

  await drained(fleet, within).catch((error: unknown) => breaches.add("I7", String(error)));
  for (const { name } of edges) {
    await fleet.link(name, "online", RECONNECTS).catch((error: unknown) => breaches.add("I9", String(error)));
  }
  const views = await listed(central);
  const known = new Map(views.map((view) => [view.id, view]));
  const lines = await ledger.lines();
  const runs = new Map<string, number>();
  for (const { id, what } of lines) if (what === "ran") runs.set(id, (runs.get(id) ?? 0) + 1);

  const lost = new Set<string>();
  for (const id of accepted) {
    if (known.has(id)) continue;
    lost.add(id);
    breaches.add("I1", `${id} was accepted and is not known to its origin`);
  }
  const doubled = [...runs].filter(([, count]) => count > 1);
  for (const [id, count] of doubled) breaches.add("I2", `${id} ran ${count} times`);
  for (const id of runs.keys()) {
    // What is open is not lost; that it did not drain is told above.
    if (known.has(id)) continue;
    lost.add(id);
    breaches.add("I3", `${id} ran and is not known at its origin`);
  }
  for (const { id } of views) {
    const detail = await central.api.message(id);
    const breach = breachOf(detail, runs.get(id) ?? 0);
    if (breach === undefined) continue;
    if (detail.state === "succeeded" && !runs.has(id)) lost.add(id);
    breaches.add(breach.invariant, breach.text);
  }
  const ran = await ledger.ran();
  const subjects = edges.flatMap(({ name }) => ordered.map((domain) => `${name}.command.shellcommand.${domain}`));
  let disordered = 0;
  for (const subject of subjects) {
    const there = new Set(ran.filter((id) => known.get(id)?.subject === subject));
    const wanted = accepted.filter((id) => there.has(id));
    const places = new Map(wanted.map((id, i) => [id, i]));
    // Only the first run counts here: a second one is told above.
    const got = [...there].filter((id) => places.has(id));
    got.forEach((id, i) => {
      if (id === wanted[i]) return;
      disordered++;
      breaches.add("I6", `${subject}: ${id} ran in the place of ${wanted[i]}`);
    });
  }
  for (const node of edges) {
    const all = new Set(known.keys());
    // A node that never ran anything has no such folder.
    const runs = node.stored("runs");
    const left = (): string[] => (existsSync(runs) ? readdirSync(runs) : []).filter((name) => all.has(name));
    await eventuallySeen(`no record of a run on ${node.name}`, () => left().length === 0, 10_000).catch(() =>
      breaches.add("I8", `${left().length} records of runs stay behind on ${node.name}`),
    );
  }
  for (const { node, code, text } of await central.api.alerts())
    if (code === "journal-restored" || code === "journal-damaged") breaches.add("I5", `${node}: ${code}: ${text}`);
  await Promise.all(fleet.nodes.map((node) => rebuilt(node, breaches)));

  const unknown = views.filter(({ state }) => state === "interrupted" || state === "unknown").length;
  const commands = new Set([...accepted, ...known.keys()]).size;
  const ok = commands - lost.size - doubled.length - unknown;
  return { commands, ok, lost: lost.size, doubled: doubled.length, disordered, unknown, breaches: breaches.lines };
}

/** Resolves when central owes nothing and waits for nothing. */
async function drained(fleet: Fleet, within: number): Promise<void> {
  let open: readonly MessageView[] = [];
  const look = async (): Promise<boolean> => {
    open = await fleet.central.api.messages({ direction: "out", open: true, limit: MANY });
    return open.length === 0 && (await fleet.central.api.nodes()).every((node) => node.waiting + node.running === 0);
  };
  await eventuallySeen("everything drains", look, within).catch(() => {
    const [first] = open;
    const which = first === undefined ? "" : `: ${first.id} is ${first.state} ${first.reason ?? ""}`;
    throw new Error(`after ${within} ms ${open.length} messages are open${which}`);
  });
}

/** What an operator is shown: through the command line, as JSON. */
async function listed(central: TestNode): Promise<MessageView[]> {
  const end = await central.steward("messages", "--json", "--out", "--method", "shellcommand", "--limit", `${MANY}`);
  if (end.code !== 0) throw new Error(`steward messages ended with ${end.code}: ${end.stderr}`);
  return JSON.parse(end.stdout) as MessageView[];
}

/** What of a command's record contradicts itself or the ledger. */
function breachOf(
  detail: MessageDetail,
  runs: number,
): { readonly invariant: string; readonly text: string } | undefined {
  const { id, state, history, conflict } = detail;
  const finals = new Set(history.filter((step) => step.state === state).map((step) => step.state));
  if (conflict !== undefined)
    return { invariant: "I4", text: `${id} is ${state}, and ${conflict.state} contradicts it` };
  if (finals.size !== 1 || history.at(-1)?.state !== state) {
    return { invariant: "I4", text: `${id} is ${state} after ${history.map((step) => step.state).join(", ")}` };
  }
  if (state === "succeeded") {
    if (runs === 0) return { invariant: "I3", text: `${id} succeeded and is not in the ledger` };
    const output = detail.output.map(({ text }) => text).join("");
    if (!output.endsWith(LAST_WORD))
      return { invariant: "I3", text: `${id} succeeded and printed ${JSON.stringify(output)}` };
  }
  if ((state === "rejected" || state === "expired") && runs > 0) {
    return { invariant: "I3", text: `${id} is ${state} and ran` };
  }
  return undefined;
}

/** Kills a node and holds what it knows afterwards against what it knew. */
async function rebuilt(node: TestNode, breaches: Breaches): Promise<void> {
  const before = await remembered(node);
  await node.kill();
  const journal = await checkOffline(node.stored("journal"), { clock: systemClock, scratch: tmpdir() });
  for (const { table, key, fault } of journal?.problems ?? [])
    breaches.add("I5", `the journal of ${node.name} is not sound: ${table} ${key}: ${fault}`);
  await node.start();
  const same = async (): Promise<boolean> => isDeepStrictEqual(await remembered(node), before);
  // Of its fellow nodes it knows the journals again when it has heard from them.
  await eventuallySeen("the same", same, 5_000).catch(() => undefined);
  const after = await remembered(node);
  for (const [id, text] of before) {
    if (after.get(id) !== text) breaches.add("I5", `${node.name} knew ${text} and now ${after.get(id) ?? "nothing"}`);
  }
  for (const id of after.keys()) if (!before.has(id)) breaches.add("I5", `${node.name} did not know ${id} before`);
}

/** All that a node knows of messages whose end it has, and of its fellow nodes' journals. */
async function remembered(node: TestNode): Promise<Map<string, string>> {
  const messages = await node.api.messages({ method: "shellcommand", limit: MANY });
  const kept = messages
    .filter(({ final }) => final)
    .map(({ id, direction, state, since, code, reason }): [string, string] => [
      `${direction} ${id}`,
      JSON.stringify({ id, direction, state, since, code, reason }),
    ]);
  const nodes = await Promise.all((await node.api.nodes()).map(({ name }) => node.api.node(name)));
  return new Map([
    ...kept,
    ...nodes
      .filter(({ role, epoch }) => role !== "self" && epoch !== undefined)
      .map(({ name, epoch }): [string, string] => [`node ${name}`, JSON.stringify({ name, epoch })]),
  ]);
}

class Breaches {
  readonly lines: string[] = [];
  readonly #counts = new Map<string, number>();

  /** The first three of a kind are told, the rest would hide the others. */
  add(invariant: string, text: string): void {
    const count = (this.#counts.get(invariant) ?? 0) + 1;
    this.#counts.set(invariant, count);
    if (count <= 3) this.lines.push(`${invariant}: ${text}`);
  }
}
