import type { JobDetail, JobView } from "../../runtime/operate/table/jobs.ts";
import type { MessageView } from "../../runtime/operate/table/messages.ts";
import type { NodeView } from "../../runtime/operate/table/nodes.ts";
import type { ProcessView } from "../../runtime/operate/table/processes.ts";

/** The look of a state: a symbol and a word always, a tone for its colour; the symbols are those of the command line. */
export type Tone = "good" | "busy" | "warn" | "bad" | "quiet";

export interface Look {
  readonly symbol: string;
  readonly word: string;
  readonly tone: Tone;
}

const look = (symbol: string, word: string, tone: Tone): Look => ({ symbol, word, tone });

const MESSAGE: Readonly<Record<MessageView["state"], Look>> = {
  held: look("‖", "held", "warn"),
  queued: look("○", "queued", "busy"),
  sent: look("→", "sent", "busy"),
  received: look("●", "received", "busy"),
  running: look("▶", "running", "busy"),
  unknown: look("?", "unknown", "warn"),
  succeeded: look("✓", "succeeded", "good"),
  failed: look("✗", "failed", "bad"),
  timedOut: look("✗", "timed out", "bad"),
  cancelled: look("⊘", "cancelled", "warn"),
  rejected: look("✗", "rejected", "bad"),
  interrupted: look("✗", "interrupted", "bad"),
  expired: look("⊖", "expired", "warn"),
};

const LINK: Readonly<Record<NodeView["link"], Look>> = {
  neverSeen: look("·", "never seen", "quiet"),
  online: look("●", "online", "good"),
  late: look("◐", "late", "warn"),
  offline: look("○", "offline", "bad"),
};

const PROCESS: Readonly<Record<ProcessView["state"], Look>> = {
  starting: look("◌", "starting", "busy"),
  idle: look("●", "idle", "good"),
  working: look("▶", "working", "busy"),
  backingOff: look("↻", "backing off", "warn"),
  blocked: look("✗", "blocked", "bad"),
  paused: look("‖", "paused", "warn"),
  quarantined: look("✗", "quarantined", "bad"),
  stopped: look("■", "stopped", "quiet"),
};

/** The states of a child as its supervisor knows them. */
const CHILD: Readonly<Record<string, Look>> = {
  starting: look("◌", "starting", "busy"),
  running: look("●", "running", "good"),
  backingOff: look("↻", "backing off", "warn"),
  quarantined: look("✗", "quarantined", "bad"),
  stopping: look("◌", "stopping", "quiet"),
  stopped: look("■", "stopped", "quiet"),
};

/** States of the other regions of a node. */
const REGION: Readonly<Record<string, Look>> = {
  none: look("·", "none", "quiet"),
  resyncing: look("↻", "resyncing", "warn"),
  live: look("●", "live", "good"),
  idle: look("●", "idle", "good"),
  busy: look("▶", "busy", "busy"),
  pending: look("◌", "pending", "quiet"),
  accepted: look("✓", "accepted", "good"),
  revoked: look("⊘", "revoked", "bad"),
  ok: look("●", "ok", "good"),
  low: look("◐", "low", "warn"),
  full: look("✗", "full", "bad"),
};

const JOB: Readonly<Record<JobView["state"], Look>> = {
  draft: look("◌", "draft", "quiet"),
  awaitingApproval: look("‖", "awaits approval", "warn"),
  scheduled: look("○", "scheduled", "busy"),
  running: look("▶", "running", "busy"),
  paused: look("‖", "paused", "warn"),
  done: look("✓", "done", "good"),
  doneWithFailures: look("✗", "done with failures", "bad"),
  aborted: look("⊘", "aborted", "bad"),
  cancelled: look("⊘", "cancelled", "warn"),
  expired: look("⊖", "expired", "warn"),
};

/** The look of an alert: `raised`, or `over` once its cause is gone. */
export const alertLook = (state: string): Look =>
  state === "over" ? look("✓", "over", "quiet") : look("!", "raised", "bad");

const SCHEDULE: Readonly<Record<string, Look>> = {
  waiting: look("○", "waiting", "busy"),
  due: look("◌", "due", "busy"),
  running: look("▶", "running", "busy"),
  paused: look("‖", "paused", "warn"),
  ended: look("■", "ended", "quiet"),
};

/** A newer daemon may know states that this page does not. */
const unknown = (state: string): Look => look("?", state, "warn");

export const messageLook = (state: string): Look => MESSAGE[state as MessageView["state"]] ?? unknown(state);
export const scheduleLook = (state: string): Look => SCHEDULE[state] ?? unknown(state);
export const jobLook = (state: string): Look => JOB[state as JobView["state"]] ?? unknown(state);
/** The look of a count of a job, which has the name of a state of messages. */
export const countLook = (kind: keyof JobDetail["counts"]): Look => messageLook(kind);
export const linkLook = (state: string): Look => LINK[state as NodeView["link"]] ?? unknown(state);
export const childLook = (state: string): Look => CHILD[state] ?? unknown(state);
export const processLook = (state: string): Look => PROCESS[state as ProcessView["state"]] ?? unknown(state);
export const regionLook = (region: string, state: string): Look =>
  region === "link" ? linkLook(state) : (REGION[state] ?? unknown(state));

export const MESSAGE_STATES = Object.keys(MESSAGE) as MessageView["state"][];
