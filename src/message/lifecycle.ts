import type { Kind } from "./subject.ts";

/**
 * The states of a message, and how assertions fold into one state. Plain code, no machine: at fleet scale a message costs
 * a table look-up. The fold is commutative and idempotent: any order and any repetition of the same assertions end in the
 * same state. `rank`: the order in which a message passes its states.
 *
 * The origin asserts `held`, `queued`, `sent` and `unknown`, the node all others; `cancelled` and `expired` the origin too,
 * before the first sending.
 */
export const STATES = {
  /** Valid, not yet eligible. */
  held: { final: false, rank: 0 },
  /** Durable at the origin; the node may be away. */
  queued: { final: false, rank: 1 },
  /** On the wire; no proof that the node has it. */
  sent: { final: false, rank: 2 },
  /** Durable on the node. */
  received: { final: false, rank: 3 },
  /** Side effects may have begun. */
  running: { final: false, rank: 4 },
  /** Contact was lost after `received`; a late outcome still counts. */
  unknown: { final: false, rank: 5 },
  succeeded: { final: true, rank: 6 },
  failed: { final: true, rank: 6 },
  timedOut: { final: true, rank: 6 },
  cancelled: { final: true, rank: 6 },
  /** Refused for its signature, permission, method or data; never tried again by itself. */
  rejected: { final: true, rank: 6 },
  /** Begun, and its end cannot be proved. */
  interrupted: { final: true, rank: 6 },
  /** Not started before its deadline. */
  expired: { final: true, rank: 6 },
} as const satisfies Record<string, { final: boolean; rank: number }>;

export type State = keyof typeof STATES;
export type FinalState = { [S in State]: (typeof STATES)[S]["final"] extends true ? S : never }[State];

/** The word of a node about a message. `at` is milliseconds since 1970 by the clock of the node that asserts. */
export interface Assertion {
  readonly state: State;
  readonly at: number;
  /** The asserting node's name. */
  readonly by: string;
  readonly reason?: string;
}

/**
 * The knowledge of one message: the assertions that carry its present state, oldest first, and the one that contradicts
 * it.
 */
export interface Life {
  readonly state: State;
  readonly history: readonly Assertion[];
  /** A second, different final state; the first stands. */
  readonly conflict?: Assertion;
}

/** An event's road ends when its receiver has it; a command's when it has an outcome. */
export function isFinal(kind: Kind, state: State): boolean {
  return STATES[state].final || (kind === "event" && state === "received");
}

export function isFinalState(state: State): state is FinalState {
  return STATES[state].final;
}

/** The assertion of the end that stands. */
export function endOf(life: Life | undefined): Assertion | undefined {
  return life?.history.find((assertion) => isFinalState(assertion.state));
}

/** States that may be asserted again and again: then the latest word counts, else the earliest. */
const RECURRING: ReadonlySet<State> = new Set<State>(["held", "sent", "unknown"]);

/**
 * Folds an assertion into a life. A node's word about what ran beats the origin's guess: a final state asserted by the
 * origin gives way to one asserted by the node. Gives back the same object when nothing is new.
 *
 * Why the order cannot matter: of each state and asserter one assertion is kept, the least by a total order; of the final
 * ones the two least of different states are kept, and what was dropped could never become one of these two again.
 */
export function fold(life: Life | undefined, next: Assertion, origin: string): Life {
  if (life === undefined) return { state: next.state, history: [next] };
  if (isFinalState(next.state)) return foldFinal(life, next, origin);
  const known = life.history.find((a) => a.state === next.state && a.by === next.by);
  if (known !== undefined && preferred(known, next) === known) return life;
  const history = [...life.history.filter((a) => a !== known), next].sort(inOrder);
  return { ...life, state: isFinalState(life.state) ? life.state : presentState(history, origin), history };
}

/** The fold of the usual case in one step: assertions of different states in their order, none of them final but the last. */
export function lifeOf(history: readonly Assertion[]): Life {
  const last = history[history.length - 1];
  return { state: last?.state ?? "queued", history };
}

function foldFinal(life: Life, next: Assertion, origin: string): Life {
  const standing = endOf(life);
  const guessed = (a: Assertion): number => (a.by === origin ? 1 : 0);
  const finals = [standing, life.conflict, next].filter((a) => a !== undefined);
  const [first = next, ...others] = finals.sort((a, b) => guessed(a) - guessed(b) || earlier(a, b));
  const conflict = others.find((a) => a.state !== first.state && guessed(a) === guessed(first));
  if (first === standing && conflict === life.conflict) return life;
  const history = [...life.history.filter((a) => !isFinalState(a.state)), first];
  return { state: first.state, history, ...(conflict === undefined ? {} : { conflict }) };
}

/** The one to keep of two assertions of the same state by the same node. */
function preferred(known: Assertion, next: Assertion): Assertion {
  const order = RECURRING.has(next.state) ? earlier(next, known) : earlier(known, next);
  return order <= 0 ? known : next;
}

/** A total order: nothing but equal assertions compare as 0, else a tie would be decided by who came first. */
function earlier(a: Assertion, b: Assertion): number {
  return a.at - b.at || compare(a.by, b.by) || compare(a.state, b.state) || compare(a.reason ?? "", b.reason ?? "");
}

function inOrder(a: Assertion, b: Assertion): number {
  return STATES[a.state].rank - STATES[b.state].rank || earlier(a, b);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function presentState(history: readonly Assertion[], origin: string): State {
  const last = history.at(-1);
  if (last?.state !== "unknown") return last?.state ?? "queued";
  // Contact is back when the node said something after the origin lost it.
  const spoken = history.filter((a) => a.by !== origin && a.state !== "unknown");
  return spoken.some((a) => a.at > last.at) ? (spoken.at(-1)?.state ?? "unknown") : "unknown";
}
