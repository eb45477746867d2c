import type { LinkState } from "../../actors/node.ts";
import { STATES, type State } from "../../message/lifecycle.ts";
import type { ProcessState } from "../../runtime/operate/table/processes.ts";
import type { Colour, Paint } from "./paint.ts";

/** The look of a state: a symbol, a word, and a colour. */
interface Look {
  readonly symbol: string;
  readonly word: string;
  readonly colour: Colour;
}

const look = (symbol: string, word: string, colour: Colour): Look => ({ symbol, word, colour });

const MESSAGE: Readonly<Record<State, Look>> = {
  held: look("‖", "held", "yellow"),
  queued: look("○", "queued", "cyan"),
  sent: look("→", "sent", "cyan"),
  received: look("●", "received", "cyan"),
  running: look("▶", "running", "cyan"),
  unknown: look("?", "unknown", "yellow"),
  succeeded: look("✓", "succeeded", "green"),
  failed: look("✗", "failed", "red"),
  timedOut: look("✗", "timed out", "red"),
  cancelled: look("⊘", "cancelled", "yellow"),
  rejected: look("✗", "rejected", "red"),
  interrupted: look("✗", "interrupted", "red"),
  expired: look("⊖", "expired", "yellow"),
};

const LINK: Readonly<Record<LinkState, Look>> = {
  neverSeen: look("·", "never seen", "dim"),
  online: look("●", "online", "green"),
  late: look("◐", "late", "yellow"),
  offline: look("○", "offline", "red"),
};

const PROCESS: Readonly<Record<ProcessState, Look>> = {
  starting: look("◌", "starting", "cyan"),
  idle: look("●", "idle", "green"),
  working: look("▶", "working", "green"),
  backingOff: look("↻", "backing off", "yellow"),
  blocked: look("✗", "blocked", "red"),
  paused: look("‖", "paused", "yellow"),
  quarantined: look("✗", "quarantined", "red"),
  stopped: look("■", "stopped", "dim"),
};

const CHILD: Readonly<Record<string, Look>> = {
  starting: PROCESS.starting,
  running: look("●", "running", "green"),
  backingOff: PROCESS.backingOff,
  quarantined: PROCESS.quarantined,
  stopping: look("◌", "stopping", "dim"),
  stopped: PROCESS.stopped,
};

// A newer daemon may know states that this command line does not.
const show = (known: Look | undefined, state: string, paint: Paint): string =>
  known === undefined ? `? ${state}` : paint(known.colour, `${known.symbol} ${known.word}`);

export const messageState = (state: State, paint: Paint): string => show(MESSAGE[state], state, paint);
export const linkState = (state: LinkState, paint: Paint): string => show(LINK[state], state, paint);
export const processState = (state: ProcessState, paint: Paint): string => show(PROCESS[state], state, paint);
/** The state of a child as its supervisor knows it. */
export const childState = (state: string, paint: Paint): string => show(CHILD[state], state, paint);
export const linkWord = (state: LinkState): string => LINK[state]?.word ?? state;
export const messageSymbol = (state: State, paint: Paint): string =>
  paint(MESSAGE[state]?.colour ?? "dim", MESSAGE[state]?.symbol ?? "?");
export const messageWord = (state: State): string => MESSAGE[state]?.word ?? state;

/** The state that a user wrote: `timedOut`, `timed-out`, `timed out`; `undefined` when there is none of that name. */
export function readState(text: string): State | undefined {
  const bare = text.toLowerCase().replace(/[\s_-]/g, "");
  return (Object.keys(STATES) as State[]).find((state) => state.toLowerCase() === bare);
}
