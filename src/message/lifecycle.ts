import type { Kind } from "./subject.ts";

/**
 * The states of a message, who may assert each, and how assertions fold into one state. Plain code, no machine: at fleet
 * scale a message costs a table look-up. The fold is commutative and idempotent: any order and any repetition of the same
 * assertions end in the same state.
 */
export const STATES = {
  held: { by: "origin", final: false, rank: 0, meaning: "valid, not yet eligible" },
  queued: { by: "origin", final: false, rank: 1, meaning: "durable at the origin; the node may be away" },
  sent: { by: "origin", final: false, rank: 2, meaning: "on the wire; no proof that the node has it" },
  received: { by: "node", final: false, rank: 3, meaning: "durable on the node" },
  running: { by: "node", final: false, rank: 4, meaning: "side effects may have begun" },
  unknown: { by: "origin", final: false, rank: 5, meaning: "contact lost after it was received; a late outcome still counts" },
  succeeded: { by: "node", final: true, rank: 6, meaning: "it ran and ended well" },
  failed: { by: "node", final: true, rank: 6, meaning: "it ran and ended badly" },
  timedOut: { by: "node", final: true, rank: 6, meaning: "it ran longer than its timeout and was ended" },
  cancelled: { by: "node", final: true, rank: 6, meaning: "ended on request; the origin may say so only before the first sending" },
  rejected: { by: "node", final: true, rank: 6, meaning: "refused: signature, permission, method or data; never retried by itself" },
  interrupted: { by: "node", final: true, rank: 6, meaning: "it began, and its end cannot be proved" },
  expired: { by: "node", final: true, rank: 6, meaning: "not started before its deadline; the origin may say so only before the first sending" },
} as const satisfies Record<string, { by: "origin" | "node"; final: boolean; rank: number; meaning: string }>;

export type State = keyof typeof STATES;
export type FinalState = { [S in State]: (typeof STATES)[S]["final"] extends true ? S : never }[State];

/** Somebody's word about a message. `at` is milliseconds since 1970 by the clock of the one who asserts. */
export interface Assertion {
  readonly state: State;
  readonly at: number;
  /** The asserting node's name. */
  readonly by: string;
  readonly reason?: string;
}

/** What is known of one message: the assertions that carry its present state, oldest first, and what contradicts it. */
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

/** Which final assertion stands when two differ: the earlier one; by name when the times are equal. */
function stands(a: Assertion, b: Assertion): Assertion {
  if (a.at !== b.at) return a.at < b.at ? a : b;
  return `${a.by}/${a.state}` <= `${b.by}/${b.state}` ? a : b;
}

/**
 * Folds an assertion into a life. A node's word about what ran beats the origin's guess: a final state asserted by the
 * origin gives way to one asserted by the node.
 */
export function fold(life: Life | undefined, next: Assertion, origin: string): Life {
  if (life === undefined) return { state: next.state, history: [next] };
  const known = life.history.find((a) => a.state === next.state && a.by === next.by);
  // The same word twice: keep the earlier. `unknown` and `sent` may come again; then the later counts.
  const recurring = next.state === "unknown" || next.state === "sent";
  if (known !== undefined && (recurring ? known.at >= next.at : known.at <= next.at)) return life;

  const history = life.history.filter((a) => a !== known);
  history.push(next);
  history.sort((a, b) => STATES[a.state].rank - STATES[b.state].rank || a.at - b.at || (a.by < b.by ? -1 : 1));
  const conflict = life.conflict;
  const finals = [...history, ...(conflict ? [conflict] : [])].filter((a) => STATES[a.state].final);
  if (finals.length === 0) {
    const state = presentState(history, origin);
    return { state, history };
  }
  const asserted = finals.filter((a) => a.by !== origin);
  const candidates = asserted.length > 0 ? asserted : finals;
  const final = candidates.reduce(stands);
  const others = candidates.filter((a) => a.state !== final.state);
  const rest = history.filter((a) => !STATES[a.state].final || a === final);
  if (!rest.includes(final)) rest.push(final);
  const second = others.length > 0 ? others.reduce(stands) : undefined;
  return { state: final.state, history: rest, ...(second ? { conflict: second } : {}) };
}

function presentState(history: readonly Assertion[], origin: string): State {
  const highest = history.reduce((a, b) => (STATES[b.state].rank >= STATES[a.state].rank ? b : a));
  if (highest.state !== "unknown") return highest.state;
  // Contact is back when the node said something after the origin lost it.
  const spoken = history.filter((a) => a.by !== origin);
  const latest = spoken.reduce<Assertion | undefined>((a, b) => (a === undefined || b.at > a.at ? b : a), undefined);
  return latest !== undefined && latest.at > highest.at ? latest.state : "unknown";
}
